//! The smallest program on a directory of keys that rotate by themselves, with counters for Prometheus:
//!
//! ```sh
//! mkdir -m 700 keys
//! sealed-session keys rotate keys --every 90d
//! cargo run --example rotation --features key-directory -- keys
//! ```
//!
//! Follow the guide's page “Rotation in production” against it. `PORT` changes the port.

mod app;
mod counters;

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use sealed_session::{KeyDirectory, SystemClock};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = open()?;
    let app = app::app(&keys, SystemClock)?;
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("http://{}/visits", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// The keys in the directory that is named, or in the credential `keys` that systemd gives.
fn open() -> Result<KeyDirectory, Box<dyn Error>> {
    let keys = match env::args_os().nth(1) {
        Some(path) => KeyDirectory::builder(path),
        None => KeyDirectory::builder_from_credentials("keys"),
    };
    #[cfg(unix)]
    let keys = keys.reload_on_sighup();
    Ok(keys.open()?)
}
