//! The calls of libraries that keep sessions in a store, and what does the same here:
//! `cargo run --example store_calls --features registry`.
//!
//! `calls.rs` has them, in memory here, and on Redis in the example of the same name of
//! `sealed-session-redis`.

mod calls;

use sealed_session::Revocations;
use sealed_session::registry::Registry;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let revocations = Revocations::in_memory();
    let registry = Registry::in_memory(&revocations);
    calls::all(&revocations, &registry).await
}
