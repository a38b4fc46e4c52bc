//! `CookieOptions`: a cookie's name and attributes, validated.
//!
//! Options that a browser would refuse are refused here, once, when a codec is built. No later code
//! checks them again.

use std::borrow::Cow;
use std::time::Duration;

use super::set_cookie::SetCookie;
use crate::error::{ConfigError, ConfigErrorKind};

/// The most that browsers accept of an attribute's value, in bytes (same section).
const MAX_ATTRIBUTE_LEN: usize = 1024;
const MAX_NAME_LEN: usize = 255;
/// The prefixes that browsers know, and `__Host-Http-`.
const PREFIXES: [&str; 3] = ["__Host-", "__Secure-", "__Http-"];
/// The longest that browsers keep a cookie, in seconds (RFC 6265bis, section 5.5).
pub(super) const MAX_MAX_AGE: u64 = 400 * 24 * 60 * 60;

/// A cookie's name and attributes.
///
/// The default is safe: `HttpOnly`, `Secure`, `SameSite=Lax`, `Path=/`, no `Domain`, and no
/// `Max-Age`, so that the cookie lasts until the browser is closed. (Browsers treat
/// `http://localhost` and `http://127.0.0.1` as secure, so this also works on a developer's machine.
/// Safari does not, and no browser does so for other host names.)
///
/// ```
/// use sealed_session::{CookieOptions, SameSite};
///
/// let options = CookieOptions::host_prefixed().same_site(SameSite::Strict);
/// ```
///
/// If a browser would refuse the combination, building the codec is an error.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to a codec's builder or to a session"]
pub struct CookieOptions {
    prefix: &'static str,
    name: Option<Cow<'static, str>>,
    pub(super) path: Cow<'static, str>,
    pub(super) domain: Option<Cow<'static, str>>,
    pub(super) max_age: Option<Duration>,
    pub(super) same_site: SameSite,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) partitioned: bool,
}

