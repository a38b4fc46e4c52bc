//! `MemoryStore`: the lists of one process.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use super::store::{ListKey, Record, RegistryStore, Seen};
use crate::revocation::StoreError;
use crate::session_id::SessionId;
use crate::sync::Mutex;

/// Sorted from the newest to the oldest.
type List = BTreeMap<Reverse<(u64, SessionId)>, Record>;

/// The lists of one process, which forgets them when it ends.
#[derive(Default)]
pub(super) struct MemoryStore(Mutex<HashMap<ListKey, List>>);

impl MemoryStore {
    /// The result of `use_list` for the list, without the records that have expired.
    fn with<T>(&self, list: ListKey, now: u64, use_list: impl FnOnce(&mut List) -> T) -> T {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let records = lists.entry(list).or_default();
        records.retain(|_, record| record.expires_at > now);
        let result = use_list(records);
        if records.is_empty() {
            lists.remove(&list);
        }
        result
    }
}

impl MemoryStore {
    pub(super) fn note(&self, seen: &[Seen]) {
        for Seen { list, id, at } in seen {
            self.with(*list, 0, |records| {
                for record in records.values_mut().filter(|record| record.id == *id) {
                    record.last_seen = record.last_seen.max(*at);
                }
            });
        }
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
        Ok(self.with(list, now, |records| {
            records.retain(|_, known| known.id != record.id);
            records.insert(Reverse((record.created_at, record.id)), record.clone());
            let others = records.values().map(|known| known.id).filter(|id| *id != record.id);
            let kept = keep.map_or(usize::MAX, |keep| keep.saturating_sub(1));
            others.skip(kept).collect()
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
        Ok(self.with(list, now, |records| {
            let older = |(place, _): &(&Reverse<_>, _)| after.is_none_or(|after| place.0 < after);
            let records = records.iter().filter(older).take(limit);
            records.map(|(_, record)| record.clone()).collect()
        }))
    }

    async fn count(&self, list: ListKey, now: u64) -> Result<usize, StoreError> {
        Ok(self.with(list, now, |records| records.len()))
    }

    async fn remove(&self, list: ListKey, ids: &[SessionId]) -> Result<(), StoreError> {
        self.with(list, 0, |records| records.retain(|_, record| !ids.contains(&record.id)));
        Ok(())
    }
}
