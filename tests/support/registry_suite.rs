//! What every store of a registry does: one suite for all of them.

use sealed_session::SessionId;
use sealed_session::registry::{ListKey, Record, RegistryStore, Seen};

pub(crate) const NOW: u64 = 1_700_000_000_000;

pub(crate) fn id(number: u64) -> SessionId {
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    SessionId::from_bytes(bytes)
}

fn list(byte: u8) -> ListKey {
    ListKey::from_bytes([byte; 16])
}

fn record(number: u64, created_at: u64) -> Record {
    Record {
        id: id(number),
        created_at,
        expires_at: NOW + 1_000_000,
        last_seen: created_at,
        details: format!("{{\"label\":\"{number} “ü” \\u0000\"}}"),
    }
}

/// The ids of a list, in its order.
async fn ids<S: RegistryStore>(store: &S, key: ListKey) -> Vec<SessionId> {
    let records = store.list(key, None, 10_000, NOW).await.unwrap();
    records.iter().map(|record| record.id).collect()
}

/// Runs every behaviour on lists of its own.
pub(crate) async fn run<S: RegistryStore>(store: &S) {
    a_list_is_sorted_from_the_newest_to_the_oldest(store, list(1)).await;
    a_record_replaces_that_of_the_same_id(store, list(2)).await;
    pages_have_each_record_once(store, list(3)).await;
    lists_are_apart(store, list(4), list(5)).await;
    what_has_expired_does_not_count(store, list(6)).await;
    last_seen_only_grows(store, list(7), list(8)).await;
    too_many_are_the_oldest_and_never_the_new_one(store, list(9)).await;
    what_is_not_there_is_left_out(store, list(10)).await;
    numbers_at_their_limits(store, list(11)).await;
    a_thousand_records_are_one_page(store, list(12)).await;
}

async fn a_list_is_sorted_from_the_newest_to_the_oldest<S: RegistryStore>(store: &S, key: ListKey) {
    for number in [3, 1, 4, 2] {
        store.put(key, &record(number, NOW - 10 * number), None, NOW).await.unwrap();
    }
    // Begun in the same millisecond: the larger id comes first.
    store.put(key, &record(9, NOW - 20), None, NOW).await.unwrap();
    assert_eq!(ids(store, key).await, [1, 9, 2, 3, 4].map(id));
    let records = store.list(key, None, 10, NOW).await.unwrap();
    assert_eq!(records[0], record(1, NOW - 10));
    assert_eq!(store.count(key, NOW).await.unwrap(), 5);
    store.remove(key, &[id(2), id(4)]).await.unwrap();
    assert_eq!(ids(store, key).await, [1, 9, 3].map(id));
}

async fn a_record_replaces_that_of_the_same_id<S: RegistryStore>(store: &S, key: ListKey) {
    store.put(key, &record(1, NOW - 10), None, NOW).await.unwrap();
    store.put(key, &record(2, NOW - 20), None, NOW).await.unwrap();
    let new = Record { details: "{}".to_owned(), last_seen: NOW + 5, ..record(1, NOW - 30) };
    store.put(key, &new, None, NOW).await.unwrap();
    assert_eq!(ids(store, key).await, [2, 1].map(id));
    assert_eq!(store.list(key, None, 10, NOW).await.unwrap()[1], new);
    assert_eq!(store.count(key, NOW).await.unwrap(), 2);
}

async fn pages_have_each_record_once<S: RegistryStore>(store: &S, key: ListKey) {
    // Three in each millisecond, so that pages end within one.
    for number in 0..25 {
        store.put(key, &record(number, NOW - number / 3), None, NOW).await.unwrap();
    }
    let all = ids(store, key).await;
    assert_eq!(all.len(), 25);
    for limit in [1, 2, 7, 25] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.list(key, after, limit, NOW).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some((last.created_at, last.id));
            found.extend(page.iter().map(|record| record.id));
        }
        assert_eq!(found, all, "pages of {limit}");
    }
}

async fn lists_are_apart<S: RegistryStore>(store: &S, one: ListKey, other: ListKey) {
    store.put(one, &record(1, NOW), None, NOW).await.unwrap();
    store.put(other, &record(1, NOW), None, NOW).await.unwrap();
    store.put(other, &record(2, NOW), None, NOW).await.unwrap();
    store.remove(other, &[id(1)]).await.unwrap();
    assert_eq!(ids(store, one).await, [id(1)]);
    assert_eq!(ids(store, other).await, [id(2)]);
}

