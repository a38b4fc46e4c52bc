//! Follows a store: reads what other processes append, and sends it what this one could not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet, yield_now};
use tokio::time::{sleep, timeout};

use super::store::AnyStore;
use super::{Appended, Batch, Inner, Mark, Position, STORE_TIMEOUT, StoreError, Target};
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
pub(super) struct Following(AbortHandle);

impl Following {
    pub(super) fn start(inner: &Arc<Inner>) -> Self {
        Self(tokio::spawn(supervise(inner.clone())).abort_handle())
    }

    /// Whether the runtime that it was started in is gone.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_finished()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts the tasks again if a store's code panics.
async fn supervise(inner: Arc<Inner>) {
    let mut failures = 0;
    loop {
        // Dropped, it ends them.
        let mut tasks = JoinSet::new();
        tasks.spawn(follow(inner.clone()));
        tasks.spawn(confirm(inner.clone()));
        let error = match tasks.join_next().await {
            Some(Err(error)) => error.into(),
            Some(Ok(())) | None => return,
        };
        inner.note_away(error);
        sleep(retry_after(failures)).await;
        failures += 1;
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
    /// Why the last attempt failed.
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

    pub(super) fn position(&self) -> Option<Position> {
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
        inner.note_away(error);
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
    let (mut tried, mut unanswered) = (None, 0);
    let mut read_to = 0;
    let until_next = |tried: Option<u64>, unanswered| {
        let every = if unanswered > 0 { retry_after(unanswered) } else { inner.follow.heartbeat };
        tried.map_or(Duration::ZERO, |tried| every.saturating_sub(since(tried)))
    };
    loop {
        if until_next(tried, unanswered).is_zero() {
            // What was in the store before the heartbeat is in the tables after the read.
            let (now, monotonic) = (inner.clock.now(), monotonic_millis());
            tried = Some(monotonic);
            match beat(store).await {
                Ok(()) => {
                    if unanswered > 0 {
                        compare(inner, store).await?;
                    }
                    read_on(inner, store, inner.follow.position()).await?;
                    inner.note_heard(now, monotonic);
                    (unanswered, *failures) = (0, 0);
                }
                // The store is there and does not confirm writes. What it has is still read.
                Err(error) => {
                    inner.note_away(error);
                    unanswered += 1;
                }
            }
        }
        if since(compared) >= COMPARE {
            compare(inner, store).await?;
            compared = monotonic_millis();
        }
        // A heartbeat that was not answered is repeated sooner.
        let wait = until_next(tried, unanswered);
        let batch = read(inner, store, inner.follow.position().as_ref(), wait).await?;
        read_to = read_to.max(highest(&batch.marks));
        inner.follow.set_position(batch.position);
        if batch.complete {
            inner.marks.note_read_to(read_to);
        }
    }
}

/// An error unless an append would be confirmed now.
pub(super) async fn beat(store: &dyn AnyStore) -> Result<(), StoreError> {
    timeout(STORE_TIMEOUT, store.heartbeat()).await?
}

/// Reads one batch and adds its marks.
async fn read(
    inner: &Inner,
    store: &dyn AnyStore,
    after: Option<&Position>,
    wait: Duration,
) -> Result<Batch, StoreError> {
    let batch = timeout(wait + READ_TIMEOUT, store.read(after, wait)).await??;
    inner.add(&batch.marks);
    if !batch.complete && after == Some(&batch.position) {
        return Err("the store says that there is more to read, and not where".into());
    }
    // A store that answers at once must not keep the thread.
    yield_now().await;
    Ok(batch)
}

fn highest(marks: &[Mark]) -> u64 {
    marks.iter().map(|mark| mark.number).max().unwrap_or(0)
}

/// The time since one that `monotonic_millis` gave.
fn since(before: u64) -> Duration {
    Duration::from_millis(monotonic_millis().saturating_sub(before))
}

/// Reads the store from a place to its end, and returns the marks.
pub(super) async fn read_on(
    inner: &Inner,
    store: &dyn AnyStore,
    mut position: Option<Position>,
) -> Result<Vec<Mark>, StoreError> {
    let mut marks = Vec::new();
    loop {
        let batch = read(inner, store, position.as_ref(), Duration::ZERO).await?;
        marks.extend(batch.marks);
        if batch.complete {
            inner.marks.note_read_to(highest(&marks));
            return Ok(marks);
        }
        position = Some(batch.position);
    }
}

impl Inner {
    fn add(&self, marks: &[Mark]) {
        self.marks.add(marks, self.clock.now() / 1000);
    }

    /// Everything that was in the store at this time is in the tables, and it confirms writes.
    fn note_heard(&self, now: u64, monotonic: u64) {
        self.marks.availability().heard(now, monotonic);
        self.follow.was_read.notify_waiters();
        if self.follow.away.swap(false, Ordering::AcqRel) {
            logging::revocations_live();
        }
        self.pending.retry.notify_one();
    }

    fn note_away(&self, error: StoreError) {
        if !self.follow.away.swap(true, Ordering::AcqRel) {
            logging::revocations_stale(&*error);
        }
        let old = self.follow.error.lock().unwrap_or_else(PoisonError::into_inner).replace(error);
        // Without the lock, because it is the store's.
        drop(old);
    }
}

/// Reads the store from the beginning, and gives it back what it has lost.
async fn compare(inner: &Inner, store: &dyn AnyStore) -> Result<(), StoreError> {
    // At the first start there is nothing that the store could lack.
    let ours = inner.marks.all();
    let mut theirs = HashMap::new();
    let (mut position, mut read_to) = (None, 0);
    loop {
        let batch = read(inner, store, position.as_ref(), Duration::ZERO).await?;
        read_to = read_to.max(highest(&batch.marks));
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
    /// With the store's number, or 0. One with a number is sent again as it is: a new number would end the
    /// sessions that have begun since.
    mark: Mark,
    /// The one who asked for it is still waiting for the store's answer.
    in_flight: bool,
    name: u64,
}

/// An ending that was asked for. If it is dropped before the store has confirmed it, it is in force here,
/// and it is repeated.
pub(super) struct Attempt<'i> {
    inner: &'i Inner,
    mark: Mark,
    name: u64,
}

impl Pending {
    pub(super) fn new() -> Self {
        Self { list: Mutex::new(Vec::new()), retry: Notify::new() }
    }

    pub(super) fn len(&self) -> usize {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().filter(|waiting| !waiting.in_flight).count()
    }

    /// What to send again: some that have a number, or else some that need one.
    fn due(&self, now: u64) -> Vec<(u64, Mark)> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|waiting| waiting.in_flight || waiting.mark.until > now);
        let due = |has_number| {
            let due = list.iter().filter(move |waiting: &&Waiting| {
                !waiting.in_flight && (waiting.mark.number > 0) == has_number
            });
            due.take(CHUNK).map(|waiting| (waiting.name, waiting.mark)).collect()
        };
        let numbered: Vec<_> = due(true);
        if numbered.is_empty() { due(false) } else { numbered }
    }

    fn confirmed(&self, names: &[u64]) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|waiting| !names.contains(&waiting.name));
    }

    fn numbered(&self, names: &[u64], number: u64, until: u64) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        for waiting in list.iter_mut().filter(|waiting| names.contains(&waiting.name)) {
            (waiting.mark.number, waiting.mark.until) = (number, until);
        }
    }
}

