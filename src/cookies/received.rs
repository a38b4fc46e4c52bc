//! Reads a `Set-Cookie` header as a browser does (RFC 6265, section 5.2): for tests of applications.

use std::fmt;
use std::time::Duration;

use cookie::Cookie;

use super::options::{CookieOptions, SameSite};

/// The attributes of a cookie that a response sets.
///
/// ```
/// # use sealed_session::testing::SessionChange;
/// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring, SameSite};
/// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
/// # let line = codec.set_cookie(&codec.encode(&Entries::new())?)?;
/// # let set = SessionChange::of_set_cookies(&codec, [line]).expect_set();
/// assert_eq!(set.attributes.same_site, Some(SameSite::Lax));
/// assert_eq!(set.attributes.to_string(), "Path=/; SameSite=Lax; HttpOnly; Secure");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieAttributes {
    /// `Path`. `None` if it is missing or does not begin with `/`: a browser then uses the folder of the
    /// request's path.
    pub path: Option<String>,
    /// `Domain`, without a dot in front. `None` means this host alone.
    pub domain: Option<String>,
    /// `Max-Age`, in whole seconds. `None` means until the browser is closed.
    pub max_age: Option<Duration>,
    /// `SameSite`. `None` if it is missing, or neither `Strict`, `Lax` nor `None`.
    pub same_site: Option<SameSite>,
    /// Whether it has `HttpOnly`.
    pub http_only: bool,
    /// Whether it has `Secure`.
    pub secure: bool,
    /// Whether it has `Partitioned`.
    pub partitioned: bool,
}

impl fmt::Display for CookieAttributes {
    /// As in a `Set-Cookie` header, always in the same order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |name: &str, value: &str| format!("{name}={value}");
        let flag = |name: &str, set: bool| set.then(|| name.to_owned());
        let parts = [
            self.path.as_deref().map(|path| text("Path", path)),
            self.domain.as_deref().map(|domain| text("Domain", domain)),
            self.max_age.map(|age| format!("Max-Age={}", age.as_secs())),
            self.same_site.map(|same_site| format!("SameSite={same_site:?}")),
            flag("HttpOnly", self.http_only),
            flag("Secure", self.secure),
            flag("Partitioned", self.partitioned),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}

impl CookieAttributes {
    /// What tells two cookies of one name apart.
    pub(crate) fn place(&self) -> String {
        let Self { path, domain, partitioned, .. } = self;
        let path = path.as_deref().map_or("no Path".to_owned(), |path| format!("Path={path}"));
        let domain = domain.as_deref().map(|domain| format!(", Domain={domain}"));
        let partitioned = if *partitioned { ", Partitioned" } else { "" };
        format!("{path}{}{partitioned}", domain.unwrap_or_default())
    }
}

/// A cookie as a response sets it.
pub(crate) struct ReceivedCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) attributes: CookieAttributes,
    /// `Expires`, in seconds since the Unix epoch.
    expires: Option<u64>,
}

impl ReceivedCookie {
    /// `None` for a line that a browser ignores: without a name, or with control characters (RFC 6265bis,
    /// section 5.6). Also for one that is not UTF-8.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return None;
        }
        let cookie = Cookie::parse(std::str::from_utf8(line).ok()?).ok()?;
        let seconds = |seconds: i64| u64::try_from(seconds).unwrap_or(0);
        let attributes = CookieAttributes {
            path: cookie.path().filter(|path| path.starts_with('/')).map(str::to_owned),
            domain: cookie.domain().map(str::to_owned),
            max_age: cookie.max_age().map(|age| Duration::from_secs(seconds(age.whole_seconds()))),
            same_site: cookie.same_site().map(same_site),
            http_only: cookie.http_only() == Some(true),
            secure: cookie.secure() == Some(true),
            partitioned: cookie.partitioned() == Some(true),
        };
        Some(Self {
            name: cookie.name().to_owned(),
            value: cookie.value().to_owned(),
            attributes,
            expires: cookie.expires_datetime().map(|at| seconds(at.unix_timestamp())),
        })
    }

    /// Until when a browser keeps the cookie that it receives at `now`, both in milliseconds since the
    /// Unix epoch. `None`: until it is closed. `Max-Age` has precedence (section 5.3).
    pub(crate) fn keep_until(&self, now: u64) -> Option<u64> {
        let age = self.attributes.max_age.map(|age| age.as_secs().saturating_mul(1000));
        age.map(|age| now.saturating_add(age))
            .or_else(|| self.expires.map(|at| at.saturating_mul(1000)))
    }

    /// Whether the response removes the cookie: it is over when it is received.
    pub(crate) fn is_removal(&self, now: u64) -> bool {
        self.keep_until(now).is_some_and(|until| until <= now)
    }

    /// Whether it replaces the cookie of these options, whose name it has. Otherwise a browser keeps both.
    pub(crate) fn replaces(&self, options: &CookieOptions) -> bool {
        let CookieAttributes { path, domain, partitioned, .. } = &self.attributes;
        let ours = options.domain.as_deref();
        let same_domain = match (domain, ours) {
            (Some(domain), Some(ours)) => domain.eq_ignore_ascii_case(ours),
            (domain, ours) => domain.is_none() && ours.is_none(),
        };
        path.as_deref() == Some(options.path.as_ref())
            && same_domain
            && *partitioned == options.partitioned
    }
}

fn same_site(same_site: cookie::SameSite) -> SameSite {
    match same_site {
        cookie::SameSite::Strict => SameSite::Strict,
        cookie::SameSite::Lax => SameSite::Lax,
        cookie::SameSite::None => SameSite::None,
    }
}
