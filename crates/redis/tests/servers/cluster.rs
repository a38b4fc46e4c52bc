//! A cluster of three primaries and three replicas.

use std::process::Command;
use std::time::{Duration, Instant};

use sealed_session::revocation::{RevocationStore, Status};
use sealed_session::{Key, Tag};
use sealed_session_redis::{RedisStore, Replicas};

use crate::support::*;

const LONG: Duration = Duration::from_secs(60);

pub(crate) fn start() -> Vec<Server> {
    let nodes: Vec<_> = (0..6)
        .map(|_| Server::start(&["--cluster-enabled", "yes", "--cluster-node-timeout", "1500"]))
        .collect();
    let mut create = Command::new("redis-cli");
    create.args(["--cluster", "create", "--cluster-replicas", "1", "--cluster-yes"]);
    create.args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
    let output = create.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    until(LONG, "the cluster", || {
        nodes.iter().all(|node| {
            let state = node.text(&["CLUSTER", "INFO"]).contains("cluster_state:ok");
            let info = node.text(&["INFO", "replication"]);
            state && (info.contains("connected_slaves:1") || info.contains("link_status:up"))
        })
    });
    nodes
}

/// The places in the list of the primary of the slot and of its replica.
fn owners(nodes: &[Server], avoid: Option<usize>) -> (usize, usize) {
    let asked = nodes.iter().enumerate().find(|(at, _)| Some(*at) != avoid).unwrap().1;
    let slot: u64 =
        redis::from_redis_value(asked.ask(&["CLUSTER", "KEYSLOT", "{shop}:days"])).unwrap();
    let redis::Value::Array(ranges) = asked.ask(&["CLUSTER", "SLOTS"]) else { panic!() };
    for range in ranges {
        let redis::Value::Array(parts) = range else { panic!() };
        let number =
            |value: &redis::Value| -> u64 { redis::from_redis_value(value.clone()).unwrap() };
        if (number(&parts[0])..=number(&parts[1])).contains(&slot) {
            let place = |node: &redis::Value| {
                let redis::Value::Array(node) = node else { panic!() };
                let port = number(&node[1]);
                nodes.iter().position(|node| u64::from(node.port) == port).unwrap()
            };
            return (place(&parts[2]), parts.get(3).map_or(usize::MAX, place));
        }
    }
    panic!("no owner of the slot");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_what_was_confirmed_over_failovers() {
    let mut nodes = start();
    let urls: Vec<_> = nodes.iter().map(Server::url).collect();
    let store = || {
        let builder = RedisStore::cluster(urls.clone(), Replicas(1)).prefix("shop");
        builder.timeout(Duration::from_millis(1000)).build().unwrap()
    };
    let key = Key::generate().unwrap();
    let (one, two) = (App::open(store(), &key).await, App::open(store(), &key).await);
    let live = |app: &App| app.revocations.status() == Status::Live;
    let writer = store();
    let mut confirmed = Vec::new();
    let mut times = Vec::new();
    for number in 0..200 {
        let begin = Instant::now();
        let appended = writer.append(&[id(number)], later(), 1).await.unwrap();
        times.push(begin.elapsed());
        assert!(appended.confirmed);
        confirmed.push((id(number), appended.number));
    }
    figures("append to a cluster, one replica confirms", times);

    until(LONG, "the replica to be known", || owners(&nodes, None).1 < 6);
    let (primary, replica) = owners(&nodes, None);
    nodes[replica].ask(&["CLUSTER", "FAILOVER"]);
    until(LONG, "the failover", || owners(&nodes, None).0 == replica);
    let again = async |writer: &RedisStore, number: u64| {
        let begin = Instant::now();
        loop {
            assert!(begin.elapsed() < LONG);
            match writer.append(&[id(number)], later(), 1).await {
                Ok(appended) if appended.confirmed => return (appended, begin.elapsed()),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let (appended, time) = again(&writer, 1000).await;
    confirmed.push((id(1000), appended.number));
    figure("CLUSTER FAILOVER, until confirmed again", format!("{time:.2?}"));
    let token = one.codec.encode(Login { user: 1 }).unwrap();
    eventually(LONG, "both to be live", || live(&one) && live(&two)).await;
    one.revocations.end_all(&Tag::new("user", 1)).await.unwrap();
    eventually(LONG, "the other server", || !two.is_open(&token)).await;

    until(LONG, "the replica", || {
        nodes[primary].text(&["INFO", "replication"]).contains("master_link_status:up")
    });
    until(LONG, "the other order", || owners(&nodes, None) == (replica, primary));
    nodes[replica].kill();
    let begin = Instant::now();
    let appended = loop {
        assert!(begin.elapsed() < LONG);
        match writer.append(&[id(2000)], later(), 1).await {
            Ok(appended) => break appended,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    figure(
        "cluster, kill -9 of the primary, until a write succeeds",
        format!("{:.2?}", begin.elapsed()),
    );
    assert!(!appended.confirmed, "its replica is gone");
    assert!(confirmed.iter().all(|(_, number)| *number < appended.number));
    assert_eq!(owners(&nodes, Some(replica)).0, primary);
    let (marks, _) = read_all(&store()).await.unwrap();
    for (target, number) in &confirmed {
        assert!(marks.iter().any(|m| m.target == *target && m.number == *number));
    }
    let token = one.codec.encode(Login { user: 2 }).unwrap();
    assert!(one.revocations.end_all(&Tag::new("user", 2)).await.is_err());
    nodes[replica].restart();
    let begin = Instant::now();
    eventually(LONG, "both to be live", || live(&one) && live(&two)).await;
    figure("cluster, the killed node is back, until live", format!("{:.2?}", begin.elapsed()));
    assert!(!two.is_open(&token));
}
