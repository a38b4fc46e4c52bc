//! What is done to the tables: one transaction each.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use sealed_session::Tag;
use sealed_session::revocation::{Mark, ShortId, Target};

use crate::error::Failure;
use crate::file::{File, VERSION, pragma};

/// The most marks of one batch.
const BATCH: usize = 10_000;
/// The most marks that one write sweeps.
const SWEPT: i64 = 1000;
/// How long marks are kept after nobody needs them, so that a clock that is wrong for a while does not cost
/// marks. Seconds.
const SWEEP_AFTER: i64 = 24 * 60 * 60;

/// What a look into the file found.
pub(crate) struct Look {
    pub(crate) marks: Vec<Mark>,
    /// Up to where the file was read.
    pub(crate) sequence: i64,
    pub(crate) complete: bool,
}

/// The time in milliseconds since the Unix epoch.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn append(
    file: &mut File,
    targets: &[Target],
    until: u64,
    lowest: u64,
) -> Result<u64, Failure> {
    let lowest = number(lowest)?;
    let transaction = begin(file)?;
    let next = last(&transaction)?.checked_add(1).ok_or(Failure::NumberTooHigh)?;
    let number = next.max(lowest).max(now());
    set_last(&transaction, number)?;
    for target in targets {
        join(&transaction, *target, number, seconds(until))?;
    }
    sweep(&transaction)?;
    transaction.commit()?;
    check_place(file)?;
    Ok(number.unsigned_abs())
}

pub(crate) fn publish(file: &mut File, marks: &[Mark]) -> Result<(), Failure> {
    let transaction = begin(file)?;
    let mut highest = last(&transaction)?;
    for mark in marks {
        let number = number(mark.number)?;
        join(&transaction, mark.target, number, seconds(mark.until))?;
        highest = highest.max(number);
    }
    set_last(&transaction, highest)?;
    sweep(&transaction)?;
    transaction.commit()?;
    check_place(file)
}

/// Writes, as an append would.
pub(crate) fn heartbeat(file: &mut File) -> Result<(), Failure> {
    let transaction = begin(file)?;
    // To fail if an append would.
    last(&transaction)?;
    transaction.execute("UPDATE meta SET beat = ?1 WHERE one = 1", [now()])?;
    sweep(&transaction)?;
    transaction.commit()?;
    check_place(file)
}

/// The marks after a place in the sequence.
pub(crate) fn read(file: &mut File, after: i64) -> Result<Look, Failure> {
    let transaction = file.connection.transaction()?;
    check_version(&transaction)?;
    let top = top(&transaction)?;
    if after > top {
        return Err(Failure::Position);
    }
    let mut statement = transaction.prepare(
        "SELECT sequence, kind, target, number, until FROM marks
         WHERE sequence > ?1 AND until > ?2 ORDER BY sequence LIMIT ?3",
    )?;
    let limit = i64::try_from(BATCH + 1).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![after, now() / 1000, limit])?;
    let mut look = Look { marks: Vec::new(), sequence: top, complete: true };
    let mut sequence = after;
    while let Some(row) = rows.next()? {
        if look.marks.len() == BATCH {
            look.sequence = sequence;
            look.complete = false;
            break;
        }
        sequence = row.get(0)?;
        let target = target(row.get(1)?, row.get_ref(2)?.as_blob().ok());
        let unsigned = |value: i64| u64::try_from(value).ok();
        let (number, until) = (unsigned(row.get(3)?), unsigned(row.get(4)?));
        let (Some(target), Some(number), Some(until)) = (target, number, until) else {
            return Err(Failure::Nonsense("has a mark that cannot be"));
        };
        look.marks.push(Mark { target, number, until });
    }
    Ok(look)
}

/// A number that changes when another connection has written.
pub(crate) fn data_version(file: &File) -> Result<i32, Failure> {
    Ok(pragma(&file.connection, "data_version")?)
}

pub(crate) fn begin(file: &mut File) -> Result<Transaction<'_>, Failure> {
    let transaction = file.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check_version(&transaction)?;
    Ok(transaction)
}

/// A newer program may have changed the tables meanwhile.
pub(crate) fn check_version(connection: &Connection) -> Result<(), Failure> {
    if pragma(connection, "user_version")? == VERSION {
        return Ok(());
    }
    Err(Failure::Nonsense("has another version than when it was opened"))
}

/// What was written to a file that is no longer there, nobody else reads.
pub(crate) fn check_place(file: &File) -> Result<(), Failure> {
    if file.is_there() { Ok(()) } else { Err(Failure::Replaced) }
}

/// The last number that was given.
fn last(connection: &Connection) -> Result<i64, Failure> {
    let last = connection
        .query_row("SELECT last FROM meta WHERE one = 1", [], |row| row.get::<_, i64>(0))
        .optional()?;
    last.filter(|last| *last >= 0).ok_or(Failure::Nonsense("has lost its last number"))
}

fn set_last(connection: &Connection, last: i64) -> Result<(), Failure> {
    connection.execute("UPDATE meta SET last = ?1 WHERE one = 1 AND last < ?1", [last])?;
    Ok(())
}

/// The highest place that a mark ever had.
fn top(connection: &Connection) -> Result<i64, Failure> {
    let top = connection
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'marks'", [], |row| row.get(0))
        .optional()?;
    Ok(top.unwrap_or(0))
}

/// Adds a mark to what the target has. It gets a new place in the sequence unless it says nothing new.
fn join(connection: &Connection, target: Target, number: i64, until: i64) -> Result<(), Failure> {
    let (kind, bytes) = match &target {
        Target::Session(id) => (1, &id.to_bytes()[..]),
        Target::Tag(tag) => (2, &tag.as_bytes()[..]),
    };
    let known = connection
        .query_row(
            "SELECT number, until FROM marks WHERE kind = ?1 AND target = ?2",
            params![kind, bytes],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )
        .optional()?;
    let (mut number, mut until) = (number, until);
    if let Some(known) = known {
        if number <= known.0 && until <= known.1 {
            return Ok(());
        }
        number = number.max(known.0);
        until = until.max(known.1);
    }
    connection.execute(
        "INSERT OR REPLACE INTO marks (kind, target, number, until) VALUES (?1, ?2, ?3, ?4)",
        params![kind, bytes, number, until],
    )?;
    Ok(())
}

/// Deletes some of the marks that nobody needs any longer.
fn sweep(connection: &Connection) -> Result<(), Failure> {
    connection.execute(
        "DELETE FROM marks WHERE sequence IN
         (SELECT sequence FROM marks WHERE until < ?1 ORDER BY until LIMIT ?2)",
        [now() / 1000 - SWEEP_AFTER, SWEPT],
    )?;
    Ok(())
}

fn target(kind: i64, bytes: Option<&[u8]>) -> Option<Target> {
    match kind {
        1 => Some(Target::Session(ShortId::from_bytes(bytes?.try_into().ok()?))),
        2 => Some(Target::Tag(Tag::from_bytes(bytes?.try_into().ok()?))),
        _ => None,
    }
}

fn number(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| Failure::NumberTooHigh)
}

/// What is later than SQLite can say is kept for good.
fn seconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}
