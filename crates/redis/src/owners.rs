//! `Owners`: which node has which slots, and a pool of connections to each.
//!
//! Outside a cluster the primary has all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{ErrorKind, RedisStoreError};
use crate::pool::Pool;
use crate::primary::{Primary, Slots};
use crate::slot::{LAST, slot};

pub(crate) struct Owners {
    primary: Arc<Primary>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    /// By address. They stay when it is asked anew who owns what.
    pools: Vec<(String, Arc<Pool>)>,
}

/// Who owned which slots when it was last asked.
pub(crate) struct Known {
    ranges: Vec<(Slots, Arc<Pool>)>,
}

impl Owners {
    pub(crate) fn new(primary: Arc<Primary>) -> Self {
        Self { primary, state: Mutex::default() }
    }

    pub(crate) async fn known(&self) -> Result<Arc<Known>, RedisStoreError> {
        if let Some(known) = &self.lock().known {
            return Ok(known.clone());
        }
        let owners = if self.primary.is_cluster() {
            self.primary.owners().await?
        } else {
            vec![(0..=LAST, String::new(), self.primary.clone())]
        };
        let mut state = self.lock();
        let mut pools: Vec<(String, Arc<Pool>)> = Vec::new();
        let mut ranges = Vec::new();
        for (slots, place, primary) in owners {
            let old = pools.iter().chain(&state.pools).find(|(known, _)| *known == place);
            let pool = match old {
                Some((_, pool)) => pool.clone(),
                None => Arc::new(Pool::new(primary)),
            };
            pools.push((place, pool.clone()));
            ranges.push((slots, pool));
        }
        let known = Arc::new(Known { ranges });
        *state = State { known: Some(known.clone()), pools };
        Ok(known)
    }

    /// After an error: somebody else may be the owner now.
    pub(crate) fn forget(&self, failed: &Arc<Known>) {
        let mut state = self.lock();
        if state.known.as_ref().is_some_and(|known| Arc::ptr_eq(known, failed)) {
            state.known = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Connections to the owner of the slot of this key.
    pub(crate) fn of(&self, key: &str) -> Result<&Arc<Pool>, RedisStoreError> {
        let slot = slot(key);
        let found = self.ranges.iter().find(|(range, _)| range.contains(&slot));
        found.map(|(_, pool)| pool).ok_or_else(|| {
            let text = format!("no node of the cluster has the slot {slot}");
            RedisStoreError::new(ErrorKind::NotPrimary, text)
        })
    }
}
