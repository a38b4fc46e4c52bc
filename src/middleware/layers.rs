//! `Layers`: which session layers a request has passed, so that two that would answer to one cookie
//! are noticed.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use http::Extensions;

use crate::codec::{Codec, Core};
use crate::kind::SessionKind;
use crate::session::Session;

/// In the request's extensions: the codecs of the session layers that it has passed.
#[derive(Clone)]
pub(crate) struct Layers {
    first: Arc<Core>,
    rest: Vec<Arc<Core>>,
}

/// In the request's extensions: two layers stand in each other's way.
#[derive(Clone)]
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "read by the extractors"))]
pub(crate) enum Clash {
    /// They serve one cookie.
    Cookie(String),
    /// They serve one kind, so that a handler can reach only the inner one's session.
    Kind(&'static str),
    /// One fastify key opens the cookies of both.
    #[cfg(feature = "fastify")]
    Key(String, String),
}

impl Layers {
    /// Notes that the request has come to the layer of this kind's codec.
    ///
    /// `false` if another is in its way: then it is not to serve the request, so that no response
    /// carries one cookie twice.
    pub(super) fn pass<K: SessionKind>(extensions: &mut Extensions, codec: &Codec<K>) -> bool {
        let core = codec.core();
        let Some(layers) = extensions.get_mut::<Self>() else {
            extensions.insert(Self { first: core.clone(), rest: Vec::new() });
            return true;
        };
        let clash = layers.iter().find_map(|other| Clash::of(other, core));
        layers.rest.push(core.clone());
        let clash =
            clash.or_else(|| extensions.get::<Session<K>>().map(|_| Clash::Kind(type_name::<K>())));
        let Some(clash) = clash else { return true };
        #[cfg(feature = "tracing")]
        tracing::error!("{clash}");
        extensions.insert(clash);
        false
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Core>> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// The names of the cookies that are served.
    #[cfg(feature = "axum")]
    pub(crate) fn cookie_names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|core| core.cookie.name())
    }
}

impl Clash {
    fn of(one: &Core, two: &Core) -> Option<Self> {
        let (name, other) = (one.cookie.name(), two.cookie.name());
        if name == other {
            return Some(Self::Cookie(name.to_owned()));
        }
        #[cfg(feature = "fastify")]
        if one.shares_key_with(two) {
            return Some(Self::Key(name.to_owned(), other.to_owned()));
        }
        None
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie(name) => write!(
                f,
                "two SessionLayers serve the cookie `{name}` on this route: remove one, or give \
                 one kind another name with `CookieOptions::name`"
            ),
            Self::Kind(kind) => write!(
                f,
                "two SessionLayers serve the kind `{kind}` on this route: remove one, or give the \
                 other session a kind of its own"
            ),
            #[cfg(feature = "fastify")]
            Self::Key(one, two) => write!(
                f,
                "one fastify key serves the cookies `{one}` and `{two}` on this route, so each \
                 opens as the other: give each session a key of its own"
            ),
        }
    }
}
