//! `keys status`: which key seals, which opens, which may go, and what is wrong.

mod findings;
mod gone;

use std::path::PathBuf;
use std::time::Duration;

use sealed_session::KeyFiles;
use serde::Serialize;

pub(crate) use self::findings::{Finding, Level};
use self::findings::{Seen, findings};
use super::directory::KeysDir;
use super::modes::{self, octal};
use super::plan::{self, Directory};
use super::settings::{FromServer, Settings};
use super::state::State;
use super::times::{Time, system_time};
use super::{now, open};
use crate::failure::{Failure, Status};
use crate::output::{Cell, Output, Paint, Table};

const AFTER: &str = "\
The fingerprint is the same wherever the names of the files, the keys and the tombstones
are the same. Servers log theirs.

Exit status, as a monitoring system wants it:
  0  fine
  1  a warning: somebody should look
  2  critical: no key, no key whose time has come, a set of keys that servers refuse,
     or it could not be told (wrong arguments, a directory that cannot be read)";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// The answer. Its fields are only ever added to.
#[derive(Serialize)]
struct Answer {
    keys: Vec<Row>,
    last_run: Option<Time>,
    fingerprint: String,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    id: String,
    state: KeyState,
    seals_from: Time,
    /// From when another key seals.
    seals_until: Option<Time>,
    /// When no session needs it any more, where that is known.
    removable: Option<Time>,
    /// Since when a run has it marked.
    marked: Option<Time>,
    mode: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum KeyState {
    /// Its time has not come.
    Next,
    /// Its time has come, and servers have not known it for long enough.
    Settling,
    Seals,
    /// Opens what it has sealed.
    Opens,
    Revoked,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Status, Failure> {
    let now = now::now()?;
    let keys = match open(&args.directory) {
        Ok(keys) => keys,
        Err(failure) => return broken(failure, output),
    };
    let files = match keys.read() {
        Ok(files) => files,
        Err(error) => return broken(error.into(), output),
    };
    let answer = answer(&keys, &files, now);
    match output.is_json() {
        true => output.json(&answer)?,
        false => output.write(answer.text(output, now))?,
    }
    let worst = answer.findings.iter().map(|finding| finding.level).max();
    Ok(match worst {
        Some(Level::Critical) => Status::Critical,
        Some(Level::Warning) => Status::No,
        Some(Level::Note) | None => Status::Yes,
    })
}

/// A set that servers refuse. Those that run keep the one they have; those that start do not come up.
fn broken(failure: Failure, output: &Output) -> Result<Status, Failure> {
    if output.is_json() {
        let finding = Finding::new(Level::Critical, "broken-set", failure.to_string());
        output.json(&serde_json::json!({ "keys": [], "findings": [finding] }))?;
    }
    Err(failure)
}

fn answer(keys: &KeysDir, files: &KeyFiles, now: u64) -> Answer {
    let mut unreadable = Vec::new();
    let mut note = |failure: Failure| {
        unreadable.push(Finding::new(Level::Warning, "unreadable", failure.to_string()));
    };
    let state = State::read(keys).unwrap_or_else(|failure| {
        note(failure);
        None
    });
    let server = FromServer::read(keys).unwrap_or_else(|failure| {
        note(failure);
        FromServer::default()
    });
    let settings = settings(&server, state.as_ref());
    let directory = Directory::from(files);
    let seen = Seen { directory: &directory, settings: &settings, state: state.as_ref(), now };
    let mut all = findings(&seen);
    all.extend(gone::findings(&directory, state.as_ref(), now));
    all.extend(unreadable);
    all.extend(modes::findings(keys, files));
    all.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    Answer {
        keys: rows(files, &directory, &settings, state.as_ref(), now),
        last_run: state.map(|state| Time(state.last_run)),
        fingerprint: files.fingerprint(),
        findings: all,
    }
}

/// What the last run was told, and what the servers say now.
fn settings(server: &FromServer, state: Option<&State>) -> Settings {
    let last = |value: fn(&State) -> u64| state.map(value);
    let longest = state.and_then(State::last_longest);
    let settings = server.settings(longest, last(|state| state.settle), last(|state| state.stale));
    let max_gap = state.and_then(|state| state.max_gap).unwrap_or(settings.max_gap);
    Settings { every: state.and_then(|state| state.every), max_gap, ..settings }
}

fn rows(
    files: &KeyFiles,
    directory: &Directory,
    settings: &Settings,
    state: Option<&State>,
    now: u64,
) -> Vec<Row> {
    let settle = Duration::from_millis(settings.settle);
    let sealing = files.sealing_at(system_time(now), settle).map(|file| file.name.clone());
    let place = directory.keys.iter().position(|key| Some(&key.name) == sealing.as_ref());
    let empty = State::none();
    let state = state.unwrap_or(&empty);
    let modes = files.iter().chain(files.revoked_files()).map(|file| file.mode);
    let all = directory.keys.iter().chain(&directory.revoked).zip(modes).enumerate();
    all.map(|(at, (key, mode))| Row {
        name: key.name.clone(),
        id: key.id.to_string(),
        state: match place {
            _ if at >= directory.keys.len() => KeyState::Revoked,
            Some(place) if at == place => KeyState::Seals,
            Some(place) if at > place => KeyState::Opens,
            _ if key.from <= now => KeyState::Settling,
            _ => KeyState::Next,
        },
        seals_from: Time(key.from),
        seals_until: (1..directory.keys.len())
            .contains(&at)
            .then(|| Time(directory.keys[at - 1].from)),
        removable: plan::removable_at(directory, at, settings, state).map(Time),
        marked: state.removable_since(key).map(Time),
        mode: mode.map(octal),
    })
    .collect()
}

impl Answer {
    fn text(&self, output: &Output, now: u64) -> String {
        let style = output.style();
        let mut table = Table::new(["NAME", "ID", "STATE", "REMOVABLE", "MODE"]);
        for row in &self.keys {
            let from = row.seals_from.seen_from(now);
            let (state, paint) = match row.state {
                KeyState::Next => (format!("seals from {from}"), Paint::Plain),
                KeyState::Settling => (format!("settles; its time came {from}"), Paint::Yellow),
                KeyState::Seals => (format!("seals since {from}"), Paint::Green),
                KeyState::Opens => {
                    let until = row.seals_until.map(|until| format!(", sealed until {until}"));
                    (format!("opens{}", until.unwrap_or_default()), Paint::Plain)
                }
                KeyState::Revoked => ("revoked".to_owned(), Paint::Red),
            };
            let removable = match (row.marked, row.removable) {
                (Some(_), _) => "marked: goes in the next days".to_owned(),
                (None, Some(at)) => at.seen_from(now),
                (None, None) => String::new(),
            };
            table.row([
                row.name.as_str().into(),
                row.id.as_str().into(),
                Cell::painted(state, paint),
                removable.into(),
                row.mode.as_deref().unwrap_or("").into(),
            ]);
        }
        let mut text = if self.keys.is_empty() { String::new() } else { table.render(style) };
        let last_run = self.last_run.map_or_else(|| "never".to_owned(), |at| at.seen_from(now));
        text.push_str(&format!(
            "fingerprint {}, last run of rotate {last_run}\n",
            self.fingerprint
        ));
        for Finding { level, message, .. } in &self.findings {
            let (word, paint) = match level {
                Level::Note => ("note", Paint::Dim),
                Level::Warning => ("warning", Paint::Yellow),
                Level::Critical => ("critical", Paint::Red),
            };
            text.push_str(&format!("{}: {message}\n", style.paint(paint, word)));
        }
        text
    }
}
