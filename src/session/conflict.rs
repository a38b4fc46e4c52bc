//! `LayerConflict`: two session layers on one request that exclude each other.

use std::fmt;

use crate::codec::CodecInner;

/// Why two session layers on one request exclude each other.
#[derive(Clone, Debug)]
pub(crate) enum LayerConflict {
    /// They use the same cookie.
    Cookie(String),
    /// They are of the same kind, so a handler can reach only one of their sessions.
    Kind(&'static str),
    /// One fastify key opens the cookies of both.
    #[cfg(feature = "fastify")]
    Key(String, String),
}

impl LayerConflict {
    pub(crate) fn of(one: &CodecInner, two: &CodecInner) -> Option<Self> {
        let (name, other) = (one.cookie.name(), two.cookie.name());
        if name == other {
            return Some(Self::Cookie(name.to_owned()));
        }
        // The cookies beside a session's own.
        let is_beside = |name: &str, other: &str| {
            let suffix = other.strip_prefix(name);
            suffix.is_some_and(|suffix| matches!(suffix, "-flash" | "-ended"))
        };
        if is_beside(name, other) {
            return Some(Self::Cookie(other.to_owned()));
        }
        if is_beside(other, name) {
            return Some(Self::Cookie(name.to_owned()));
        }
        #[cfg(feature = "fastify")]
        if one.shares_key_with(two) {
            return Some(Self::Key(name.to_owned(), other.to_owned()));
        }
        None
    }
}

impl fmt::Display for LayerConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie(name) => write!(
                f,
                "two session layers serve the cookie `{name}` on this route: remove one, or give \
                 one kind another name with `CookieOptions::name` (or the extensions of another \
                 request were copied into this one: leave the sessions out)"
            ),
            Self::Kind(kind) => write!(
                f,
                "two session layers serve the kind `{kind}` on this route: remove one, or use a \
                 separate kind for the other session"
            ),
            #[cfg(feature = "fastify")]
            Self::Key(one, two) => write!(
                f,
                "one fastify key serves the cookies `{one}` and `{two}` on this route, which makes \
                 them interchangeable: use a separate key per session"
            ),
        }
    }
}
