//! What the time is. The only file that reads the clock.

use std::time::SystemTime;

use super::plan::Millis;
use super::times::millis;
use crate::failure::Failure;

/// The time, in milliseconds since the Unix epoch.
///
/// In a debug build, tests can set it by an environment variable, in whole seconds or as a date. A release
/// build has no such code: no setting that is left behind can make keys with a wrong date.
pub(crate) fn now() -> Result<Millis, Failure> {
    #[cfg(debug_assertions)]
    if let Ok(text) = std::env::var("SEALED_SESSION_TEST_NOW") {
        return crate::time::parse_time(&text).map(millis).map_err(Failure::new);
    }
    Ok(millis(SystemTime::now()))
}
