//! Revocations of `sealed-session` on Redis or Valkey.
//!
//! [`RedisStore`] keeps the marks of ended sessions on one node, on a primary that sentinels watch, or in a
//! cluster. Each server reads them once and then follows; no request waits for Redis.
//!
//! ```no_run
//! # use std::time::Duration;
//! use sealed_session::Revocations;
//! use sealed_session::revocation::{AtStart, WhenAway};
//! use sealed_session_redis::{RedisStore, Replicas};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RedisStore::node("redis://localhost", Replicas(0)).prefix("shop").build()?;
//! let at_start = AtStart::Wait(Duration::from_secs(10));
//! let revocations = Revocations::open(store, WhenAway::KeepServing, at_start).await?;
//! # Ok(()) }
//! ```
//!
//! With the feature `registry` it also keeps the lists of a registry, and a clone of the store is given to it.
//!
//! The package's `README.md` says how the server has to be set up, and `FORMAT.md` what is in it.

mod builder;
mod connection;
mod entry;
mod error;
#[cfg(feature = "registry")]
mod owners;
mod place;
mod pool;
mod primary;
mod read;
#[cfg(feature = "registry")]
mod records;
mod slot;
mod store;

pub use self::builder::{RedisStore, RedisStoreBuilder, Replicas};
pub use self::error::{ErrorKind, RedisStoreError};
