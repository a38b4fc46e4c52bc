//! The program's arguments. Each command has its own in its folder.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::{inspect, keys};

const AFTER: &str = "\
Exit status:
  0  yes: it opens, it is in order, it is done
  1  no: it does not open, something needs attention, nothing was done
  2  the command could not run: its arguments, or a file that cannot be read;
     or what it looked at is useless

Colours are used only on a terminal, and not if NO_COLOR is set.";

// clap does not wrap lines here, so they are wrapped by hand and kept (`verbatim_doc_comment`).
/// The keys and cookies of sealed-session: rotates keys, and says why a session's
/// cookie does not open.
#[derive(Parser)]
#[command(
    name = "sealed-session",
    version,
    after_help = AFTER,
    verbatim_doc_comment,
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    /// Answer in JSON, for programs. Its fields are only ever added to
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Take a cookie apart: what it says, or why it does not open
    #[command(next_line_help = true)]
    Inspect(inspect::Args),

    /// The keys in a directory or in files
    #[command(subcommand)]
    Keys(keys::Args),

    /// Print a shell's completions for this program
    Completions {
        /// The shell
        shell: Shell,
    },

    /// Print a manual page: of the program, or of a command (`man inspect`)
    Man {
        /// The command
        command: Vec<String>,
    },
}