impl CookieOptions {
    /// The default: `HttpOnly`, `Secure`, `SameSite=Lax`, `Path=/`.
    ///
    /// ```
    /// # use sealed_session::{Codec, CookieOptions, Dynamic, Key, Keyring};
    /// let codec = Codec::<Dynamic>::builder(Keyring::new(Key::generate()?))
    ///     .cookie(CookieOptions::new().name("sid"))
    ///     .build()?;
    /// assert_eq!(codec.cookie_name(), "sid");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    /// The default, with `__Host-` before the name. Browsers then accept the cookie only from this
    /// exact host, over HTTPS and for all its paths, so that no sibling subdomain can plant one.
    ///
    /// ```
    /// # use sealed_session::{Codec, CookieOptions, Dynamic, Key, Keyring};
    /// let codec = Codec::<Dynamic>::builder(Keyring::new(Key::generate()?))
    ///     .cookie(CookieOptions::host_prefixed())
    ///     .build()?;
    /// assert_eq!(codec.cookie_name(), "__Host-session");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn host_prefixed() -> Self {
        Self { prefix: "__Host-", ..Self::new() }
    }

    /// The default, with `__Secure-` before the name. Browsers then accept the cookie only over
    /// HTTPS. Use it if the site needs [`domain`](Self::domain) or another [`path`](Self::path).
    ///
    /// ```
    /// # use sealed_session::CookieOptions;
    /// let options = CookieOptions::secure_prefixed().domain("example.org");
    /// ```
    pub fn secure_prefixed() -> Self {
        Self { prefix: "__Secure-", ..Self::new() }
    }

    /// The cookie's name. The prefix is added, unless the name already begins with it. Default: the
    /// kind's [`NAME`](crate::SessionKind::NAME).
    ///
    /// It has at most 255 letters, digits or ``!#$%&'*+-.^_`|~``.
    ///
    /// ```
    /// # use sealed_session::CookieOptions;
    /// let options = CookieOptions::host_prefixed().name("sid"); // __Host-sid
    /// ```
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// `Path`. Default: `/`.
    ///
    /// A log-out under another path does not receive the cookie, so it cannot remove it.
    ///
    /// ```
    /// # use sealed_session::CookieOptions;
    /// let options = CookieOptions::new().path("/shop");
    /// ```
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// `Domain`. Default: none, which means this host alone.
    ///
    /// ```
    /// # use sealed_session::CookieOptions;
    /// let options = CookieOptions::secure_prefixed().domain("example.org");
    /// ```
    ///
    /// # Security
    ///
    /// With a domain, every subdomain gets the cookie and can replace it with an older one.
    pub fn domain(mut self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// `Max-Age`, in whole seconds, at most 400 days. Default: none, so that the cookie lasts until
    /// the browser is closed.
    ///
    /// It only tells the browser when to forget the cookie. The codec's timeouts end a session.
    /// “Remember me” needs no setting here: the cookie of a
    /// [remembered](crate::CodecBuilder::remember_timeout) session lasts as long as the session.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::CookieOptions;
    /// let options = CookieOptions::new().max_age(Duration::from_secs(30 * 24 * 60 * 60));
    /// ```
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// `SameSite`. Default: `Lax`.
    ///
    /// ```
    /// # use sealed_session::{CookieOptions, SameSite};
    /// let options = CookieOptions::new().same_site(SameSite::Strict);
    /// ```
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// `Partitioned` (CHIPS), for a site that is embedded in other sites. Default: not set.
    ///
    /// ```
    /// # use sealed_session::{CookieOptions, SameSite};
    /// let options = CookieOptions::new().same_site(SameSite::None).partitioned(true);
    /// ```
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Leaves out `Secure`. Default: `Secure` is set.
    ///
    /// ```
    /// # use sealed_session::CookieOptions;
    /// let options = CookieOptions::new().danger_allow_plain_http();
    /// ```
    ///
    /// # Security
    ///
    /// The cookie then also travels over plain HTTP, where anyone who sees it can use the session.
    /// This is not needed for `localhost`, nor behind a proxy that serves the browser over HTTPS.
    pub fn danger_allow_plain_http(mut self) -> Self {
        self.secure = false;
        self
    }

    /// Leaves out `HttpOnly`. Default: `HttpOnly` is set.
    ///
    /// ```
    /// # use sealed_session::CookieOptions;
    /// let options = CookieOptions::new().danger_allow_script_access();
    /// ```
    ///
    /// # Security
    ///
    /// Scripts in the page can then read the cookie, and an injected script can steal it.
    pub fn danger_allow_script_access(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// Checks the options, and prepares the text of the `Set-Cookie` headers.
    pub(crate) fn prepare(&self, kind_name: &'static str) -> Result<SetCookie, ConfigError> {
        let name = self.name.as_deref().unwrap_or(kind_name);
        let prefix = if name.starts_with(self.prefix) { "" } else { self.prefix };
        let name = format!("{prefix}{name}");
        self.check(&name)?;

        Ok(SetCookie::new(name, self))
    }

    /// The options of a cookie beside the cookie called `name`, whose name has a suffix.
    pub(crate) fn beside(&self, name: &str, suffix: &str, lasts: Duration) -> Self {
        Self { prefix: "", ..self.clone() }.name(format!("{name}-{suffix}")).max_age(lasts)
    }

    /// The first attribute that would make these options another cookie than `other` for a browser. A
    /// browser identifies a cookie by its name, domain, path and partition.
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

    /// RFC 6265bis, section 4.1.3. Browsers ignore the letter case of the prefixes.
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
///
/// ```
/// use sealed_session::{CookieOptions, SameSite};
///
/// let options = CookieOptions::host_prefixed().same_site(SameSite::Strict);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// With none of them. A link from another site opens the page without the session.
    Strict,
    /// With links and other navigations by GET, but not with requests by forms or scripts of other
    /// sites.
    Lax,
    /// With all of them. Browsers then require `Secure`.
    None,
}

impl Default for CookieOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Browsers ignore the letter case of prefixes.
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
