//! Web sessions that live in the browser, sealed.
//!
//! (crate documentation)
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod codec;
mod cookie_header;
mod cookie_options;
mod crypto;
mod error;
#[cfg(feature = "axum")]
mod extract;
pub mod guide;
mod kind;
#[cfg(feature = "tower")]
mod middleware;
mod scheme;
#[cfg(feature = "tower")]
mod session;

pub use cookie::SameSite;

pub use crate::clock::{Clock, SystemClock, TestClock};
pub use crate::codec::{Codec, CodecBuilder, Opened};
pub use crate::cookie_options::CookieOptions;
pub use crate::crypto::key::Key;
pub use crate::crypto::keyring::Keyring;
#[cfg(feature = "passphrase")]
pub use crate::crypto::passphrase::Salt;
pub use crate::error::{
    ConfigError, ConfigErrorKind, KeyError, KeyErrorKind, OpenError, OpenErrorKind, SealError,
    SealErrorKind, SessionError, SessionErrorKind, TooLarge,
};
#[cfg(feature = "axum")]
pub use crate::extract::{Current, SessionRejection};
#[doc(hidden)]
pub use crate::kind::SharedJson;
pub use crate::kind::{Dynamic, Entries, SessionKind};
#[cfg(feature = "tower")]
pub use crate::middleware::{ResponseFuture, SessionLayer, SessionService};
#[cfg(feature = "tower")]
pub use crate::session::Session;
