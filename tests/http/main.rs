//! Sessions through axum and tower: what goes in and out over HTTP.
#![cfg(feature = "axum")]

#[path = "../support/mod.rs"]
mod support;

mod activity;
mod adapter;
mod automatic;
mod bad_cookies;
mod delete;
mod events;
mod expiry;
#[cfg(feature = "tracing")]
mod extractors;
mod flash;
mod generation;
mod headers;
#[cfg(feature = "tracing")]
mod reasons;
mod regenerate;
mod response_started;
mod rotation;
#[cfg(all(feature = "fastify", feature = "passphrase", feature = "tracing"))]
mod secrets;
mod session;
mod too_large;
mod writes;
