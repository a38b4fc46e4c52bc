//! `keys`: the keys in a directory or in files.

#![allow(dead_code, unused_imports, reason = "for the commands")]

mod access;
mod directory;
mod plan;
mod settings;
mod state;
mod times;

use clap::Subcommand;

use crate::failure::{Failure, Status};
use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Args {}

pub(crate) fn run(args: &Args, _output: &Output) -> Result<Status, Failure> {
    match *args {}
}
