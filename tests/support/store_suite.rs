//! What every store of revocations has to do, as tests over "another server on the same store". They use
//! the public interface alone.
//!
//! A test program includes this file as its module `store_suite`, implements [`Stores`] and says
//! `store_suite::store_suite!(ThatType)`: that makes a test of each behaviour.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sealed_session::revocation::{
    Appended, AtStart, Batch, Mark, Position, RevocationErrorKind, RevocationStore, ShortId,
    Status, StoreError, Target, WhenAway,
};
use sealed_session::{
    Codec, DecodeErrorKind, Decoded, Key, Keyring, Revocations, SessionId, SessionKind, Tag,
};
use serde::{Deserialize, Serialize};

/// One store of a test, on which servers are opened.
pub(crate) trait Stores: Sized + Send + Sync {
    type Store: RevocationStore;

    /// An empty store that no other test has.
    async fn new() -> Self;

    /// The store as one more server opens it.
    async fn open(&self) -> Self::Store;

    /// Makes the store lose all it has, while servers are connected.
    async fn lose(&self);
}

macro_rules! store_suite {
    ($stores:ty) => {
        $crate::store_suite::store_suite! { $stores:
            an_ending_by_id_is_in_force_on_another_server_within_a_second
            an_ending_by_tag_is_in_force_on_another_server_within_a_second
            sessions_that_begin_after_an_ending_was_heard_survive
            numbers_increase_strictly_while_two_servers_append
            the_lowest_number_is_respected
            an_append_gives_all_its_marks_one_number
            numbers_are_at_least_the_time_in_milliseconds
            publishing_twice_is_publishing_once_and_raises_the_number
            a_mark_keeps_the_largest_number_and_the_latest_time
            a_read_from_the_beginning_and_one_from_a_position_give_all
            many_marks_come_in_batches
            a_wait_ends_when_something_comes
            a_wait_without_anything_ends_empty
            expired_marks_are_not_read
            a_dropped_call_does_no_harm
            another_server_finds_everything_when_the_first_is_gone
            a_store_that_is_away_is_stale_and_live_again
            endings_while_the_store_is_away_are_in_force_elsewhere_when_it_is_back
            sessions_are_unavailable_after_a_time_and_come_back
            at_the_start_a_server_waits_refuses_or_serves
            a_store_that_lost_its_marks_gets_them_back
        }
    };
    ($stores:ty: $($behaviour:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                let stores = <$stores as $crate::store_suite::Stores>::new().await;
                $crate::store_suite::$behaviour(stores).await;
            }
        )*
    };
}
pub(crate) use store_suite;

const SECOND: Duration = Duration::from_secs(1);
/// For what is not measured, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Login {
    user: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";

    fn tags(login: &Self) -> Vec<Tag> {
        vec![user(login.user)]
    }
}

/// A server: its revocations and its codec.
struct Server {
    revocations: Revocations,
    codec: Codec<Login>,
}

impl Server {
    async fn on(store: impl RevocationStore) -> Self {
        Self::with(store, WhenAway::KeepServing, AtStart::Wait(PATIENCE)).await
    }

    async fn with(store: impl RevocationStore, when_away: WhenAway, at_start: AtStart) -> Self {
        let builder = Revocations::builder(store, when_away, at_start);
        let revocations = builder.heartbeat(Duration::from_millis(100)).open().await.unwrap();
        let keyring = Keyring::new(Key::from_bytes([1; 32]).unwrap());
        let codec = Codec::builder(keyring).revocations(&revocations).build().unwrap();
        Self { revocations, codec }
    }

    fn log_in(&self, user: u64) -> String {
        self.codec.encode(Login { user }).unwrap().to_string()
    }

    fn opened(&self, token: &str) -> Decoded<Login> {
        self.codec.decode(token).unwrap()
    }

    fn id(&self, token: &str) -> SessionId {
        self.opened(token).info.id.unwrap()
    }

    /// `None`: it opens.
    fn refusal(&self, token: &str) -> Option<DecodeErrorKind> {
        self.codec.decode(token).err().map(|error| *error.kind())
    }

    fn has_ended(&self, token: &str) -> bool {
        self.refusal(token) == Some(DecodeErrorKind::Ended)
    }

