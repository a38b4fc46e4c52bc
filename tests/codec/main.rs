//! The core without HTTP: a session to a token and back, its settings, its times, its errors.

#[path = "../support/mod.rs"]
mod support;

mod config;
mod cookie_options;
#[cfg(all(feature = "axum", feature = "fastify"))]
mod errors;
mod events;
mod native_token;
mod redaction;
mod rotation;
mod round_trip;
mod times;
