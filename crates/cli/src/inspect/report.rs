//! `Report`: what was found, and its form as JSON.

use std::time::{Duration, SystemTime};

use sealed_session::{KeyId, SessionId};
use serde::Serialize;
use serde_json::value::RawValue;

use super::LONGEST_COOKIE;
use super::attributes::Attribute;
use super::open::Scheme;
use super::verdict::Verdict;
use crate::time::rfc3339;

/// What was found in all that was pasted.
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
    /// The names of the cookies that were not looked at.
    pub(super) others: Vec<String>,
    /// The names that were asked for.
    pub(super) asked: Vec<String>,
    pub(super) show_data: bool,
    pub(super) now: SystemTime,
}

/// What was found in one cookie.
pub(super) struct Finding {
    pub(super) name: Option<String>,
    /// Of the value.
    pub(super) characters: usize,
    /// Of name and value.
    pub(super) size: usize,
    pub(super) verdict: Verdict,
    pub(super) warnings: Vec<String>,
    /// If it is authentic.
    pub(super) contents: Option<Contents>,
    /// Of a Set-Cookie line.
    pub(super) attributes: Option<Vec<Attribute>>,
    pub(super) refused_by_browser: Vec<String>,
    pub(super) tried_keys: Vec<(KeyId, String)>,
    pub(super) tried_names: Vec<String>,
    /// What was removed because copying adds it.
    pub(super) removed: Vec<&'static str>,
}

/// What an authentic token says.
pub(super) struct Contents {
    pub(super) scheme: Scheme,
    pub(super) sealed_for: Option<String>,
    pub(super) key_id: KeyId,
    pub(super) key_source: String,
    pub(super) session_id: Option<SessionId>,
    pub(super) created_at: Option<SystemTime>,
    pub(super) refreshed_at: Option<SystemTime>,
    pub(super) expires_at: Option<SystemTime>,
    pub(super) idle_timeout: Duration,
    pub(super) idle_is_own: bool,
    /// `None` if the format does not say when the session began.
    pub(super) absolute_timeout: Option<Duration>,
    /// The absolute timeout comes first.
    pub(super) ended_by_absolute: bool,
    pub(super) sizes: Sizes,
    /// Only if it was asked for.
    pub(super) data: Option<Box<RawValue>>,
}

/// Bytes.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Sizes {
    pub(super) nonce: usize,
    pub(super) tag: usize,
    pub(super) header: Option<usize>,
    pub(super) json: usize,
}

impl Report {
    /// Whether, of each name that was looked at, a cookie opens and is valid.
    pub(super) fn is_good(&self) -> bool {
        let opens = |name: &Option<String>| {
            self.findings.iter().any(|other| other.name == *name && other.verdict.is_good())
        };
        !self.findings.is_empty() && self.findings.iter().all(|finding| opens(&finding.name))
    }

    pub(super) fn json(&self) -> JsonReport<'_> {
        JsonReport {
            ok: self.is_good(),
            now: rfc3339(self.now),
            cookies: self.findings.iter().map(Finding::json).collect(),
            not_looked_at: &self.others,
        }
    }
}

impl Finding {
    fn json(&self) -> JsonFinding<'_> {
        JsonFinding {
            name: self.name.as_deref(),
            verdict: self.verdict.code(),
            summary: self.verdict.summary(),
            reason: self.verdict.reason(),
            advice: self.verdict.advice(),
            warnings: &self.warnings,
            refused_by_browser: &self.refused_by_browser,
            removed_from_paste: &self.removed,
            characters: self.characters,
            size: self.size,
            size_limit: LONGEST_COOKIE,
            token: self.contents.as_ref().map(Contents::json),
            attributes: self.attributes.as_deref(),
            tried_keys: self.tried_keys.iter().map(|(id, from)| JsonKey::of(*id, from)).collect(),
            tried_names: &self.tried_names,
        }
    }
}

impl Contents {
    fn json(&self) -> JsonContents<'_> {
        let (scheme, signed) = match self.scheme {
            Scheme::Native => ("sealed-session", None),
            Scheme::Node { signed } => ("fastify", Some(signed)),
        };
        JsonContents {
            scheme,
            signed,
            sealed_for: self.sealed_for.as_deref(),
            key: JsonKey::of(self.key_id, &self.key_source),
            session_id: self.session_id,
            created_at: self.created_at.map(rfc3339),
            refreshed_at: self.refreshed_at.map(rfc3339),
            expires_at: self.expires_at.map(rfc3339),
            idle_timeout: self.idle_timeout.as_secs(),
            own_idle_timeout: self.idle_is_own,
            absolute_timeout: self.absolute_timeout.map(|timeout| timeout.as_secs()),
            sizes: self.sizes,
            data: self.data.as_deref(),
        }
    }
}

/// The answer of `--json`. Fields are only ever added.
#[derive(Serialize)]
pub(super) struct JsonReport<'a> {
    ok: bool,
    now: String,
    cookies: Vec<JsonFinding<'a>>,
    not_looked_at: &'a [String],
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    name: Option<&'a str>,
    verdict: &'static str,
    summary: String,
    reason: Option<String>,
    advice: Vec<String>,
    warnings: &'a [String],
    refused_by_browser: &'a [String],
    removed_from_paste: &'a [&'static str],
    characters: usize,
    size: usize,
    size_limit: usize,
    token: Option<JsonContents<'a>>,
    attributes: Option<&'a [Attribute]>,
    tried_keys: Vec<JsonKey<'a>>,
    tried_names: &'a [String],
}

#[derive(Serialize)]
struct JsonContents<'a> {
    scheme: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<bool>,
    sealed_for: Option<&'a str>,
    key: JsonKey<'a>,
    session_id: Option<SessionId>,
    created_at: Option<String>,
    refreshed_at: Option<String>,
    expires_at: Option<String>,
    idle_timeout: u64,
    own_idle_timeout: bool,
    absolute_timeout: Option<u64>,
    sizes: Sizes,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct JsonKey<'a> {
    id: String,
    from: &'a str,
}

impl<'a> JsonKey<'a> {
    fn of(id: KeyId, from: &'a str) -> Self {
        Self { id: id.to_string(), from }
    }
}
