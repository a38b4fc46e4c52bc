//! `SessionLayer` for tower: gives each request its session, and its response the cookie.

mod conflict;
mod headers;
mod layer;
mod service;
#[cfg(test)]
#[cfg(feature = "axum")]
mod tests;

#[cfg(feature = "axum")]
pub(crate) use self::conflict::cookie_names;
pub use self::layer::SessionLayer;
pub use self::service::{ResponseFuture, SessionService};
