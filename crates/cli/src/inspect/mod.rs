//! `inspect`: takes a cookie apart, or says why it does not open.

use crate::failure::{Failure, Status};
use crate::output::Output;

#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args, _output: &Output) -> Result<Status, Failure> {
    Err(Failure::new("not there yet"))
}
