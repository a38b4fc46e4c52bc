//! What a codec's hook has heard.

use std::sync::{Arc, Mutex};

use sealed_session::{CodecBuilder, CodecEvent, CodecEventKind, KeyId, SessionId, SessionKind};

use super::key;

/// The events of codecs, in their order.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Line>>>);

/// What happened, and to which session.
type Line = (String, Option<SessionId>);

impl Heard {
    /// Lets the hook of a codec be heard.
    pub(crate) fn by<K: SessionKind>(&self, builder: CodecBuilder<K>) -> CodecBuilder<K> {
        let heard = self.clone();
        builder.on_event(move |event| heard.note(event))
    }

    pub(crate) fn note(&self, event: &CodecEvent<'_>) {
        let line = format!("{} {}", event.cookie, what(event.kind));
        self.0.lock().unwrap().push((line, event.session));
    }

    /// What was heard since this was asked before.
    pub(crate) fn take(&self) -> Vec<String> {
        self.take_all().into_iter().map(|(line, _)| line).collect()
    }

    /// The same, with the sessions' names.
    pub(crate) fn take_all(&self) -> Vec<Line> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Asserts what was heard since it was asked before.
    #[track_caller]
    pub(crate) fn is(&self, expected: &[&str]) {
        assert_eq!(self.take(), expected);
    }
}

/// The number of a test's key.
fn number(id: KeyId) -> u8 {
    (1..=9).find(|byte| key(*byte).id() == id).expect("a key of the tests")
}

fn what(kind: CodecEventKind) -> String {
    let code = kind.code();
    match kind {
        CodecEventKind::Opened { key, age, .. } => {
            format!("{code} by {} ({})", number(key), age.code())
        }
        CodecEventKind::Refused { reason, .. } => format!("{code}: {}", reason.code()),
        CodecEventKind::Sealed { key, .. } | CodecEventKind::Refreshed { key, .. } => {
            format!("{code} by {}", number(key))
        }
        CodecEventKind::Resealed { key, previous, .. } => {
            format!("{code} by {} after {}", number(key), number(previous))
        }
        CodecEventKind::TooLarge { size, limit, .. } => {
            assert!(size > limit);
            format!("{code}: above {limit}")
        }
        _ => code.to_owned(),
    }
}
