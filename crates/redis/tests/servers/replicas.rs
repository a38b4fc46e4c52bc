//! Replicas: what `Ok` means, and what a failover keeps.

use std::time::{Duration, Instant};

use sealed_session::revocation::{RevocationStore, Status};
use sealed_session::{Key, Tag};
use sealed_session_redis::{ErrorKind, RedisStore, Replicas};

use crate::support::*;

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_replica_confirms_nothing() {
    let primary = Server::start(&[]);
    let replica = Server::replica_of(&primary, &[]);
    let store = || {
        let builder = RedisStore::node(primary.url(), Replicas(1));
        builder.timeout(Duration::from_millis(600)).build().unwrap()
    };
    let key = Key::generate().unwrap();
    let (one, two) = (App::open(store(), &key).await, App::open(store(), &key).await);
    let mut times = Vec::new();
    for user in 1000..1200 {
        let begin = Instant::now();
        one.revocations.end_all(&Tag::new("user", user)).await.unwrap();
        times.push(begin.elapsed());
    }
    figures("ending, with one replica that confirms", times);
    let direct = store();
    let (_, position) = read_all(&direct).await.unwrap();

    replica.stall();
    let token = one.codec.encode(Login { user: 1 }).unwrap();
    assert!(one.revocations.end_all(&Tag::new("user", 1)).await.is_err());
    assert!(!one.is_open(&token), "it is in force here");
    eventually(LONG, "the other server", || !two.is_open(&token)).await;
    assert!(!direct.append(&[id(1)], later(), 1).await.unwrap().confirmed);
    let beat = direct.heartbeat().await.unwrap_err();
    assert_eq!(kind(&*beat), ErrorKind::TooFewReplicas);
    // Who asks whether anything was appended until now gets no answer from it either.
    let read = direct.read(Some(&position), Duration::ZERO).await.unwrap_err();
    assert_eq!(kind(&*read), ErrorKind::TooFewReplicas);
    assert!(read_all(&direct).await.is_ok(), "a server can start");
    let stale = || matches!(two.revocations.status(), Status::Stale { .. });
    eventually(LONG, "it to be stale", stale).await;
    assert!(two.revocations.read_now().await.is_err());

    replica.go_on();
    let begin = Instant::now();
    eventually(LONG, "the ending to be confirmed", || {
        one.revocations.status() == Status::Live && two.revocations.status() == Status::Live
    })
    .await;
    figure("a stalled replica goes on, until confirmed", format!("{:.2?}", begin.elapsed()));
}

#[tokio::test]
async fn a_primary_that_is_demoted_is_noticed() {
    let (one, two) = (Server::start(&[]), Server::start(&[]));
    let store = RedisStore::node(one.url(), Replicas(0)).build().unwrap();
    store.append(&[id(1)], later(), 1).await.unwrap();
    let (_, position) = read_all(&store).await.unwrap();
    one.ask(&["REPLICAOF", "127.0.0.1", &two.port.to_string()]);
    let read = store.read(Some(&position), Duration::ZERO).await.unwrap_err();
    assert!(matches!(kind(&*read), ErrorKind::NotPrimary | ErrorKind::Refused), "{read}");
    assert!(store.append(&[id(1)], later(), 1).await.is_err());
    assert!(store.heartbeat().await.is_err());
    assert!(read_all(&store).await.is_err());
}

#[tokio::test]
async fn a_promoted_node_whose_clock_is_behind_gives_higher_numbers() {
    let primary = Server::start(&[]);
    let replica = Server::replica_of(&primary, &[]);
    let old = RedisStore::node(primary.url(), Replicas(1)).build().unwrap();
    let new = RedisStore::node(replica.url(), Replicas(0)).build().unwrap();
    // As if the clock of the old primary were 5 minutes ahead.
    let clock: Vec<u64> = redis::from_redis_value(primary.ask(&["TIME"])).unwrap();
    let ahead = (clock[0] + 300) * 1000;
    let before = old.append(&[id(1)], later(), ahead).await.unwrap();
    assert!(before.confirmed && before.number == ahead);
    let (_, position) = read_all(&old).await.unwrap();
    replica.ask(&["REPLICAOF", "NO", "ONE"]);
    let after = new.append(&[id(2)], later(), 1).await.unwrap();
    assert_eq!(after.number, before.number + 1);
    let read = new.read(Some(&position), Duration::ZERO).await.unwrap_err();
    assert_eq!(kind(&*read), ErrorKind::Changed);
    assert_eq!(read_all(&new).await.unwrap().0.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_by_sentinels_keeps_what_was_confirmed() {
    let mut primary = Server::start(&[]);
    let replicas = [Server::replica_of(&primary, &[]), Server::replica_of(&primary, &[])];
    let sentinels = [(); 3].map(|()| Server::sentinel(primary.port, 2));
    until(LONG, "the sentinels to know each other", || {
        sentinels.iter().all(|sentinel| {
            let text = format!("{:?}", sentinel.try_ask(&["SENTINEL", "MASTER", "shop"]));
            let known = |name: &str| {
                text.split(name).nth(1).is_some_and(|rest| {
                    rest.trim_start_matches(|letter: char| !letter.is_ascii_digit())
                        .starts_with('2')
                })
            };
            known("num-slaves") && known("num-other-sentinels")
        })
    });
    let store = || {
        let urls = sentinels.iter().map(Server::url);
        let builder = RedisStore::sentinel(urls, "shop", Replicas(1));
        builder.timeout(Duration::from_millis(1000)).build().unwrap()
    };
    let key = Key::generate().unwrap();
    let writer = store();
    let mut confirmed = Vec::new();
    for number in 0..100 {
        if number == 50 {
            replicas[0].stall();
        }
        let appended = writer.append(&[id(number)], later(), 1).await.unwrap();
        assert!(appended.confirmed);
        confirmed.push((id(number), appended.number));
    }
    let app = App::open(store(), &key).await;
    primary.kill();
    let begin = Instant::now();
    // The only replica that is left has them all; while the other is stalled nothing is confirmed.
    let appended = loop {
        assert!(begin.elapsed() < LONG);
        match writer.append(&[id(1000)], later(), 1).await {
            Ok(appended) => break appended,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    figure("failover by sentinels, until a write succeeds", format!("{:.2?}", begin.elapsed()));
    assert!(!appended.confirmed);
    assert!(confirmed.iter().all(|(_, number)| *number < appended.number));
    let (marks, _) = read_all(&store()).await.unwrap();
    for (target, number) in &confirmed {
        assert!(marks.iter().any(|m| m.target == *target && m.number == *number));
    }
    assert!(matches!(app.revocations.status(), Status::Stale { .. }));
    replicas[0].go_on();
    let begin = Instant::now();
    eventually(LONG, "it to be live", || app.revocations.status() == Status::Live).await;
    figure("the stalled replica goes on, until live", format!("{:.2?}", begin.elapsed()));
    app.revocations.end_all(&Tag::new("user", 1)).await.unwrap();
    // The old primary comes back as a replica, and a sentinel that is gone is passed over.
    primary.restart();
    drop(sentinels.into_iter().next());
    app.revocations.end_all(&Tag::new("user", 2)).await.unwrap();
}
