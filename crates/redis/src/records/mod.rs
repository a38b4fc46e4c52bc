//! The lists of a registry: one script for each call.
//!
//! All that the scripts do can be done twice, so what finds its connection broken, or a list on another
//! node, is asked once more.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use redis::{Pipeline, Script, Value};
use sealed_session::SessionId;
use sealed_session::registry::{ListKey, Record, RegistryStore, Seen};
use sealed_session::revocation::StoreError;

use crate::builder::RedisStore;
use crate::connection::{as_bytes, as_error, as_list, as_number};
use crate::error::RedisStoreError;
use crate::owners::Known;
use crate::pool::Pool;

/// How much longer than its last record a list stays, because the servers' clocks differ. Milliseconds.
const CLOCKS_DIFFER: u64 = 60 * 60 * 1000;
/// No time comes near, and the scripts can compute with it.
const HIGHEST: u64 = 1 << 52;

static PUT: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!("put.lua")));
static LIST: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!("list.lua")));
static COUNT: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!("count.lua")));
static NOTE_SEEN: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!("note_seen.lua")));
static REMOVE: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!("remove.lua")));

/// A script, and the digest by which the server knows it.
struct Lua {
    text: &'static str,
    digest: String,
}

/// What a script is given. Its keys are in one slot.
struct Run {
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl RegistryStore for RedisStore {
    async fn put(
        &self,
        list: ListKey,
        record: &Record,
        keep: Option<usize>,
        now: u64,
    ) -> Result<Vec<SessionId>, StoreError> {
        let keep = keep.map(count).unwrap_or_default();
        let arguments = vec![
            record.id.as_bytes().to_vec(),
            number(record.created_at),
            number(record.expires_at),
            number(record.last_seen),
            record.details.clone().into_bytes(),
            number(now),
            keep,
            number(CLOCKS_DIFFER),
        ];
        let run = Run { keys: self.keys_of(list, ["order", "expires", "records"]), arguments };
        let answer = self.run_one(&PUT, run).await?;
        let ids = as_list(&answer).and_then(|ids| ids.iter().map(id).collect());
        Ok(ids.ok_or_else(|| RedisStoreError::unexpected("put.lua"))?)
    }

    async fn note_seen(&self, seen: &[Seen]) -> Result<(), StoreError> {
        let mut lists: BTreeMap<ListKey, Vec<Vec<u8>>> = BTreeMap::new();
        for Seen { list, id, at } in seen {
            let arguments = lists.entry(*list).or_default();
            arguments.extend([id.as_bytes().to_vec(), number(*at)]);
        }
        let run = |(list, arguments)| Run { keys: self.keys_of(list, ["records"]), arguments };
        let runs: Vec<_> = lists.into_iter().map(run).collect();
        self.run_all(&NOTE_SEEN, &runs).await?;
        Ok(())
    }

    async fn list(
        &self,
        list: ListKey,
        after: Option<(u64, SessionId)>,
        limit: usize,
        now: u64,
    ) -> Result<Vec<Record>, StoreError> {
        let mut arguments = vec![count(limit), number(now)];
        if let Some((created_at, id)) = after {
            arguments.extend([number(created_at), id.as_bytes().to_vec()]);
        }
        let run = Run { keys: self.keys_of(list, ["order", "records"]), arguments };
        let answer = self.run_one(&LIST, run).await?;
        let records = as_list(&answer).and_then(|found| {
            found.chunks(2).map(|pair| record(pair.first()?, pair.get(1)?)).collect()
        });
        Ok(records.ok_or_else(|| RedisStoreError::unexpected("list.lua"))?)
    }

    async fn count(&self, list: ListKey, now: u64) -> Result<usize, StoreError> {
        let run = Run { keys: self.keys_of(list, ["expires"]), arguments: vec![number(now)] };
        let answer = self.run_one(&COUNT, run).await?;
        let count = as_number(&answer).and_then(|count| usize::try_from(count).ok());
        Ok(count.ok_or_else(|| RedisStoreError::unexpected("count.lua"))?)
    }

    async fn remove(&self, list: ListKey, ids: &[SessionId]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let run = Run {
            keys: self.keys_of(list, ["order", "expires", "records"]),
            arguments: ids.iter().map(|id| id.as_bytes().to_vec()).collect(),
        };
        self.run_one(&REMOVE, run).await?;
        Ok(())
    }
}

impl RedisStore {
    /// The keys of a list. They have a slot of their own, because of the braces.
    fn keys_of<const N: usize>(&self, list: ListKey, names: [&str; N]) -> Vec<String> {
        names.iter().map(|name| format!("{{{}:{list}}}:{name}", self.keys.prefix)).collect()
    }

