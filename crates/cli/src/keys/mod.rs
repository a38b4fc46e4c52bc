//! `keys`: the keys in a directory or in files.

mod access;
mod check;
mod directory;
mod modes;
mod now;
mod plan;
mod report;
mod revoke;
mod rotate;
mod settings;
mod state;
mod status;
mod times;

use std::fs;
use std::path::Path;

use clap::Subcommand;
use serde::Serialize;

use self::access::Access;
use self::directory::KeysDir;
use self::plan::{Directory, Present, Refusal};
use crate::failure::{Failure, Status};
use crate::output::Output;
use crate::typed;

#[derive(Subcommand)]
pub(crate) enum Args {
    /// Add the next key when it is due; remove keys that no session needs
    Rotate(rotate::Args),

    /// Which key seals, which opens, which may go, and what is wrong
    Status(status::Args),

    /// Whether files contain keys that can be used, and nobody else can read
    Check(check::Args),

    /// Put a leaked key out of use at once
    Revoke(revoke::Args),
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Status, Failure> {
    match args {
        Args::Rotate(args) => rotate::run(args, output),
        Args::Status(args) => status::run(args, output),
        Args::Check(args) => check::run(args, output),
        Args::Revoke(args) => revoke::run(args, output),
    }
}

fn open(path: &Path) -> Result<KeysDir, Failure> {
    typed::check_path(path)?;
    KeysDir::open(path).map_err(|error| {
        let path = path.display();
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => format!(" (make it: `mkdir -m 700 {path}`)"),
            _ => String::new(),
        };
        Failure::caused_by(format!("cannot use {path} as a directory of keys{hint}"), error)
    })
}

/// Who may read new files.
fn access(keys: &KeysDir, directory: &Directory) -> Result<Access, Failure> {
    // A key that another run has just withdrawn is not there any more.
    let key = |key: &Present| fs::metadata(keys.path().join(&key.name)).ok();
    let access = match directory.keys.iter().find_map(key) {
        Some(newest) => Ok(Access::like_key(&newest)),
        None => fs::metadata(keys.path()).map(|directory| Access::first_in(&directory)),
    };
    access.map_err(|error| {
        Failure::caused_by(format!("cannot read the modes in {}", keys.path().display()), error)
    })
}

/// Says that nothing was changed, and why.
fn refuse(refusal: &Refusal, output: &Output) -> Result<Status, Failure> {
    #[derive(Serialize)]
    struct Refused {
        refused: &'static str,
        message: String,
    }

    if output.is_json() {
        output.json(&Refused { refused: refusal.name(), message: refusal.to_string() })?;
    }
    Err(Failure::new(format!("refused ({}): {refusal}", refusal.name())).with_status(1))
}
