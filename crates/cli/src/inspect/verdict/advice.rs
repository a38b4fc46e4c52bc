//! What to do about it.

use super::{Cut, Verdict};
use crate::time::rfc3339;

impl Verdict {
    /// What to do about it.
    pub(in crate::inspect) fn advice(&self) -> Vec<String> {
        const COPY: &str = "Copy it again, whole, from the browser's tools (Application or \
                            Storage, Cookies), with its name.";
        const AGAIN: &str = "The user has to log in again.";
        const BETWEEN: &str = "If the browser really sends it like this, something on the way \
                               changes cookies: a proxy, an extension, a script in the page, or \
                               the user.";
        const LOG: &str = "If it comes from a log or a database, that place cuts it off: make \
                           room for 4096 characters.";
        const WHOLE: &str =
            "If it is whole, its key is not here: give the missing key with --keys.";
        let texts: &[&str] = match self {
            Self::Valid { .. } => &[],
            Self::Expired { absolute: Some(_), .. } => &[
                "Nothing is broken. The user has to log in again.",
                "No token holds the absolute timeout: if the server's is another, say \
                 --absolute-timeout.",
            ],
            Self::Expired { .. } => &[
                "Nothing is broken. The user has to log in again.",
                "Should sessions last longer? Raise the server's idle_timeout; it counts from \
                 each session's next refresh.",
            ],
            Self::FromTheFuture { time, .. } => {
                return vec![
                    "Compare the clocks: run `date -u` here and on the server that sealed it, \
                     and start time synchronization where it is wrong."
                        .to_owned(),
                    format!("To judge it by its own server's clock, say --at {}.", rfc3339(*time)),
                ];
            }
            Self::WrongName { sealed_for, sent_as } => {
                return vec![
                    format!(
                        "Did the cookie's name change in the settings, from `{sealed_for}` to \
                         `{sent_as}`? Bring the old name back, or users have to log in again."
                    ),
                    "Otherwise somebody copied the value from one cookie to the other.".to_owned(),
                ];
            }
            Self::RevokedKey { .. } => &[AGAIN],
            Self::NoMatchingKey { .. } => &[
                "Compare the ids of the keys with those on the server that sealed it, and give \
                 the missing key with --keys. If that key is gone for good, the user has to log \
                 in again.",
                "Is it from another cookie? Give that cookie's name with --name.",
                COPY,
            ],
            Self::NoKeys { node: false } => &["Give the server's keys with --keys FILE-OR-DIR."],
            Self::NoKeys { node: true } => {
                &["Give the key of the Node service with --fastify-key FILE."]
            }
            Self::Altered { .. } | Self::CaseLost | Self::NodeMalformed => &[COPY, BETWEEN],
            Self::CutOff { cut: Cut::Terminal { .. }, .. } => {
                &["Put the cookie into a file, and run: sealed-session inspect … < cookie.txt"]
            }
            Self::CutOff { cut: Cut::Browser, .. } => &[
                COPY,
                "If the browser has no more of it either, the session holds too much: keep \
                 large data in a database.",
                WHOLE,
            ],
            Self::CutOff { cut: Cut::Limit { .. }, .. } => &[COPY, LOG, WHOLE],
            Self::CutOff { .. } | Self::TooShort { .. } => &[COPY, LOG],
            Self::Rewritten { .. } | Self::BadCharacter { .. } => &[COPY, BETWEEN],
            Self::TooLong { .. } => &[
                "Were two cookies copied as one? Copy it again, alone.",
                "Which program sets it? An answer with such a Set-Cookie line never reaches the \
                 browser's store.",
            ],
            Self::Shortened | Self::Hidden => &[
                COPY,
                "A log that hides cookies does right: the value is as good as the password.",
            ],
            Self::Removal => &[
                "In a Set-Cookie line: the server ended the session (a log-out, or it refused \
                 the cookie that came). Look at its log for the reason.",
                "In a Cookie line: something else emptied it. The user has to log in again.",
            ],
            Self::UnsupportedVersion { .. } => &[
                "Run the newest release of this program.",
                "Did a roll-back of the servers leave newer cookies behind? Older servers \
                 refuse them: roll forward again, or users have to log in again.",
            ],
            Self::UnreadableContent { .. } => &[
                "Run the newest release of this program.",
                "Which other program has this key? A key is for sealed-session alone.",
            ],
            Self::NodeKeyMissing => &["Give the key of the Node service with --fastify-key FILE."],
            Self::NodeSignature => &[
                "Does the Node service sign with a secret, or with another session's key? Give \
                 that key with --fastify-key as well; a secret cannot be tried here.",
                "Compare FastifyKey::signed… in the server's set-up with `signed` in the Node \
                 service.",
            ],
            Self::NodeUndated => &[
                "To take such cookies over, use FastifyKey::danger_accept_undated for a while.",
                "Otherwise the user has to log in again.",
            ],
            Self::OtherLibrary { .. } => &[
                "Is it the right cookie? Say its name with --name, or paste the whole Cookie line.",
                "Did the site move from that library? Users have to log in once after it.",
            ],
        };
        texts.iter().map(|text| (*text).to_owned()).collect()
    }
}
