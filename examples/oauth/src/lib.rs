//! A site whose users log in at an OAuth provider, and a provider to try it with.

pub mod provider;
pub mod site;

/// Compiles the program of the guide's page, which needs the crate `oauth2`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/oauth.md")]
mod guide {}
