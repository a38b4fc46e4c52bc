//! Reads marks: first all days, then what is appended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{Pipeline, Value};
use sealed_session::revocation::{Batch, Mark};

use crate::builder::RedisStore;
use crate::connection::{Connection, as_bytes, as_list, as_number, as_text};
use crate::entry::{self, Day};
use crate::error::{ErrorKind, RedisStoreError};
use crate::place::{Id, Place, Progress};

/// About how many marks are read at once.
const BATCH: usize = 10_000;
/// How many are read of a day at least, if there are more.
const FEWEST: usize = 100;
/// How much earlier than by this server's clock a day's stream may expire. Seconds.
const CLOCKS_DIFFER: u64 = 60 * 60;

/// Marks, and the days of which there are more.
#[derive(Default)]
struct Found {
    marks: Vec<Mark>,
    more: BTreeMap<Day, Id>,
}

impl RedisStore {
    pub(crate) async fn read_on(
        &self,
        connection: &mut Connection,
        place: Option<Place>,
        wait: Duration,
    ) -> Result<Batch, RedisStoreError> {
        let is_first = place.is_none();
        let mut place = place.unwrap_or_default();
        if !wait.is_zero() && (is_first || place.progress == Progress::AtEnd) {
            self.wait_for_more(connection, place.last, wait).await?;
        }
        // Who asks for all that was appended until now must not be answered by a node that another one
        // has replaced. What is read from the beginning is followed by a heartbeat.
        let confirm = wait.is_zero() && place.progress != Progress::Reading && self.replicas > 0;
        let mut found = Found::default();
        let listed = self.read_known_days(connection, &mut place, confirm, &mut found).await?;
        let mut rest = std::mem::take(&mut found.more);
        for day in listed {
            place.days.entry(day).or_insert_with(|| {
                rest.insert(day, Id::default());
                Id::default()
            });
        }
        if !rest.is_empty() {
            let mut commands = Pipeline::new();
            let count = self.add_read(&mut commands, &rest);
            let answers = connection.ask(&commands, self.timeout).await?;
            self.take_marks(answers.first(), count, &mut place, &mut found)?;
        }
        let complete = found.more.is_empty();
        place.progress = match place.progress {
            _ if complete => Progress::AtEnd,
            Progress::Reading => Progress::Reading,
            Progress::AtEnd | Progress::Behind => Progress::Behind,
        };
        Ok(Batch { marks: found.marks, position: place.to_position(), complete })
    }

