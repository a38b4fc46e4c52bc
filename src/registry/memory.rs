//! `MemoryStore`: the lists of one process.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use super::store::{ListKey, Record, RegistryStore, Seen};
use crate::revocation::StoreError;
use crate::session_id::SessionId;
use crate::sync::Mutex;

/// How many records there are at least when the expired ones are first looked for.
const FIRST_SWEEP: usize = 1024;

/// The lists of one process, which forgets them when it ends.
#[derive(Default)]
pub(super) struct MemoryStore(Mutex<Lists>);

#[derive(Default)]
struct Lists {
    lists: HashMap<ListKey, List>,
    records: usize,
    /// The expired ones are looked for when there are so many records.
    sweep_at: usize,
}

#[derive(Default)]
struct List {
    /// Sorted from the newest to the oldest.
    records: BTreeMap<Reverse<(u64, SessionId)>, Record>,
    /// When each began: its place in the other map.
    begun: HashMap<SessionId, u64>,
}

impl List {
    fn remove(&mut self, id: SessionId) -> Option<Record> {
        let created_at = self.begun.remove(&id)?;
        self.records.remove(&Reverse((created_at, id)))
    }

    fn get_mut(&mut self, id: SessionId) -> Option<&mut Record> {
        let created_at = *self.begun.get(&id)?;
        self.records.get_mut(&Reverse((created_at, id)))
    }

    fn insert(&mut self, record: Record) {
        self.begun.insert(record.id, record.created_at);
        self.records.insert(Reverse((record.created_at, record.id)), record);
    }

    fn living(&self, now: u64) -> impl Iterator<Item = &Record> {
        self.records.values().filter(move |record| record.expires_at > now)
    }
}

impl Lists {
    fn sweep(&mut self, now: u64) {
        self.lists.retain(|_, list| {
            list.records.retain(|_, record| record.expires_at > now);
            let records = &list.records;
            list.begun.retain(|id, begun| records.contains_key(&Reverse((*begun, *id))));
            !records.is_empty()
        });
        self.records = self.lists.values().map(|list| list.records.len()).sum();
        self.sweep_at = FIRST_SWEEP.max(2 * self.records);
    }

    fn remove(&mut self, list: ListKey, id: SessionId) {
        let Some(records) = self.lists.get_mut(&list) else { return };
        if records.remove(id).is_some() {
            self.records -= 1;
        }
        if records.records.is_empty() {
            self.lists.remove(&list);
        }
    }
}

impl MemoryStore {
    /// The result of `use_lists`, which runs under the lock.
    fn with<T>(&self, use_lists: impl FnOnce(&mut Lists) -> T) -> T {
        use_lists(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn note(&self, seen: &[Seen]) {
        self.with(|lists| {
            for Seen { list, id, at } in seen {
                let record = lists.lists.get_mut(list).and_then(|list| list.get_mut(*id));
                if let Some(record) = record {
                    record.last_seen = record.last_seen.max(*at);
                }
            }
        });
    }

    pub(super) fn forget(&self, id: SessionId, from: &[ListKey]) {
        self.with(|lists| from.iter().for_each(|list| lists.remove(*list, id)));
    }
}

impl RegistryStore for MemoryStore {
    async fn put(
        &self,
        list: ListKey,
        record: &Record,
        keep: Option<usize>,
        now: u64,
    ) -> Result<Vec<SessionId>, StoreError> {
        Ok(self.with(|lists| {
            lists.remove(list, record.id);
            if lists.records >= lists.sweep_at {
                lists.sweep(now);
            }
            lists.records += 1;
            let list = lists.lists.entry(list).or_default();
            list.insert(record.clone());
            let Some(keep) = keep else { return Vec::new() };
            let others = list.living(now).map(|known| known.id).filter(|id| *id != record.id);
            others.skip(keep.saturating_sub(1)).collect()
        }))
    }

    async fn note_seen(&self, seen: &[Seen]) -> Result<(), StoreError> {
        self.note(seen);
        Ok(())
    }

    async fn list(
        &self,
        list: ListKey,
        after: Option<(u64, SessionId)>,
        limit: usize,
        now: u64,
    ) -> Result<Vec<Record>, StoreError> {
        Ok(self.with(|lists| {
            let Some(list) = lists.lists.get(&list) else { return Vec::new() };
            let older =
                |record: &&Record| after.is_none_or(|after| (record.created_at, record.id) < after);
            list.living(now).filter(older).take(limit).cloned().collect()
        }))
    }

    async fn count(&self, list: ListKey, now: u64) -> Result<usize, StoreError> {
        Ok(self.with(|lists| lists.lists.get(&list).map_or(0, |list| list.living(now).count())))
    }

    async fn remove(&self, list: ListKey, ids: &[SessionId]) -> Result<(), StoreError> {
        self.with(|lists| ids.iter().for_each(|id| lists.remove(list, *id)));
        Ok(())
    }
}

#[cfg(test)]
#[path = "../../tests/support/registry_suite.rs"]
mod suite;

#[cfg(test)]
mod tests {
    use super::{MemoryStore, suite};

    #[tokio::test]
    async fn the_suite_of_all_stores() {
        suite::run(&MemoryStore::default()).await;
    }
}
