//! `Layers`: which session layers a request has passed, so that two that would answer to one cookie
//! are noticed.

use std::sync::Arc;

use http::Extensions;

use crate::codec::Core;

/// In the request's extensions: the codecs of the session layers that it has passed.
#[derive(Clone)]
pub(crate) struct Layers {
    first: Arc<Core>,
    rest: Vec<Arc<Core>>,
}

/// In the request's extensions: two layers serve one cookie.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "axum"),
    allow(dead_code, reason = "read by the extractors")
)]
pub(crate) struct Clash {
    pub(crate) cookie: String,
}

impl Layers {
    /// Notes that the request has come to the layer of this codec.
    pub(super) fn pass(extensions: &mut Extensions, core: &Arc<Core>) {
        let Some(layers) = extensions.get_mut::<Self>() else {
            extensions.insert(Self {
                first: core.clone(),
                rest: Vec::new(),
            });
            return;
        };
        let clash = layers
            .iter()
            .any(|other| other.cookie.name() == core.cookie.name());
        layers.rest.push(core.clone());
        if clash {
            let cookie = core.cookie.name().to_owned();
            #[cfg(feature = "tracing")]
            tracing::error!(
                cookie,
                "two session layers serve one cookie name on one request"
            );
            extensions.insert(Clash { cookie });
        }
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
