//! `Ids`: the ended sessions, by the first 64 bits of their ids, with when each can be forgotten.
//!
//! The ids are random, so their first bits choose one of many small sorted lists evenly, and the next
//! bits say about where in the list an id is. A list is short, so that inserting into it, or moving it
//! to a larger place, keeps no reader waiting.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::GRACE;
use super::mark::ShortId;
use crate::sync::RwLock;

/// The number of lists is two to the power of this.
#[cfg(not(shuttle))]
const LIST_BITS: u32 = 12;
/// A schedule that goes through all interleavings must not have thousands of locks.
#[cfg(shuttle)]
const LIST_BITS: u32 = 1;

pub(super) struct Ids {
    lists: Box<[RwLock<List>]>,
    len: AtomicUsize,
}

/// Sorted by id. Two lists, so that a search reads only the ids.
#[derive(Default)]
struct List {
    ids: Vec<u64>,
    /// Seconds since the Unix epoch.
    until: Vec<u32>,
}

impl Ids {
    pub(super) fn new() -> Self {
        let lists = (0..1_usize << LIST_BITS).map(|_| RwLock::default()).collect();
        Self { lists, len: AtomicUsize::new(0) }
    }

    /// How many ids there are.
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    pub(super) fn contains(&self, id: ShortId) -> bool {
        self.len() > 0
            && self.list(id).read().unwrap_or_else(PoisonError::into_inner).contains(id.0)
    }

    /// Adds an id, or keeps it for longer. `now` and `until` are in seconds since the Unix epoch.
    /// Returns whether anything changed.
    pub(super) fn insert(&self, id: ShortId, until: u32, now: u32) -> bool {
        let mut list = self.list(id).write().unwrap_or_else(PoisonError::into_inner);
        let before = list.ids.len();
        let changed = list.insert(id.0, until, now);
        self.note(before, list.ids.len());
        changed
    }

    /// Forgets what nobody needs any longer.
    pub(super) fn sweep(&self, now: u32) {
        for list in &self.lists {
            let mut list = list.write().unwrap_or_else(PoisonError::into_inner);
            let before = list.ids.len();
            list.sweep(now);
            self.note(before, list.ids.len());
        }
    }

    /// All ids, a list at a time, so that no lock is held while `each` runs.
    pub(super) fn for_each(&self, mut each: impl FnMut(ShortId, u32)) {
        for list in &self.lists {
            let (ids, until) = {
                let list = list.read().unwrap_or_else(PoisonError::into_inner);
                (list.ids.clone(), list.until.clone())
            };
            for (id, until) in ids.into_iter().zip(until) {
                each(ShortId(id), until);
            }
        }
    }

    fn list(&self, id: ShortId) -> &RwLock<List> {
        &self.lists[(id.0 >> (64 - LIST_BITS)) as usize]
    }

    /// The caller holds the list's lock, so that the sum is never below zero.
    fn note(&self, before: usize, after: usize) {
        if after >= before {
            self.len.fetch_add(after - before, Ordering::AcqRel);
        } else {
            self.len.fetch_sub(before - after, Ordering::AcqRel);
        }
    }
}

impl List {
    fn contains(&self, id: u64) -> bool {
        self.ids.get(self.place(id)) == Some(&id)
    }

    /// Where the id is, or would be.
    fn place(&self, id: u64) -> usize {
        let ids = &self.ids[..];
        // Where it is if the ids are spread evenly. From there it is a few steps.
        let below = (id << LIST_BITS) >> 32;
        let guess = ((below * ids.len() as u64) >> 32) as usize;
        let mut step = 4;
        // The place is at or after `from`, and at or before `to`.
        let (mut from, mut to) = (guess, guess);
        if ids.get(guess).is_some_and(|known| *known < id) {
            while to < ids.len() && ids[to] < id {
                from = to + 1;
                to = (to + step).min(ids.len());
                step *= 2;
            }
        } else {
            while from > 0 && ids[from - 1] >= id {
                to = from - 1;
                from = from.saturating_sub(step);
                step *= 2;
            }
        }
        // The last step can have ended at an id that is not lower.
        from + ids[from..to.max(from)].partition_point(|known| *known < id)
    }

    fn insert(&mut self, id: u64, until: u32, now: u32) -> bool {
        let mut place = self.place(id);
        if self.ids.get(place) == Some(&id) {
            let longer = until > self.until[place];
            self.until[place] = until.max(self.until[place]);
            return longer;
        }
        if self.ids.len() == self.ids.capacity() {
            self.sweep(now);
            place = self.place(id);
            // Not twice as much, as `Vec` would: the place that is left costs memory for each mark.
            let more = (self.ids.len() / 16).max(2);
            self.ids.reserve_exact(more);
            self.until.reserve_exact(more);
        }
        self.ids.insert(place, id);
        self.until.insert(place, until);
        true
    }

    fn sweep(&mut self, now: u32) {
        let is_needed = |until: &u32| until.saturating_add(GRACE) > now;
        let mut until = self.until.iter();
        self.ids.retain(|_| until.next().is_some_and(is_needed));
        self.until.retain(is_needed);
        if self.ids.capacity() > 8 && self.ids.len() < self.ids.capacity() / 2 {
            self.ids.shrink_to_fit();
            self.until.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Well-mixed numbers (splitmix64), and then some at the edges of the lists.
    fn numbers(count: u64) -> Vec<u64> {
        let mix = |mut z: u64| {
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let mut numbers: Vec<_> =
            (1..=count).map(|n| mix(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
        numbers.extend([0, 1, 2, u64::MAX, u64::MAX - 1, 1 << 52, (1 << 52) - 1, 1 << 63]);
        // Ids that are not spread evenly: all in one list.
        numbers.extend((0..300).map(|n| 0x1230_0000_0000_0000 + n));
        numbers.extend((0..300).map(|n| 0x123f_ffff_ffff_ffff - n));
        numbers
    }

    #[test]
    fn it_agrees_with_a_map() {
        let ids = Ids::new();
        let mut map = BTreeMap::new();
        for (place, id) in numbers(20_000).into_iter().enumerate() {
            let until = 100 + (place % 50) as u32;
            assert!(ids.insert(ShortId(id), until, 0));
            assert!(!ids.insert(ShortId(id), until, 0));
            assert!(!ids.insert(ShortId(id), until - 1, 0));
            map.insert(id, until);
        }
        let check = |ids: &Ids, map: &BTreeMap<u64, u32>| {
            assert_eq!(ids.len(), map.len());
            let mut found = Vec::new();
            ids.for_each(|id, until| found.push((id.0, until)));
            assert_eq!(found, map.clone().into_iter().collect::<Vec<_>>());
            for id in numbers(20_000) {
                for id in [id, id.wrapping_add(1), id.wrapping_sub(1)] {
                    assert_eq!(ids.contains(ShortId(id)), map.contains_key(&id), "{id:x}");
                }
            }
        };
        check(&ids, &map);
        ids.sweep(120 + GRACE);
        map.retain(|_, until| *until > 120);
        check(&ids, &map);
        ids.sweep(u32::MAX);
        map.clear();
        check(&ids, &map);
    }

    #[test]
    fn a_full_list_forgets_what_nobody_needs_before_it_grows() {
        let ids = Ids::new();
        for id in 0..10_000 {
            ids.insert(ShortId(id), 10, GRACE + u32::try_from(id).unwrap() / 100);
        }
        assert!(ids.len() < 1100, "{}", ids.len());
    }
}
