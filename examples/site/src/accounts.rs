//! The accounts: names, passwords and roles, in a SQLite file. Every call waits for the disk or for a hash,
//! so it runs where blocking is allowed, and at most one hash per processor is computed at a time.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::passwords;

/// AUTOINCREMENT, because sessions hold the number: that of a deleted account must not come back.
const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS accounts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        password TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('member', 'admin'))
    ) STRICT;
";

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Member,
    Admin,
}

/// What went wrong is for the log; a visitor sees “something went wrong”.
pub(crate) type AccountError = Box<dyn Error + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Accounts {
    connection: Arc<Mutex<Connection>>,
    /// A hash takes 19 MiB: a thousand log-ins at once would take 19 GiB.
    hashing: Arc<Semaphore>,
    /// What a password is compared with if there is no such name.
    nobody: Arc<str>,
}

impl Accounts {
    /// Opens the file, or creates it.
    pub(crate) fn open(path: impl AsRef<Path>) -> Result<Self, AccountError> {
        let connection = Connection::open(path)?;
        connection.execute_batch(TABLES)?;
        let hashes_at_once = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            hashing: Arc::new(Semaphore::new(hashes_at_once)),
            nobody: passwords::hash("nobody has this password")?.into(),
        })
    }

    /// A new account, or `None` if the name is taken. The first one is the administrator's.
    pub(crate) async fn register(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Option<Account>, AccountError> {
        let hash = self.hash(password).await?;
        let name = name.to_owned();
        self.call(move |connection| {
            let sql = "INSERT INTO accounts (name, password, role)
                       SELECT ?1, ?2, iif(EXISTS (SELECT 1 FROM accounts), 'member', 'admin')
                       RETURNING id, name, role";
            match connection.query_row(sql, params![name, hash], account) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    Ok(None)
                }
                result => result.map(Some),
            }
        })
        .await
    }

    /// The account with this name and this password. An unknown name takes as long as a wrong password,
    /// so the time does not tell which names exist.
    pub(crate) async fn log_in(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Option<Account>, AccountError> {
        let name = name.to_owned();
        let found = self
            .call(move |connection| {
                let sql = "SELECT id, name, role, password FROM accounts WHERE name = ?1";
                let row = |row: &Row<'_>| Ok((account(row)?, row.get::<_, String>(3)?));
                connection.query_row(sql, [name], row).optional()
            })
            .await?;
        let (account, hash) = found.unzip();
        let hash = hash.unwrap_or_else(|| self.nobody.as_ref().to_owned());
        let password = password.to_owned();
        let is_right = self.compute(move || Ok(passwords::is_right(&password, &hash))).await?;
        Ok(account.filter(|_| is_right))
    }

    pub(crate) async fn find(&self, id: i64) -> Result<Option<Account>, AccountError> {
        self.call(move |connection| {
            let sql = "SELECT id, name, role FROM accounts WHERE id = ?1";
            connection.query_row(sql, [id], account).optional()
        })
        .await
    }

    pub(crate) async fn all(&self) -> Result<Vec<Account>, AccountError> {
        self.call(|connection| {
            let mut rows = connection.prepare("SELECT id, name, role FROM accounts ORDER BY id")?;
            rows.query_map([], account)?.collect()
        })
        .await
    }

    pub(crate) async fn set_password(&self, id: i64, password: &str) -> Result<(), AccountError> {
        let hash = self.hash(password).await?;
        self.call(move |connection| {
            let sql = "UPDATE accounts SET password = ?2 WHERE id = ?1";
            connection.execute(sql, params![id, hash]).map(drop)
        })
        .await
    }

    pub(crate) async fn delete(&self, id: i64) -> Result<(), AccountError> {
        self.call(move |connection| {
            connection.execute("DELETE FROM accounts WHERE id = ?1", [id]).map(drop)
        })
        .await
    }

    async fn hash(&self, password: &str) -> Result<String, AccountError> {
        let password = password.to_owned();
        self.compute(move || passwords::hash(&password)).await
    }

    /// Runs something that takes a processor, when one is free.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        let permit = self.hashing.clone().acquire_owned().await?;
        spawn_blocking(move || {
            // Kept until the work is done, also if the browser has gone.
            let _permit = permit;
            work()
        })
        .await?
    }

    /// Runs something that waits for the disk.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, AccountError> {
        let connection = self.connection.clone();
        let work = move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(spawn_blocking(work).await??)
    }
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account { id: row.get(0)?, name: row.get(1)?, role: row.get(2)? })
}

impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "member" => Ok(Self::Member),
            "admin" => Ok(Self::Admin),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}
