#![cfg_attr(docsrs, feature(doc_cfg))]
//! Keeps the marks of [`sealed_session::Revocations`] in a SQLite file: for one machine, with any number of
//! processes. With the feature `registry`, the same file keeps the lists of `sealed_session::registry`.
//!
//! A process follows what the others append within a fraction of a second. Marks survive a restart,
//! `kill -9` and, as far as the disk keeps what it confirms, a loss of power. SQLite is compiled in.
//!
//! ```
//! use std::time::Duration;
//! use sealed_session::revocation::{AtStart, WhenAway};
//! use sealed_session::{Codec, Key, Keyring, Revocations, SessionKind, Tag};
//! use sealed_session_sqlite::SqliteStore;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Clone)]
//! struct Login { user_id: u64 }
//!
//! impl SessionKind for Login {
//!     type Data = Self;
//!     const NAME: &'static str = "login";
//!
//!     fn tags(login: &Self) -> Vec<Tag> {
//!         vec![Tag::new("user", login.user_id)]
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = std::env::temp_dir().join(format!("sealed-session-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory)?;
//! # let path = directory.join("revocations.db");
//! // let path = "/var/lib/shop/revocations.db";
//! let store = SqliteStore::open(path)?;
//! let at_start = AtStart::Wait(Duration::from_secs(10));
//! let revocations = Revocations::open(store, WhenAway::KeepServing, at_start).await?;
//!
//! let keyring = Keyring::new(Key::generate()?);
//! let codec = Codec::<Login>::builder(keyring).revocations(&revocations).build()?;
//!
//! let token = codec.encode(Login { user_id: 7 })?;
//! revocations.end_all(&Tag::new("user", 7)).await?;
//! assert!(codec.decode(&token).is_err());
//! # std::fs::remove_dir_all(directory)?;
//! # Ok(()) }
//! ```
//!
//! # The file
//!
//! It is created with mode 0600, and has two more beside it while it is open: `-wal` and `-shm`. It belongs on a
//! local disk: SQLite's write-ahead log does not work over a network. Back it up with `sqlite3 FILE ".backup
//! COPY"`. To move or delete it, stop the servers and take all three files. A server whose file is gone makes
//! a new one and writes its own marks into it.
//!
//! Open the store in each process, after the fork if there is one: a connection to SQLite does not survive
//! a fork, and every call on one from before it is an error.
//!
//! `FORMAT.md` beside this crate's sources specifies the tables, so that a program in another language can end a
//! session.
#![forbid(unsafe_code)]

mod error;
mod file;
mod marks;
#[cfg(feature = "registry")]
mod records;
mod store;
mod worker;

pub use self::error::{OpenError, OpenErrorKind};
pub use self::store::SqliteStore;
