//! The start: the variables `PORT`, `DATABASE` and `KEY_FILE`, the files, and Ctrl-C.

use std::env;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sealed_session::revocation::{AtStart, WhenAway};
use sealed_session::{Key, Keyring, Revocations, SystemClock};
use sealed_session_sqlite::SqliteStore;
use tokio::net::TcpListener;

use crate::accounts::Accounts;
use crate::{App, site};

pub(crate) async fn serve() -> Result<(), Box<dyn Error>> {
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let database = path("DATABASE", "site.db");
    // The port comes first, so that no file is created if it is in use.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;

    let keyring = Keyring::new(key(&path("KEY_FILE", "site-key"))?);
    let app = App {
        accounts: Accounts::open(private(&database)?).map_err(|error| error.to_string())?,
        revocations: revocations(&database).await?,
        clock: Arc::new(SystemClock),
    };
    let site = site(app, keyring)?;

    println!("open http://{}/ in a browser; press Ctrl-C to stop", listener.local_addr()?);
    let stopped = async {
        // If the program cannot listen for Ctrl-C, it ends the process as usual.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    axum::serve(listener, site).with_graceful_shutdown(stopped).await?;
    Ok(())
}

fn path(variable: &str, default: &str) -> PathBuf {
    env::var_os(variable).filter(|path| !path.is_empty()).map_or_else(|| default.into(), Into::into)
}

/// Which sessions have ended, in a file beside the accounts: `site.revocations.db`. It survives a restart,
/// and other processes of the same machine see it.
async fn revocations(database: &Path) -> Result<Revocations, Box<dyn Error>> {
    let store = SqliteStore::open(database.with_extension("revocations.db"))?;
    let at_start = AtStart::Wait(Duration::from_secs(10));
    Ok(Revocations::open(store, WhenAway::KeepServing, at_start).await?)
}

/// The key in this file, which the first start creates.
fn key(path: &Path) -> Result<Key, Box<dyn Error>> {
    match create(path) {
        Ok(mut file) => file.write_all(Key::generate()?.expose_secret())?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    Ok(Key::from_file(path)?)
}

/// The file, created if it is not there. SQLite gives the files beside it the same mode.
fn private(path: &Path) -> io::Result<&Path> {
    match create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(path),
    }
}

/// Creates a file that only this user can read.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}
