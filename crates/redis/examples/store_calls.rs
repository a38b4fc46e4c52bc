//! The calls of libraries that keep sessions in a store, and what does the same here, on Redis:
//! `cargo run -p sealed-session-redis --example store_calls --features registry`.
//!
//! `REDIS_URL` is the server's address. Without it, `redis://127.0.0.1/`.

#[path = "../../../examples/store_calls/calls.rs"]
mod calls;

use std::time::Duration;

use sealed_session::registry::{Recording, Registry};
use sealed_session::revocation::{AtStart, WhenAway};
use sealed_session::{Key, Revocations};
use sealed_session_redis::{RedisStore, Replicas};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1/".to_owned());
    let key = Key::generate()?;
    // Each run has keys of its own.
    let now = std::time::UNIX_EPOCH.elapsed()?.as_nanos();
    let prefix = format!("store_calls-{}-{now}", std::process::id());
    let store = RedisStore::node(url, Replicas(0)).prefix(prefix).build()?;

    let at_start = AtStart::Wait(Duration::from_secs(10));
    let revocations = Revocations::open(store.clone(), WhenAway::KeepServing, at_start).await?;
    let registry = Registry::new(store, &key, &revocations, Recording::Required);
    calls::all(&revocations, &registry).await
}