async fn what_has_expired_does_not_count<S: RegistryStore>(store: &S, key: ListKey) {
    for number in 1..=4 {
        let ends = Record { expires_at: NOW + number, ..record(number, NOW - number) };
        store.put(key, &ends, None, NOW).await.unwrap();
    }
    let later = NOW + 2;
    let left: Vec<_> = store.list(key, None, 10, later).await.unwrap();
    assert_eq!(left.iter().map(|record| record.id).collect::<Vec<_>>(), [3, 4].map(id));
    assert_eq!(store.count(key, later).await.unwrap(), 2);
    // Nor when there are too many.
    let too_many = store.put(key, &record(5, NOW), Some(3), later).await.unwrap();
    assert_eq!(too_many, []);
}

async fn last_seen_only_grows<S: RegistryStore>(store: &S, one: ListKey, other: ListKey) {
    for key in [one, other] {
        store.put(key, &record(1, NOW), None, NOW).await.unwrap();
        store.put(key, &record(2, NOW), None, NOW).await.unwrap();
    }
    let seen = |list, number, at| Seen { list, id: id(number), at };
    let batch = [
        seen(one, 1, NOW + 7),
        seen(other, 2, NOW + 9),
        // It was ended meanwhile.
        seen(one, 3, NOW + 9),
    ];
    store.note_seen(&batch).await.unwrap();
    store.note_seen(&[seen(one, 1, NOW + 3)]).await.unwrap();
    store.note_seen(&[]).await.unwrap();
    let times = async |key| -> Vec<_> {
        let records = store.list(key, None, 10, NOW).await.unwrap();
        records.iter().map(|record| (record.id, record.last_seen - NOW)).collect()
    };
    assert_eq!(times(one).await, [(id(2), 0), (id(1), 7)]);
    assert_eq!(times(other).await, [(id(2), 9), (id(1), 0)]);
}

async fn too_many_are_the_oldest_and_never_the_new_one<S: RegistryStore>(store: &S, key: ListKey) {
    for number in 1..=3 {
        let too_many = store.put(key, &record(number, NOW + number), Some(3), NOW).await.unwrap();
        assert_eq!(too_many, []);
    }
    let too_many = store.put(key, &record(4, NOW + 4), Some(2), NOW).await.unwrap();
    let mut sorted = too_many.clone();
    sorted.sort();
    assert_eq!(sorted, [1, 2].map(id));
    assert_eq!(store.count(key, NOW).await.unwrap(), 4, "they are not removed");
    store.remove(key, &too_many).await.unwrap();
    // It began earlier than the others, by the clock of another server.
    let too_many = store.put(key, &record(5, NOW), Some(1), NOW).await.unwrap();
    let mut sorted = too_many.clone();
    sorted.sort();
    assert_eq!(sorted, [3, 4].map(id));
    let too_many = store.put(key, &record(6, NOW + 9), Some(0), NOW).await.unwrap();
    assert!(!too_many.contains(&id(6)));
}

async fn what_is_not_there_is_left_out<S: RegistryStore>(store: &S, key: ListKey) {
    assert_eq!(store.list(key, None, 10, NOW).await.unwrap(), []);
    assert_eq!(store.count(key, NOW).await.unwrap(), 0);
    store.remove(key, &[id(1)]).await.unwrap();
    store.remove(key, &[]).await.unwrap();
}

async fn numbers_at_their_limits<S: RegistryStore>(store: &S, key: ListKey) {
    // The last time that a token can hold.
    let last = (1 << 48) - 1;
    let record = Record {
        id: SessionId::from_bytes([0xff; 16]),
        created_at: last,
        expires_at: last,
        last_seen: 0,
        details: "x".repeat(10_000),
    };
    store.put(key, &record, None, NOW).await.unwrap();
    assert_eq!(store.list(key, None, 10, NOW).await.unwrap(), [record]);
}

async fn a_thousand_records_are_one_page<S: RegistryStore>(store: &S, key: ListKey) {
    for number in 0..1000 {
        store.put(key, &record(number, NOW - number), None, NOW).await.unwrap();
    }
    assert_eq!(store.list(key, None, 1000, NOW).await.unwrap().len(), 1000);
}
