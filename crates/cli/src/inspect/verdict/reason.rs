//! Why it is so, and what it means.

use super::{Cut, Verdict};
use crate::time::{rounded, utc};

impl Verdict {
    /// Why, and what it means, where the summary leaves that open.
    pub(in crate::inspect) fn reason(&self) -> Option<String> {
        Some(match self {
            Self::Expired { absolute: Some(absolute), at, .. } => format!(
                "The absolute timeout of {} ended it at {}, however active the user was.",
                rounded(*absolute),
                utc(*at)
            ),
            Self::Expired { idle, at, .. } => format!(
                "It was not refreshed for {}, its idle timeout, and ended at {}.",
                rounded(*idle),
                utc(*at)
            ),
            Self::FromTheFuture { time, .. } => format!(
                "It says {}. Servers accept 60 seconds of difference between their clocks.",
                utc(*time)
            ),
            Self::WrongName { .. } => {
                "A token opens only under the name of the cookie that it was sealed for.".to_owned()
            }
            Self::RevokedKey { .. } => {
                "No server accepts this key any more, and that is meant.".to_owned()
            }
            Self::NoMatchingKey { whole } => {
                let single =
                    if *whole { ", and no single wrong character explains it" } else { "" };
                format!(
                    "It has the form of a whole token{single}. So its key is not here, or it is \
                     another cookie's, or it was altered or cut off."
                )
            }
            Self::NoKeys { node: false } => {
                "It has the form of a token of sealed-session. More cannot be told without a \
                 key."
                    .to_owned()
            }
            Self::NoKeys { node: true } => {
                "It has the form of a cookie of Node's @fastify/secure-session. More cannot be \
                 told without a key."
                    .to_owned()
            }
            Self::Altered { id, name: Some(name), .. } => {
                format!("The key {id} sealed it for the cookie `{name}`.")
            }
            Self::Altered { id, name: None, .. } => format!("The key {id} sealed it."),
            Self::CutOff { cut: Cut::Browser, .. } => {
                "Name and value are just as long as browsers store, and it does not open."
                    .to_owned()
            }
            Self::CutOff { cut: Cut::Terminal { .. }, .. } => {
                "A terminal passes on 4,095 characters of a line (macOS: 1,024) and drops the rest."
                    .to_owned()
            }
            Self::CutOff { cut: Cut::Limit { .. }, .. } => {
                "Logs, database columns and terminals cut texts off at such lengths, and it \
                 does not open."
                    .to_owned()
            }
            Self::CutOff { cut: Cut::Impossible, .. } => {
                "Characters are missing, mostly at the end, or were added.".to_owned()
            }
            Self::Rewritten { .. } => {
                "Its content is whole, but a server accepts a token only exactly as it was \
                 sealed."
                    .to_owned()
            }
            Self::BadCharacter { found: '%', .. } => {
                "A percent sign is there, but not as the percent-encoding of ASCII text.".to_owned()
            }
            Self::BadCharacter { .. } => {
                "A token consists of letters, digits, - and _ alone.".to_owned()
            }
            Self::TooLong { .. } => {
                "Browsers do not store such a cookie, and sealed-session does not make one."
                    .to_owned()
            }
            Self::CaseLost => {
                "A token of this length has both. Something changed all letters to one case."
                    .to_owned()
            }
            Self::UnsupportedVersion { source, .. } => {
                format!("A newer release of sealed-session sealed it, with the key in {source}.")
            }
            Self::UnreadableContent { source, .. } => format!(
                "Its data is not JSON, or its header is from a newer release, or another \
                 program seals with the key in {source}."
            ),
            Self::NodeMalformed => {
                "It is the sealed box, a semicolon (%3B), and a nonce of 32 characters, all in \
                 base64."
                    .to_owned()
            }
            Self::NodeSignature => {
                "What is in it is authentic, but it was signed with another key, or with a \
                 secret (of @fastify/cookie), or the signature was altered."
                    .to_owned()
            }
            Self::NodeUndated => {
                "Old releases of the plugin wrote such cookies. They never expire, so servers \
                 refuse them."
                    .to_owned()
            }
            _ => return None,
        })
    }
}
