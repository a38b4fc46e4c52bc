//! `OAuthError`: why an OAuth login could not begin, or why its callback was refused.

use std::fmt;

opaque_error! {
    /// An OAuth login could not begin, or its callback was refused.
    ///
    /// ```
    /// use sealed_session::{Key, Keyring, OAuthCookies, OAuthErrorKind};
    ///
    /// let logins = OAuthCookies::new(Keyring::new(Key::generate()?))?;
    /// let no_cookies: [&str; 0] = [];
    /// let finished = logins.finish(no_cookies, "example", "a-state-that-somebody-made-up");
    /// let error = finished.login.unwrap_err();
    /// assert_eq!(*error.kind(), OAuthErrorKind::NoCookie);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Its text is for the log. It quotes neither a state nor a verifier nor a nonce. The user is best
    /// told only that the login did not work, with a link that begins another one.
    OAuthError, OAuthErrorKind, with a cause
}

/// Why an OAuth login could not begin, or why its callback was refused.
///
/// ```
/// # use sealed_session::OAuthErrorKind;
/// let kind = OAuthErrorKind::NoCookie;
/// assert!(kind.to_string().contains("form_post"));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OAuthErrorKind {
    /// At the start: the provider's name is empty, longer than 255 bytes or has control characters.
    ProviderName,
    /// At the start: the PKCE verifier does not have 43 to 128 letters, digits or `-._~` (RFC 7636,
    /// section 4.1).
    PkceVerifier,
    /// At the start: the nonce does not have 1 to 255 printable ASCII characters.
    Nonce,
    /// At the start: the application's own state does not have 22 to 255 printable ASCII characters. In
    /// base64, 22 characters hold 128 bits.
    State,
    /// At the start: `next` has more than 512 bytes.
    #[non_exhaustive]
    NextTooLong {
        /// How many bytes it has.
        found: usize,
    },
    /// At the start: `next` is not a path of this site.
    NextNotLocal,
    /// At the start: the login could not be sealed. The cause is an [`EncodeError`](crate::EncodeError).
    NotSealed,
    /// The callback has no state.
    NoState,
    /// The callback came without the cookie of any login.
    NoCookie,
    /// The callback came with cookies of logins, but of none with its state.
    #[non_exhaustive]
    UnknownState {
        /// How many cookies of other logins came.
        others: usize,
    },
    /// The cookie of the login is older than the timeout. (Browsers drop it by themselves, unless their
    /// clock is late.)
    Expired,
    /// The cookie of the login does not open. The cause is a [`DecodeError`](crate::DecodeError).
    Unreadable,
    /// The cookie that is named after this state holds another one.
    StateMismatch,
    /// The login began at another provider than the one whose callback this is.
    #[non_exhaustive]
    OtherProvider {
        /// The provider at which it began.
        began_at: String,
    },
}

impl fmt::Display for OAuthErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProviderName => f.write_str(
                "the provider's name must have 1 to 255 bytes and no control characters",
            ),
            Self::PkceVerifier => f.write_str(
                "the PKCE verifier must have 43 to 128 letters, digits or `-._~`",
            ),
            Self::Nonce => {
                f.write_str("the nonce must have 1 to 255 printable ASCII characters")
            }
            Self::State => f.write_str(
                "the application's own state must have 22 to 255 printable ASCII characters",
            ),
            Self::NextTooLong { found } => {
                write!(f, "`next` has {found} bytes, more than the 512 that a login keeps")
            }
            Self::NextNotLocal => f.write_str(
                "`next` is not a path of this site: it must begin with one slash, and its path must \
                 have no `//`, no backslash and no control character",
            ),
            Self::NotSealed => f.write_str("the login could not be sealed into a cookie"),
            Self::NoState => f.write_str("the callback has no state"),
            Self::NoCookie => f.write_str(
                "the callback came without the cookie of a login: it was reloaded or used before, it \
                 was opened in another browser or on another host than the start, the user took \
                 longer than the timeout, its path is not below the cookie's Path, or the browser left \
                 the cookie out (`response_mode=form_post` needs SameSite=None)",
            ),
            Self::UnknownState { others: 1 } => f.write_str(
                "the callback's state is not that of the one login that this browser has begun: it \
                 was used before, belongs to another browser, is forged, or has timed out",
            ),
            Self::UnknownState { others } => write!(
                f,
                "the callback's state is not that of any of the {others} logins that this browser has \
                 begun: it was used before, belongs to another browser, is forged, has timed out, or \
                 was dropped because more than four logins were begun"
            ),
            Self::Expired => f.write_str("the user took longer to log in than the timeout"),
            Self::Unreadable => f.write_str("the cookie of the login does not open"),
            Self::StateMismatch => {
                f.write_str("the cookie of the login holds another state than the callback's")
            }
            Self::OtherProvider { began_at } => write!(
                f,
                "the login began at the provider {began_at:?}, and this is the callback of another one \
                 (a mix-up attack, or a wrong redirect URI?)"
            ),
        }
    }
}
