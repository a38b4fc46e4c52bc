//! What is generated from the arguments: completions and manual pages.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Args;
use crate::failure::{Failure, Status};
use crate::output::Output;

pub(crate) fn completions(shell: Shell, output: &Output) -> Result<Status, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "sealed-session", &mut text);
    output.write(&text)?;
    Ok(Status::Yes)
}

/// The page of the program, or of the command at this path: `["keys", "rotate"]`.
pub(crate) fn man(path: &[String], output: &Output) -> Result<Status, Failure> {
    let mut program = Args::command();
    // So that the commands know their whole names, and what is global.
    program.build();
    let mut command = &program;
    for name in path {
        command = command.find_subcommand(name).ok_or_else(|| {
            Failure::new(format!("there is no command `{}`; see --help", path.join(" ")))
        })?;
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut text)
        .map_err(|error| Failure::caused_by("cannot write the page", error))?;
    output.write(&text)?;
    Ok(Status::Yes)
}
