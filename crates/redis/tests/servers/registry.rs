//! The lists of a registry.

use std::time::{Duration, Instant};

use redis::Value;
use sealed_session::SessionId;
use sealed_session::registry::{ListKey, Record, RegistryStore, Seen};
use sealed_session_redis::{RedisStore, Replicas};

use crate::cluster;
use crate::registry_suite::{self, NOW, id};
use crate::support::{Server, figure, figures, until};

const HOUR: u64 = 60 * 60 * 1000;

fn store(server: &Server) -> RedisStore {
    RedisStore::node(server.url(), Replicas(0)).build().unwrap()
}

fn list(number: u64) -> ListKey {
    ListKey::from_bytes(*id(number).as_bytes())
}

fn record(number: u64, created_at: u64, expires_at: u64) -> Record {
    let label = "Firefox on Linux, an ordinary length of what is known";
    let lists = (0..3).map(|at| list(at).to_string()).collect::<Vec<_>>();
    let details = format!(r#"{{"label":"{label}","idle_timeout":1209600,"lists":{lists:?}}}"#);
    Record { id: id(number), created_at, expires_at, last_seen: created_at, details }
}

fn keys(server: &Server) -> Vec<String> {
    redis::from_redis_value(server.ask(&["KEYS", "*"])).unwrap()
}

fn number(value: Value) -> u64 {
    redis::from_redis_value(value).unwrap()
}

#[tokio::test]
async fn one_node_does_what_every_store_does() {
    let server = Server::start(&[]);
    registry_suite::run(&store(&server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_does_what_every_store_does_on_all_nodes() {
    let mut nodes = cluster::start();
    let urls: Vec<_> = nodes.iter().map(Server::url).collect();
    let builder = RedisStore::cluster(urls, Replicas(1)).prefix("shop");
    let store = builder.timeout(Duration::from_secs(1)).build().unwrap();
    registry_suite::run(&store).await;

    for number in 0..64 {
        store.put(list(number), &record(1, NOW, NOW + HOUR), None, NOW).await.unwrap();
    }
    let sizes: Vec<_> = nodes
        .iter()
        .filter(|node| node.text(&["INFO", "replication"]).contains("role:master"))
        .map(|node| number(node.ask(&["DBSIZE"])))
        .collect();
    figure("64 lists in a cluster, keys on its primaries", format!("{sizes:?}"));
    assert!(sizes.len() == 3 && sizes.iter().all(|keys| *keys > 15));
    let seen: Vec<_> =
        (0..64).map(|number| Seen { list: list(number), id: id(1), at: NOW + 5 }).collect();
    store.note_seen(&seen).await.unwrap();
    for number in 0..64 {
        let records = store.list(list(number), None, 10, NOW).await.unwrap();
        assert_eq!(records[0].last_seen, NOW + 5);
    }

    // The owner of some lists becomes a replica: no call fails.
    let replica =
        nodes.iter().position(|node| node.text(&["INFO", "replication"]).contains("role:slave"));
    let replica = replica.unwrap();
    nodes[replica].ask(&["CLUSTER", "FAILOVER"]);
    until(Duration::from_secs(30), "the failover", || {
        nodes[replica].text(&["INFO", "replication"]).contains("role:master")
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    for number in 0..64 {
        store.put(list(number), &record(2, NOW, NOW + HOUR), None, NOW).await.unwrap();
        assert_eq!(store.count(list(number), NOW).await.unwrap(), 2);
    }

    // It is killed: the lists of the others can be read at once, and its own when it is replaced.
    nodes[replica].kill();
    let begin = Instant::now();
    let (mut lost, mut slowest) = (0, Duration::ZERO);
    for number in 0..64 {
        let at = Instant::now();
        lost += u32::from(store.list(list(number), None, 10, NOW).await.is_err());
        slowest = slowest.max(at.elapsed());
    }
    let lists = format!("{lost} of 64 not read, the slowest took {slowest:.2?}");
    figure("cluster, kill -9 of a primary", lists);
    assert!(lost < 40);
    for number in 0..64 {
        while store.list(list(number), None, 10, NOW).await.is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    figure("until all lists are read again", format!("{:.2?}", begin.elapsed()));
}

#[tokio::test]
async fn two_servers_have_the_same_lists() {
    let server = Server::start(&[]);
    let (one, other) = (store(&server), store(&server));
    let apart = RedisStore::node(server.url(), Replicas(0)).prefix("other").build().unwrap();
    one.put(list(1), &record(1, NOW, NOW + HOUR), None, NOW).await.unwrap();
    other.put(list(1), &record(2, NOW + 1, NOW + HOUR), None, NOW).await.unwrap();
    assert_eq!(one.list(list(1), None, 10, NOW).await.unwrap()[0].id, id(2));
    assert_eq!(apart.count(list(1), NOW).await.unwrap(), 0);
    other.remove(list(1), &[id(1), id(2)]).await.unwrap();
    assert_eq!(one.count(list(1), NOW).await.unwrap(), 0);
    assert_eq!(keys(&server), [""; 0], "an empty list leaves nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_servers_at_once_lose_nothing() {
    let server = Server::start(&[]);
    let tasks = (0..8).map(|task| {
        let store = store(&server);
        tokio::spawn(async move {
            for at in 0..100 {
                let new = record(task * 100 + at, NOW + at, NOW + HOUR);
                store.put(list(1), &new, None, NOW).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let store = store(&server);
    let (mut found, mut after) = (Vec::<SessionId>::new(), None);
    while found.len() < 800 {
        // Eight of each millisecond, so pages of 5 end within one.
        let page = store.list(list(1), after, 5, NOW).await.unwrap();
        let last = page.last().unwrap();
        after = Some((last.created_at, last.id));
        // The place in the list stays although the record goes.
        store.remove(list(1), &[last.id]).await.unwrap();
        found.extend(page.iter().map(|record| record.id));
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 800);
    assert_eq!(store.list(list(1), after, 5, NOW).await.unwrap(), []);
}

#[tokio::test]
async fn what_has_expired_is_swept_and_then_the_keys_go() {
    let server = Server::start(&[]);
    let store = store(&server);
    for number in 0..2500 {
        let new = record(number, NOW, NOW + 1 + number % 2);
        store.put(list(1), &new, None, NOW).await.unwrap();
    }
    let records = format!("{{sealed-session:{}}}:records", list(1));
    let length = || number(server.ask(&["HLEN", &records]));
    assert_eq!((length(), store.count(list(1), NOW + 1).await.unwrap()), (2500, 1250));
    store.put(list(1), &record(9999, NOW, NOW + HOUR), None, NOW + 2).await.unwrap();
    assert_eq!(length(), 1501, "a thousand at a time");
    let new = record(9998, NOW, NOW + HOUR);
    assert_eq!(store.put(list(1), &new, Some(3), NOW + 2).await.unwrap(), []);
    assert_eq!(length(), 2, "all where they are counted");
    let mut names = keys(&server);
    names.sort();
    let names: Vec<_> = names.iter().map(|name| name.rsplit(':').next().unwrap()).collect();
    assert_eq!(names, ["expires", "order", "records"]);
    for key in keys(&server) {
        let left = number(server.ask(&["PTTL", &key]));
        assert!((2 * HOUR - 60_000..=2 * HOUR).contains(&left), "{key}: {left}");
    }
    // An hour after its end, for a server whose clock is behind.
    let short = record(1, NOW, NOW + 500);
    store.put(list(2), &short, None, NOW + HOUR).await.unwrap();
    assert_eq!(store.list(list(2), None, 10, NOW).await.unwrap(), [short]);
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(store.list(list(2), None, 10, NOW).await.unwrap(), []);
    assert_eq!(keys(&server).len(), 3);
}

#[tokio::test]
async fn scripts_are_given_to_a_server_that_forgot_them() {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&server);
    store.put(list(1), &record(1, NOW, NOW + HOUR), None, NOW).await.unwrap();
    store.put(list(2), &record(1, NOW, NOW + HOUR), None, NOW).await.unwrap();
    server.ask(&["SCRIPT", "FLUSH"]);
    let seen = [1, 2].map(|number| Seen { list: list(number), id: id(1), at: NOW + 5 });
    store.note_seen(&seen).await.unwrap();
    server.kill();
    server.restart();
    // The connection that broke is no error.
    for number in [1, 2] {
        assert_eq!(store.list(list(number), None, 10, NOW).await.unwrap()[0].last_seen, NOW + 5);
    }
}

#[tokio::test]
async fn a_registry_that_is_full_says_so_and_can_be_emptied() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let store = store(&server);
    let new = |number| record(number, NOW, NOW + HOUR);
    store.put(list(1), &new(1), None, NOW).await.unwrap();
    server.ask(&["CONFIG", "SET", "maxmemory", "1mb"]);
    let error = store.put(list(1), &new(2), None, NOW).await.unwrap_err();
    assert!(error.to_string().contains("OOM"), "{error}");
    assert_eq!(store.count(list(1), NOW).await.unwrap(), 1, "nothing of it is there");
    assert_eq!(store.list(list(1), None, 10, NOW).await.unwrap().len(), 1);
    store.remove(list(1), &[id(1)]).await.unwrap();
    assert_eq!(store.count(list(1), NOW).await.unwrap(), 0);
}

#[tokio::test]
async fn a_user_needs_only_these_rights() {
    let server = Server::start(&[]);
    let text = include_str!("../../README.md");
    for line in text.lines().filter(|line| line.starts_with("ACL SETUSER")) {
        server.ask(&line.split_whitespace().collect::<Vec<_>>());
    }
    let url = format!("redis://sessions:secret@127.0.0.1:{}", server.port);
    let at = |prefix: &str| RedisStore::node(&*url, Replicas(0)).prefix(prefix).build().unwrap();
    registry_suite::run(&at("shop")).await;
    let error = at("other").count(list(1), NOW).await.unwrap_err();
    assert!(error.to_string().contains("NOPERM"), "{error}");
}

#[tokio::test]
async fn how_long_the_calls_take() {
    let server = Server::start(&[]);
    let store = store(&server);
    let mut times = Vec::new();
    for number in 0..1000 {
        let new = record(number, NOW + number, NOW + HOUR);
        let begin = Instant::now();
        store.put(list(1), &new, Some(2000), NOW).await.unwrap();
        times.push(begin.elapsed());
    }
    figures("registry: put", times);
    let mut times = Vec::new();
    for _ in 0..500 {
        let begin = Instant::now();
        assert_eq!(store.list(list(1), None, 1000, NOW).await.unwrap().len(), 1000);
        times.push(begin.elapsed());
    }
    figures("registry: list 1000 records", times);
    let mut times = Vec::new();
    for _ in 0..500 {
        let begin = Instant::now();
        assert_eq!(store.list(list(1), None, 20, NOW).await.unwrap().len(), 20);
        times.push(begin.elapsed());
    }
    figures("registry: list 20 of 1000 records", times);
    let seen: Vec<_> =
        (0..1000).map(|at| Seen { list: list(1), id: id(at), at: NOW + 2000 }).collect();
    let mut times = Vec::new();
    for round in 0..100 {
        let seen: Vec<_> = seen.iter().map(|seen| Seen { at: seen.at + round, ..*seen }).collect();
        let begin = Instant::now();
        store.note_seen(&seen).await.unwrap();
        times.push(begin.elapsed());
    }
    figures("registry: note 1000 as seen", times);
    let bytes: u64 = keys(&server)
        .iter()
        .map(|key| number(server.ask(&["MEMORY", "USAGE", key, "SAMPLES", "0"])))
        .sum();
    let details = record(1, NOW, NOW).details.len();
    let each = format!("{:.0} bytes, of which {details} are details", bytes as f64 / 1000.0);
    figure("registry: memory of a record in a list of 1000", each);
}
