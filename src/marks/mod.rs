//! `Marks`: what a process knows of ended sessions, for the look-up at each opening. It knows no store.
//!
//! Marks only ever add to it. Its look-ups compare no clock: a mark that is kept longer than necessary
//! ends nothing that it did not end before.

mod availability;
mod ids;
mod mark;
#[cfg(test)]
mod simulation;
mod tag;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

pub(crate) use self::availability::Availability;
use self::ids::Ids;
pub use self::mark::{Mark, ShortId, Target};
pub use self::tag::Tag;
use crate::error::ConfigErrorKind;
use crate::session_id::SessionId;
use crate::sync::RwLock;

/// For how long marks are kept where neither a setting nor a codec says it: the default absolute timeout,
/// in seconds.
const DEFAULT_KEEP_FOR: u32 = 30 * 24 * 60 * 60;
/// For how long a mark is kept after nobody needs it, so that a clock that is wrong for a while does not
/// cost marks. Seconds.
const GRACE: u32 = 24 * 60 * 60;
/// How often to look for marks that nobody needs, in seconds.
const SWEEP_EVERY: u32 = 60 * 60;
/// As milliseconds since 1970, far beyond what a token can hold.
const HIGHEST: u64 = 1 << 53;

/// Tags are spread over this many maps, so that no reader waits long for one that grows.
const TAG_MAPS: usize = if cfg!(shuttle) { 1 } else { 64 };

/// The marks that a process knows.
pub(crate) struct Marks {
    ids: Ids,
    tags: Box<[RwLock<HashMap<Tag, TagMark>>]>,
    tag_count: AtomicUsize,
    /// All marks up to this number are in the tables.
    read_to: AtomicU64,
    /// The highest number that is known, of whatever mark.
    known: AtomicU64,
    /// When to look again for marks that nobody needs. Seconds since the Unix epoch.
    sweep_at: AtomicU32,
    availability: Availability,
    /// For how long marks are kept, in seconds, if that was said.
    keep_for: Option<u32>,
    /// The longest absolute timeout of the codecs, in seconds.
    longest: AtomicU32,
}

#[derive(Clone, Copy)]
struct TagMark {
    number: u64,
    /// Seconds since the Unix epoch.
    until: u32,
}

impl Marks {
    pub(crate) fn new(availability: Availability, keep_for: Option<u32>) -> Self {
        Self {
            ids: Ids::new(),
            tags: (0..TAG_MAPS).map(|_| RwLock::default()).collect(),
            tag_count: AtomicUsize::new(0),
            read_to: AtomicU64::new(0),
            known: AtomicU64::new(0),
            sweep_at: AtomicU32::new(0),
            availability,
            keep_for,
            longest: AtomicU32::new(0),
        }
    }

    pub(crate) fn availability(&self) -> &Availability {
        &self.availability
    }

    /// What a session that begins now has seen: all marks up to this number.
    pub(crate) fn seen_now(&self) -> u64 {
        self.read_to.load(Ordering::Acquire)
    }

    /// All marks up to this number have been added.
    pub(crate) fn note_read_to(&self, number: u64) {
        self.read_to.fetch_max(possible(number), Ordering::AcqRel);
    }

    /// The highest number that is known. Marks with lower numbers may be missing.
    pub(crate) fn highest(&self) -> u64 {
        self.known.load(Ordering::Acquire)
    }

    /// Takes note of a codec's absolute timeout, in seconds. An error if marks are kept for less.
    pub(crate) fn keep_for_sessions_of(&self, absolute: u32) -> Result<(), ConfigErrorKind> {
        if let Some(keep_for) = self.keep_for.filter(|keep_for| *keep_for < absolute) {
            let [keep_for, absolute] =
                [keep_for, absolute].map(|seconds| Duration::from_secs(seconds.into()));
            return Err(ConfigErrorKind::KeepForBelowAbsolute { keep_for, absolute });
        }
        self.longest.fetch_max(absolute, Ordering::AcqRel);
        Ok(())
    }

    /// For how long marks are kept, in seconds.
    pub(crate) fn keep_for(&self) -> u32 {
        let longest = || match self.longest.load(Ordering::Acquire) {
            0 => DEFAULT_KEEP_FOR,
            longest => longest,
        };
        self.keep_for.unwrap_or_else(longest)
    }

