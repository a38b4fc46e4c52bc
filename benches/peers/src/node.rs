//! This crate on the tokens of Node's peer, beside that peer itself.

use std::process::Command;

use sealed_session::{Codec, Dynamic, Keyring};
use serde_json::{Value, json};

use crate::measure::{Lane, Table};
use crate::sample::Sample;
use crate::tokens::{Row, key, samples};

/// Node's peer, in a process of its own; `None` with the reason printed if it is not there.
pub fn measure(rounds: usize) -> Option<Vec<Row>> {
    let codec = Codec::<Sample>::new(Keyring::fastify(key(7))).expect("a codec");
    let entries = Codec::<Dynamic>::new(Keyring::fastify(key(7))).expect("a codec");
    let directory = env!("CARGO_MANIFEST_DIR");
    let input: Vec<Value> = samples(256).iter().map(|d| json!(d)).collect();
    let mut child = Command::new("node");
    child.arg(format!("{directory}/node.mjs")).arg(serde_json::to_string(&input).ok()?);
    let output = match child.output() {
        Ok(output) if output.status.success() => output.stdout,
        Ok(output) => {
            println!("Node's peer: {}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        Err(error) => {
            println!("Node's peer: no node ({error})");
            return None;
        }
    };
    let theirs: Value = serde_json::from_slice(&output).expect("node.mjs prints JSON");
    let cookies: Vec<String> = serde_json::from_value(theirs["cookies"].clone()).expect("cookies");

    let (one, two) = (codec.clone(), codec.clone());
    let lanes = vec![
        Lane::new("decode", cookies.clone(), move |t: &String| one.decode(t).expect("it opens")),
        Lane::new("decode, entries", cookies, move |t: &String| {
            entries.decode(t).expect("it opens").data.get::<u64>("user_id").expect("a number")
        }),
        Lane::new("encode", samples(256), move |d: &Sample| two.encode(d).expect("it fits")),
    ];
    let table = Table::measure(lanes, rounds, 256);
    let number = |name: &str| theirs[name].as_f64().expect("a number");
    let row = |what: &str, lane: &str, nanos: f64| Row {
        what: what.to_owned(),
        nanos: table.nanos(lane),
        allocations: table.allocations(lane),
        ratio: Some(nanos / table.nanos(lane)),
        to: "Node's time in ours",
    };
    let peer = |what: &str, nanos| Row {
        what: what.to_owned(),
        nanos,
        allocations: f64::NAN,
        ratio: None,
        to: "",
    };
    let (decode, encode) = (number("decode"), number("encode"));
    Some(vec![
        peer("decode, Node", decode),
        row("decode, typed", "decode", decode),
        row("decode, entries, one read", "decode, entries", decode),
        peer("encode, Node", encode),
        row("encode, typed", "encode", encode),
    ])
}
