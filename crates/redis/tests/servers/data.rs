//! One node: what a store has to do, and how quickly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sealed_session::revocation::{Mark, RevocationStore, Target};
use sealed_session::{Key, Tag};
use sealed_session_redis::{ErrorKind, RedisStore, Replicas};

use crate::support::*;

fn store(server: &Server) -> RedisStore {
    RedisStore::node(server.url(), Replicas(0)).prefix("shop").build().unwrap()
}

#[tokio::test]
async fn what_was_appended_is_read() -> Any {
    let server = Server::start(&[]);
    let (one, two) = (store(&server), store(&server));
    let (marks, position) = read_all(&two).await.map_err(|e| e.to_string())?;
    assert!(marks.is_empty());
    let until = later();
    let tag = Target::Tag(Tag::new("user", 7));
    let first = one.append(&[id(1), tag], until, 1).await.map_err(|e| e.to_string())?;
    assert!(first.confirmed && first.number > 1_700_000_000_000);
    let second = one.append(&[id(2)], until + 86_400, 1).await.map_err(|e| e.to_string())?;
    assert!(second.number > first.number);
    let expected = [(id(1), first.number, until), (tag, first.number, until)]
        .map(|(target, number, until)| Mark { target, number, until });
    let expected =
        [&expected[..], &[Mark { target: id(2), number: second.number, until: until + 86_400 }]]
            .concat();
    assert_eq!(read_all(&two).await.map_err(|e| e.to_string())?.0, expected);
    let batch = two.read(Some(&position), Duration::ZERO).await.map_err(|e| e.to_string())?;
    assert!(batch.complete);
    assert_eq!(batch.marks, expected);
    let after = two.read(Some(&batch.position), Duration::ZERO).await;
    assert!(after.map_err(|e| e.to_string())?.marks.is_empty());
    Ok(())
}

#[tokio::test]
async fn numbers_only_rise() {
    let server = Server::start(&[]);
    let store = store(&server);
    let far = 8_000_000_000_000;
    let append = |lowest| store.append(&[], later(), lowest);
    assert_eq!(append(far).await.unwrap().number, far);
    assert_eq!(append(1).await.unwrap().number, far + 1);
    let mark = Mark { target: id(1), number: far + 100, until: later() };
    store.publish(&[mark]).await.unwrap();
    assert!(append(1).await.unwrap().number > far + 100);
    assert!(read_all(&store).await.unwrap().0.contains(&mark));
    // Without the stream of the last number, those of the days say it.
    store.append(&[id(2)], later(), far + 1000).await.unwrap();
    server.ask(&["DEL", "{shop}:last"]);
    assert_eq!(store.append(&[id(2)], later() + 86_400, 1).await.unwrap().number, far + 1001);
    let too_high = append(1 << 60).await.unwrap_err();
    assert_eq!(kind(&*too_high), ErrorKind::Unexpected);
    let mut numbers = Vec::new();
    for _ in 0..8 {
        let store = RedisStore::node(server.url(), Replicas(0)).prefix("shop").build().unwrap();
        numbers.push(tokio::spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..50 {
                numbers.push(store.append(&[id(3)], later(), 1).await.unwrap().number);
            }
            numbers
        }));
    }
    let mut all = Vec::new();
    for task in numbers {
        all.extend(task.await.unwrap());
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "a number was given twice");
}

