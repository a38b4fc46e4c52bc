//! Whether the clock can be right. One wrong run must do no harm: a key dated a year ahead blocks the
//! rotation until then, and a clock that is ahead makes every key look old enough to go.

use super::Refusal;
use crate::keys::settings::Settings;
use crate::keys::state::State;

/// Whether what earlier runs noted still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trusted {
    Yes,
    /// The clock jumped, and a person said that it is right now. So it was perhaps wrong before, and the
    /// times that were noted then mean nothing.
    Anew,
}

/// Refuses a clock that is before the last run, or more than `max_gap` after it, unless a person accepts it.
///
/// `settle` bounds how far the clocks of servers differ; two hosts that rotate may differ as much.
pub(crate) fn check(
    accepted: bool,
    settings: &Settings,
    past: Option<&State>,
    now: u64,
) -> Result<Trusted, Refusal> {
    let Some(past) = past else {
        return Ok(Trusted::Yes);
    };
    let last_run = past.last_run;
    let refusal = if now.saturating_add(settings.settle) < last_run {
        Refusal::ClockBeforeLastRun { now, last_run }
    } else if now > last_run.saturating_add(settings.max_gap) {
        Refusal::LongAfterLastRun { now, last_run, max_gap: settings.max_gap }
    } else {
        return Ok(Trusted::Yes);
    };
    if accepted { Ok(Trusted::Anew) } else { Err(refusal) }
}
