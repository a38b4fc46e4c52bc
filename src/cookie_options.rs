//! Validated cookie names and attributes; the `Set-Cookie` value and its removal.
//!
//! What a browser would refuse is refused here, once, when a codec is built. Nothing behind it
//! checks again.

use std::borrow::Cow;
use std::time::Duration;

use cookie::Cookie;
use cookie::time::OffsetDateTime;

use crate::error::{ConfigError, ConfigErrorKind};

/// What browsers keep of name and value together, in bytes (RFC 6265bis, section 5.6).
pub(crate) const MAX_COOKIE_LEN: usize = 4096;
/// What browsers keep of an attribute's value, in bytes (likewise).
const MAX_ATTRIBUTE_LEN: usize = 1024;
const MAX_NAME_LEN: usize = 255;
/// The prefixes that browsers know, and `__Host-Http-`.
const PREFIXES: [&str; 3] = ["__Host-", "__Secure-", "__Http-"];
/// How long browsers keep a cookie at most (RFC 6265bis, section 5.5).
const MAX_MAX_AGE: u64 = 400 * 24 * 60 * 60;

/// A cookie's name and attributes.
///
/// The default is the safe one: `HttpOnly`, `Secure`, `SameSite=Lax`, `Path=/`, no `Domain`, and no
/// `Max-Age`, so that the cookie lives until the browser is closed. (Browsers treat
/// `http://localhost` and `http://127.0.0.1` as secure, so this works on a developer's machine as
/// well. Safari does not, and no browser does so for other host names.)
///
/// ```
/// use sealed_session::{CookieOptions, SameSite};
///
/// let options = CookieOptions::host_prefixed().same_site(SameSite::Strict);
/// ```
///
/// Combinations that a browser would refuse are an error when the codec is built.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to a codec's builder or to a session"]
pub struct CookieOptions {
    prefix: &'static str,
    name: Option<Cow<'static, str>>,
    path: Cow<'static, str>,
    domain: Option<Cow<'static, str>>,
    max_age: Option<Duration>,
    same_site: SameSite,
    secure: bool,
    http_only: bool,
    partitioned: bool,
}

impl CookieOptions {
    /// The default: `HttpOnly`, `Secure`, `SameSite=Lax`, `Path=/`.
    pub fn new() -> Self {
        Self {
            prefix: "",
            name: None,
            path: Cow::Borrowed("/"),
            domain: None,
            max_age: None,
            same_site: SameSite::Lax,
            secure: true,
            http_only: true,
            partitioned: false,
        }
    }

    /// The default, with `__Host-` before the name: browsers then take the cookie only from this
    /// very host, over HTTPS and for all its paths, so that no sibling subdomain can plant one.
    pub fn host_prefixed() -> Self {
        Self { prefix: "__Host-", ..Self::new() }
    }

    /// The default, with `__Secure-` before the name: browsers then take the cookie only over
    /// HTTPS. For sites that need [`domain`](Self::domain) or another [`path`](Self::path).
    pub fn secure_prefixed() -> Self {
        Self { prefix: "__Secure-", ..Self::new() }
    }