#[tokio::test]
async fn waiting_ends_with_a_mark_or_with_the_time() {
    let server = Server::start(&[]);
    let (one, two) = (store(&server), store(&server));
    let (_, position) = read_all(&two).await.unwrap();
    let begin = Instant::now();
    let batch = two.read(Some(&position), Duration::from_millis(300)).await.unwrap();
    assert!(batch.marks.is_empty() && begin.elapsed() >= Duration::from_millis(290));
    let waiting = tokio::spawn(async move {
        two.read(Some(&batch.position), Duration::from_secs(10)).await.unwrap().marks
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begin = Instant::now();
    one.append(&[id(1)], later(), 1).await.unwrap();
    assert_eq!(waiting.await.unwrap()[0].target, id(1));
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn nothing_that_comes_while_reading_is_missed() {
    let server = Server::start(&[]);
    let (writer, reader) = (store(&server), store(&server));
    let day = |number: u64| later() + number % 40 * 86_400;
    for chunk in 0..60 {
        let targets: Vec<_> = (chunk * 500..chunk * 500 + 500).map(id).collect();
        writer.append(&targets, day(chunk), 1).await.unwrap();
    }
    // The end is not said before it is reached.
    assert_eq!(read_all(&reader).await.unwrap().0.len(), 30_000);
    let writing = tokio::spawn(async move {
        for number in 30_000..30_500 {
            writer.append(&[id(number)], day(number), 1).await.unwrap();
        }
    });
    let (mut seen, mut position, mut batches) = (std::collections::HashSet::new(), None, 0);
    let mut last = false;
    loop {
        let batch = reader.read(position.as_ref(), Duration::ZERO).await.unwrap();
        assert!(batch.marks.len() <= 24_000);
        seen.extend(batch.marks.iter().map(|mark| mark.target));
        position = Some(batch.position);
        batches += 1;
        if batch.complete && last {
            break;
        }
        last = writing.is_finished();
    }
    assert!(batches > 2);
    assert_eq!(seen.len(), 30_500);
    writing.await.unwrap();
}

#[tokio::test]
async fn a_caller_that_gives_up_disturbs_no_other() {
    let server = Server::start(&[]);
    let store = Arc::new(store(&server));
    let (_, position) = read_all(&store).await.unwrap();
    for number in 0..300 {
        let short = Duration::from_micros(number * 7);
        let targets = [id(number)];
        let append = store.append(&targets, later(), 1);
        let _ = tokio::time::timeout(short, append).await;
        let read = store.read(Some(&position), Duration::from_secs(5));
        let _ = tokio::time::timeout(short, read).await;
        let after = store.append(&[id(number + 1000)], later(), 1).await.unwrap().number;
        let marks = read_all(&store).await.unwrap().0;
        assert!(marks.iter().any(|m| m.number == after && m.target == id(number + 1000)));
    }
}

#[tokio::test]
async fn unknown_entries_are_skipped_and_reported_once() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let server = Server::start(&[]);
    let store = store(&server);
    store.append(&[id(1)], later(), 1).await.unwrap();
    let listed = server.ask(&["ZRANGE", "{shop}:days", "0", "-1"]);
    let day: Vec<String> = redis::from_redis_value(listed).unwrap();
    let key = format!("{{shop}}:marks:{}", day[0]);
    server.ask(&["XADD", &key, "*", "m", "nonsense"]);
    server.ask(&["XADD", &key, "*", "other", "x", "more", "y"]);
    server.ask(&["ZADD", "{shop}:days", "9999999999", "not a day"]);
    store.append(&[id(2)], later(), 1).await.unwrap();
    let targets: Vec<_> = read_all(&store).await.unwrap().0.iter().map(|m| m.target).collect();
    assert_eq!(targets, [id(1), id(2)]);
    read_all(&store).await.unwrap();
    let expected = usize::from(cfg!(feature = "tracing"));
    assert_eq!(warnings.0.load(Ordering::Relaxed), expected);
}

/// Counts what the store logs.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("sealed_session_redis")
    }

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_stream_expires_a_day_after_its_day() {
    let server = Server::start(&[]);
    let store = store(&server);
    let until = later();
    store.append(&[id(1)], until, 1).await.unwrap();
    let listed = server.ask(&["ZRANGE", "{shop}:days", "0", "-1", "WITHSCORES"]);
    let day: Vec<String> = redis::from_redis_value(listed).unwrap();
    let expires = server.ask(&["EXPIRETIME", &format!("{{shop}}:marks:{}", day[0])]);
    let expires: u64 = redis::from_redis_value(expires).unwrap();
    assert_eq!(expires, (until / 86_400 + 2) * 86_400);
    assert_eq!(day[1], expires.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ending_is_in_force_on_the_other_server() {
    let server = Server::start(&[]);
    let key = Key::generate().unwrap();
    let (one, two) = (App::open(store(&server), &key).await, App::open(store(&server), &key).await);
    let mut times = Vec::new();
    let mut calls = Vec::new();
    for user in 0..1000 {
        let token = one.codec.encode(Login { user }).unwrap();
        assert!(two.is_open(&token));
        let begin = Instant::now();
        if user % 2 == 0 {
            one.revocations.end_all(&Tag::new("user", user)).await.unwrap();
        } else {
            let id = one.codec.decode(&token).unwrap().info.id.unwrap();
            one.revocations.end(id).await.unwrap();
        }
        calls.push(begin.elapsed());
        assert!(!one.is_open(&token));
        while two.is_open(&token) {
            assert!(begin.elapsed() < Duration::from_secs(5));
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        times.push(begin.elapsed());
    }
    figures("ending, until the call returns", calls);
    let p99 = figures("ending, until in force on the other server", times);
    assert!(p99 < Duration::from_millis(50), "{p99:?}");
}
