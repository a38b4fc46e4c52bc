//! When sessions were last seen: collected while requests are answered, and written by a task.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::Registry;
use super::memory::MemoryStore;
use super::store::{AnyStore, ListKey, Seen};
use super::{STORE_TIMEOUT, shard_of};
use crate::codec::Watch;
use crate::marks::Tag;
use crate::session_id::SessionId;
use crate::sync::Mutex;

/// How long a batch is collected.
const COLLECT: Duration = Duration::from_secs(1);
/// What is more than this waits no longer: it is lost.
const MOST: usize = 100_000;
/// How many are written at once.
const CHUNK: usize = 1000;

pub(super) enum LastSeen {
    AtOnce(Arc<MemoryStore>),
    InBatches { store: Arc<dyn AnyStore>, waiting: Arc<Waiting>, task: AbortHandle },
}

/// What a task is to write.
#[derive(Default)]
pub(super) struct Waiting {
    /// Milliseconds since the Unix epoch.
    times: Mutex<HashMap<(ListKey, SessionId), u64>>,
    some: Notify,
}

impl LastSeen {
    pub(super) fn at_once(store: Arc<MemoryStore>) -> Self {
        Self::AtOnce(store)
    }

    pub(super) fn in_batches(store: Arc<dyn AnyStore>) -> Self {
        let waiting = Arc::new(Waiting::default());
        let task = tokio::spawn(write(store.clone(), waiting.clone())).abort_handle();
        Self::InBatches { store, waiting, task }
    }

    /// Removes a session from its lists, without waiting for the store.
    fn forget(&self, id: SessionId, lists: Vec<ListKey>) {
        match self {
            Self::AtOnce(store) => store.forget(id, &lists),
            Self::InBatches { store, .. } => {
                let store = store.clone();
                tokio::spawn(async move {
                    for list in lists {
                        // What stays is not shown, and goes when it expires.
                        let _ = timeout(STORE_TIMEOUT, store.remove(list, &[id])).await;
                    }
                });
            }
        }
    }

    fn note(&self, seen: &[Seen]) {
        match self {
            Self::AtOnce(store) => store.note(seen),
            Self::InBatches { waiting, .. } => {
                let mut times = waiting.times.lock().unwrap_or_else(PoisonError::into_inner);
                for Seen { list, id, at } in seen {
                    if times.len() < MOST {
                        times.insert((*list, *id), *at);
                    }
                }
                drop(times);
                waiting.some.notify_one();
            }
        }
    }
}

impl Drop for LastSeen {
    fn drop(&mut self) {
        if let Self::InBatches { task, .. } = self {
            task.abort();
        }
    }
}

impl Watch for Registry {
    fn refreshed(&self, id: SessionId, tags: &[Tag], at: u64) {
        let lists = tags.iter().map(|tag| self.list_of(tag));
        let lists = lists.chain([self.shard(shard_of(id))]);
        let seen: Vec<_> = lists.map(|list| Seen { list, id, at }).collect();
        self.inner.last_seen.note(&seen);
    }

    fn ended(&self, id: SessionId, tags: &[Tag]) {
        let mut lists: Vec<_> = tags.iter().map(|tag| self.list_of(tag)).collect();
        lists.push(self.shard(shard_of(id)));
        self.inner.last_seen.forget(id, lists);
    }
}

async fn write(store: Arc<dyn AnyStore>, waiting: Arc<Waiting>) {
    loop {
        waiting.some.notified().await;
        sleep(COLLECT).await;
        let times = {
            let mut times = waiting.times.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *times)
        };
        let seen: Vec<_> =
            times.into_iter().map(|((list, id), at)| Seen { list, id, at }).collect();
        for chunk in seen.chunks(CHUNK) {
            // What fails is lost: the next refresh of the session writes it again.
            let _ = timeout(STORE_TIMEOUT, store.note_seen(chunk)).await;
        }
    }
}