    async fn wait_for_more(
        &self,
        connection: &mut Connection,
        last: Id,
        wait: Duration,
    ) -> Result<(), RedisStoreError> {
        // 0 would be without an end.
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 40);
        let mut commands = Pipeline::new();
        commands.cmd("XREAD").arg("COUNT").arg(1).arg("BLOCK").arg(millis);
        commands.arg("STREAMS").arg(&self.keys.last).arg(last.to_string());
        let limit = Duration::from_millis(millis) + self.timeout;
        connection.ask(&commands, limit).await?;
        Ok(())
    }

    /// Reads the days of the place, makes sure that it is still a place in this store, and returns
    /// which days there are.
    async fn read_known_days(
        &self,
        connection: &mut Connection,
        place: &mut Place,
        confirm: bool,
        found: &mut Found,
    ) -> Result<BTreeSet<Day>, RedisStoreError> {
        let expiring = soon();
        // So that they are not missed when they expire.
        place.days.retain(|day, _| day.expires_at() > expiring);
        let mut commands = Pipeline::new();
        if confirm {
            self.beat(&mut commands);
        }
        // Before the marks: what comes in between rings again.
        commands.cmd("XREVRANGE").arg(&self.keys.last).arg("+").arg("-").arg("COUNT").arg(1);
        commands.cmd("ZRANGE").arg(&self.keys.days).arg(0).arg(-1);
        commands.cmd("TIME");
        commands.cmd("GET").arg(&self.keys.epoch);
        commands.cmd("INFO").arg("replication");
        let mut must_exist = 1;
        commands.cmd("EXISTS").arg(&self.keys.epoch);
        for (day, _) in place.days.iter().filter(|(_, id)| **id != Id::default()) {
            commands.arg(self.keys.marks(*day));
            must_exist += 1;
        }
        let mut count = 0;
        if !place.days.is_empty() {
            count = self.add_read(&mut commands, &place.days);
        }
        let answers = connection.ask(&commands, self.timeout).await?;
        let answers = if confirm {
            self.must_be_confirmed(answers.get(1))?;
            &answers[2..]
        } else {
            &answers[..]
        };
        let [last, days, time, epoch, info, exist, rest @ ..] = answers else {
            return Err(RedisStoreError::unexpected("a pipeline"));
        };
        let history = connection.history(info)?;
        let epoch = match as_text(epoch) {
            Some(epoch) => epoch.to_owned(),
            None => self.begin_epoch(connection, time).await?,
        };
        let last = last_id(last).ok_or_else(|| RedisStoreError::unexpected("XREVRANGE"))?;
        let listed = self.listed(days, expiring)?;
        let is_first = place.history.is_empty();
        let lacks_a_day = as_number(exist).is_none_or(|exist| exist < must_exist)
            || place.days.keys().any(|day| !listed.contains(day));
        if !is_first && place.history != history {
            return Err(changed("the server was restarted, or is another one now"));
        }
        if !is_first && (place.epoch != epoch || last < place.last) {
            return Err(changed("the store was emptied"));
        }
        if !is_first && lacks_a_day {
            return Err(changed("the marks of a day have been deleted"));
        }
        (place.history, place.epoch, place.last) = (history, epoch, last);
        self.take_marks(rest.first(), count, place, found)?;
        Ok(listed)
    }

    /// The days that have a stream which does not expire soon.
    fn listed(&self, days: &Value, expiring: u64) -> Result<BTreeSet<Day>, RedisStoreError> {
        let days = as_list(days).ok_or_else(|| RedisStoreError::unexpected("ZRANGE"))?;
        let mut listed = BTreeSet::new();
        for day in days {
            match as_text(day).and_then(Day::from_name) {
                Some(day) => {
                    listed.insert(day);
                }
                None => self.report_unreadable(),
            }
        }
        listed.retain(|day| day.expires_at() > expiring);
        Ok(listed)
    }

    /// Notes the moment from which this store exists.
    async fn begin_epoch(
        &self,
        connection: &mut Connection,
        time: &Value,
    ) -> Result<String, RedisStoreError> {
        let time = as_list(time).unwrap_or_default();
        let [Some(seconds), Some(micros)] = [0, 1].map(|at| time.get(at).and_then(as_text)) else {
            return Err(RedisStoreError::unexpected("TIME"));
        };
        let mut commands = Pipeline::new();
        commands.cmd("SET").arg(&self.keys.epoch).arg(format!("{seconds}-{micros}")).arg("NX");
        commands.cmd("GET").arg(&self.keys.epoch);
        let answers = connection.ask(&commands, self.timeout).await?;
        let epoch = answers.get(1).and_then(as_text);
        epoch.map(str::to_owned).ok_or_else(|| RedisStoreError::unexpected("GET"))
    }

    /// Adds a command that reads these days after these ids, and returns how many entries of each at most.
    fn add_read(&self, commands: &mut Pipeline, days: &BTreeMap<Day, Id>) -> usize {
        let count = (BATCH / days.len().max(1)).max(FEWEST);
        commands.cmd("XREAD").arg("COUNT").arg(count).arg("STREAMS");
        for day in days.keys() {
            commands.arg(self.keys.marks(*day));
        }
        for id in days.values() {
            commands.arg(id.to_string());
        }
        count
    }

    fn take_marks(
        &self,
        answer: Option<&Value>,
        count: usize,
        place: &mut Place,
        found: &mut Found,
    ) -> Result<(), RedisStoreError> {
        let Some(answer) = answer else { return Ok(()) };
        let unexpected = || RedisStoreError::unexpected("XREAD");
        for stream in as_list(answer).ok_or_else(unexpected)? {
            let [key, entries] = as_list(stream).unwrap_or_default() else {
                return Err(unexpected());
            };
            let day = as_text(key).and_then(|key| key.rsplit(':').next());
            let day = day.and_then(Day::from_name).ok_or_else(unexpected)?;
            let entries = as_list(entries).ok_or_else(unexpected)?;
            for entry in entries {
                let [id, fields] = as_list(entry).unwrap_or_default() else {
                    return Err(unexpected());
                };
                let id = as_text(id).and_then(Id::parse).ok_or_else(unexpected)?;
                place.days.insert(day, id);
                match mark(fields, day, id) {
                    Some(mark) => found.marks.push(mark),
                    None => self.report_unreadable(),
                }
            }
            if entries.len() >= count {
                found.more.insert(day, place.days[&day]);
            }
        }
        Ok(())
    }

    /// Something in the store is not of this version. It ends nothing, and takes nothing back.
    fn report_unreadable(&self) {
        if !self.reported.swap(true, std::sync::atomic::Ordering::Relaxed) {
            #[cfg(feature = "tracing")]
            tracing::warn!(
                keys = %self.keys.days,
                "the store of revocations has entries that this version cannot read"
            );
        }
    }
}

fn mark(fields: &Value, day: Day, id: Id) -> Option<Mark> {
    let [name, bytes] = as_list(fields)? else { return None };
    if as_bytes(name)? != b"m" {
        return None;
    }
    entry::decode(as_bytes(bytes)?, day, id.number)
}

/// The id of the only entry, or zero if there is none.
fn last_id(answer: &Value) -> Option<Id> {
    match as_list(answer)? {
        [] => Some(Id::default()),
        [entry, ..] => Id::parse(as_text(as_list(entry)?.first()?)?),
    }
}

/// A stream that expires before this has only marks that nobody needs. Seconds since the Unix epoch.
fn soon() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    now.saturating_add(CLOCKS_DIFFER)
}

fn changed(text: &str) -> RedisStoreError {
    RedisStoreError::new(ErrorKind::Changed, text)
}
