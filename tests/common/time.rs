//! Times as tests write them: seconds since the Unix epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time that is so many seconds after the beginning of 1970.
pub(crate) fn at(unix_seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_seconds)
}

/// The whole seconds of a time since the beginning of 1970.
#[allow(dead_code, reason = "not every test asks back")]
pub(crate) fn secs(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
