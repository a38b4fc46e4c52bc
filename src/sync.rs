//! The locks: the standard library's, or with `--cfg shuttle` those of shuttle, which hand the processor
//! to a task of the scheduler's choice at each lock and unlock. Only `tests/interleavings/run` asks for
//! that. No other file names a lock of the standard library: tests/architecture.rs sees to it.

#[cfg(not(shuttle))]
mod chosen {
    pub(crate) use std::sync::RwLock;
    pub(crate) use std::sync::{Mutex, MutexGuard};
}

#[cfg(shuttle)]
mod chosen {
    pub(crate) use shuttle::sync::RwLock;
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};
}

pub(crate) use self::chosen::*;
