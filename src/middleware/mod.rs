//! `SessionLayer` for tower: gives each request its session, and its response the cookie.

mod conflict;
mod layer;
mod service;
#[cfg(test)]
#[cfg(feature = "axum")]
mod tests;

#[cfg(feature = "axum")]
pub(crate) use self::conflict::{LayerConflict, cookie_names};
pub use self::layer::SessionLayer;
pub use self::service::{ResponseFuture, SessionService};
