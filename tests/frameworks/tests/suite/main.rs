//! One suite of behaviours, run against axum and actix-web: a real server on a socket, and what a browser sees.
//!
//! A handler is written once, for a `sealed_session::Session<K>`. What differs between the frameworks is in
//! `on_axum.rs` and `on_actix.rs`: routes, extractors and middlewares.

#[path = "../../../support/log.rs"]
mod log;

mod behaviours;
mod browser;
mod framework;
mod on_actix;
mod on_axum;
mod server;