    fn status(&self) -> Status {
        self.revocations.status()
    }
}

fn user(user: u64) -> Tag {
    Tag::new("user", user)
}

fn tag(user: u64) -> Target {
    Target::Tag(self::user(user))
}

fn session(number: u64) -> Target {
    Target::Session(ShortId::from_bytes(number.to_be_bytes()))
}

/// The second that is so much later than now.
fn later(time: Duration) -> u64 {
    (SystemTime::now() + time).duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn tomorrow() -> u64 {
    later(24 * 60 * 60 * SECOND)
}

/// Waits until something is so, and demands that this takes no longer than `limit`.
#[track_caller]
fn within(limit: Duration, what: impl Fn() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let begun = Instant::now();
        while !what() {
            assert!(begun.elapsed() < PATIENCE, "it never is so: {caller}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let elapsed = begun.elapsed();
        assert!(elapsed <= limit, "{elapsed:?} instead of {limit:?}: {caller}");
    }
}

/// All marks of a store, from the beginning or a position, and where they end.
async fn read_all(
    store: &impl RevocationStore,
    mut position: Option<Position>,
) -> (Vec<Mark>, Position) {
    let mut marks = Vec::new();
    loop {
        let batch = store.read(position.as_ref(), Duration::ZERO).await.unwrap();
        marks.extend(batch.marks);
        if batch.complete {
            return (marks, batch.position);
        }
        position = Some(batch.position);
    }
}

/// What marks say together: the largest number and the latest time of a target.
fn joined(marks: &[Mark], target: Target) -> Option<(u64, u64)> {
    let of_target = || marks.iter().filter(|mark| mark.target == target);
    let number = of_target().map(|mark| mark.number).max()?;
    Some((number, of_target().map(|mark| mark.until).max()?))
}

/// A store that can be cut off.
struct Unreliable<S> {
    store: S,
    away: Arc<AtomicBool>,
}

impl<S> Unreliable<S> {
    fn new(store: S) -> (Self, Arc<AtomicBool>) {
        let away = Arc::new(AtomicBool::new(false));
        (Self { store, away: away.clone() }, away)
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.away.load(Ordering::SeqCst) { Err("the store is cut off".into()) } else { Ok(()) }
    }
}

impl<S: RevocationStore> RevocationStore for Unreliable<S> {
    async fn append(
        &self,
        targets: &[Target],
        until: u64,
        lowest: u64,
    ) -> Result<Appended, StoreError> {
        self.check()?;
        self.store.append(targets, until, lowest).await
    }

    async fn publish(&self, marks: &[Mark]) -> Result<(), StoreError> {
        self.check()?;
        self.store.publish(marks).await
    }

    async fn read(&self, after: Option<&Position>, wait: Duration) -> Result<Batch, StoreError> {
        self.check()?;
        let batch = self.store.read(after, wait).await?;
        self.check()?;
        Ok(batch)
    }

    async fn heartbeat(&self) -> Result<(), StoreError> {
        self.check()?;
        self.store.heartbeat().await
    }
}

pub(crate) async fn an_ending_by_id_is_in_force_on_another_server_within_a_second(
    stores: impl Stores,
) {
    let (one, other) =
        (Server::on(stores.open().await).await, Server::on(stores.open().await).await);
    let (token, kept) = (one.log_in(7), one.log_in(7));
    other.opened(&token);
    one.revocations.end(one.id(&token)).await.unwrap();
    assert!(one.has_ended(&token));
    within(SECOND, || other.has_ended(&token)).await;
    assert_eq!((one.refusal(&kept), other.refusal(&kept)), (None, None));
}

pub(crate) async fn an_ending_by_tag_is_in_force_on_another_server_within_a_second(
    stores: impl Stores,
) {
    let (one, other) =
        (Server::on(stores.open().await).await, Server::on(stores.open().await).await);
    let (tokens, kept) = ([one.log_in(7), other.log_in(7)], one.log_in(8));
    one.revocations.end_all(&user(7)).await.unwrap();
    for token in &tokens {
        assert!(one.has_ended(token));
        within(SECOND, || other.has_ended(token)).await;
    }
    assert_eq!((one.refusal(&kept), other.refusal(&kept)), (None, None));
}

pub(crate) async fn sessions_that_begin_after_an_ending_was_heard_survive(stores: impl Stores) {
    let (one, other) =
        (Server::on(stores.open().await).await, Server::on(stores.open().await).await);
    let before = other.log_in(7);
    one.revocations.end_all(&user(7)).await.unwrap();
    other.revocations.read_now().await.unwrap();
    assert!(other.has_ended(&before));
    let after = [one.log_in(7), other.log_in(7)];
    tokio::time::sleep(SECOND / 2).await;
    for token in &after {
        assert_eq!((one.refusal(token), other.refusal(token)), (None, None));
    }
    other.revocations.end_all(&user(7)).await.unwrap();
    for token in &after {
        assert!(other.has_ended(token));
        within(SECOND, || one.has_ended(token)).await;
    }
}

pub(crate) async fn numbers_increase_strictly_while_two_servers_append<S: Stores>(stores: S) {
    const EACH: u64 = 100;
    let append = |store: S::Store, begin: u64| async move {
        let mut numbers = Vec::new();
        for target in begin..begin + EACH {
            numbers.push(store.append(&[tag(target)], tomorrow(), 0).await.unwrap().number);
        }
        numbers
    };
    let (one, other) = (stores.open().await, stores.open().await);
    let both = [append(one, 0), append(other, EACH)];
    let both = both.map(tokio::spawn);
    let mut all = HashSet::new();
    for numbers in both {
        let numbers = numbers.await.unwrap();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        all.extend(numbers);
    }
    assert_eq!(all.len() as u64, 2 * EACH, "a number was given twice");
    let (marks, _) = read_all(&stores.open().await, None).await;
    assert_eq!(marks.iter().map(|mark| mark.number).collect::<HashSet<_>>(), all);
}

pub(crate) async fn the_lowest_number_is_respected(stores: impl Stores) {
    let (one, other) = (stores.open().await, stores.open().await);
    let lowest = 1000 * later(60 * 60 * SECOND);
    let first = one.append(&[tag(1)], tomorrow(), lowest).await.unwrap();
    assert!(first.number >= lowest, "{first:?}");
    // Another server need not know it.
    let second = other.append(&[tag(2)], tomorrow(), 0).await.unwrap();
    assert!(second.number > first.number, "{second:?} after {first:?}");
}

pub(crate) async fn an_append_gives_all_its_marks_one_number(stores: impl Stores) {
    let store = stores.open().await;
    let targets = [tag(1), session(2), tag(3), session(4)];
    let until = tomorrow();
    let number = store.append(&targets, until, 0).await.unwrap().number;
    let (marks, _) = read_all(&store, None).await;
    for target in targets {
        assert_eq!(joined(&marks, target), Some((number, until)));
    }
}

pub(crate) async fn numbers_are_at_least_the_time_in_milliseconds(stores: impl Stores) {
    let store = stores.open().await;
    let number = store.append(&[tag(1)], tomorrow(), 0).await.unwrap().number;
    // A store without a clock begins anywhere.
    assert!(number == 1 || number >= 1000 * (later(Duration::ZERO) - 60), "{number}");
}

pub(crate) async fn publishing_twice_is_publishing_once_and_raises_the_number(stores: impl Stores) {
    let (one, other) = (stores.open().await, stores.open().await);
    let (number, until) = (1000 * later(60 * 60 * SECOND), tomorrow());
    let marks =
        [Mark { target: tag(1), number, until }, Mark { target: session(2), number: 0, until }];
    one.publish(&marks).await.unwrap();
    one.publish(&marks).await.unwrap();
    other.publish(&marks[..1]).await.unwrap();
    one.publish(&[]).await.unwrap();
    let (read, _) = read_all(&other, None).await;
    assert_eq!(joined(&read, tag(1)), Some((number, until)));
    assert_eq!(joined(&read, session(2)), Some((0, until)));
    assert_eq!(read.iter().map(|mark| mark.target).collect::<HashSet<_>>().len(), 2);
    let next = other.append(&[tag(3)], until, 0).await.unwrap().number;
    assert!(next > number, "{next} after {number} was published");
}

pub(crate) async fn a_mark_keeps_the_largest_number_and_the_latest_time(stores: impl Stores) {
    let (one, other) = (stores.open().await, stores.open().await);
    let until = tomorrow();
    let first = one.append(&[tag(1)], until + 9, 0).await.unwrap().number;
    let second = other.append(&[tag(1)], until, 0).await.unwrap().number;
    let (marks, _) = read_all(&one, None).await;
    assert_eq!(joined(&marks, tag(1)), Some((second, until + 9)));
    one.publish(&[Mark { target: tag(1), number: first, until: until + 20 }]).await.unwrap();
    let (marks, _) = read_all(&one, None).await;
    assert_eq!(joined(&marks, tag(1)), Some((second, until + 20)));
}

pub(crate) async fn a_read_from_the_beginning_and_one_from_a_position_give_all(
    stores: impl Stores,
) {
    let (writer, reader) = (stores.open().await, stores.open().await);
    let (nothing, start) = read_all(&reader, None).await;
    assert_eq!(nothing, []);
    let mut position = start.clone();
    for round in 0..20 {
        let targets = [session(2 * round), tag(2 * round + 1)];
        writer.append(&targets, tomorrow(), 0).await.unwrap();
        if round == 10 {
            // A mark that changes comes again.
            writer.append(&[tag(1)], tomorrow(), 0).await.unwrap();
        }
        let (marks, next) = read_all(&reader, Some(position)).await;
        for target in targets {
            assert!(joined(&marks, target).is_some(), "round {round}");
        }
        assert_eq!(round == 10, joined(&marks, tag(1)).is_some() && round > 0, "round {round}");
        position = next;
    }
    for from in [None, Some(start)] {
        let (marks, _) = read_all(&reader, from).await;
        assert_eq!(marks.iter().map(|mark| mark.target).collect::<HashSet<_>>().len(), 40);
    }
}

pub(crate) async fn many_marks_come_in_batches(stores: impl Stores) {
    let (writer, reader) = (stores.open().await, stores.open().await);
    let until = tomorrow();
    let marks: Vec<_> =
        (0..25_000).map(|id| Mark { target: session(id), number: 0, until }).collect();
    for chunk in marks.chunks(5000) {
        writer.publish(chunk).await.unwrap();
    }
    let mut found = HashSet::new();
    let mut position = None;
    loop {
        let batch = reader.read(position.as_ref(), Duration::ZERO).await.unwrap();
        found.extend(batch.marks.iter().map(|mark| mark.target));
        position = Some(batch.position);
        if batch.complete {
            break;
        }
    }
    assert_eq!(found.len(), marks.len());
}

pub(crate) async fn a_wait_ends_when_something_comes(stores: impl Stores) {
    let (writer, reader) = (stores.open().await, stores.open().await);
    let (_, position) = read_all(&reader, None).await;
    let append = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        writer.append(&[tag(1)], tomorrow(), 0).await.unwrap();
        Instant::now()
    };
    let read = async {
        let batch = reader.read(Some(&position), PATIENCE).await.unwrap();
        (Instant::now(), batch)
    };
    let begun = Instant::now();
    let (appended, (came, batch)) = tokio::join!(append, read);
    assert!(joined(&batch.marks, tag(1)).is_some());
    assert!(came >= begun + Duration::from_millis(290), "it did not wait");
    assert!(came <= appended + SECOND, "{:?}", came - appended);
    // What is there already is not waited for.
    let begun = Instant::now();
    let batch = reader.read(Some(&position), PATIENCE).await.unwrap();
    assert!(!batch.marks.is_empty() && begun.elapsed() < SECOND);
}

pub(crate) async fn a_wait_without_anything_ends_empty(stores: impl Stores) {
    let store = stores.open().await;
    store.append(&[tag(1)], tomorrow(), 0).await.unwrap();
    let (_, position) = read_all(&store, None).await;
    let begun = Instant::now();
    let wait = Duration::from_millis(400);
    let batch = store.read(Some(&position), wait).await.unwrap();
    let elapsed = begun.elapsed();
    assert!(batch.marks.is_empty() && batch.complete);
    assert!(elapsed >= wait - Duration::from_millis(50) && elapsed < wait + SECOND, "{elapsed:?}");
    // Its position is one to go on from.
    store.append(&[tag(2)], tomorrow(), 0).await.unwrap();
    let (marks, _) = read_all(&store, Some(batch.position)).await;
    assert!(joined(&marks, tag(2)).is_some());
}

pub(crate) async fn expired_marks_are_not_read(stores: impl Stores) {
    let store = stores.open().await;
    let past = later(Duration::ZERO) - 10;
    let first = store.append(&[tag(1), session(1)], past, 0).await.unwrap().number;
    store.publish(&[Mark { target: tag(2), number: 1, until: 1 }]).await.unwrap();
    store.append(&[tag(3)], tomorrow(), 0).await.unwrap();
    store.append(&[tag(4)], later(SECOND), 0).await.unwrap();
    tokio::time::sleep(2 * SECOND).await;
    for store in [store, stores.open().await] {
        let (marks, _) = read_all(&store, None).await;
        let targets: HashSet<_> = marks.iter().map(|mark| mark.target).collect();
        assert_eq!(targets, HashSet::from([tag(3)]));
        let next = store.append(&[tag(3)], tomorrow(), 0).await.unwrap().number;
        assert!(next > first, "{next} after {first}, which expired");
    }
}

pub(crate) async fn a_dropped_call_does_no_harm(stores: impl Stores) {
    let store = stores.open().await;
    let (_, position) = read_all(&store, None).await;
    for round in 0..100_u32 {
        let patience = Duration::from_micros(u64::from(round * 37 % 1000));
        let target = [tag(round.into())];
        let _ = tokio::time::timeout(patience, store.append(&target, tomorrow(), 0)).await;
        let _ = tokio::time::timeout(patience, store.read(Some(&position), PATIENCE)).await;
        let _ = tokio::time::timeout(patience, store.heartbeat()).await;
    }
    for store in [&store, &stores.open().await] {
        store.heartbeat().await.unwrap();
        let number = store.append(&[tag(1000)], tomorrow(), 0).await.unwrap().number;
        let (marks, _) = read_all(store, None).await;
        assert_eq!(joined(&marks, tag(1000)).unwrap().0, number);
    }
}

pub(crate) async fn another_server_finds_everything_when_the_first_is_gone(stores: impl Stores) {
    let first = Server::on(stores.open().await).await;
    let tokens: Vec<_> = (0..20).map(|user| first.log_in(user)).collect();
    for (user, token) in (0..).zip(&tokens) {
        if user % 2 == 0 {
            first.revocations.end_all(&self::user(user)).await.unwrap();
        } else {
            first.revocations.end(first.id(token)).await.unwrap();
        }
    }
    let kept = first.log_in(0);
    drop(first);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = Server::on(stores.open().await).await;
    assert!(tokens.iter().all(|token| second.has_ended(token)));
    assert_eq!(second.refusal(&kept), None);
    assert_eq!(second.revocations.len(), 20);
}

pub(crate) async fn a_store_that_is_away_is_stale_and_live_again(stores: impl Stores) {
    let (store, away) = Unreliable::new(stores.open().await);
    let server = Server::on(store).await;
    within(PATIENCE, || server.status() == Status::Live).await;
    // The first heartbeat comes after the first read.
    tokio::time::sleep(SECOND / 2).await;
    away.store(true, Ordering::SeqCst);
    within(PATIENCE, || matches!(server.status(), Status::Stale { .. })).await;
    let Status::Stale { since, .. } = server.status() else { panic!("{:?}", server.status()) };
    assert!(since <= SystemTime::now() && since + PATIENCE > SystemTime::now());
    server.codec.decode(server.log_in(7)).unwrap();
    away.store(false, Ordering::SeqCst);
    within(PATIENCE, || server.status() == Status::Live).await;
}

pub(crate) async fn endings_while_the_store_is_away_are_in_force_elsewhere_when_it_is_back(
    stores: impl Stores,
) {
    let (store, away) = Unreliable::new(stores.open().await);
    let (one, other) = (Server::on(store).await, Server::on(stores.open().await).await);
    let (by_id, by_tag) = (one.log_in(7), one.log_in(8));
    away.store(true, Ordering::SeqCst);
    for ended in
        [one.revocations.end(one.id(&by_id)).await, one.revocations.end_all(&user(8)).await]
    {
        assert_eq!(*ended.unwrap_err().kind(), RevocationErrorKind::Unconfirmed);
    }
    assert!(one.has_ended(&by_id) && one.has_ended(&by_tag));
    tokio::time::sleep(SECOND / 2).await;
    assert_eq!((other.refusal(&by_id), other.refusal(&by_tag)), (None, None));
    away.store(false, Ordering::SeqCst);
    within(PATIENCE, || other.has_ended(&by_id) && other.has_ended(&by_tag)).await;
    within(PATIENCE, || one.status() == Status::Live).await;
}

pub(crate) async fn sessions_are_unavailable_after_a_time_and_come_back(stores: impl Stores) {
    let (store, away) = Unreliable::new(stores.open().await);
    let limit = WhenAway::RefuseAfter(SECOND);
    let server = Server::with(store, limit, AtStart::Wait(PATIENCE)).await;
    let token = server.log_in(7);
    server.opened(&token);
    away.store(true, Ordering::SeqCst);
    within(PATIENCE, || server.refusal(&token) == Some(DecodeErrorKind::Unavailable)).await;
    away.store(false, Ordering::SeqCst);
    within(PATIENCE, || server.refusal(&token).is_none()).await;
}

pub(crate) async fn at_the_start_a_server_waits_refuses_or_serves(stores: impl Stores) {
    let first = Server::on(stores.open().await).await;
    let (token, ended) = (first.log_in(7), first.log_in(8));
    first.revocations.end(first.id(&ended)).await.unwrap();

    let (store, away) = Unreliable::new(stores.open().await);
    away.store(true, Ordering::SeqCst);
    let at_start = AtStart::Wait(SECOND / 2);
    let waited = Revocations::open(store, WhenAway::KeepServing, at_start).await;
    assert_eq!(*waited.unwrap_err().kind(), RevocationErrorKind::Unread);

    let (store, away) = Unreliable::new(stores.open().await);
    away.store(true, Ordering::SeqCst);
    let refusing = Server::with(store, WhenAway::KeepServing, AtStart::Refuse).await;
    for token in [&token, &ended] {
        assert_eq!(refusing.refusal(token), Some(DecodeErrorKind::Unavailable));
    }
    assert_eq!(refusing.status(), Status::Starting);
    away.store(false, Ordering::SeqCst);
    within(PATIENCE, || refusing.refusal(&token).is_none()).await;
    assert!(refusing.has_ended(&ended));

    let (store, away) = Unreliable::new(stores.open().await);
    away.store(true, Ordering::SeqCst);
    let serving = Server::with(store, WhenAway::KeepServing, AtStart::ServeUnread).await;
    assert_eq!((serving.refusal(&token), serving.refusal(&ended)), (None, None));
    away.store(false, Ordering::SeqCst);
    within(PATIENCE, || serving.has_ended(&ended)).await;
    assert_eq!(serving.refusal(&token), None);
}

pub(crate) async fn a_store_that_lost_its_marks_gets_them_back(stores: impl Stores) {
    let (store, away) = Unreliable::new(stores.open().await);
    let server = Server::on(store).await;
    let (by_id, by_tag) = (server.log_in(7), server.log_in(8));
    server.revocations.end(server.id(&by_id)).await.unwrap();
    server.revocations.end_all(&user(8)).await.unwrap();
    let kept = server.log_in(8);
    away.store(true, Ordering::SeqCst);
    within(PATIENCE, || matches!(server.status(), Status::Stale { .. })).await;
    stores.lose().await;
    away.store(false, Ordering::SeqCst);
    within(PATIENCE, || server.status() == Status::Live).await;
    let other = Server::on(stores.open().await).await;
    within(PATIENCE, || other.has_ended(&by_id) && other.has_ended(&by_tag)).await;
    assert_eq!(other.refusal(&kept), None);
    // Its numbers go on above those that it has lost.
    other.revocations.end_all(&user(8)).await.unwrap();
    assert!(other.has_ended(&kept));
    within(PATIENCE, || server.has_ended(&kept)).await;
}
