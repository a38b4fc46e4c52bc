//! The lists of a registry: one transaction for each call.

use rusqlite::{Row, params};
use sealed_session::SessionId;
use sealed_session::registry::{ListKey, Record, RegistryStore, Seen};
use sealed_session::revocation::StoreError;

use crate::error::Failure;
use crate::file::File;
use crate::marks::{begin, check_place, check_version};
use crate::store::SqliteStore;

/// The most records that one write sweeps.
const SWEPT: i64 = 1000;

impl RegistryStore for SqliteStore {
    async fn put(
        &self,
        list: ListKey,
        record: &Record,
        keep: Option<usize>,
        now: u64,
    ) -> Result<Vec<SessionId>, StoreError> {
        let record = record.clone();
        self.writer.run(move |file, _| put(file, list, &record, keep, now)).await
    }

    async fn note_seen(&self, seen: &[Seen]) -> Result<(), StoreError> {
        let seen = seen.to_vec();
        self.writer.run(move |file, _| note_seen(file, &seen)).await
    }

    async fn list(
        &self,
        list: ListKey,
        after: Option<(u64, SessionId)>,
        limit: usize,
        now: u64,
    ) -> Result<Vec<Record>, StoreError> {
        self.reader.run(move |file, _| read(file, list, after, limit, now)).await
    }

    async fn count(&self, list: ListKey, now: u64) -> Result<usize, StoreError> {
        self.reader.run(move |file, _| count(file, list, now)).await
    }

    async fn remove(&self, list: ListKey, ids: &[SessionId]) -> Result<(), StoreError> {
        let ids = ids.to_vec();
        self.writer.run(move |file, _| remove(file, list, &ids)).await
    }
}

fn put(
    file: &mut File,
    list: ListKey,
    record: &Record,
    keep: Option<usize>,
    now: u64,
) -> Result<Vec<SessionId>, Failure> {
    let now = time(now);
    let transaction = begin(file)?;
    transaction.execute(
        "INSERT OR REPLACE INTO records (list, id, created_at, expires_at, last_seen, details)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            list.as_bytes(),
            record.id.as_bytes(),
            time(record.created_at),
            time(record.expires_at),
            time(record.last_seen),
            record.details,
        ],
    )?;
    let mut too_many = Vec::new();
    if let Some(keep) = keep {
        let kept = i64::try_from(keep.saturating_sub(1)).unwrap_or(i64::MAX);
        let mut statement = transaction.prepare(
            "SELECT id FROM records WHERE list = ?1 AND id <> ?2 AND expires_at > ?3
             ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?4",
        )?;
        let mut rows =
            statement.query(params![list.as_bytes(), record.id.as_bytes(), now, kept])?;
        while let Some(row) = rows.next()? {
            too_many.push(id(row, 0)?);
        }
    }
    transaction.execute(
        "DELETE FROM records WHERE (list, id) IN
         (SELECT list, id FROM records WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        [now, SWEPT],
    )?;
    transaction.commit()?;
    check_place(file)?;
    Ok(too_many)
}

fn note_seen(file: &mut File, seen: &[Seen]) -> Result<(), Failure> {
    if seen.is_empty() {
        return Ok(());
    }
    let transaction = begin(file)?;
    {
        let mut statement = transaction.prepare(
            "UPDATE records SET last_seen = ?3 WHERE list = ?1 AND id = ?2 AND last_seen < ?3",
        )?;
        for Seen { list, id, at } in seen {
            statement.execute(params![list.as_bytes(), id.as_bytes(), time(*at)])?;
        }
    }
    transaction.commit()?;
    check_place(file)
}

fn read(
    file: &mut File,
    list: ListKey,
    after: Option<(u64, SessionId)>,
    limit: usize,
    now: u64,
) -> Result<Vec<Record>, Failure> {
    let transaction = file.connection.transaction()?;
    check_version(&transaction)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // Every time is lower than this one, and it stands for the beginning.
    let (created_at, last_id) = match after {
        Some((created_at, id)) => (time(created_at), *id.as_bytes()),
        None => (i64::MAX, [0xff; 16]),
    };
    let mut statement = transaction.prepare(
        "SELECT id, created_at, expires_at, last_seen, details FROM records
         WHERE list = ?1 AND (created_at, id) < (?2, ?3) AND expires_at > ?4
         ORDER BY created_at DESC, id DESC LIMIT ?5",
    )?;
    let mut rows =
        statement.query(params![list.as_bytes(), created_at, last_id, time(now), limit])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
        records.push(Record {
            id: id(row, 0)?,
            created_at: unsigned(row.get(1)?),
            expires_at: unsigned(row.get(2)?),
            last_seen: unsigned(row.get(3)?),
            details: row.get(4)?,
        });
    }
    Ok(records)
}

fn count(file: &mut File, list: ListKey, now: u64) -> Result<usize, Failure> {
    let transaction = file.connection.transaction()?;
    check_version(&transaction)?;
    let count: i64 = transaction.query_row(
        "SELECT count(*) FROM records WHERE list = ?1 AND expires_at > ?2",
        params![list.as_bytes(), time(now)],
        |row| row.get(0),
    )?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn remove(file: &mut File, list: ListKey, ids: &[SessionId]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let transaction = begin(file)?;
    {
        let mut statement =
            transaction.prepare("DELETE FROM records WHERE list = ?1 AND id = ?2")?;
        for id in ids {
            statement.execute(params![list.as_bytes(), id.as_bytes()])?;
        }
    }
    transaction.commit()?;
    check_place(file)
}

fn id(row: &Row<'_>, column: usize) -> Result<SessionId, Failure> {
    let bytes: Vec<u8> = row.get(column)?;
    let bytes = bytes.try_into().map_err(|_| Failure::Nonsense("has a record that cannot be"))?;
    Ok(SessionId::from_bytes(bytes))
}

/// What is later than SQLite can say is its last time.
fn time(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}
