//! The attributes of a Set-Cookie line, and what a browser makes of them.

use std::time::SystemTime;

use serde::Serialize;

use super::LONGEST_COOKIE;
use crate::time::unix_seconds;

/// The longest that browsers keep a cookie (RFC 6265bis, section 5.5), in seconds.
const LONGEST_AGE: i64 = 400 * 24 * 60 * 60;
/// Browsers ignore an attribute with a longer value (same document, section 5.6).
const LONGEST_VALUE: usize = 1024;
const KNOWN: [&str; 9] = [
    "path",
    "domain",
    "max-age",
    "expires",
    "samesite",
    "secure",
    "httponly",
    "partitioned",
    "priority",
];

/// An attribute as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

/// What a browser does with the cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Why it does not store the cookie.
    pub(super) refused: Vec<String>,
    /// It stores it, but perhaps not as it was meant.
    pub(super) doubtful: Vec<String>,
    /// It forgets the cookie at once.
    pub(super) removes: bool,
}

impl Attribute {
    pub(super) fn of(part: &str) -> Option<Self> {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name, Some(value.trim().to_owned())),
            None => (part, None),
        };
        let name = name.trim().to_owned();
        (!name.is_empty()).then_some(Self { name, value })
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Whether a part after a semicolon is an attribute, so that its line is a Set-Cookie line.
pub(super) fn is_attribute(part: &str) -> bool {
    let name = part.split('=').next().unwrap_or(part).trim().to_ascii_lowercase();
    KNOWN.contains(&name.as_str())
}

/// What a browser makes of a cookie of this name, of this many bytes of name and value.
pub(super) fn judge(
    name: &str,
    size: usize,
    attributes: &[Attribute],
    now: SystemTime,
) -> Judgement {
    let mut judgement = Judgement::default();
    // Of several of one name the last counts, and one with too long a value does not.
    let last = |name: &str| {
        let fits = |value: &Option<String>| {
            value.as_ref().is_none_or(|value| value.len() <= LONGEST_VALUE)
        };
        attributes.iter().rev().find(|found| found.is(name) && fits(&found.value))
    };
    let value = |name: &str| last(name).map(|found| found.value.as_deref().unwrap_or_default());
    let (secure, http_only) = (last("Secure").is_some(), last("HttpOnly").is_some());
    let (path, domain) = (value("Path"), value("Domain").filter(|domain| !domain.is_empty()));
    let begins = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };

    let refused = &mut judgement.refused;
    let host = begins("__Host-");
    let http = begins("__Http-") || begins("__Host-Http-");
    if (host || http || begins("__Secure-")) && !secure {
        refused.push("the name's prefix demands the attribute Secure, which is missing".to_owned());
    }
    if host && domain.is_some() {
        refused.push("a cookie whose name begins with __Host- must not have a Domain".to_owned());
    }
    if host && path != Some("/") {
        refused.push("a cookie whose name begins with __Host- must have Path=/".to_owned());
    }
    if http && !http_only {
        refused
            .push("the name's prefix demands the attribute HttpOnly, which is missing".to_owned());
    }
    let same_site = value("SameSite").map(str::to_ascii_lowercase);
    if same_site.as_deref() == Some("none") && !secure {
        refused.push("SameSite=None is refused without Secure".to_owned());
    }
    if last("Partitioned").is_some() && !secure {
        refused.push("Partitioned is refused without Secure".to_owned());
    }
    if size > LONGEST_COOKIE {
        refused
            .push(format!("name and value have {size} bytes, and {LONGEST_COOKIE} are the most"));
    }
    if let Some(domain) = domain {
        let labels = domain.trim_start_matches('.');
        if labels.contains([':', '/']) {
            refused.push(
                "Domain is a host's name alone, without a scheme, a port or a path".to_owned(),
            );
        } else if !labels.contains('.') {
            refused.push(format!(
                "Domain={labels} is a top-level name; leave Domain out for one host"
            ));
        }
    }

    let doubtful = &mut judgement.doubtful;
    if !secure && judgement.refused.is_empty() {
        doubtful.push("without Secure, the cookie also travels over plain HTTP".to_owned());
    }
    if !http_only && !http {
        doubtful.push("without HttpOnly, scripts in the page can read the cookie".to_owned());
    }
    match same_site.as_deref() {
        None => doubtful.push("without SameSite, browsers differ; most assume Lax".to_owned()),
        Some("strict" | "lax" | "none") => {}
        Some(_) => doubtful.push("SameSite has an unknown value; browsers assume Lax".to_owned()),
    }
    if path.is_none_or(|path| !path.starts_with('/')) && !host {
        doubtful.push(
            "without Path=/, the cookie is sent only below the directory of the page that set it"
                .to_owned(),
        );
    }
    if domain.is_some() && !host {
        doubtful.push("with Domain, every subdomain gets the cookie and can replace it".to_owned());
    }
    for attribute in attributes {
        if attribute.value.as_ref().is_some_and(|value| value.len() > LONGEST_VALUE) {
            doubtful.push("an attribute with more than 1024 bytes is ignored".to_owned());
        } else if !KNOWN.contains(&attribute.name.to_ascii_lowercase().as_str()) {
            doubtful.push(
                "an attribute is unknown to browsers and ignored (a typing error?)".to_owned(),
            );
        }
    }
    match value("Max-Age").map(str::parse::<i64>) {
        Some(Ok(age)) if age <= 0 => judgement.removes = true,
        Some(Ok(age)) if age > LONGEST_AGE => {
            doubtful.push(
                "Max-Age is more than the 400 days for which browsers keep cookies".to_owned(),
            );
        }
        Some(Ok(_)) => {}
        Some(Err(_)) => doubtful.push("Max-Age is not a number and is ignored".to_owned()),
        // Max-Age rules where both are there.
        None => {
            let past = value("Expires").and_then(year_of).is_some_and(|year| {
                // Nobody writes a time of this year to remove a cookie.
                1970 + unix_seconds(now) / 31_556_952 > year
            });
            judgement.removes = past;
        }
    }
    judgement
}

