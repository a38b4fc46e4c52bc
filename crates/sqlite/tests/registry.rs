//! The lists of a registry in a file.

#[path = "../../../tests/support/registry_suite.rs"]
mod registry_suite;
#[path = "../../../tests/support/temp_dir.rs"]
mod temp_dir;

use registry_suite::{NOW, id};
use sealed_session::registry::{ListKey, Record, RegistryStore};
use sealed_session_sqlite::SqliteStore;
use temp_dir::TempDir;

#[tokio::test]
async fn the_suite_of_all_stores() {
    let directory = TempDir::new();
    let store = SqliteStore::open(directory.path().join("revocations.db")).unwrap();
    registry_suite::run(&store).await;
}

#[tokio::test]
async fn another_process_has_the_same_lists_also_after_a_restart() {
    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let list = ListKey::from_bytes([1; 16]);
    let record = Record {
        id: id(1),
        created_at: NOW,
        expires_at: NOW + 1000,
        last_seen: NOW,
        details: "{}".to_owned(),
    };
    {
        let (one, other) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
        one.put(list, &record, None, NOW).await.unwrap();
        let listed = other.list(list, None, 10, NOW).await.unwrap();
        assert_eq!((listed.len(), &listed[0]), (1, &record));
    }
    let again = SqliteStore::open(&path).unwrap();
    assert_eq!(again.list(list, None, 10, NOW).await.unwrap(), [record]);
}
