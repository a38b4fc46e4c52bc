//! The store on real servers. `tests/run` installs them, and runs this with one thread.

mod cluster;
mod data;
mod errors;
#[cfg(feature = "registry")]
mod examples;
#[cfg(feature = "registry")]
mod registry;
#[cfg(feature = "registry")]
#[path = "../../../../tests/support/registry_suite.rs"]
mod registry_suite;
mod replicas;
mod restart;
mod support;
mod volume;
