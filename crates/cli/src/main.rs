//! `sealed-session`: rotates keys, and says why a session's cookie does not open.
//!
//! Standard output has the answer, standard error what went wrong. No command prints a key, and none
//! prints a session's data unless it is asked to by name.

mod cli;
mod failure;
mod inspect;
mod keys;
mod output;
mod pages;
mod time;
mod typed;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Args, Command};
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Its text would repeat the argument.
        Err(error) if error.use_stderr() && std::env::args_os().any(|arg| typed::is_key(&arg)) => {
            return Failure::new(typed::NOT_A_NAME).report();
        }
        Err(error) => error.exit(),
    };
    let output = Output::new(args.json);
    let result = match args.command {
        Command::Inspect(args) => inspect::run(&args, &output),
        Command::Keys(args) => keys::run(&args, &output),
        Command::Completions { shell } => pages::completions(shell, &output),
        Command::Man { command } => pages::man(&command, &output),
    };
    match result {
        Ok(status) => status.into(),
        Err(failure) => failure.report(),
    }
}
