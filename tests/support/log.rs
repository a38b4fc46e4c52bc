//! A log that is kept, to see what is in it and what is not.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Dispatch;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// While there is one subscriber alone, `tracing` asks only the thread that comes to an event first
/// whether anybody listens, and keeps the answer for all threads. With a second it asks everybody.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Log::default()));

/// What is logged on this thread while `work` runs, at every level: a line an event or span.
pub(crate) fn log_of<R>(work: impl FnOnce() -> R) -> (R, String) {
    let log = Log::new();
    let result = tracing::subscriber::with_default(log.clone(), work);
    (result, log.text())
}

/// What is logged on the threads whose default subscriber it is.
#[derive(Clone, Default)]
pub(crate) struct Log {
    text: Arc<Mutex<String>>,
}

struct Line<'l>(&'l mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Log {
    pub(crate) fn new() -> Self {
        LazyLock::force(&SECOND);
        Self::default()
    }

    /// What has been logged until now: a line an event or span.
    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    fn write(&self, metadata: Option<&Metadata<'_>>, record: impl FnOnce(&mut dyn Visit)) {
        let mut line = metadata.map_or(String::new(), |metadata| {
            format!("{} {}", metadata.level(), metadata.target())
        });
        record(&mut Line(&mut line));
        let mut text = self.text.lock().unwrap();
        writeln!(text, "{line}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(Some(span.metadata()), |line| span.record(line));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        self.write(None, |line| values.record(line));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.write(Some(event.metadata()), |line| event.record(line));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
