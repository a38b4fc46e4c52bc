//! What every store has to do.

#[path = "../../../tests/support/store_suite.rs"]
mod store_suite;
#[path = "../../../tests/support/temp_dir.rs"]
mod temp_dir;

use sealed_session_sqlite::SqliteStore;
use store_suite::Stores;
use temp_dir::TempDir;

struct SqliteStores(TempDir);

impl Stores for SqliteStores {
    type Store = SqliteStore;

    async fn new() -> Self {
        Self(TempDir::new())
    }

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(self.0.path().join("revocations.db")).unwrap()
    }

    async fn lose(&self) {
        for suffix in ["", "-wal", "-shm"] {
            std::fs::remove_file(self.0.path().join(format!("revocations.db{suffix}"))).unwrap();
        }
    }
}

store_suite::store_suite!(SqliteStores);