    /// The cookie's name. The prefix is put before it, unless it begins with that prefix already.
    /// Default: the kind's [`NAME`](crate::SessionKind::NAME).
    ///
    /// At most 255 letters, digits or ``!#$%&'*+-.^_`|~``.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// `Path`. Default: `/`.
    ///
    /// A log-out below another path does not see the cookie and so cannot remove it.
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// `Domain`. Default: none, which is this host alone.
    ///
    /// # Security
    ///
    /// With a domain every subdomain gets the cookie and can replace it by an older one.
    pub fn domain(mut self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// `Max-Age`, in whole seconds, at most 400 days. Default: none, a cookie that lives until the
    /// browser is closed.
    ///
    /// It only tells the browser when to forget the cookie. What ends a session are the codec's
    /// timeouts. “Remember me” needs no setting here: the cookie of a session that is
    /// [remembered](crate::CodecBuilder::remember_timeout) lives as long as the session.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// `SameSite`. Default: `Lax`.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// `Partitioned` (CHIPS), for a site that is embedded in others. Default: not.
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Leaves `Secure` out. Default: it is there.
    ///
    /// # Security
    ///
    /// The cookie then also travels over plain HTTP, where whoever sees it has the session. Not
    /// needed for `localhost`, nor behind a proxy that speaks HTTPS to the browser.
    pub fn danger_allow_plain_http(mut self) -> Self {
        self.secure = false;
        self
    }

    /// Leaves `HttpOnly` out. Default: it is there.
    ///
    /// # Security
    ///
    /// Scripts in the page can then read the cookie, and an injected one can carry it off.
    pub fn danger_allow_script_access(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// Checks the options and prepares what is written for them.
    pub(crate) fn prepare(&self, kind_name: &'static str) -> Result<SetCookie, ConfigError> {
        let name = self.name.as_deref().unwrap_or(kind_name);
        let prefix = if name.starts_with(self.prefix) { "" } else { self.prefix };
        let name = format!("{prefix}{name}");
        self.check(&name)?;

        let mut cookie = Cookie::build((name.clone(), ""))
            .path(self.path.as_ref())
            .same_site(self.same_site.into())
            // Left out instead of `false`: cookie adds Secure by itself to SameSite=None.
            .http_only(self.http_only)
            .secure(self.secure)
            .partitioned(self.partitioned)
            .build();
        if let Some(domain) = &self.domain {
            cookie.set_domain(domain.as_ref());
        }
        let without_age = attributes(&cookie);
        if let Some(max_age) = self.max_age {
            cookie.set_max_age(Some(cookie::time::Duration::seconds(max_age.as_secs() as i64)));
        }
        let attributes_as_set = attributes(&cookie);
        cookie.set_max_age(Some(cookie::time::Duration::ZERO));
        cookie.set_expires(OffsetDateTime::UNIX_EPOCH);
        Ok(SetCookie {
            removal: cookie.to_string(),
            attributes: attributes_as_set,
            without_age,
            max_age: self.max_age,
            name,
        })
    }

    /// The options of the cookie that marks deletions of the cookie called `name`.
    pub(crate) fn marker(&self, name: &str, lasts: Duration) -> Self {
        Self { prefix: "", ..self.clone() }.name(format!("{name}-ended")).max_age(lasts)
    }

    /// The first attribute in which these options would make another cookie than `other` for a
    /// browser, which knows a cookie by its name, domain, path and partition.
    #[cfg(feature = "tower")]
    pub(crate) fn moved_from(&self, other: &Self) -> Option<&'static str> {
        if self.path != other.path {
            Some("Path")
        } else if self.domain != other.domain {
            Some("Domain")
        } else if self.partitioned != other.partitioned {
            Some("Partitioned")
        } else {
            None
        }
    }

    fn check(&self, name: &str) -> Result<(), ConfigErrorKind> {
        if !is_token(name) || name.len() > MAX_NAME_LEN {
            return Err(ConfigErrorKind::CookieName { name: name.to_owned() });
        }
        self.check_prefix(name)?;
        let path = self.path.as_ref();
        if !path.starts_with('/') || !is_attribute(path) {
            return Err(ConfigErrorKind::Path { path: path.to_owned() });
        }
        if let Some(domain) = self.domain.as_deref() {
            let label = |label: &str| {
                (1..=63).contains(&label.len())
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            };
            if domain.len() > 253 || !domain.split('.').all(label) {
                return Err(ConfigErrorKind::Domain { domain: domain.to_owned() });
            }
        }
        if !self.secure && self.same_site == SameSite::None {
            return Err(ConfigErrorKind::NeedsSecure { attribute: "SameSite=None" });
        }
        if !self.secure && self.partitioned {
            return Err(ConfigErrorKind::NeedsSecure { attribute: "Partitioned" });
        }
        match self.max_age {
            Some(age) if age.subsec_nanos() != 0 || !(1..=MAX_MAX_AGE).contains(&age.as_secs()) => {
                Err(ConfigErrorKind::MaxAge { found: age })
            }
            _ => Ok(()),
        }
    }

    /// RFC 6265bis, section 4.1.3. Browsers compare the prefixes without regard to letter case.
    fn check_prefix(&self, name: &str) -> Result<(), ConfigErrorKind> {
        let begins = |prefix: &str| begins(name, prefix);
        let host = begins("__Host-");
        let http = begins("__Http-") || begins("__Host-Http-");
        let rest = name.get(self.prefix.len()..).filter(|_| !self.prefix.is_empty());
        let twice =
            rest.is_some_and(|rest| PREFIXES.iter().any(|prefix| self::begins(rest, prefix)));
        let demands = if twice {
            "has one prefix only"
        } else if (host || http || begins("__Secure-")) && !self.secure {
            "is Secure"
        } else if host && self.path != "/" {
            "has Path=/"
        } else if host && self.domain.is_some() {
            "has no Domain"
        } else if http && !self.http_only {
            "is HttpOnly"
        } else {
            return Ok(());
        };
        Err(ConfigErrorKind::CookiePrefix { name: name.to_owned(), demands })
    }
}

/// The cookie attribute `SameSite`: with which requests from other sites a browser sends the cookie
/// (RFC 6265bis, section 5.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// With none. A link from another site opens the page without the session.
    Strict,
    /// With links and other navigations by GET, but not with forms or scripts of other sites.
    Lax,
    /// With all. Browsers then demand `Secure`.
    None,
}

