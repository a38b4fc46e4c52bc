//! Follows a store: reads what other processes append, and sends it what this one could not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::store::AnyStore;
use super::{Appended, Inner, Mark, Position, STORE_TIMEOUT, StoreError, Target};
use crate::clock::monotonic_millis;
use crate::logging;
use crate::sync::Mutex;

/// How long a store may take for one batch of marks.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the tables are compared with the store, and swept.
const COMPARE: Duration = Duration::from_secs(60 * 60);
/// How long to wait after a first failure, and after many.
const RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// How many marks are sent at once.
const CHUNK: usize = 500;

/// The tasks that follow a store. They end with this.
pub(super) struct Following([AbortHandle; 2]);

impl Following {
    pub(super) fn start(inner: &Arc<Inner>) -> Self {
        let follow = tokio::spawn(follow(inner.clone()));
        let confirm = tokio::spawn(confirm(inner.clone()));
        Self([follow.abort_handle(), confirm.abort_handle()])
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// How following goes.
pub(super) struct State {
    /// The last attempt failed.
    pub(super) away: AtomicBool,
    /// How often the store has to confirm a write.
    heartbeat: Duration,
    /// Up to where the store was read.
    position: Mutex<Option<Position>>,
    /// Why the last attempt failed, until the store was read for the first time.
    error: Mutex<Option<StoreError>>,
    was_read: Notify,
}

impl State {
    pub(super) fn new(heartbeat: Duration) -> Self {
        Self {
            away: AtomicBool::new(false),
            heartbeat,
            position: Mutex::new(None),
            error: Mutex::new(None),
            was_read: Notify::new(),
        }
    }

    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    pub(super) fn take_error(&self) -> Option<StoreError> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Until the sessions can be judged for the first time.
    pub(super) async fn first_read(&self, inner: &Inner) {
        loop {
            let notified = self.was_read.notified();
            if inner.marks.availability().is_available(inner.clock.now()) {
                return;
            }
            notified.await;
        }
    }

    fn set_position(&self, position: Position) {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = Some(position);
    }

    fn position(&self) -> Option<Position> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn follow(inner: Arc<Inner>) {
    let Some(store) = &inner.store else { return };
    let mut failures = 0;
    loop {
        let error = match follow_until_it_fails(&inner, &**store, &mut failures).await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        inner.note_away(&error);
        *inner.follow.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        sleep(retry_after(failures)).await;
        failures += 1;
    }
}

fn retry_after(failures: u32) -> Duration {
    LONGEST_RETRY.min(RETRY * 2_u32.saturating_pow(failures.min(16)))
}

/// What cannot be: a loop without an end returns only errors.
enum Never {}

async fn follow_until_it_fails(
    inner: &Inner,
    store: &dyn AnyStore,
    failures: &mut u32,
) -> Result<Never, StoreError> {
    // Read from the beginning: after a failure the store may have lost marks, or may be another.
    compare(inner, store).await?;
    inner.marks.availability().note_read(inner.clock.now());
    inner.follow.was_read.notify_waiters();
    let mut compared = monotonic_millis();
    let mut heard = None;
    let mut read_to = 0;
    loop {
        let beat = inner.follow.heartbeat;
        let due = heard.is_none_or(|heard| since(heard) >= beat);
        if due {
            // What was in the store before the heartbeat is in the tables after the read.
            let (now, monotonic) = (inner.clock.now(), monotonic_millis());
            timeout(STORE_TIMEOUT, store.heartbeat()).await??;
            read_on(inner, store).await?;
            inner.marks.availability().heard(now, monotonic);
            inner.follow.was_read.notify_waiters();
            *failures = 0;
            heard = Some(monotonic);
            if inner.follow.away.swap(false, Ordering::AcqRel) {
                logging::revocations_live();
            }
            inner.pending.retry.notify_one();
        }
        if since(compared) >= COMPARE {
            compare(inner, store).await?;
            inner.marks.sweep(inner.clock.now() / 1000);
            compared = monotonic_millis();
        }
        let position = inner.follow.position();
        let wait = beat.saturating_sub(since(heard.unwrap_or_default()));
        let batch = timeout(wait + READ_TIMEOUT, store.read(position.as_ref(), wait)).await??;
        read_to = read_to.max(inner.add(&batch.marks));
        inner.follow.set_position(batch.position);
        if batch.complete {
            inner.marks.note_read_to(read_to);
        }
    }
}

/// The time since one that `monotonic_millis` gave.
fn since(before: u64) -> Duration {
    Duration::from_millis(monotonic_millis().saturating_sub(before))
}

/// Reads the store from where it was read to its end, and returns the marks.
pub(super) async fn read_on(inner: &Inner, store: &dyn AnyStore) -> Result<Vec<Mark>, StoreError> {
    let mut position = inner.follow.position();
    let mut marks = Vec::new();
    loop {
        let read = store.read(position.as_ref(), Duration::ZERO);
        let batch = timeout(READ_TIMEOUT, read).await??;
        inner.add(&batch.marks);
        marks.extend(batch.marks);
        inner.follow.set_position(batch.position.clone());
        if batch.complete {
            let read_to = marks.iter().map(|mark| mark.number).max();
            inner.marks.note_read_to(read_to.unwrap_or(0));
            return Ok(marks);
        }
        position = Some(batch.position);
    }
}

impl Inner {
    /// Adds marks, and returns their highest number.
    fn add(&self, marks: &[Mark]) -> u64 {
        self.marks.add(marks, self.clock.now() / 1000);
        marks.iter().map(|mark| mark.number).max().unwrap_or(0)
    }
}

/// Reads the store from the beginning, and gives it back what it has lost.
async fn compare(inner: &Inner, store: &dyn AnyStore) -> Result<(), StoreError> {
    // At the first start there is nothing that the store could lack.
    let ours = inner.marks.all();
    let mut theirs = HashMap::new();
    let (mut position, mut read_to) = (None, 0);
    loop {
        let read = store.read(position.as_ref(), Duration::ZERO);
        let batch = timeout(READ_TIMEOUT, read).await??;
        read_to = read_to.max(inner.add(&batch.marks));
        if !ours.is_empty() {
            for mark in &batch.marks {
                let known = theirs.entry(mark.target).or_insert((0, 0));
                *known = (mark.number.max(known.0), mark.until.max(known.1));
            }
        }
        position = Some(batch.position);
        if batch.complete {
            break;
        }
    }
    if let Some(position) = position {
        inner.follow.set_position(position);
    }
    inner.marks.note_read_to(read_to);
    let now = inner.clock.now() / 1000;
    let lacks = |mark: &&Mark| {
        let known = theirs.get(&mark.target);
        let has = known.is_some_and(|(number, until)| {
            let has_number = *number >= mark.number || matches!(mark.target, Target::Session(_));
            has_number && *until >= mark.until
        });
        !has && mark.until > now
    };
    let lost: Vec<Mark> = ours.iter().filter(lacks).copied().collect();
    if lost.is_empty() {
        return Ok(());
    }
    for chunk in lost.chunks(CHUNK) {
        timeout(STORE_TIMEOUT, store.publish(chunk)).await??;
    }
    logging::marks_published_again(lost.len());
    Ok(())
}

/// Endings that the store has not confirmed yet.
pub(super) struct Pending {
    list: Mutex<Vec<Waiting>>,
    retry: Notify,
}

struct Waiting {
    target: Target,
    /// Seconds since the Unix epoch.
    until: u64,
    /// The one who asked for it is still waiting for the store's answer.
    in_flight: bool,
    number: u64,
}

/// An ending that was asked for. If it is dropped before the store has confirmed it, it is repeated.
pub(super) struct Attempt<'p> {
    pending: &'p Pending,
    number: u64,
}

impl Pending {
    pub(super) fn new() -> Self {
        Self { list: Mutex::new(Vec::new()), retry: Notify::new() }
    }

    pub(super) fn len(&self) -> usize {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().filter(|waiting| !waiting.in_flight).count()
    }

    pub(super) fn begin(&self, target: Target, until: u64) -> Attempt<'_> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let number = list.iter().map(|waiting| waiting.number).max().unwrap_or(0) + 1;
        list.push(Waiting { target, until, in_flight: true, number });
        Attempt { pending: self, number }
    }

    /// What to send again, and when it is no longer needed; each target once.
    fn due(&self, now: u64) -> (Vec<Target>, u64, Vec<u64>) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|waiting| waiting.in_flight || waiting.until > now);
        let due = || list.iter().filter(|waiting| !waiting.in_flight).take(CHUNK);
        let mut targets = Vec::new();
        for waiting in due() {
            if !targets.contains(&waiting.target) {
                targets.push(waiting.target);
            }
        }
        let until = due().map(|waiting| waiting.until).max().unwrap_or(0);
        (targets, until, due().map(|waiting| waiting.number).collect())
    }

    fn confirmed(&self, numbers: &[u64]) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|waiting| !numbers.contains(&waiting.number));
    }
}

