//! The directory, and the job that adds keys to it and removes them: the rules of `keys rotate`.

use std::cmp::Reverse;
use std::rc::Rc;

use super::{MINUTE, Plan};

/// A key in the directory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Which of the prepared keys.
    pub(super) key: usize,
    /// From when it seals.
    pub(super) from: u64,
    /// When it was written, by the clock of the file system.
    pub(super) written: u64,
    /// When the job found that it can be removed, by the job's clock.
    pub(super) marked: Option<u64>,
}

/// The directory that the job writes, with all that it ever was.
pub(super) struct Directory {
    pub(super) versions: Vec<(u64, Rc<Vec<Entry>>)>,
    pub(super) keys: usize,
    /// Offsets of the clocks of the file system and of the job.
    pub(super) skews: [i64; 2],
}

impl Directory {
    pub(super) fn at(&self, time: u64) -> &Rc<Vec<Entry>> {
        let before = self.versions.iter().rev().find(|(written, _)| *written <= time);
        &before.unwrap_or(&self.versions[0]).1
    }

    fn change(&mut self, now: u64, change: impl FnOnce(&mut Vec<Entry>)) {
        let mut entries = Vec::clone(self.at(now));
        change(&mut entries);
        entries.sort_by_key(|entry| Reverse(entry.from));
        self.versions.push((now, Rc::new(entries)));
    }

    pub(super) fn add(&mut self, now: u64, from: u64) {
        let written = now.saturating_add_signed(self.skews[0]);
        let key = self.keys;
        self.keys += 1;
        self.change(now, |entries| entries.push(Entry { key, from, written, marked: None }));
    }

    /// One run of `rotate`.
    pub(super) fn rotate(&mut self, now: u64, plan: &Plan) {
        let entries = self.at(now).clone();
        let clock = now.saturating_add_signed(self.skews[1]);
        let newest = entries[0].from;
        let mut has_added = false;
        let is_due = newest <= clock && clock >= newest + plan.every - plan.after;
        if is_due && !plan.by_hand {
            self.add(now, (newest + plan.every).max((clock + plan.after).next_multiple_of(MINUTE)));
            has_added = true;
        }
        let Some(due) = entries.iter().position(|entry| entry.from <= clock) else { return };
        for place in due + 1..entries.len() {
            let (Entry { key, marked, .. }, successor) = (entries[place], entries[place - 1]);
            let since = successor.from.max(successor.written);
            if since + plan.settle + plan.longest + plan.stale >= clock {
                continue;
            }
            match marked {
                None => self.change(now, |entries| {
                    let entry = entries.iter_mut().find(|entry| entry.key == key);
                    entry.expect("nobody else writes").marked = Some(clock);
                }),
                Some(marked) if !has_added && marked + plan.sweep_after <= clock => {
                    self.change(now, |entries| entries.retain(|entry| entry.key != key));
                }
                Some(_) => {}
            }
        }
    }
}
