//! `OAuthLogin`: what an application keeps of a login until its callback, and what may be kept.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::OAuthErrorKind;

/// Bytes of `next`, so that four logins and a session fit into a request.
const MAX_NEXT_LEN: usize = 512;
/// Bytes of the provider's name, of the nonce and of the state.
const MAX_TEXT_LEN: usize = 255;
/// The least that can hold 128 bits, in base64.
const MIN_STATE_LEN: usize = 22;

/// What an application keeps of a login until its callback. Given to
/// [`OAuthCookies::start`](crate::OAuthCookies::start), and returned by
/// [`OAuthCookies::finish`](crate::OAuthCookies::finish).
///
/// ```
/// use sealed_session::OAuthLogin;
///
/// # let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// let login = OAuthLogin::new("example", verifier).with_nonce("n-0S6_WzA2Mj").with_next("/orders");
/// assert_eq!(login.next(), "/orders");
/// assert!(!format!("{login:?}").contains(verifier));
/// ```
///
/// The verifier, the nonce and the state are wiped when it is dropped, and `Debug` leaves them out.
#[must_use = "a login is kept only once it is given to `OAuthCookies::start`"]
pub struct OAuthLogin {
    pub(super) provider: String,
    pub(super) pkce_verifier: Zeroizing<String>,
    pub(super) nonce: Option<Zeroizing<String>>,
    pub(super) next: String,
    pub(super) state: Option<Zeroizing<String>>,
}

impl OAuthLogin {
    /// A login at this provider, with this PKCE verifier (RFC 7636). The provider's name is the
    /// application's own, or the provider's issuer: see
    /// [`OAuthCookies::finish`](crate::OAuthCookies::finish).
    ///
    /// ```
    /// # use sealed_session::OAuthLogin;
    /// fn login(verifier: &str) -> OAuthLogin {
    ///     // With the crate `oauth2`: the `secret()` of a `PkceCodeVerifier`.
    ///     OAuthLogin::new("example", verifier)
    /// }
    /// ```
    pub fn new(provider: impl Into<String>, pkce_verifier: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            pkce_verifier: pkce_verifier.into().into(),
            nonce: None,
            next: "/".to_owned(),
            state: None,
        }
    }

    /// The nonce that the ID token has to repeat (OpenID Connect Core, section 3.1.2.1). Default: none.
    ///
    /// ```
    /// # use sealed_session::OAuthLogin;
    /// # let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    /// let login = OAuthLogin::new("example", verifier).with_nonce("n-0S6_WzA2Mj");
    /// assert_eq!(login.nonce(), Some("n-0S6_WzA2Mj"));
    /// ```
    pub fn with_nonce(mut self, nonce: impl Into<String>) -> Self {
        self.nonce = Some(nonce.into().into());
        self
    }

    /// Where the user goes after the login: a path of this site, at most 512 bytes. Default: `/`.
    ///
    /// [`start`](crate::OAuthCookies::start) checks it: it must begin with one slash, and before a `?` or
    /// `#` it must have no `//` and no backslash, which browsers read as a slash. It must have no control
    /// characters, which browsers leave out. So it may come from the query of the request.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring, OAuthCookies, OAuthErrorKind, OAuthLogin};
    /// # let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    /// # let logins = OAuthCookies::new(Keyring::new(Key::generate()?))?;
    /// # let cookie_lines: [&str; 0] = [];
    /// let login = OAuthLogin::new("example", verifier).with_next("//evil.example");
    /// let error = logins.start(cookie_lines, login).unwrap_err();
    /// assert_eq!(*error.kind(), OAuthErrorKind::NextNotLocal);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// The application's own state, of 22 to 255 printable ASCII characters. Default: `start` draws one
    /// of 160 bits.
    ///
    /// For a library that draws the state while it writes the provider's URL, as `authorize_url` of the
    /// crates `oauth2` and `openidconnect` does with `CsrfToken::new_random`.
    ///
    /// ```
    /// # use sealed_session::OAuthLogin;
    /// fn login(csrf_token: &str, verifier: &str) -> OAuthLogin {
    ///     OAuthLogin::new("example", verifier).with_state(csrf_token)
    /// }
    /// ```
    ///
    /// # Security
    ///
    /// It must be random: at least 128 bits (RFC 6749, section 10.10), and another one for each login.
    pub fn with_state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into().into());
        self
    }

    /// The provider's name.
    ///
    /// ```
    /// # use sealed_session::OAuthLogin;
    /// # let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    /// assert_eq!(OAuthLogin::new("example", verifier).provider(), "example");
    /// ```
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The PKCE verifier, for the exchange of the code.
    ///
    /// ```
    /// # use sealed_session::OAuthLogin;
    /// # let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    /// assert_eq!(OAuthLogin::new("example", verifier).pkce_verifier(), verifier);
    /// ```
    #[must_use]
    pub fn pkce_verifier(&self) -> &str {
        &self.pkce_verifier
    }

    /// The nonce that the ID token has to repeat, if the login has one.
    ///
    /// ```
    /// # use sealed_session::OAuthLogin;
    /// # let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    /// assert_eq!(OAuthLogin::new("example", verifier).nonce(), None);
    /// ```
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_ref().map(|nonce| nonce.as_str())
    }

    /// Where the user goes after the login: a path of this site.
    ///
    /// ```
    /// # use sealed_session::OAuthLogin;
    /// # let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    /// assert_eq!(OAuthLogin::new("example", verifier).next(), "/");
    /// ```
    #[must_use]
    pub fn next(&self) -> &str {
        &self.next
    }

    /// The state: the application's own, or after the callback that of the login.
    pub(super) fn state(&self) -> Option<&str> {
        self.state.as_ref().map(|state| state.as_str())
    }

    /// An error if a login must not, or cannot, keep this. What passes always fits into a cookie.
    pub(super) fn check(&self) -> Result<(), OAuthErrorKind> {
        let provider = &self.provider;
        if !(1..=MAX_TEXT_LEN).contains(&provider.len()) || provider.chars().any(char::is_control) {
            return Err(OAuthErrorKind::ProviderName);
        }
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let verifier = self.pkce_verifier();
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            return Err(OAuthErrorKind::PkceVerifier);
        }
        if self.nonce().is_some_and(|nonce| !is_printable(nonce, 1)) {
            return Err(OAuthErrorKind::Nonce);
        }
        if self.state().is_some_and(|state| !is_printable(state, MIN_STATE_LEN)) {
            return Err(OAuthErrorKind::State);
        }
        check_next(&self.next)
    }
}

/// RFC 6749, appendix A.5: what a state consists of.
fn is_printable(text: &str, min_len: usize) -> bool {
    (min_len..=MAX_TEXT_LEN).contains(&text.len())
        && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// An error unless every browser reads this as a path of the site that it is on (WHATWG URL, “relative
/// slash state”).
fn check_next(next: &str) -> Result<(), OAuthErrorKind> {
    if next.len() > MAX_NEXT_LEN {
        return Err(OAuthErrorKind::NextTooLong { found: next.len() });
    }
    let path = next.split(['?', '#']).next().unwrap_or_default();
    // Also further on in the path: whoever resolves `..` in it must not find two slashes at its start.
    let is_local = path.starts_with('/')
        && !path.contains("//")
        && !path.contains('\\')
        && !next.chars().any(char::is_control);
    if is_local { Ok(()) } else { Err(OAuthErrorKind::NextNotLocal) }
}

impl fmt::Debug for OAuthLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthLogin")
            .field("provider", &self.provider)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
