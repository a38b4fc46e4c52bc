//! The `RevocationStore`: appends marks, and confirms that they are kept.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use redis::{Cmd, Pipeline, Script, Value};
use sealed_session::revocation::{
    Appended, Batch, Mark, Position, RevocationStore, StoreError, Target,
};

use crate::builder::RedisStore;
use crate::connection::{Connection, as_error, as_number};
use crate::entry::{self, Day, HIGHEST};
use crate::error::{ErrorKind, RedisStoreError};
use crate::place::Place;

const APPEND: &str = include_str!("append.lua");
/// The script's digest, by which the server knows it.
static DIGEST: LazyLock<String> = LazyLock::new(|| Script::new(APPEND).get_hash().to_owned());

/// The names of the keys. All are in one slot, because of the braces.
pub(crate) struct Keys {
    /// A stream of one entry, whose id is the last number that was given. Followers wait for it.
    pub(crate) last: String,
    /// The days that have a stream, sorted by when it expires.
    pub(crate) days: String,
    /// Written once. If it has changed, the store was emptied.
    pub(crate) epoch: String,
    /// What the heartbeat writes.
    heard: String,
    /// What comes before the day.
    marks: String,
    /// What the names of lists begin with.
    #[cfg(feature = "registry")]
    pub(crate) prefix: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        let key = |name: &str| format!("{{{prefix}}}:{name}");
        let (last, days, epoch) = (key("last"), key("days"), key("epoch"));
        Self {
            last,
            days,
            epoch,
            heard: key("heard"),
            marks: key("marks:"),
            #[cfg(feature = "registry")]
            prefix: prefix.to_owned(),
        }
    }

    pub(crate) fn marks(&self, day: Day) -> String {
        format!("{}{}", self.marks, day.name())
    }
}

impl RevocationStore for RedisStore {
    async fn append(
        &self,
        targets: &[Target],
        until: u64,
        lowest: u64,
    ) -> Result<Appended, StoreError> {
        let (day, second) = Day::of(until);
        let marks = targets.iter().map(|target| entry::encode(target, None, second)).collect();
        let marks = BTreeMap::from([(day, marks)]);
        let mut lease = self.pool.take().await?;
        let result = self.write(&mut lease.connection, &marks, lowest).await;
        Ok(lease.settle(result)?)
    }

    async fn publish(&self, marks: &[Mark]) -> Result<(), StoreError> {
        let Some(highest) = marks.iter().map(|mark| mark.number).max() else { return Ok(()) };
        let mut days: BTreeMap<Day, Vec<Vec<u8>>> = BTreeMap::new();
        for mark in marks {
            let (day, second) = Day::of(mark.until);
            let bytes = entry::encode(&mark.target, Some(mark.number), second);
            days.entry(day).or_default().push(bytes);
        }
        let mut lease = self.pool.take().await?;
        let result = self.write(&mut lease.connection, &days, highest.saturating_add(1)).await;
        lease.settle(result)?;
        Ok(())
    }

    async fn read(&self, after: Option<&Position>, wait: Duration) -> Result<Batch, StoreError> {
        let place = after.map(Place::parse).transpose()?;
        let mut lease = self.pool.take().await?;
        let result = self.read_on(&mut lease.connection, place, wait).await;
        Ok(lease.settle(result)?)
    }

    async fn heartbeat(&self) -> Result<(), StoreError> {
        let mut commands = Pipeline::new();
        self.beat(&mut commands);
        let mut lease = self.pool.take().await?;
        let result = async {
            let answers = lease.connection.ask(&commands, self.timeout).await?;
            self.must_be_confirmed(answers.get(1))
        };
        let result = result.await;
        Ok(lease.settle(result)?)
    }
}

impl RedisStore {
    /// Runs the script. The marks without a number of their own get the one that it returns.
    async fn write(
        &self,
        connection: &mut Connection,
        days: &BTreeMap<Day, Vec<Vec<u8>>>,
        lowest: u64,
    ) -> Result<Appended, RedisStoreError> {
        if lowest > HIGHEST {
            let text = format!("the number {lowest} is too high for this store");
            return Err(RedisStoreError::new(ErrorKind::Unexpected, text));
        }
        let run = |by: &str, script: &str| {
            let mut command = redis::cmd(by);
            self.add_arguments(command.arg(script), days, lowest);
            let mut commands = Pipeline::new();
            commands.add_command(command);
            self.add_wait(&mut commands);
            commands
        };
        let known = run("EVALSHA", &DIGEST);
        let answers = connection.ask_for_all(&known, self.timeout).await?;
        let answers = match answers.first().and_then(as_error) {
            Some(error) if error.code() == "NOSCRIPT" => {
                connection.ask(&run("EVAL", APPEND), self.timeout).await?
            }
            _ => connection.without_errors(answers)?,
        };
        let number = answers.first().and_then(as_number);
        let number = number.ok_or_else(|| RedisStoreError::unexpected("the script"))?;
        Ok(Appended { number, confirmed: self.is_confirmed(answers.get(1)) })
    }

    fn add_arguments(&self, command: &mut Cmd, days: &BTreeMap<Day, Vec<Vec<u8>>>, lowest: u64) {
        let keys = &self.keys;
        command.arg(3 + days.len()).arg(&keys.last).arg(&keys.days).arg(&keys.epoch);
        for day in days.keys() {
            command.arg(keys.marks(*day));
        }
        command.arg(lowest).arg(&keys.marks);
        for (day, marks) in days {
            command.arg(day.name()).arg(day.expires_at()).arg(marks.len());
            for mark in marks {
                command.arg(mark.as_slice());
            }
        }
    }

    /// Writes something, and asks on how many replicas it is.
    pub(crate) fn beat(&self, commands: &mut Pipeline) {
        commands.cmd("SET").arg(&self.keys.heard).arg("1");
        self.add_wait(commands);
    }

    /// `WAIT` counts what this connection wrote, so it has to be the same one.
    fn add_wait(&self, commands: &mut Pipeline) {
        let half = u64::try_from(self.timeout.as_millis() / 2).unwrap_or(u64::MAX);
        commands.cmd("WAIT").arg(self.replicas).arg(half.max(1));
    }

    fn is_confirmed(&self, answer: Option<&Value>) -> bool {
        answer.and_then(as_number).is_some_and(|count| count >= u64::from(self.replicas))
    }

    pub(crate) fn must_be_confirmed(&self, answer: Option<&Value>) -> Result<(), RedisStoreError> {
        if self.is_confirmed(answer) {
            return Ok(());
        }
        let count = answer.and_then(as_number).unwrap_or(0);
        let text = format!("{count} of {} replicas have confirmed a write", self.replicas);
        Err(RedisStoreError::new(ErrorKind::TooFewReplicas, text))
    }
}
