//! What is lost with a server, and how application servers bring it back.

use std::time::{Duration, Instant};

use sealed_session::Key;
use sealed_session::Tag;
use sealed_session::revocation::{RevocationStore, Status};
use sealed_session_redis::{ErrorKind, RedisStore, Replicas};

use crate::support::*;

const LONG: Duration = Duration::from_secs(30);

fn store(server: &Server) -> RedisStore {
    RedisStore::node(server.url(), Replicas(0)).build().unwrap()
}

async fn count(server: &Server) -> usize {
    read_all(&store(server)).await.map_or(0, |(marks, _)| marks.len())
}

/// Kills the server while marks are appended, and returns how many that were confirmed it has lost.
async fn lost_by_kill(fsync: &str) -> (usize, usize) {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", fsync]);
    let writer = store(&server);
    let writing = tokio::spawn(async move {
        let mut confirmed = Vec::new();
        for number in 0.. {
            match writer.append(&[id(number)], later(), 1).await {
                Ok(appended) => confirmed.push((id(number), appended.number)),
                Err(_) => break,
            }
        }
        confirmed
    });
    tokio::time::sleep(Duration::from_millis(1500)).await;
    server.kill();
    let confirmed = writing.await.unwrap();
    server.restart();
    let found: std::collections::HashSet<_> =
        read_all(&store(&server)).await.unwrap().0.iter().map(|m| (m.target, m.number)).collect();
    (confirmed.len(), confirmed.iter().filter(|mark| !found.contains(mark)).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_confirmed_is_lost_by_kill_with_fsync_always() {
    let (confirmed, lost) = lost_by_kill("always").await;
    figure("kill -9, appendfsync always", format!("{lost} lost of {confirmed}"));
    assert!(confirmed > 20);
    assert_eq!(lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kill_loses_with_fsync_everysec() {
    let (confirmed, lost) = lost_by_kill("everysec").await;
    figure("kill -9, appendfsync everysec", format!("{lost} lost of {confirmed}"));
    assert!(confirmed > 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_bring_back_what_a_power_failure_lost() {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let key = Key::generate().unwrap();
    let one = App::open(store(&server), &key).await;
    let two = App::open(store(&server), &key).await;
    let log = server.directory.join("appendonlydir/appendonly.aof.1.incr.aof");
    for user in 0..50 {
        one.revocations.end_all(&Tag::new("user", user)).await.unwrap();
    }
    let kept = std::fs::metadata(&log).unwrap().len();
    for user in 50..100 {
        one.revocations.end_all(&Tag::new("user", user)).await.unwrap();
    }
    eventually(LONG, "the other server", || two.revocations.len() == 100).await;
    server.kill();
    drop(one);
    // A power failure loses what was written since the last second.
    std::fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(kept).unwrap();
    // What this file has, on a server that nobody follows.
    let mut alone = Server::start(&["--appendonly", "yes"]);
    alone.kill();
    let copied = alone.directory.join("appendonlydir/appendonly.aof.1.incr.aof");
    std::fs::copy(&log, copied).unwrap();
    alone.restart();
    let lost = 100 - count(&alone).await;
    assert!(lost > 0);
    server.restart();
    let begin = Instant::now();
    while count(&server).await < 100 {
        assert!(begin.elapsed() < LONG);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let time = begin.elapsed();
    figure("power failure", format!("{lost} lost of 100, brought back after {time:.2?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_bring_back_what_was_deleted() {
    let server = Server::start(&[]);
    let key = Key::generate().unwrap();
    let one = App::open(store(&server), &key).await;
    for user in 0..700 {
        one.revocations.end_all(&Tag::new("user", user)).await.unwrap();
    }
    let day: Vec<String> =
        redis::from_redis_value(server.ask(&["ZRANGE", "{sealed-session}:days", "0", "-1"]))
            .unwrap();
    let stream = format!("{{sealed-session}}:marks:{}", day[0]);
    for (name, command) in [
        ("FLUSHALL", vec!["FLUSHALL"]),
        ("a deleted day", vec!["DEL", &stream]),
        ("a deleted list of days", vec!["DEL", "{sealed-session}:days"]),
        ("a deleted last number", vec!["DEL", "{sealed-session}:last"]),
    ] {
        server.ask(&command);
        let begin = Instant::now();
        if command[0] == "FLUSHALL" || command[1] == stream {
            assert_eq!(count(&server).await, 0);
        }
        while count(&server).await < 700 {
            assert!(begin.elapsed() < LONG, "{name}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        figure(
            &format!("{name}, 700 marks brought back after"),
            format!("{:.2?}", begin.elapsed()),
        );
        let live = || one.revocations.status() == Status::Live;
        eventually(LONG, "the server to be live", live).await;
        // It notices only that marks are gone which it has read.
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    // Numbers go on above those that were given before.
    let new = store(&server).append(&[id(1)], later(), 1).await.unwrap().number;
    let all = read_all(&store(&server)).await.unwrap().0;
    assert!(all.iter().all(|mark| mark.number < new || mark.target == id(1)));
}

#[tokio::test]
async fn a_position_of_another_history_is_refused() {
    let mut server = Server::start(&["--appendonly", "yes"]);
    let (reader, writer) = (store(&server), store(&server));
    writer.append(&[id(1)], later(), 1).await.unwrap();
    let (_, position) = read_all(&reader).await.unwrap();
    server.kill();
    server.restart();
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let error = reader.read(Some(&position), Duration::ZERO).await.unwrap_err();
        kinds.push(kind(&*error));
    }
    // The connection that broke comes first.
    assert_eq!(kinds[1..], [ErrorKind::Changed; 2]);
    assert_eq!(read_all(&reader).await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn an_emptied_store_is_noticed_although_it_is_in_use_again() {
    let server = Server::start(&[]);
    let (reader, writer) = (store(&server), store(&server));
    writer.append(&[id(1)], later(), 1).await.unwrap();
    let (_, position) = read_all(&reader).await.unwrap();
    server.ask(&["FLUSHALL"]);
    writer.append(&[id(2)], later(), 1).await.unwrap();
    let error = reader.read(Some(&position), Duration::ZERO).await.unwrap_err();
    assert_eq!(kind(&*error), ErrorKind::Changed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ended_while_the_store_is_away_is_confirmed_later() {
    let mut server = Server::start(&["--appendonly", "yes"]);
    let key = Key::generate().unwrap();
    let one = App::open(store(&server), &key).await;
    let two = App::open(store(&server), &key).await;
    let tokens: Vec<_> = (0..1000).map(|user| one.codec.encode(Login { user }).unwrap()).collect();
    server.kill();
    let begin = Instant::now();
    for (user, token) in tokens.iter().enumerate() {
        assert!(one.revocations.end_all(&Tag::new("user", user)).await.is_err());
        assert!(!one.is_open(token));
    }
    figure("1000 endings while the store is away", format!("{:.2?}", begin.elapsed()));
    assert!(matches!(one.revocations.status(), Status::Stale { .. }));
    server.restart();
    let begin = Instant::now();
    eventually(LONG, "all to be confirmed", || one.revocations.status() == Status::Live).await;
    figure("until they are confirmed after its return", format!("{:.2?}", begin.elapsed()));
    eventually(LONG, "the other server", || !tokens.iter().any(|token| two.is_open(token))).await;
    figure("until they are in force on the other server", format!("{:.2?}", begin.elapsed()));
    assert!(count(&server).await >= 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_swallows_delays_no_reading_of_sessions() {
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port).await;
    let timeout = Duration::from_millis(500);
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    let away = RedisStore::node(&*url, Replicas(0)).timeout(timeout).build().unwrap();
    let key = Key::generate().unwrap();
    let (one, two) = (App::open(away, &key).await, App::open(store(&server), &key).await);
    eventually(LONG, "it to be live", || one.revocations.status() == Status::Live).await;
    let token = two.codec.encode(Login { user: 1 }).unwrap();
    proxy.swallow(true);
    let begin = Instant::now();
    two.revocations.end_all(&Tag::new("user", 1)).await.unwrap();
    let mut slowest = Duration::ZERO;
    let stale = || matches!(one.revocations.status(), Status::Stale { .. });
    while !stale() {
        assert!(begin.elapsed() < LONG);
        let at = Instant::now();
        assert!(one.is_open(&token));
        slowest = slowest.max(at.elapsed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    figure("a swallowing proxy, until stale (timeout 0.5 s)", format!("{:.2?}", begin.elapsed()));
    figure("meanwhile, the slowest opening of a session", format!("{slowest:.2?}"));
    let at = Instant::now();
    assert!(one.revocations.end_all(&Tag::new("user", 2)).await.is_err());
    assert!(at.elapsed() < Duration::from_secs(6));
    assert!(one.revocations.read_now().await.is_err());
    proxy.swallow(false);
    let begin = Instant::now();
    eventually(LONG, "it to be live", || one.revocations.status() == Status::Live).await;
    assert!(!one.is_open(&token));
    figure("after the proxy passes on again, until live", format!("{:.2?}", begin.elapsed()));
}
