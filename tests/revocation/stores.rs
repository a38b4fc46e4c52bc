//! What every store has to do, by a store that several servers of one process share.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sealed_session::revocation::{
    Appended, Batch, Mark, Position, RevocationStore, StoreError, Target,
};
use tokio::sync::Notify;

use crate::store_suite::{Stores, store_suite};

#[derive(Clone, Default)]
struct ListStore(Arc<Shared>);

#[derive(Default)]
struct Shared {
    list: Mutex<List>,
    changed: Notify,
}

#[derive(Default)]
struct List {
    marks: Vec<Mark>,
    last: u64,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

impl RevocationStore for ListStore {
    async fn append(
        &self,
        targets: &[Target],
        until: u64,
        lowest: u64,
    ) -> Result<Appended, StoreError> {
        let mut list = self.0.list.lock().unwrap();
        let number = lowest.max(list.last + 1).max(now());
        list.last = number;
        list.marks.extend(targets.iter().map(|target| Mark { target: *target, number, until }));
        self.0.changed.notify_waiters();
        Ok(Appended { number, confirmed: true })
    }

    async fn publish(&self, marks: &[Mark]) -> Result<(), StoreError> {
        let mut list = self.0.list.lock().unwrap();
        let highest = marks.iter().map(|mark| mark.number).max().unwrap_or(0);
        list.last = list.last.max(highest);
        list.marks.extend_from_slice(marks);
        self.0.changed.notify_waiters();
        Ok(())
    }

    async fn read(&self, after: Option<&Position>, wait: Duration) -> Result<Batch, StoreError> {
        const BATCH: usize = 10_000;

        let place = match after {
            Some(position) => position.as_str().parse::<usize>()?,
            None => 0,
        };
        let changed = self.0.changed.notified();
        if !wait.is_zero() && self.0.list.lock().unwrap().marks.len() <= place {
            let _ = tokio::time::timeout(wait, changed).await;
        }
        let list = self.0.list.lock().unwrap();
        let end = list.marks.len().min(place + BATCH);
        let marks = list.marks.get(place..end).ok_or("the store has lost marks")?;
        let marks = marks.iter().filter(|mark| mark.until > now() / 1000).copied().collect();
        let position = Position::new(end.to_string());
        Ok(Batch { marks, position, complete: end == list.marks.len() })
    }

    async fn heartbeat(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Lists(ListStore);

impl Stores for Lists {
    type Store = ListStore;

    async fn new() -> Self {
        Self(ListStore::default())
    }

    async fn open(&self) -> ListStore {
        self.0.clone()
    }

    async fn lose(&self) {
        *self.0.0.list.lock().unwrap() = List::default();
    }
}

store_suite!(Lists);
