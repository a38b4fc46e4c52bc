//! Many marks.

use std::time::Instant;

use sealed_session::Tag;
use sealed_session::revocation::RevocationStore;
use sealed_session::revocation::Target;
use sealed_session_redis::{RedisStore, Replicas};

use crate::support::*;

const COUNT: u64 = 100_000;

fn number(server: &Server, command: &[&str]) -> u64 {
    redis::from_redis_value(server.ask(command)).unwrap()
}

/// Appends so many marks in chunks, and reads them.
async fn fill(server: &Server, name: &str, target: impl Fn(u64) -> Target) {
    let store = RedisStore::node(server.url(), Replicas(0)).prefix(name).build().unwrap();
    let until = later();
    let mut times = Vec::new();
    let begin = Instant::now();
    for chunk in 0..COUNT / 500 {
        let targets: Vec<_> = (chunk * 500..(chunk + 1) * 500).map(&target).collect();
        let at = Instant::now();
        store.append(&targets, until, 1).await.unwrap();
        times.push(at.elapsed());
    }
    figure(&format!("{name}: append 10^5 in chunks of 500"), format!("{:.2?}", begin.elapsed()));
    figures(&format!("{name}: a chunk"), times);
    let days: Vec<String> =
        redis::from_redis_value(server.ask(&["ZRANGE", &format!("{{{name}}}:days"), "0", "-1"]))
            .unwrap();
    let stream = format!("{{{name}}}:marks:{}", days[0]);
    let bytes = number(server, &["MEMORY", "USAGE", &stream, "SAMPLES", "0"]);
    let each = bytes as f64 / COUNT as f64;
    figure(&format!("{name}: memory of a mark, in chunks"), format!("{each:.1} bytes"));
    let begin = Instant::now();
    let (marks, _) = read_all(&store).await.unwrap();
    assert_eq!(marks.len() as u64, COUNT);
    figure(&format!("{name}: read 10^5 marks"), format!("{:.2?}", begin.elapsed()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_marks() {
    let server = Server::start(&[]);
    let scatter = |number: u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    fill(&server, "sessions", |number| id(scatter(number))).await;
    fill(&server, "tags", |number| Target::Tag(Tag::new("user", number))).await;
    // One after the other, as log-outs come: each has a number of its own.
    let store = RedisStore::node(server.url(), Replicas(0)).prefix("single").build().unwrap();
    let mut times = Vec::new();
    let mut last = 0;
    for number in 0..5000 {
        let begin = Instant::now();
        last = store.append(&[id(scatter(number))], later(), last + 1000).await.unwrap().number;
        times.push(begin.elapsed());
    }
    figures("append one mark", times);
    let days = server.ask(&["ZRANGE", "{single}:days", "0", "-1"]);
    let days: Vec<String> = redis::from_redis_value(days).unwrap();
    let stream = format!("{{single}}:marks:{}", days[0]);
    let bytes = number(&server, &["MEMORY", "USAGE", &stream, "SAMPLES", "0"]);
    let each = bytes as f64 / 5000.0;
    figure("single: memory of a session's mark, one each second", format!("{each:.1} bytes"));
    assert!(each <= 32.0);
}