impl Attempt<'_> {
    pub(super) fn confirmed(self) {
        self.pending.confirmed(&[self.number]);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut list = self.pending.list.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = list.iter_mut().find(|waiting| waiting.number == self.number) {
            waiting.in_flight = false;
            drop(list);
            self.pending.retry.notify_one();
        }
    }
}

/// Sends endings to the store until it has confirmed them.
async fn confirm(inner: Arc<Inner>) {
    let Some(store) = &inner.store else { return };
    let mut failures = 0;
    loop {
        let now = inner.clock.now() / 1000;
        let (targets, until, numbers) = inner.pending.due(now);
        if targets.is_empty() {
            failures = 0;
            inner.pending.retry.notified().await;
            continue;
        }
        let append = store.append(&targets, until, inner.marks.highest().saturating_add(1));
        // Where it fails, the other task says that the store is away.
        if let Ok(Ok(Appended { number, confirmed })) = timeout(STORE_TIMEOUT, append).await {
            let mark = |target: &Target| Mark { target: *target, number, until };
            let marks: Vec<_> = targets.iter().map(mark).collect();
            inner.marks.add(&marks, now);
            if confirmed {
                inner.pending.confirmed(&numbers);
                continue;
            }
        }
        sleep(retry_after(failures)).await;
        failures += 1;
    }
}
