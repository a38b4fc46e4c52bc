//! `Verdict`: what is the matter with a cookie, in words that somebody can act on who has just been
//! woken.

mod advice;
mod reason;

use std::time::{Duration, SystemTime};

use sealed_session::KeyId;

use super::damage::Damage;
use crate::time::relative;

/// What is the matter with a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Valid {
        until: SystemTime,
        now: SystemTime,
    },
    Expired {
        at: SystemTime,
        now: SystemTime,
        idle: Duration,
        absolute: Option<Duration>,
    },
    FromTheFuture {
        time: SystemTime,
        now: SystemTime,
    },
    WrongName {
        sealed_for: String,
        sent_as: String,
    },
    RevokedKey {
        id: KeyId,
    },
    NoMatchingKey {
        /// No single wrong character explains it.
        whole: bool,
    },
    NoKeys {
        node: bool,
    },
    Altered {
        damage: Damage,
        characters: usize,
        id: KeyId,
        name: Option<String>,
    },
    CutOff {
        characters: usize,
        cut: Cut,
    },
    Rewritten {
        change: Rewritten,
    },
    BadCharacter {
        place: usize,
        found: char,
    },
    TooShort {
        characters: usize,
        shortest: usize,
    },
    TooLong {
        size: usize,
    },
    Shortened,
    Hidden,
    Removal,
    CaseLost,
    UnsupportedVersion {
        id: KeyId,
        source: String,
        name: Option<String>,
    },
    UnreadableContent {
        id: KeyId,
        source: String,
        name: Option<String>,
    },
    NodeKeyMissing,
    NodeMalformed,
    NodeSignature,
    NodeUndated,
    OtherLibrary {
        what: &'static str,
    },
}

/// How one sees that something was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Name and value have just the length that browsers store.
    Browser,
    /// A terminal passes on no longer lines.
    Terminal { line: usize },
    /// A round number.
    Limit { length: usize },
    /// No base64 ends so.
    Impossible,
}

/// What was done to a token whose content is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewritten {
    Percent,
    Tail,
    Padding,
    Alphabet,
    Doubled,
}

impl Verdict {
    /// Whether a server accepts the cookie.
    pub(super) fn is_good(&self) -> bool {
        matches!(self, Self::Valid { .. })
    }

    /// A name for programs, which stays the same.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Valid { .. } => "valid",
            Self::Expired { .. } => "expired",
            Self::FromTheFuture { .. } => "from_the_future",
            Self::WrongName { .. } => "wrong_name",
            Self::RevokedKey { .. } => "revoked_key",
            Self::NoMatchingKey { .. } => "no_matching_key",
            Self::NoKeys { .. } => "no_keys",
            Self::Altered { .. } => "altered",
            Self::CutOff { .. } => "cut_off",
            Self::Rewritten { .. } => "rewritten",
            Self::BadCharacter { .. } => "bad_character",
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::Shortened => "shortened",
            Self::Hidden => "hidden",
            Self::Removal => "removal",
            Self::CaseLost => "case_lost",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::UnreadableContent { .. } => "unreadable_content",
            Self::NodeKeyMissing => "node_key_missing",
            Self::NodeMalformed => "node_malformed",
            Self::NodeSignature => "node_signature",
            Self::NodeUndated => "node_undated",
            Self::OtherLibrary { .. } => "other_library",
        }
    }

    /// Continues “The cookie …”.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Valid { until, now } => {
                format!("opens and is valid; it expires {}", relative(*until, *now))
            }
            Self::Expired { at, now, .. } => format!("expired {}", relative(*at, *now)),
            Self::FromTheFuture { time, now } => {
                format!("is from the future: it was sealed {}", relative(*time, *now))
            }
            Self::WrongName { sealed_for, sent_as } => {
                format!("was sealed for the cookie `{sealed_for}`, but was sent as `{sent_as}`")
            }
            Self::RevokedKey { id } => format!("was sealed with the key {id}, which was revoked"),
            Self::NoMatchingKey { .. } => "does not open with any of these keys".to_owned(),
            Self::NoKeys { .. } => "was not opened, because no keys were given".to_owned(),
            Self::Altered { damage, characters, .. } => match damage {
                Damage::Extra(at) => {
                    format!("was altered: character {at} of {characters} is one too many")
                }
                Damage::Missing(at) if *at > *characters => {
                    "was altered: its last character is missing".to_owned()
                }
                Damage::Missing(at) => {
                    format!("was altered: a character is missing before character {at}")
                }
                Damage::Changed(at) => {
                    format!(
                        "was altered: character {at} of {characters} is another than was sealed"
                    )
                }
                Damage::Swapped(at) => {
                    format!("was altered: characters {at} and {} have changed places", at + 1)
                }
            },
            Self::CutOff { characters, cut } => match cut {
                Cut::Browser => "was cut off at 4096 bytes".to_owned(),
                Cut::Terminal { line } => {
                    format!("was cut off by the terminal, after {line} characters")
                }
                Cut::Limit { length } => {
                    format!("was probably cut off: it ends after exactly {length} characters")
                }
                Cut::Impossible => {
                    format!("is not whole: no token has {characters} characters and ends like this")
                }
            },
            Self::Rewritten { change } => match change {
                Rewritten::Percent => "was percent-encoded".to_owned(),
                Rewritten::Tail => "has characters at its end that do not belong to it".to_owned(),
                Rewritten::Padding => "has padding (=) at its end, which no token has".to_owned(),
                Rewritten::Alphabet => {
                    "was rewritten in another base64 alphabet (+ and /)".to_owned()
                }
                Rewritten::Doubled => "is there twice, one after the other".to_owned(),
            },
            Self::BadCharacter { place, found } => {
                let found = found.escape_default();
                format!("is not a token: its character {place}, `{found}`, occurs in none")
            }
            Self::TooShort { characters, shortest } => format!(
                "is too short for a token: it has {characters} characters, and the shortest has \
                 {shortest}"
            ),
            Self::TooLong { size } => {
                format!("is too long: name and value have {size} bytes, and 4096 are the most")
            }
            Self::Shortened => "was shortened by what showed it".to_owned(),
            Self::Hidden => "was replaced by what logged or showed it".to_owned(),
            Self::Removal => "has no value: this is how a server removes it".to_owned(),
            Self::CaseLost => "has lost its upper or lower case letters".to_owned(),
            Self::UnsupportedVersion { id, .. } => {
                format!(
                    "is authentic (key {id}), but of a format version that this program does \
                     not know"
                )
            }
            Self::UnreadableContent { id, .. } => {
                format!("is authentic (key {id}), but its content cannot be read")
            }
            Self::NodeKeyMissing => {
                "is one of Node's @fastify/secure-session, and no key of Node's was given"
                    .to_owned()
            }
            Self::NodeMalformed => {
                "looks like one of Node's @fastify/secure-session, but is not whole".to_owned()
            }
            Self::NodeSignature => {
                "is of Node's, and its signature is not of these keys".to_owned()
            }
            Self::NodeUndated => {
                "is of Node's, and does not say when it was made (no __ts)".to_owned()
            }
            Self::OtherLibrary { what } => {
                format!("is not of sealed-session: it looks like {what}")
            }
        }
    }
}
