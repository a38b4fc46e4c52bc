//! What can be wrong with settings.

use std::fmt;
use std::time::Duration;

opaque_error! {
    /// Settings that do not fit together, found when a codec is built.
    ConfigError, ConfigErrorKind
}

/// Which setting does not fit.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigErrorKind {
    /// Not a cookie name: RFC 6265 wants a token of RFC 9110, and here at most 255 bytes of it.
    #[non_exhaustive]
    CookieName {
        /// The name as it was given.
        name: String,
    },
    /// The name's prefix (`__Host-`, `__Secure-`, `__Http-`, `__Host-Http-`, in any letter case)
    /// demands another attribute.
    #[non_exhaustive]
    CookiePrefix {
        /// The full name.
        name: String,
        /// What the browser demands.
        demands: &'static str,
    },
    /// Not a cookie path: it begins with `/`, has no control character and no `;`, and at most
    /// 1024 bytes.
    #[non_exhaustive]
    Path {
        /// The path as it was given.
        path: String,
    },
    /// Not a host name.
    #[non_exhaustive]
    Domain {
        /// The domain as it was given.
        domain: String,
    },
    /// `SameSite=None` and `Partitioned` are refused by browsers without `Secure`.
    #[non_exhaustive]
    NeedsSecure {
        /// The attribute that needs it.
        attribute: &'static str,
    },
    /// Max-Age is not between 1 second and 400 days in whole seconds.
    #[non_exhaustive]
    MaxAge {
        /// The value as it was given.
        found: Duration,
    },
    /// A timeout is not between 1 second and 2^31 - 1 seconds in whole seconds.
    #[non_exhaustive]
    Timeout {
        /// `idle` or `absolute`.
        which: &'static str,
        /// The value as it was given.
        found: Duration,
    },
    /// The idle timeout is longer than the absolute one, so it could never be reached.
    #[non_exhaustive]
    IdleBeyondAbsolute {
        /// The idle timeout.
        idle: Duration,
        /// The absolute timeout.
        absolute: Duration,
    },
    /// So short a Cookie line has no room for a session: fewer than 256 bytes.
    #[non_exhaustive]
    MaxCookieHeader {
        /// The value as it was given.
        found: usize,
    },
    /// A session is to be remembered, and the primary key's token (fastify) has no room for an idle
    /// timeout.
    NoRoomToRemember,
    /// `Session::remember` without [`CodecBuilder::remember_timeout`](crate::CodecBuilder::remember_timeout).
    NoRememberTimeout,
    /// A fastify key serves another cookie already, under which this one's would open.
    #[non_exhaustive]
    SharedKey {
        /// The cookie that the key serves.
        other: String,
        /// This codec's cookie.
        cookie: String,
    },
    /// Cookie options for one response would rename the cookie.
    #[non_exhaustive]
    Renamed {
        /// The codec's name.
        from: String,
        /// What the options would make of it.
        to: String,
    },
    /// Cookie options for one response would change `Path`, `Domain` or `Partitioned`: the browser
    /// would keep two cookies side by side, and a log-out would remove one of them.
    #[non_exhaustive]
    Moved {
        /// The attribute's name.
        attribute: &'static str,
    },
}

impl fmt::Display for ConfigErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CookieName { name } => write!(
                f,
                "{name:?} is not a cookie name: 1 to 255 letters, digits or !#$%&'*+-.^_`|~"
            ),
            Self::CookiePrefix { name, demands } => {
                write!(f, "a browser refuses a cookie named {name:?} unless it {demands}")
            }
            Self::Path { path } => write!(
                f,
                "{path:?} is not a cookie path: it begins with a slash, has no control character \
                 and no semicolon, and at most 1024 bytes"
            ),
            Self::Domain { domain } => {
                write!(f, "{domain:?} is not a host name (no dot before or behind it, and no port)")
            }
            Self::NeedsSecure { attribute } => {
                write!(f, "a browser refuses a cookie with {attribute} but without Secure")
            }
            Self::MaxAge { found } => write!(
                f,
                "Max-Age is {found:?}; wanted whole seconds, from 1 second to 400 days (what \
                 browsers keep at most)"
            ),
            Self::Timeout { which, found } => write!(
                f,
                "the {which} timeout is {found:?}; wanted whole seconds, from 1 to 2147483647"
            ),
            Self::IdleBeyondAbsolute { idle, absolute } => write!(
                f,
                "the idle timeout ({idle:?}) is longer than the absolute timeout ({absolute:?}), \
                 which would always end the session first; set both"
            ),
            Self::MaxCookieHeader { found } => write!(
                f,
                "a Cookie line of at most {found} bytes has no room for a session; at least 256 are \
                 needed"
            ),
            Self::NoRoomToRemember => f.write_str(
                "a fastify token has no room for a remember timeout; use a key of our own as primary",
            ),
            Self::NoRememberTimeout => f.write_str(
                "no remember timeout is set: call `remember_timeout` when the codec is built",
            ),
            Self::SharedKey { other, cookie } => write!(
                f,
                "the fastify key serves the cookie {other:?} already; under {cookie:?}, too, each \
                 would open as the other: give each session a key of its own"
            ),
            Self::Renamed { from, to } => write!(
                f,
                "cookie options for one response cannot rename the cookie from {from:?} to {to:?}"
            ),
            Self::Moved { attribute } => write!(
                f,
                "cookie options for one response cannot change {attribute}: the browser would keep \
                 both cookies; set it when the codec is built"
            ),
        }
    }
}