/// The year in `Thu, 01 Jan 1970 00:00:00 GMT`.
fn year_of(date: &str) -> Option<u64> {
    date.split([' ', '-']).filter(|part| part.len() == 4).find_map(|part| part.parse().ok())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Attribute, Judgement, judge};

    fn judged(name: &str, line: &str) -> Judgement {
        let attributes: Vec<_> = line.split(';').filter_map(Attribute::of).collect();
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        judge(name, 100, &attributes, now)
    }

    #[track_caller]
    fn refuses(name: &str, line: &str, words: &str) {
        let Judgement { refused, .. } = judged(name, line);
        assert!(refused.iter().any(|found| found.contains(words)), "{name} {line}: {refused:?}");
    }

    #[test]
    fn says_what_browsers_refuse() {
        let good = "HttpOnly; SameSite=Lax; Secure; Path=/";
        for name in ["session", "__Host-session", "__Secure-session", "__Host-Http-session"] {
            assert_eq!(judged(name, good), Judgement::default(), "{name}");
        }
        refuses("__Host-session", &format!("{good}; Domain=example.org"), "must not have a Domain");
        refuses("__host-session", "Secure; Path=/shop", "Path=/");
        refuses("__Secure-session", "Path=/", "Secure");
        refuses("__Http-session", "Secure; Path=/", "HttpOnly");
        refuses("session", "SameSite=None; Path=/", "SameSite=None");
        refuses("session", "Partitioned", "Partitioned");
        refuses("session", "Domain=localhost", "top-level");
        refuses("session", "Domain=example.org:8080", "port");
        let size = judge("session", 4097, &[], UNIX_EPOCH).refused;
        assert!(size[0].contains("4097"), "{size:?}");
    }

    #[test]
    fn of_two_attributes_of_a_name_the_last_counts() {
        refuses("__Host-session", "Secure; Path=/; Path=/shop", "Path=/");
        let line = "Secure; HttpOnly; SameSite=Lax; Path=/shop; Path=/";
        assert_eq!(judged("__Host-session", line), Judgement::default());
    }

    #[test]
    fn knows_a_removal() {
        assert!(judged("session", "Max-Age=0").removes);
        assert!(judged("session", "Expires=Thu, 01 Jan 1970 00:00:00 GMT").removes);
        assert!(!judged("session", "Expires=Thu, 01 Jan 2026 00:00:00 GMT").removes);
        assert!(!judged("session", "Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT").removes);
    }
}
