//! The crate's errors: opaque structs, each with a `#[non_exhaustive]` kind; one file for each.
//!
//! A message quotes an invalid *setting* (a cookie name, a length, a path), never a key, a token or a
//! plaintext. Messages of `serde_json` quote what they read, so they are filtered (`reason`).
//!
//! `Debug` is for people as well: a program whose `main` returns the error prints it.

use std::error::Error;
use std::fmt;

/// Defines an opaque error struct: a kind, which is its message, and `with a cause` an optional cause.
macro_rules! opaque_error {
    ($(#[$doc:meta])* $Error:ident, $Kind:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $Error {
            kind: $Kind,
        }

        impl From<$Kind> for $Error {
            fn from(kind: $Kind) -> Self {
                Self { kind }
            }
        }

        impl std::error::Error for $Error {}

        opaque_error!(@all $Error, $Kind);
    };
    ($(#[$doc:meta])* $Error:ident, $Kind:ident, with a cause) => {
        $(#[$doc])*
        pub struct $Error {
            kind: $Kind,
            source: Option<Box<dyn std::error::Error + Send + Sync>>,
        }

        impl $Error {
            pub(crate) fn caused_by(
                kind: $Kind,
                source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
            ) -> Self {
                Self { kind, source: Some(source.into()) }
            }
        }

        impl From<$Kind> for $Error {
            fn from(kind: $Kind) -> Self {
                Self { kind, source: None }
            }
        }

        impl std::error::Error for $Error {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                self.source.as_deref().map(|source| source as _)
            }
        }

        opaque_error!(@all $Error, $Kind);
    };
    (@all $Error:ident, $Kind:ident) => {
        impl $Error {
            /// What went wrong, to match on, as in the example above.
            #[must_use]
            pub fn kind(&self) -> &$Kind {
                &self.kind
            }
        }

        impl std::fmt::Debug for $Error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::error::write_with_causes(self, f)
            }
        }

        impl std::fmt::Display for $Error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.kind, f)
            }
        }
    };
}

/// Writes the error's text and the text of each cause in one line, separated by colons.
fn write_with_causes(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{error}")?;
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(f, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}

mod config;
mod decode;
mod encode;
mod key;
#[cfg(feature = "oauth")]
mod oauth;
mod reason;
mod refusal;
#[cfg(feature = "session")]
mod rejection;
#[cfg(feature = "revocation")]
mod revocation;
mod session;

pub use self::config::{ConfigError, ConfigErrorKind};
pub use self::decode::{DecodeError, DecodeErrorKind};
pub use self::encode::{EncodeError, EncodeErrorKind, TooLarge};
pub use self::key::{KeyError, KeyErrorKind, KeyLengthHint};
#[cfg(feature = "oauth")]
pub use self::oauth::{OAuthError, OAuthErrorKind};
use self::reason::without_values;
pub(crate) use self::refusal::Refusal;
#[cfg(feature = "session")]
pub use self::rejection::SessionRejection;
#[cfg(feature = "revocation")]
pub use self::revocation::{RevocationError, RevocationErrorKind};
pub use self::session::{SessionError, SessionErrorKind};