impl From<SameSite> for cookie::SameSite {
    fn from(same_site: SameSite) -> Self {
        match same_site {
            SameSite::Strict => Self::Strict,
            SameSite::Lax => Self::Lax,
            SameSite::None => Self::None,
        }
    }
}

impl Default for CookieOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What is written for a cookie, apart from its value.
#[derive(Debug)]
#[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "the middleware's need"))]
pub(crate) struct SetCookie {
    name: String,
    attributes: String,
    without_age: String,
    max_age: Option<Duration>,
    removal: String,
}

impl SetCookie {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl SetCookie {
    /// The header's value with the cookie's value, of so many bytes, that `write_value` appends.
    /// `live` is how many seconds the browser shall keep the cookie, where the session says so.
    pub(crate) fn header<E>(
        &self,
        value_len: usize,
        live: Option<u64>,
        write_value: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Vec<u8>, E> {
        let max_age = live.map(|live| format!("; Max-Age={}", live.clamp(1, MAX_MAX_AGE)));
        let (attributes, max_age) = match &max_age {
            Some(max_age) => (&self.without_age, max_age.as_str()),
            None => (&self.attributes, ""),
        };
        // Exactly what it takes, so that it becomes a header value without being copied.
        let room = self.name.len() + 1 + value_len + attributes.len() + max_age.len();
        let mut header = Vec::with_capacity(room);
        header.extend_from_slice(self.name.as_bytes());
        header.push(b'=');
        write_value(&mut header)?;
        header.extend_from_slice(attributes.as_bytes());
        header.extend_from_slice(max_age.as_bytes());
        Ok(header)
    }

    /// How long the options say that the browser shall keep the cookie.
    #[cfg(feature = "tower")]
    pub(crate) fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// The header's value that removes the cookie: the same attributes, and a past expiry.
    pub(crate) fn removal(&self) -> &str {
        &self.removal
    }
}

/// The attributes of a cookie with an empty value, as they stand behind the value.
fn attributes(cookie: &Cookie<'_>) -> String {
    cookie.to_string().split_off(cookie.name().len() + 1)
}

/// Browsers compare prefixes without regard to letter case.
fn begins(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn is_attribute(value: &str) -> bool {
    value.len() <= MAX_ATTRIBUTE_LEN
        && value.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b';')
}

#[cfg(test)]
#[cfg(feature = "tower")]
mod tests {
    use std::convert::Infallible;

    use super::CookieOptions;

    #[test]
    fn a_header_takes_exactly_the_room_that_was_reckoned() {
        let cookie = CookieOptions::new().prepare("session").unwrap();
        for live in [None, Some(60), Some(u64::MAX)] {
            let header = cookie.header(100, live, |header| {
                header.extend_from_slice(&[b'v'; 100]);
                Ok::<(), Infallible>(())
            });
            let header = header.unwrap();
            assert_eq!(header.capacity(), header.len(), "{live:?}");
        }
    }
}