    /// How many marks there are.
    pub(crate) fn len(&self) -> usize {
        self.ids.len() + self.tag_count.load(Ordering::Acquire)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the session with this id has ended by itself, regardless of its tags.
    #[inline]
    pub(crate) fn has_id(&self, id: SessionId) -> bool {
        self.ids.contains(id.into())
    }

    /// Whether any tag has a mark.
    #[inline]
    pub(crate) fn has_tags(&self) -> bool {
        self.tag_count.load(Ordering::Acquire) > 0
    }

    /// Whether a mark of one of these tags ends a session that has seen the marks up to `seen`.
    pub(crate) fn has_tag(&self, tags: &[Tag], seen: u64) -> bool {
        self.has_tags()
            && tags.iter().any(|tag| self.number(tag).is_some_and(|number| seen < number))
    }

    /// Whether this tag has a mark.
    pub(crate) fn has_mark(&self, tag: &Tag) -> bool {
        self.has_tags() && self.number(tag).is_some()
    }

    /// Whether a mark ends the session with this id and these tags, which survives the marks up to a
    /// number.
    pub(crate) fn ends(&self, id: Option<SessionId>, tags: &[Tag], survives: u64) -> bool {
        id.is_some_and(|id| self.has_id(id)) || self.has_tag(tags, survives)
    }

    fn number(&self, tag: &Tag) -> Option<u64> {
        let map = self.map(tag).read().unwrap_or_else(PoisonError::into_inner);
        map.get(tag).map(|mark| mark.number)
    }

    fn map(&self, tag: &Tag) -> &RwLock<HashMap<Tag, TagMark>> {
        &self.tags[usize::from(tag.as_bytes()[0]) % TAG_MAPS]
    }

    /// Adds marks, at `now` in seconds since the Unix epoch.
    pub(crate) fn add(&self, marks: &[Mark], now: u64) {
        let now = seconds(now);
        let mut highest = 0;
        for mark in marks {
            // What has expired has taken its number all the same.
            highest = highest.max(possible(mark.number));
            let until = seconds(mark.until);
            if until <= now {
                continue;
            }
            match mark.target {
                Target::Session(id) => {
                    self.ids.insert(id, until, now);
                }
                Target::Tag(tag) => self.add_tag(tag, mark.number, until, now),
            }
        }
        self.known.fetch_max(highest, Ordering::AcqRel);
        let sweep_at = self.sweep_at.load(Ordering::Acquire);
        if now >= sweep_at {
            let next = now.saturating_add(SWEEP_EVERY);
            let exchange =
                self.sweep_at.compare_exchange(sweep_at, next, Ordering::AcqRel, Ordering::Acquire);
            // The first one was due before there was anything.
            if exchange.is_ok() && sweep_at > 0 {
                self.sweep(now.into());
            }
        }
    }

    fn add_tag(&self, tag: Tag, number: u64, until: u32, now: u32) {
        let mut map = self.map(&tag).write().unwrap_or_else(PoisonError::into_inner);
        if map.len() == map.capacity() {
            // Before it grows.
            self.sweep_map(&mut map, now);
        }
        let known = map.entry(tag).or_insert_with(|| {
            self.tag_count.fetch_add(1, Ordering::AcqRel);
            TagMark { number, until }
        });
        known.number = known.number.max(number);
        known.until = known.until.max(until);
    }

    /// Forgets the marks that nobody needs any longer, at `now` in seconds since the Unix epoch.
    pub(crate) fn sweep(&self, now: u64) {
        let now = seconds(now);
        self.ids.sweep(now);
        for map in &self.tags {
            let mut map = map.write().unwrap_or_else(PoisonError::into_inner);
            self.sweep_map(&mut map, now);
            if map.len() < map.capacity() / 4 {
                map.shrink_to_fit();
            }
        }
    }

    /// The caller holds the map's lock.
    fn sweep_map(&self, map: &mut HashMap<Tag, TagMark>, now: u32) {
        let before = map.len();
        map.retain(|_, mark| mark.until.saturating_add(GRACE) > now);
        self.tag_count.fetch_sub(before - map.len(), Ordering::AcqRel);
    }

    /// All marks. (A session's has no number: it needs none.)
    pub(crate) fn all(&self) -> Vec<Mark> {
        let mut marks = Vec::with_capacity(self.len());
        self.ids.for_each(|id, until| {
            let target = Target::Session(id);
            marks.push(Mark { target, number: 0, until: until.into() });
        });
        for map in &self.tags {
            let map = map.read().unwrap_or_else(PoisonError::into_inner);
            marks.extend(map.iter().map(|(tag, mark)| Mark {
                target: Target::Tag(*tag),
                number: mark.number,
                until: mark.until.into(),
            }));
        }
        marks
    }
}

/// A number that a store can have given. One that is higher, in a store that somebody has damaged, counts
/// for its tag alone: otherwise no later mark would end anybody.
fn possible(number: u64) -> u64 {
    if number > HIGHEST { 0 } else { number }
}

/// Seconds since the Unix epoch as they are in the tables. What is later than 2106 is kept for good.
fn seconds(time: u64) -> u32 {
    u32::try_from(time).unwrap_or(u32::MAX)
}
