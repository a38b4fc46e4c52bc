//! Counts what the codec does, in the text format of Prometheus. The names are those of the feature
//! `metrics`, which does the same for programs that use the crate `metrics`.

use std::sync::{Mutex, PoisonError};

use sealed_session::{CodecEvent, CodecEventKind};

/// How often each kind of event has happened, in the order in which each happened first.
#[derive(Default)]
pub(crate) struct Counters(Mutex<Vec<(String, u64)>>);

impl Counters {
    /// For `CodecBuilder::on_event`.
    pub(crate) fn count(&self, event: &CodecEvent<'_>) {
        let more = match event.kind {
            CodecEventKind::Opened { key, age, .. } => {
                format!(",key=\"{key}\",age=\"{}\"", age.code())
            }
            CodecEventKind::Refused { reason, .. } => format!(",reason=\"{}\"", reason.code()),
            CodecEventKind::Sealed { key, .. }
            | CodecEventKind::Refreshed { key, .. }
            | CodecEventKind::Resealed { key, .. } => format!(",key=\"{key}\""),
            _ => String::new(),
        };
        let (name, cookie) = (event.kind.code(), event.cookie);
        let line = format!("sealed_session_{name}_total{{cookie=\"{cookie}\"{more}}}");
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => counts.push((line, 1)),
        }
    }

    /// What Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(line, count)| format!("{line} {count}\n")).collect()
    }
}
