//! `OAuthCookiesBuilder`: checks the settings of logins' cookies.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{OAuthCookies, SUFFIX_LEN, needs_native_key};
use crate::clock::Clock;
use crate::codec::{Codec, check_timeout};
use crate::cookies::{CookieOptions, SameSite};
use crate::crypto::keyring::Keyring;
use crate::error::{ConfigError, ConfigErrorKind};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Settings for [`OAuthCookies`]; created by [`OAuthCookies::builder`].
///
/// ```
/// # use sealed_session::{Key, Keyring, OAuthCookies};
/// # let keyring = Keyring::new(Key::generate()?);
/// let logins = OAuthCookies::builder(keyring).path("/account/oauth").build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct OAuthCookiesBuilder {
    keyring: Keyring,
    name: Cow<'static, str>,
    path: Cow<'static, str>,
    same_site: SameSite,
    timeout: Duration,
    plain_http: bool,
    clock: Option<Arc<dyn Clock>>,
}

impl OAuthCookiesBuilder {
    pub(super) fn new(keyring: Keyring) -> Self {
        Self {
            keyring,
            name: Cow::Borrowed("oauth"),
            path: Cow::Borrowed("/auth"),
            same_site: SameSite::Lax,
            timeout: DEFAULT_TIMEOUT,
            plain_http: false,
            clock: None,
        }
    }

    /// The path below which the start and the callback lie. Default: `/auth`, for `/auth/start` and
    /// `/auth/callback`.
    ///
    /// Browsers send the cookies only to this path and those below it, so that no other request carries
    /// them. If the callback lies elsewhere, its cookie does not come
    /// ([`OAuthErrorKind::NoCookie`](crate::OAuthErrorKind::NoCookie)).
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring, OAuthCookies};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let logins = OAuthCookies::builder(keyring).path("/account/oauth").build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Security
    ///
    /// With the path `/` the prefix is `__Host-` in place of `__Secure-`, so that a sibling subdomain
    /// cannot plant a login (RFC 6265bis, section 4.1.3). Choose it if you do not trust all your
    /// subdomains. Every request then carries the cookies until they time out.
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// The name, between the prefix and the digits. Default: `oauth`.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring, OAuthCookies};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let logins = OAuthCookies::builder(keyring).name("staff-login").build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// `SameSite`. Default: `Lax`, with which browsers send the cookie when the provider redirects to the
    /// callback. `None` is for `response_mode=form_post`, where the provider's page posts a form to it.
    /// `Strict` is an error. [The guide](crate::guide::oauth) has a table of what a browser does.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring, OAuthCookies, SameSite};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let logins = OAuthCookies::builder(keyring).same_site(SameSite::None).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Security
    ///
    /// With `None`, browsers send the cookies with requests that any other site makes. That alone lets no
    /// site finish a login, because it does not know the state. But nothing else below the path may rely
    /// on `SameSite` against forged requests. The session's own cookie stays `Lax`, so a callback by
    /// `form_post` comes without the session.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// How long a user may take to log in at the provider, in whole seconds, at most 400 days. Default:
    /// ten minutes.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Key, Keyring, OAuthCookies};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let logins = OAuthCookies::builder(keyring).timeout(Duration::from_secs(5 * 60)).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The clock. Default: [`SystemClock`](crate::SystemClock).
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring, OAuthCookies, TestClock};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let clock = TestClock::at(1_700_000_000);
    /// let logins = OAuthCookies::builder(keyring).clock(clock.clone()).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Leaves out `Secure`, and with it the prefix of the name. Default: both are set.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring, OAuthCookies};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let logins = OAuthCookies::builder(keyring).danger_allow_plain_http().build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Security
    ///
    /// The cookies then also travel over plain HTTP. Chromium does not need it on `http://localhost` and
    /// `http://127.0.0.1`; a developer's machine under another name does, and so does Safari.
    pub fn danger_allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Checks the settings.
    ///
    /// ```
    /// # use sealed_session::{ConfigErrorKind, Key, Keyring, OAuthCookies, SameSite};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let error = OAuthCookies::builder(keyring).same_site(SameSite::Strict).build().unwrap_err();
    /// assert_eq!(*error.kind(), ConfigErrorKind::StrictLogin);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::StrictLogin`] for `SameSite=Strict`, [`ConfigErrorKind::NeedsNativeKey`] if the
    /// primary key is a fastify key, and otherwise as [`CodecBuilder::build`](crate::CodecBuilder::build).
    pub fn build(self) -> Result<OAuthCookies, ConfigError> {
        if self.same_site == SameSite::Strict {
            return Err(ConfigErrorKind::StrictLogin.into());
        }
        let options = match (self.plain_http, self.path.as_ref()) {
            (true, _) => CookieOptions::new().danger_allow_plain_http(),
            (false, "/") => CookieOptions::host_prefixed(),
            (false, _) => CookieOptions::secure_prefixed(),
        };
        let options =
            options.name(self.name).path(self.path).same_site(self.same_site).max_age(self.timeout);
        let codec = Codec::builder(self.keyring.clone())
            .idle_timeout(self.timeout)
            .absolute_timeout(self.timeout)
            .cookie(options.clone());
        let codec = match self.clock {
            Some(clock) => codec.clock(clock),
            None => codec,
        };
        // A previous key may be that of a Node session's cookie. It seals none of these, and what it opens
        // is refused.
        #[cfg(feature = "fastify")]
        let codec = codec.danger_share_fastify_key();
        let codec = codec.build()?;
        needs_native_key(&self.keyring, check_timeout("idle", self.timeout)?)?;
        // Names of logins are longer than the codec's by the digits.
        let longest = format!("{}-{}", codec.cookie_name(), "0".repeat(SUFFIX_LEN));
        options.clone().name(longest).prepare("")?;
        Ok(OAuthCookies { codec, options: Arc::new(options) })
    }
}

impl fmt::Debug for OAuthCookiesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthCookiesBuilder")
            .field("keyring", &self.keyring)
            .field("name", &self.name)
            .field("path", &self.path)
            .field("same_site", &self.same_site)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
