//! Sessions that the server ends.

#[path = "../support/store_suite.rs"]
mod store_suite;
#[path = "../support/mod.rs"]
mod support;

mod codec;
mod events;
mod follow;
#[cfg(feature = "tracing")]
mod log;
mod races;
mod registry;
mod session;
mod stores;
