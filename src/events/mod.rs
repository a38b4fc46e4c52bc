//! What a codec does is told here, once for each event: to the log, to the `metrics` facade and to the
//! hook of `CodecBuilder::on_event`. No event carries a cookie, a key or a plaintext.
//!
//! All three are foreign code and may use the session and the codec. So never call a function of this
//! module while holding a lock.

#[cfg(feature = "metrics")]
mod counters;
mod event;
#[cfg(feature = "key-directory")]
pub(crate) mod gauges;

use std::cell::Cell;

#[cfg(feature = "metrics")]
use self::counters::Counters;
pub use self::event::{CodecEvent, CodecEventKind, KeyAge};
use crate::error::Refusal;
use crate::logging;

/// The function of `CodecBuilder::on_event`.
pub(crate) type Hook = Box<dyn Fn(&CodecEvent<'_>) + Send + Sync>;

/// Who is told of a codec's events.
#[derive(Default)]
pub(crate) struct Events {
    hook: Option<Hook>,
    #[cfg(feature = "metrics")]
    counters: Counters,
}

impl Events {
    pub(crate) fn new(hook: Option<Hook>) -> Self {
        Self {
            hook,
            #[cfg(feature = "metrics")]
            counters: Counters::default(),
        }
    }

    /// Whether anybody may want to hear of what most requests do. (The log hears of the rest in any case,
    /// which is what `tracing`'s feature `log` needs.)
    #[inline]
    pub(crate) fn is_heard(&self) -> bool {
        self.hook.is_some() || cfg!(feature = "metrics") || logging::has_listeners()
    }

    /// Tells of an event that is not a refusal.
    pub(crate) fn tell(&self, event: &CodecEvent<'_>) {
        log(event);
        self.pass_on(event);
    }

    /// Tells that a token of this length was refused. The log has more details than the event.
    pub(crate) fn refused(&self, cookie: &str, refusal: &Refusal, length: Option<usize>) {
        logging::refused(cookie, refusal, length);
        let kind = CodecEventKind::Refused { reason: refusal.kind };
        self.pass_on(&CodecEvent { cookie, session: None, kind });
    }

    fn pass_on(&self, event: &CodecEvent<'_>) {
        #[cfg(feature = "metrics")]
        self.counters.count(event);
        // Last, because it may panic.
        if let Some(hook) = &self.hook {
            call(hook, event);
        }
    }
}

fn log(event: &CodecEvent<'_>) {
    let CodecEvent { cookie, session, kind } = *event;
    match kind {
        CodecEventKind::Opened { key, age: KeyAge::Older } => {
            logging::opened_by_older_key(cookie, key, session);
        }
        CodecEventKind::Opened { key, age } => logging::opened(cookie, key, age.code(), session),
        // `Events::refused` has more to say.
        CodecEventKind::Refused { .. } => {}
        CodecEventKind::Sealed { key } => logging::sealed(cookie, key, session),
        CodecEventKind::Refreshed { key } => logging::refreshed(cookie, key, session),
        CodecEventKind::Resealed { key, previous } => {
            logging::resealed(cookie, key, previous, session);
        }
        CodecEventKind::Removed => logging::removed(cookie, session),
        CodecEventKind::TooLarge { size, limit } => logging::too_large(cookie, size, limit),
    }
}

thread_local! {
    /// A hook runs on this thread.
    static IN_HOOK: Cell<bool> = const { Cell::new(false) };
}

/// Calls a hook, unless one is running on this thread: what a hook does with a codec would call it again
/// and again.
fn call(hook: &Hook, event: &CodecEvent<'_>) {
    /// Also if the hook panics.
    struct Leave;

    impl Drop for Leave {
        fn drop(&mut self) {
            IN_HOOK.set(false);
        }
    }

    if !IN_HOOK.replace(true) {
        let _leave = Leave;
        hook(event);
    }
}
