//! What goes wrong around a server: its clock, its handlers, its key file, what it is sent.
#![cfg(feature = "axum")]

#[path = "../support/mod.rs"]
mod support;

mod clock;
mod handlers;
mod hostile_headers;
mod keys;
