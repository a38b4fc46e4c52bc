//! `SessionLayer` for tower: gives each request its session, and its response the cookie.

mod layer;
mod layers;
mod service;
#[cfg(test)]
#[cfg(feature = "axum")]
mod tests;

pub use self::layer::SessionLayer;
#[cfg(feature = "axum")]
pub(crate) use self::layers::{Clash, cookie_names};
pub use self::service::{ResponseFuture, SessionService};
