//! `Connection`: asks one server, and gives up in time. Nobody else uses it meanwhile.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, Pipeline, Value};
use tokio::time::timeout;

use crate::error::{ErrorKind, RedisStoreError};

pub(crate) struct Connection {
    inner: MultiplexedConnection,
    /// The address, without user and password.
    place: String,
}

impl Connection {
    pub(crate) async fn open(
        info: ConnectionInfo,
        limit: Duration,
    ) -> Result<Self, RedisStoreError> {
        let place = info.addr().to_string();
        let failed = |error| RedisStoreError::connecting(&place, error);
        let client = Client::open(info).map_err(failed)?;
        // What asks says how long an answer may take.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(None);
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        match timeout(limit, connecting).await {
            Ok(Ok(inner)) => Ok(Self { inner, place }),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(RedisStoreError::timed_out(&place)),
        }
    }

    /// The answers to these commands, of which none is an error.
    pub(crate) async fn ask(
        &mut self,
        commands: &Pipeline,
        limit: Duration,
    ) -> Result<Vec<Value>, RedisStoreError> {
        let answers = self.ask_for_all(commands, limit).await?;
        self.without_errors(answers)
    }

    pub(crate) fn without_errors(
        &self,
        answers: Vec<Value>,
    ) -> Result<Vec<Value>, RedisStoreError> {
        match answers.iter().find_map(as_error) {
            Some(error) => Err(RedisStoreError::refused(&self.place, error)),
            None => Ok(answers),
        }
    }

    /// The answers to these commands. Some may be errors.
    pub(crate) async fn ask_for_all(
        &mut self,
        commands: &Pipeline,
        limit: Duration,
    ) -> Result<Vec<Value>, RedisStoreError> {
        let count = commands.len();
        let asking = self.inner.send_packed_commands(commands, 0, count);
        let answers = match timeout(limit, asking).await {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) => return Err(RedisStoreError::broken(&self.place, error)),
            Err(_) => return Err(RedisStoreError::timed_out(&self.place)),
        };
        if answers.len() != count {
            return Err(RedisStoreError::unexpected("a pipeline"));
        }
        Ok(answers)
    }

    /// Fails unless this answer to `INFO replication` is a primary's. Returns which history of writes
    /// it has.
    pub(crate) fn history(&self, info: &Value) -> Result<String, RedisStoreError> {
        let info = as_text(info).ok_or_else(|| RedisStoreError::unexpected("INFO"))?;
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
        if field("role:").map(str::trim) != Some("master") {
            let text = format!("{} is not a primary", self.place);
            return Err(RedisStoreError::new(ErrorKind::NotPrimary, text));
        }
        let id = field("master_replid:").map(str::trim).filter(|id| !id.is_empty());
        id.map(str::to_owned).ok_or_else(|| RedisStoreError::unexpected("INFO"))
    }
}

pub(crate) fn as_error(value: &Value) -> Option<&redis::ServerError> {
    match value {
        Value::ServerError(error) => Some(error),
        _ => None,
    }
}

pub(crate) fn as_bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

pub(crate) fn as_text(value: &Value) -> Option<&str> {
    std::str::from_utf8(as_bytes(value)?).ok()
}

pub(crate) fn as_list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(values) => Some(values),
        Value::Nil => Some(&[]),
        _ => None,
    }
}

pub(crate) fn as_number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        other => as_text(other)?.parse().ok(),
    }
}
