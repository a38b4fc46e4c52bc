//! What the integration tests share: keys, kinds of sessions and times here; a browser and a server,
//! a kept log, attacks, the peer's tokens, child processes and directories in the modules.
#![allow(dead_code, unused_imports, reason = "each test program uses a part of it")]

pub(crate) mod attack;
#[cfg(feature = "axum")]
mod browser;
pub(crate) mod child;
#[cfg(feature = "fastify")]
pub(crate) mod fastify;
pub(crate) mod heard;
#[cfg(feature = "tracing")]
pub(crate) mod log;
mod rng;
#[cfg(feature = "axum")]
pub(crate) mod server;
mod temp_dir;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sealed_session::{Codec, Entries, Key, Keyring, SessionKind, TestClock};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[cfg(feature = "axum")]
pub(crate) use browser::{Browser, Page, who};
pub(crate) use rng::Rng;
pub(crate) use temp_dir::TempDir;

/// The second at which the clocks of most tests stand at first.
pub(crate) const START: u64 = 1_700_000_000;
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The time that is so many seconds after the beginning of 1970.
pub(crate) fn at(unix_seconds: u64) -> SystemTime {
    UNIX_EPOCH + seconds(unix_seconds)
}

/// The whole seconds of a time since the beginning of 1970.
pub(crate) fn secs(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32]).unwrap()
}

/// A ring of these keys, the primary first.
pub(crate) fn ring(bytes: &[u8]) -> Keyring {
    let (first, rest) = bytes.split_first().unwrap();
    rest.iter()
        .fold(Keyring::new(key(*first)), |ring, byte| ring.with_previous(key(*byte)).unwrap())
}

/// A codec with these keys, whose clock stands at this second.
pub(crate) fn codec_at<K: SessionKind>(keys: &[u8], unix_seconds: u64) -> Codec<K> {
    Codec::builder(ring(keys)).clock(TestClock::at(unix_seconds)).build().unwrap()
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Login {
    pub(crate) user_id: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

pub(crate) const SEVEN: Login = Login { user_id: 7 };
pub(crate) const EIGHT: Login = Login { user_id: 8 };

/// Another kind with the same payload, and without any trait of its own: a name is all it is.
pub(crate) struct Admin;

impl SessionKind for Admin {
    type Data = Login;
    const NAME: &'static str = "admin";
}

/// A login by a name, which may be as long or as telling as a test needs.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct NamedLogin {
    pub(crate) user: String,
}

impl SessionKind for NamedLogin {
    type Data = Self;
    const NAME: &'static str = "login";
}

/// Keeps the JSON as it is spelt: whatever is authentic opens.
pub(crate) struct Raw;

impl SessionKind for Raw {
    type Data = Box<RawValue>;
    const NAME: &'static str = "session";
}

/// The entries of this JSON object.
#[track_caller]
pub(crate) fn entries(json: &str) -> Entries {
    serde_json::from_str(json).unwrap()
}

/// JavaScript's `encodeURIComponent`, for what stands in a token.
pub(crate) fn percent_encode(token: &str) -> String {
    token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace(';', "%3B")
}
