//! `Pool`: connections to the primary, each for one caller at a time.
//!
//! A caller that is dropped drops its connection, so that nobody finds another's answers on it. After an
//! error all connections are dropped: the primary may be another node.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::error::RedisStoreError;
use crate::primary::Primary;

const MOST: usize = 16;
/// A server may close a connection that was idle for long.
const LONGEST_IDLE: Duration = Duration::from_secs(20);

pub(crate) struct Pool {
    primary: Arc<Primary>,
    idle: Mutex<Vec<Idle>>,
    /// Raised by each error. Connections of an earlier generation are not used again.
    generation: AtomicU64,
    permits: Semaphore,
}

struct Idle {
    connection: Connection,
    generation: u64,
    since: Instant,
}

/// A connection that is in use.
pub(crate) struct Lease<'p> {
    pub(crate) connection: Connection,
    generation: u64,
    pool: &'p Pool,
    _permit: SemaphorePermit<'p>,
}

impl Pool {
    pub(crate) fn new(primary: Arc<Primary>) -> Self {
        let (idle, generation) = (Mutex::new(Vec::new()), AtomicU64::new(0));
        Self { primary, idle, generation, permits: Semaphore::new(MOST) }
    }

    pub(crate) async fn take(&self) -> Result<Lease<'_>, RedisStoreError> {
        let permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let generation = self.generation.load(Ordering::Acquire);
        let connection = match self.take_idle(generation) {
            Some(connection) => connection,
            None => match self.primary.connect().await {
                Ok(connection) => connection,
                Err(error) => {
                    self.drop_all();
                    return Err(error);
                }
            },
        };
        Ok(Lease { connection, generation, pool: self, _permit: permit })
    }

    fn take_idle(&self, generation: u64) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.generation == generation && idle.since.elapsed() < LONGEST_IDLE);
        Some(idle.pop()?.connection)
    }

    fn drop_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle);
    }
}

impl Lease<'_> {
    /// Keeps the connection if all went well.
    pub(crate) fn settle<T>(
        self,
        result: Result<T, RedisStoreError>,
    ) -> Result<T, RedisStoreError> {
        if result.is_err() {
            self.pool.drop_all();
            return result;
        }
        let Self { connection, generation, pool, _permit } = self;
        if generation == pool.generation.load(Ordering::Acquire) {
            let idle = Idle { connection, generation, since: Instant::now() };
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
        }
        result
    }
}
