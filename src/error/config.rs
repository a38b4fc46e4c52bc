//! `ConfigError`: settings that a codec or a response cannot use.

use std::fmt;
use std::time::Duration;

opaque_error! {
    /// A setting is invalid, or two of them contradict each other. Found when a codec is built.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sealed_session::{Codec, ConfigErrorKind, Dynamic, Key, Keyring};
    ///
    /// let result = Codec::<Dynamic>::builder(Keyring::new(Key::generate()?))
    ///     .idle_timeout(Duration::ZERO)
    ///     .build();
    /// let error = result.unwrap_err();
    /// assert!(matches!(error.kind(), ConfigErrorKind::Timeout { which: "idle", .. }));
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ConfigError, ConfigErrorKind
}

/// Which setting is invalid.
///
/// ```
/// use sealed_session::{Codec, ConfigErrorKind, CookieOptions, Dynamic, Key, Keyring};
///
/// # let keyring = Keyring::new(Key::generate()?);
/// let result = Codec::<Dynamic>::builder(keyring)
///     .cookie(CookieOptions::new().name("two words"))
///     .build();
/// let kind = result.unwrap_err().kind().clone();
/// assert!(matches!(kind, ConfigErrorKind::CookieName { name, .. } if name == "two words"));
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigErrorKind {
    /// Not a valid cookie name: RFC 6265 requires a token of RFC 9110. This crate allows at most
    /// 255 bytes.
    #[non_exhaustive]
    CookieName {
        /// The name as it was given.
        name: String,
    },
    /// The name's prefix (`__Host-`, `__Secure-`, `__Http-`, `__Host-Http-`, in any letter case)
    /// requires another attribute.
    #[non_exhaustive]
    CookiePrefix {
        /// The full name.
        name: String,
        /// What the browser requires.
        demands: &'static str,
    },
    /// Not a valid cookie path: a path begins with `/`, has no control character and no `;`, and
    /// is at most 1024 bytes long.
    #[non_exhaustive]
    Path {
        /// The path as it was given.
        path: String,
    },
    /// Not a valid host name.
    #[non_exhaustive]
    Domain {
        /// The domain as it was given.
        domain: String,
    },
    /// Browsers refuse `SameSite=None` and `Partitioned` without `Secure`.
    #[non_exhaustive]
    NeedsSecure {
        /// The attribute that needs it.
        attribute: &'static str,
    },
    /// `Max-Age` is not a whole number of seconds between 1 second and 400 days.
    #[non_exhaustive]
    MaxAge {
        /// The value as it was given.
        found: Duration,
    },
    /// A timeout is not a whole number of seconds between 1 and 2^31 - 1.
    #[non_exhaustive]
    Timeout {
        /// Which timeout, such as `idle` or `absolute`.
        which: &'static str,
        /// The value as it was given.
        found: Duration,
    },
    /// The idle timeout is longer than the absolute one, so it would never take effect.
    #[non_exhaustive]
    IdleBeyondAbsolute {
        /// The idle timeout.
        idle: Duration,
        /// The absolute timeout.
        absolute: Duration,
    },
    /// The remember timeout is shorter than the idle timeout, so that nobody would be remembered.
    #[non_exhaustive]
    RememberBelowIdle {
        /// The remember timeout.
        remember: Duration,
        /// The idle timeout.
        idle: Duration,
    },
    /// The limit for the `Cookie` header is below 256 bytes, which has no room for a session.
    #[non_exhaustive]
    MaxCookieHeader {
        /// The value as it was given.
        found: usize,
    },
    /// A setting needs tokens of this crate's own format, but the primary key is a fastify key, whose
    /// tokens have no room for it.
    #[non_exhaustive]
    NeedsNativeKey {
        /// The builder's method.
        setting: &'static str,
    },
    /// The revocations keep their marks for less time than a session can last, so that an ended session
    /// would open again.
    #[non_exhaustive]
    KeepForBelowAbsolute {
        /// For how long the marks are kept.
        keep_for: Duration,
        /// The codec's absolute timeout.
        absolute: Duration,
    },
    /// `Session::remember` was called, but the codec has no
    /// [`remember_timeout`](crate::CodecBuilder::remember_timeout).
    NoRememberTimeout,
    /// The fastify key is already used for another cookie. Each of the two would open under the
    /// other's name.
    #[non_exhaustive]
    SharedKey {
        /// The cookie that already uses the key.
        other: String,
        /// This codec's cookie.
        cookie: String,
    },
    /// Cookie options for a single response would rename the cookie.
    #[non_exhaustive]
    Renamed {
        /// The codec's name.
        from: String,
        /// The name that the options would give it.
        to: String,
    },
    /// Cookie options for a single response would change `Path`, `Domain` or `Partitioned`. The
    /// browser would then keep two cookies, and a log-out would remove only one of them.
    #[non_exhaustive]
    Moved {
        /// The attribute's name.
        attribute: &'static str,
    },
    /// The cookies of OAuth logins would be `SameSite=Strict`. The provider's redirect comes from
    /// another site, so the browser would leave them out.
    #[cfg(feature = "oauth")]
    StrictLogin,
}

