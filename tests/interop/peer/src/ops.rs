//! The operations of a request, on any of the kinds.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use sealed_session::{Dynamic, Entries, Session, SessionError, SessionErrorKind, SessionKind};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::Result;

/// One of several kinds with one payload.
pub(crate) struct Named<const N: usize>;

impl<const N: usize> SessionKind for Named<N> {
    type Data = Entries;
    /// Each is given the name of its configuration.
    const NAME: &'static str = "session";
}

#[derive(Deserialize)]
pub(crate) struct Request {
    pub(crate) session: Option<String>,
    #[serde(default)]
    pub(crate) ops: Vec<Op>,
    pub(crate) sessions: Option<HashMap<String, Vec<Op>>>,
}

#[derive(Deserialize)]
pub(crate) struct Op {
    op: String,
    #[serde(default)]
    key: String,
    /// `None` stands for `undefined`; `null` is a value.
    #[serde(default, deserialize_with = "present")]
    value: Option<Box<RawValue>>,
    #[serde(default)]
    path: Vec<String>,
    ignore: Option<Vec<String>>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Serialize)]
pub(crate) struct Answer {
    results: Vec<Box<RawValue>>,
    data: Entries,
    /// Of the cookie that came; a new one's is in the response's cookie.
    ts: Option<u64>,
    created: Option<u64>,
    key: Option<usize>,
    accepted: bool,
}

/// What differs between a session of named entries and a typed one.
pub(crate) trait Handle {
    fn put(&self, key: &str, value: &RawValue) -> Result<(), SessionError>;
    fn drop_entry(&self, key: &str) -> Result<(), SessionError>;
    fn keep(&self, names: &[&str]) -> Result<(), SessionError>;
    fn run(&self, ops: &[Op]) -> Result<Answer>;
}

impl Handle for Session<Dynamic> {
    fn put(&self, key: &str, value: &RawValue) -> Result<(), SessionError> {
        self.insert(key, value)
    }

    fn drop_entry(&self, key: &str) -> Result<(), SessionError> {
        self.remove(key).map(drop)
    }

    fn keep(&self, names: &[&str]) -> Result<(), SessionError> {
        self.regenerate_keeping(names)
    }

    fn run(&self, ops: &[Op]) -> Result<Answer> {
        run(self, ops)
    }
}

impl<const N: usize> Handle for Session<Named<N>> {
    fn put(&self, key: &str, value: &RawValue) -> Result<(), SessionError> {
        let mut entries = self.data().unwrap_or_default();
        entries.insert(key, value).expect("a raw value serialises");
        match self.set(entries) {
            // A write after a deletion is lost, as in Node.
            Err(error) if *error.kind() == SessionErrorKind::Deleted => Ok(()),
            written => written,
        }
    }

    fn drop_entry(&self, key: &str) -> Result<(), SessionError> {
        self.update(|entries| entries.remove(key)).map(drop)
    }

    fn keep(&self, names: &[&str]) -> Result<(), SessionError> {
        let mut entries = self.data().unwrap_or_default();
        entries.retain(|name| names.contains(&name));
        self.regenerate();
        self.set(entries)
    }

    fn run(&self, ops: &[Op]) -> Result<Answer> {
        run(self, ops)
    }
}

/// A time as Node's tokens have it.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn run<K: SessionKind<Data = Entries>>(session: &Session<K>, ops: &[Op]) -> Result<Answer>
where
    Session<K>: Handle,
{
    let info = session.info();
    let results = ops.iter().map(|op| apply(session, op)).collect::<Result<_>>()?;
    Ok(Answer {
        results,
        data: session.data().unwrap_or_default(),
        ts: info.as_ref().map(|info| unix_seconds(info.refreshed_at)),
        created: info.as_ref().and_then(|info| info.created_at).map(unix_seconds),
        key: info.as_ref().map(|info| info.key_index),
        accepted: info.is_some(),
    })
}

fn apply<K: SessionKind<Data = Entries>>(session: &Session<K>, op: &Op) -> Result<Box<RawValue>>
where
    Session<K>: Handle,
{
    let entries = || session.data().unwrap_or_default();
    let nothing = to_raw_value(&Value::Null)?;
    match op.op.as_str() {
        "set" => match &op.value {
            Some(value) => session.put(&op.key, value)?,
            None => session.drop_entry(&op.key)?,
        },
        "get" => {
            let value = entries().get::<Box<RawValue>>(&op.key)?;
            return Ok(to_raw_value(&value.into_iter().collect::<Vec<_>>())?);
        }
        "nested" => {
            let (first, rest) = op.path.split_first().ok_or("no path")?;
            let value = op.value.as_deref().ok_or("no value")?;
            session.put(first, &place(&entries(), first, rest, value)?)?;
        }
        "touch" => session.touch()?,
        "regenerate" => match &op.ignore {
            Some(names) => session.keep(&names.iter().map(String::as_str).collect::<Vec<_>>())?,
            None => session.regenerate(),
        },
        "delete" => session.delete(),
        "data" => return Ok(to_raw_value(&entries())?),
        op => return Err(format!("no such op: {op}").into()),
    }
    Ok(nothing)
}

/// The value of `name` with `value` at the path in it; all else keeps its text.
fn place(found: &Entries, name: &str, path: &[String], value: &RawValue) -> Result<Box<RawValue>> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(value.to_owned());
    };
    // What is no object is replaced by one.
    let mut inner = found.get::<Entries>(name).ok().flatten().unwrap_or_default();
    let value = place(&inner, first, rest, value)?;
    inner.insert(first, &value)?;
    Ok(to_raw_value(&inner)?)
}
