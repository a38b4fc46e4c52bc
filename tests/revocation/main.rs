//! Sessions that the server ends.

#[path = "../support/mod.rs"]
mod support;

mod codec;
mod registry;
mod session;