impl fmt::Display for ConfigErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CookieName { name } => write!(
                f,
                "{name:?} is not a valid cookie name (1 to 255 letters, digits or !#$%&'*+-.^_`|~)"
            ),
            Self::CookiePrefix { name, demands } => {
                write!(f, "a browser refuses a cookie named {name:?} unless it {demands}")
            }
            Self::Path { path } => write!(
                f,
                "{path:?} is not a valid cookie path (it must begin with a slash, without control \
                 characters or semicolons, and have at most 1024 bytes)"
            ),
            Self::Domain { domain } => {
                write!(
                    f,
                    "{domain:?} is not a valid host name (no leading or trailing dot, no port)"
                )
            }
            Self::NeedsSecure { attribute } => {
                write!(f, "a browser refuses a cookie that has {attribute} but not Secure")
            }
            Self::MaxAge { found } => write!(
                f,
                "Max-Age must be whole seconds between 1 second and 400 days (the longest that \
                 browsers keep a cookie), found {found:?}"
            ),
            Self::Timeout { which, found } => write!(
                f,
                "the {which} timeout must be whole seconds between 1 and 2147483647, found {found:?}"
            ),
            Self::IdleBeyondAbsolute { idle, absolute } => write!(
                f,
                "the idle timeout ({idle:?}) is longer than the absolute timeout ({absolute:?}), so \
                 it would never take effect; set both"
            ),
            Self::RememberBelowIdle { remember, idle } => write!(
                f,
                "the remember timeout ({remember:?}) is shorter than the idle timeout ({idle:?}), so \
                 nobody would be remembered; set both"
            ),
            Self::MaxCookieHeader { found } => write!(
                f,
                "a Cookie header of at most {found} bytes has no room for a session; allow at least \
                 256"
            ),
            Self::NeedsNativeKey { setting } => write!(
                f,
                "`{setting}` needs a native primary key (`Keyring::new`), because fastify tokens have \
                 no room for it"
            ),
            Self::KeepForBelowAbsolute { keep_for, absolute } => write!(
                f,
                "the revocations keep their marks for {keep_for:?}, but a session can last {absolute:?}, \
                 so an ended session would open again; set `keep_for` to at least that"
            ),
            Self::NoRememberTimeout => f.write_str(
                "no remember timeout is set; call `remember_timeout` on the codec's builder",
            ),
            Self::SharedKey { other, cookie } => write!(
                f,
                "this fastify key is already used for the cookie {other:?}; using it for {cookie:?} \
                 would make the two interchangeable; use a separate key per session"
            ),
            Self::Renamed { from, to } => write!(
                f,
                "cookie options for a single response cannot rename the cookie from {from:?} to {to:?}"
            ),
            Self::Moved { attribute } => write!(
                f,
                "cookie options for a single response cannot change {attribute}, because the browser \
                 would keep both cookies; set it on the codec's builder"
            ),
            #[cfg(feature = "oauth")]
            Self::StrictLogin => f.write_str(
                "with SameSite=Strict the browser leaves the cookie out when the provider sends the \
                 user back, so no login would finish; use Lax, or None for `response_mode=form_post`",
            ),
        }
    }
}
