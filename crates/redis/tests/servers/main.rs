//! The store on real servers. `tests/run` installs them, and runs this with one thread.

mod cluster;
mod data;
mod errors;
mod replicas;
mod restart;
mod support;
mod volume;
