//! `keys check`: whether files contain keys that can be used, are distinct, and nobody else can read.

use std::path::{Path, PathBuf};

use sealed_session::{KeyFile, KeyFiles};
use serde::Serialize;

use super::modes::{is_exposed, octal};
use crate::failure::{Failure, Status};
use crate::output::{Cell, Output, Paint, Table};
use crate::typed;

const AFTER: &str = "\
Exit status:
  0  every file can be used, no key is there twice, and only their owners have access
  1  every file can be used, but others than its owner have access to one
  2  a file cannot be used, a key is there twice, or the arguments are wrong";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The files: one key each, or several keys as text
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// What was found in a file. Its fields are only ever added to.
#[derive(Serialize)]
struct Answer {
    file: String,
    /// `raw`, `hex`, `base64`, or `text` for several keys.
    form: Option<&'static str>,
    ids: Vec<String>,
    mode: Option<String>,
    exposed: bool,
    /// A file before it that has the same key.
    same_as: Option<String>,
    /// Why it cannot be used.
    error: Option<String>,
}

impl Answer {
    fn is_usable(&self) -> bool {
        self.error.is_none() && self.same_as.is_none()
    }
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Status, Failure> {
    let mut known: Vec<(String, KeyFile)> = Vec::new();
    let answers: Vec<_> = args.files.iter().map(|path| check(path, &mut known)).collect();
    match output.is_json() {
        true => output.json(&answers)?,
        false => output.write(text(&answers, output))?,
    }
    Ok(match () {
        () if !answers.iter().all(Answer::is_usable) => Status::Critical,
        () if answers.iter().any(|answer| answer.exposed) => Status::No,
        () => Status::Yes,
    })
}

/// `known` has the keys of the files before it.
fn check(path: &Path, known: &mut Vec<(String, KeyFile)>) -> Answer {
    let is_path = typed::check_path(path);
    let file = is_path.as_ref().map_or_else(|_| "-".to_owned(), |()| path.display().to_string());
    let unusable = |error: String| Answer {
        file: file.clone(),
        form: None,
        ids: Vec::new(),
        mode: None,
        exposed: false,
        same_as: None,
        error: Some(error),
    };
    if let Err(failure) = is_path {
        return unusable(failure.to_string());
    }
    if path.is_dir() {
        return unusable(format!("it is a directory; see `sealed-session keys status {file}`"));
    }
    if let Err(error) = std::fs::metadata(path) {
        return unusable(error.to_string());
    }
    let files = match KeyFiles::read(path) {
        Ok(files) => files,
        Err(error) => return unusable(Failure::from(error).to_string()),
    };
    let keys: Vec<_> = files.iter().cloned().collect();
    let same = |key: &KeyFile| known.iter().find(|(_, other)| other.key() == key.key());
    let same_as = keys.iter().find_map(same).map(|(file, _)| file.clone());
    let mode = keys.first().and_then(|key| key.mode);
    let answer = Answer {
        file: file.clone(),
        form: Some(form(path, keys.len())),
        ids: keys.iter().map(|key| key.id().to_string()).collect(),
        mode: mode.map(octal),
        exposed: is_exposed(mode),
        same_as,
        error: None,
    };
    known.extend(keys.into_iter().map(|key| (file.clone(), key)));
    answer
}

/// The form of a file that can be used is told by its length.
fn form(path: &Path, keys: usize) -> &'static str {
    match std::fs::metadata(path).map_or(0, |metadata| metadata.len()) {
        32 => "raw",
        64..=66 if keys == 1 => "hex",
        43..=46 if keys == 1 => "base64",
        _ => "text",
    }
}

fn text(answers: &[Answer], output: &Output) -> String {
    let mut table = Table::new(["FILE", "ID", "FORM", "MODE", ""]);
    for answer in answers {
        let (words, paint) = match answer {
            Answer { error: Some(error), .. } => (error.clone(), Paint::Red),
            Answer { same_as: Some(other), .. } => {
                (format!("a key of it is also in {other}"), Paint::Red)
            }
            Answer { exposed: true, .. } => {
                ("others than its owner have access: chmod 600".to_owned(), Paint::Yellow)
            }
            _ => ("fine".to_owned(), Paint::Green),
        };
        table.row([
            answer.file.as_str().into(),
            answer.ids.join(" ").into(),
            answer.form.unwrap_or("").into(),
            answer.mode.as_deref().unwrap_or("").into(),
            Cell::painted(words, paint),
        ]);
    }
    table.render(output.style())
}