    async fn run_one(&self, script: &Lua, run: Run) -> Result<Value, RedisStoreError> {
        let answers = self.run_all(script, &[run]).await?;
        answers.into_iter().next().ok_or_else(|| RedisStoreError::unexpected("a pipeline"))
    }

    async fn run_all(&self, script: &Lua, runs: &[Run]) -> Result<Vec<Value>, RedisStoreError> {
        match self.run_once(script, runs).await {
            Err(error) if error.is_of_the_place() => self.run_once(script, runs).await,
            result => result,
        }
    }

    async fn run_once(&self, script: &Lua, runs: &[Run]) -> Result<Vec<Value>, RedisStoreError> {
        let owners = self.owners.known().await?;
        let result = self.run_by(&owners, script, runs).await;
        if result.is_err() {
            self.owners.forget(&owners);
        }
        result
    }

    /// One pipeline for each node. An error at one keeps none from another.
    async fn run_by(
        &self,
        owners: &Known,
        script: &Lua,
        runs: &[Run],
    ) -> Result<Vec<Value>, RedisStoreError> {
        let mut by_owner: Vec<(&Arc<Pool>, Vec<&Run>)> = Vec::new();
        for run in runs {
            let owner = owners.of(run.keys.first().map_or("", String::as_str))?;
            match by_owner.iter_mut().find(|(known, _)| Arc::ptr_eq(known, owner)) {
                Some((_, runs)) => runs.push(run),
                None => by_owner.push((owner, vec![run])),
            }
        }
        let (mut answers, mut failure) = (Vec::new(), None);
        for (owner, runs) in by_owner {
            match self.run_at(owner, script, &runs).await {
                Ok(more) => answers.extend(more),
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(answers), Err)
    }

    async fn run_at(
        &self,
        owner: &Pool,
        script: &Lua,
        runs: &[&Run],
    ) -> Result<Vec<Value>, RedisStoreError> {
        let mut lease = owner.take().await?;
        let connection = &mut lease.connection;
        let result = match connection.ask_for_all(&script.pipeline(runs, true), self.timeout).await
        {
            Ok(answers) if answers.iter().any(is_not_loaded) => {
                connection.ask(&script.pipeline(runs, false), self.timeout).await
            }
            Ok(answers) => connection.without_errors(answers),
            Err(error) => Err(error),
        };
        lease.settle(result)
    }
}

impl Lua {
    fn new(text: &'static str) -> Self {
        Self { text, digest: Script::new(text).get_hash().to_owned() }
    }

    /// If the server does not know the script, the first run brings it.
    fn pipeline(&self, runs: &[&Run], is_known: bool) -> Pipeline {
        let mut pipeline = Pipeline::new();
        for (at, run) in runs.iter().enumerate() {
            if is_known || at > 0 {
                pipeline.cmd("EVALSHA").arg(&self.digest);
            } else {
                pipeline.cmd("EVAL").arg(self.text);
            }
            pipeline.arg(run.keys.len()).arg(&run.keys);
            for argument in &run.arguments {
                pipeline.arg(argument.as_slice());
            }
        }
        pipeline
    }
}

fn is_not_loaded(answer: &Value) -> bool {
    as_error(answer).is_some_and(|error| error.code() == "NOSCRIPT")
}

fn number(number: u64) -> Vec<u8> {
    number.min(HIGHEST).to_string().into_bytes()
}

fn count(count: usize) -> Vec<u8> {
    number(u64::try_from(count).unwrap_or(HIGHEST))
}

fn id(value: &Value) -> Option<SessionId> {
    Some(SessionId::from_bytes(as_bytes(value)?.try_into().ok()?))
}

/// `CREATED EXPIRES SEEN DETAILS`
fn record(key: &Value, value: &Value) -> Option<Record> {
    let mut parts = std::str::from_utf8(as_bytes(value)?).ok()?.splitn(4, ' ');
    let mut number = || parts.next()?.parse().ok();
    let [created_at, expires_at, last_seen] = [number()?, number()?, number()?];
    let details = parts.next()?.to_owned();
    Some(Record { id: id(key)?, created_at, expires_at, last_seen, details })
}
