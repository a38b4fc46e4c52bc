//! Why a run changes nothing until a person has looked.

use std::fmt;
use std::time::Duration;

use sealed_session::KeyId;

use crate::keys::times::{Time, written};
use crate::time::rounded;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    ClockBeforeLastRun { now: u64, last_run: u64 },
    LongAfterLastRun { now: u64, last_run: u64, max_gap: u64 },
    KeyTooFarAhead { name: String, id: KeyId, now: u64 },
    NotLater { name: String },
    KeysVanished,
    AfterTooShort { after: u64, settle: u64 },
    EveryTooShort { every: u64, after: u64 },
    SweepTooSoon { sweep_after: u64 },
    TooLong,
    UnknownId { id: KeyId },
    AlreadyRevoked { id: KeyId },
}

impl Refusal {
    /// A name for programs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::ClockBeforeLastRun { .. } => "clock-before-last-run",
            Self::LongAfterLastRun { .. } => "long-after-last-run",
            Self::KeyTooFarAhead { .. } => "key-too-far-ahead",
            Self::NotLater { .. } => "not-later",
            Self::KeysVanished => "keys-vanished",
            Self::AfterTooShort { .. } => "after-too-short",
            Self::EveryTooShort { .. } => "every-too-short",
            Self::SweepTooSoon { .. } => "sweep-too-soon",
            Self::TooLong => "too-long",
            Self::UnknownId { .. } => "unknown-id",
            Self::AlreadyRevoked { .. } => "already-revoked",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClockBeforeLastRun { now, last_run } => write!(
                f,
                "this machine's clock says {}, but the last run was at {}. If the clock is right now, repeat \
                 this with --accept-clock, once",
                Time(*now),
                Time(*last_run)
            ),
            Self::LongAfterLastRun { now, last_run, max_gap } => write!(
                f,
                "this machine's clock says {}, and the last run was at {}, more than {} before. If the clock \
                 is right, and this is not an old copy of the directory, repeat this with \
                 --accept-clock, once",
                Time(*now),
                Time(*last_run),
                rounded(Duration::from_millis(*max_gap))
            ),
            Self::KeyTooFarAhead { name, id, now } => write!(
                f,
                "{name} is further ahead than a rotation at {} would date it. Was it made by a clock that \
                 was wrong? Nothing seals with it yet: `sealed-session keys revoke DIR {id}`",
                Time(*now)
            ),
            Self::NotLater { name } => write!(f, "a new key would not be later than {name}"),
            Self::KeysVanished => f.write_str(
                "the directory has been rotated before, and now it has no keys. Is it mounted? Running \
                 servers may still have the keys. With --force a new key begins, and whoever is logged in is \
                 logged out",
            ),
            Self::AfterTooShort { after, settle } => write!(
                f,
                "--after {} is less than twice --settle {}: servers would not know a new key in time. \
                 --force allows it",
                written(*after),
                written(*settle)
            ),
            Self::EveryTooShort { every, after } => write!(
                f,
                "--every {} is less than --after {}: keys cannot follow each other so fast; lower --after too",
                written(*every),
                written(*after)
            ),
            Self::SweepTooSoon { sweep_after } => write!(
                f,
                "--sweep-after {} is less than 24h, which a wrong clock needs to be noticed. --force allows it",
                written(*sweep_after)
            ),
            Self::TooLong => f.write_str("a duration is longer than 100 years"),
            Self::UnknownId { id } => write!(
                f,
                "no key in the directory has the id {id}. To keep it from coming back with an old copy, add \
                 --force"
            ),
            Self::AlreadyRevoked { id } => write!(f, "the key {id} has been revoked before"),
        }
    }
}
