//! The crate's errors: opaque structs, each with a `#[non_exhaustive]` kind; one file for each.
//!
//! A message quotes a bad *setting* (a cookie name, a length, a path), never a key, a token or a
//! plaintext. For that reason the messages of `serde_json`, which quote what they read, stay out.

/// An opaque error struct: a kind, which is its message, and perhaps a cause.
macro_rules! opaque_error {
    ($(#[$doc:meta])* $Error:ident, $Kind:ident) => {
        $(#[$doc])*
        pub struct $Error {
            kind: $Kind,
            source: Option<Box<dyn std::error::Error + Send + Sync>>,
        }

        impl $Error {
            /// What went wrong, to match on.
            #[must_use]
            pub fn kind(&self) -> &$Kind {
                &self.kind
            }

            #[allow(dead_code, reason = "which errors have a cause depends on the features")]
            pub(crate) fn caused_by(kind: $Kind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
                Self { kind, source: Some(source.into()) }
            }
        }

        impl From<$Kind> for $Error {
            fn from(kind: $Kind) -> Self {
                Self { kind, source: None }
            }
        }

        impl std::fmt::Debug for $Error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut out = f.debug_struct(stringify!($Error));
                out.field("kind", &self.kind);
                if let Some(source) = &self.source {
                    out.field("source", source);
                }
                out.finish()
            }
        }

        impl std::fmt::Display for $Error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.kind, f)
            }
        }

        impl std::error::Error for $Error {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                self.source.as_deref().map(|source| source as _)
            }
        }
    };
}

mod config;
mod key;
mod open;
mod reason;
mod seal;
mod session;

pub use self::config::{ConfigError, ConfigErrorKind};
pub use self::key::{KeyError, KeyErrorKind};
pub use self::open::{OpenError, OpenErrorKind};
pub(crate) use self::reason::without_values;
pub use self::seal::{SealError, SealErrorKind, TooLarge};
pub use self::session::{SessionError, SessionErrorKind};