impl<'i> Attempt<'i> {
    pub(super) fn begin(inner: &'i Inner, target: Target, until: u64) -> Self {
        let mark = Mark { target, number: 0, until };
        let mut list = inner.pending.list.lock().unwrap_or_else(PoisonError::into_inner);
        let name = list.iter().map(|waiting| waiting.name).max().unwrap_or(0) + 1;
        list.push(Waiting { mark, in_flight: true, name });
        Self { inner, mark, name }
    }

    /// The store has given it this number.
    pub(super) fn numbered(&mut self, number: u64) {
        self.mark.number = number;
        self.inner.pending.numbered(&[self.name], number, self.mark.until);
    }

    pub(super) fn confirmed(&self) {
        self.inner.pending.confirmed(&[self.name]);
    }

    /// The number of the mark that is in force here: the store's, or one of this server's own.
    pub(super) fn in_force(&mut self) -> u64 {
        if self.mark.number == 0 && matches!(self.mark.target, Target::Tag(_)) {
            let Mark { target, until, .. } = self.mark;
            self.mark.number = self.inner.append_here(target, until, self.inner.clock.now());
        }
        self.mark.number
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let is_waiting = {
            let mut list = self.inner.pending.list.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = list.iter_mut().find(|waiting| waiting.name == self.name);
            waiting.map(|waiting| waiting.in_flight = false).is_some()
        };
        if is_waiting {
            // The caller may not have waited for the answer.
            self.in_force();
            self.inner.pending.retry.notify_one();
        }
    }
}

/// Sends endings to the store until it has confirmed them.
async fn confirm(inner: Arc<Inner>) {
    let Some(store) = &inner.store else { return };
    let mut failures = 0;
    loop {
        let due = inner.pending.due(inner.clock.now() / 1000);
        if due.is_empty() {
            failures = 0;
            inner.pending.retry.notified().await;
            continue;
        }
        // Where it fails, the other task says that the store is away.
        if let Ok(true) = send_again(&inner, &**store, &due).await {
            let names: Vec<_> = due.iter().map(|(name, _)| *name).collect();
            inner.pending.confirmed(&names);
            continue;
        }
        sleep(retry_after(failures)).await;
        failures += 1;
    }
}

/// Returns whether the store has confirmed them.
async fn send_again(
    inner: &Inner,
    store: &dyn AnyStore,
    due: &[(u64, Mark)],
) -> Result<bool, StoreError> {
    let marks: Vec<_> = due.iter().map(|(_, mark)| *mark).collect();
    if marks.iter().all(|mark| mark.number > 0) {
        timeout(STORE_TIMEOUT, store.publish(&marks)).await??;
        // Whatever was written before it is confirmed with it.
        beat(store).await?;
        return Ok(true);
    }
    let mut targets = Vec::new();
    for mark in &marks {
        if !targets.contains(&mark.target) {
            targets.push(mark.target);
        }
    }
    let until = marks.iter().map(|mark| mark.until).max().unwrap_or(0);
    let lowest = inner.marks.highest().saturating_add(1);
    let append = store.append(&targets, until, lowest);
    let Appended { number, confirmed } = timeout(STORE_TIMEOUT, append).await??;
    let appended: Vec<_> =
        targets.iter().map(|target| Mark { target: *target, number, until }).collect();
    inner.add(&appended);
    let names: Vec<_> = due.iter().map(|(name, _)| *name).collect();
    inner.pending.numbered(&names, number, until);
    Ok(confirmed)
}
