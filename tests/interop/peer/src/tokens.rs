//! Bulk work: one JSON object a line in, one out. See `../node/tokens.mjs`; `ring` may stand in for
//! `keys`, and `created` and `key` (its place in the ring) are added to what is opened.

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _, stdin, stdout};

use sealed_session::{Codec, DecodeError, Decoded, Dynamic, Entries, TestClock};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::Result;
use crate::config::SessionConfig;
use crate::ops::unix_seconds;

#[derive(Deserialize)]
struct Line {
    op: String,
    json: Option<String>,
    value: Option<Box<RawValue>>,
    cookie: Option<String>,
    header: Option<String>,
    now: f64,
    #[serde(flatten)]
    config: HashMap<String, Value>,
}

pub(crate) fn run() -> Result<()> {
    let mut codecs = Codecs::default();
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let answer = answer(&mut codecs, &line?)
            .unwrap_or_else(|error| json!({ "error": error.to_string() }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

#[derive(Default)]
struct Codecs(HashMap<String, (Codec<Dynamic>, TestClock)>);

impl Codecs {
    fn find(&mut self, config: HashMap<String, Value>) -> Result<&(Codec<Dynamic>, TestClock)> {
        let config = json!(config);
        let id = config.to_string();
        if !self.0.contains_key(&id) {
            let clock = TestClock::at(0);
            let codec = serde_json::from_value::<SessionConfig>(config)?.codec(&clock)?;
            self.0.insert(id.clone(), (codec, clock));
        }
        Ok(&self.0[&id])
    }
}

fn answer(codecs: &mut Codecs, line: &str) -> Result<Value> {
    let Line { op, json, value, cookie, header, now, config } = serde_json::from_str(line)?;
    let (codec, clock) = codecs.find(config)?;
    clock.set(now as u64);
    match op.as_str() {
        "encode" => {
            let json = json.or_else(|| value.map(|value| value.get().to_owned()));
            let entries: Entries = serde_json::from_str(&json.ok_or("nothing to encode")?)?;
            Ok(match codec.encode(&entries) {
                Ok(cookie) => json!({ "cookie": cookie }),
                Err(error) => json!({ "reason": format!("{:?}", error.kind()) }),
            })
        }
        "decode" => {
            let result = match (header, cookie) {
                (Some(header), _) => codec.decode_cookie_header(header),
                (None, Some(cookie)) => codec.decode(cookie),
                (None, None) => return Err("nothing to decode".into()),
            };
            describe(codec, result)
        }
        _ => Err(format!("no such op: {op}").into()),
    }
}

fn describe(
    codec: &Codec<Dynamic>,
    result: Result<Decoded<Entries>, DecodeError>,
) -> Result<Value> {
    let decoded = match result {
        Ok(decoded) => decoded,
        Err(error) => return Ok(json!({ "data": null, "reason": format!("{:?}", error.kind()) })),
    };
    let info = &decoded.info;
    let older = info.key_index > 0;
    Ok(json!({
        "data": serde_json::to_string(&decoded.data)?,
        "ts": unix_seconds(info.refreshed_at),
        "created": info.created_at.map(unix_seconds),
        "key": info.key_index,
        "changed": older,
        "reseal": older.then(|| codec.reseal(&decoded)).transpose()?,
    }))
}
