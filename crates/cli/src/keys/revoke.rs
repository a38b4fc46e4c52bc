//! `keys revoke`: puts a leaked key out of use at once. First the key that seals in its place is on the disk,
//! then the tombstone.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use sealed_session::{Key, KeyFile, KeyFiles, KeyId};
use serde::Serialize;

use super::access::Access;
use super::directory::{KeysDir, Placed, tombstone};
use super::plan::{self, Cost, Directory, Revocation, Succession};
use super::report::Named;
use super::settings::{FromServer, Settings};
use super::state::State;
use super::times::{Time, system_time};
use super::{now, open};
use crate::failure::{Failure, Status};
use crate::output::Output;

const AFTER: &str = "\
It writes the file ID.revoked, which names the key and holds no secret. No server loads a
key that has one, wherever a copy of it comes from. The key's own file stays for a day, in
case that it was the wrong key: while it is there, `rm ID.revoked` takes everything back
once the servers are started again.
Removing a key's file does not revoke it.

Servers follow at their next look (30 seconds), after the time that the directory takes to
reach them.

Exit status:
  0  the key is revoked
  1  refused, and nothing was changed; the reason has a name
  2  it could not run, or not to its end; repeat it";

#[derive(clap::Args)]
#[command(after_help = AFTER, next_line_help = true)]
pub(crate) struct Args {
    /// The directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// The key's id: 8 hex digits, as `keys status` and the logs show it
    #[arg(value_name = "ID")]
    id: KeyId,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    /// The clock is right, although it is before the last run or long after it
    #[arg(long)]
    accept_clock: bool,

    /// Revoke an id that no key in the directory has
    #[arg(long)]
    force: bool,
}

/// The answer. Its fields are only ever added to.
#[derive(Serialize)]
struct Answer {
    revoked: String,
    /// The key that seals now, where the revoked one did.
    seals: Option<Named>,
    /// Who is logged out.
    logged_out: Option<LoggedOut>,
    fingerprint: String,
}

/// Everyone whose last request was then.
#[derive(Serialize)]
struct LoggedOut {
    active_since: Time,
    not_since: Option<Time>,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Status, Failure> {
    let keys = open(&args.directory)?;
    // Asked without the lock, so that nobody keeps the rotation waiting.
    let (directory, revocation, now) = match planned(args, &keys)? {
        Ok(planned) => planned,
        Err(refusal) => return super::refuse(&refusal, output),
    };
    let words = words(args.id, &directory, &revocation, now);
    if !args.yes && !confirmed(&words)? {
        return Err(Failure::new("nothing was changed: the answer was not `yes`").with_status(1));
    }
    let _lock = keys.lock();
    // Somebody may have changed the directory meanwhile.
    let (directory, revocation, _) = match planned(args, &keys)? {
        Ok(planned) => planned,
        Err(refusal) => return super::refuse(&refusal, output),
    };
    let access = super::access(&keys, &directory)?;
    let name = tombstone(args.id);
    succeed(&keys, &revocation.succession, &access)?;
    let content = format!("{}\n", args.id);
    keys.place(&name, content.as_bytes(), &access.readable())
        .map_err(|error| Failure::caused_by(format!("cannot write {name}"), error))?;
    let files = keys.read()?;
    let answer = Answer::new(args.id, &files, &revocation);
    match output.is_json() {
        true => output.json(&answer)?,
        false => output.write(answer.text())?,
    }
    Ok(Status::Yes)
}

type Planned = (Directory, Revocation, u64);

fn planned(args: &Args, keys: &KeysDir) -> Result<Result<Planned, plan::Refusal>, Failure> {
    let directory = Directory::from(&keys.read()?);
    let past = match State::read(keys) {
        // It is there for the clock, at which a person has looked. A leaked key must not wait for a repair.
        Err(_) if args.accept_clock => None,
        past => past?,
    };
    let settings = settings(args, keys, past.as_ref())?;
    let now = now::now()?;
    Ok(plan::check_clock(args.accept_clock, &settings, past.as_ref(), now)
        .and_then(|_| plan::revoke(&directory, &settings, args.id, now))
        .map(|revocation| (directory, revocation, now)))
}

/// As the last run had them: it was told how long servers wait.
fn settings(args: &Args, keys: &KeysDir, past: Option<&State>) -> Result<Settings, Failure> {
    let server = FromServer::read(keys)?;
    let settings = server.settings(None, past.map(|past| past.settle), None);
    let max_gap = past.and_then(|past| past.max_gap).unwrap_or(settings.max_gap);
    Ok(Settings { force: args.force, max_gap, ..settings })
}

/// What will be done and what it costs, one sentence a line.
fn words(id: KeyId, directory: &Directory, revocation: &Revocation, now: u64) -> String {
    let mut lines = Vec::new();
    if let Some(key) = directory.keys.iter().find(|key| key.id == id) {
        lines.push(format!("{id} is {}. It is now {}.", key.name, Time(now)));
    }
    lines.push(match &revocation.cost {
        Cost::Nobody => "Nobody is logged out: nothing was sealed with this key.".to_owned(),
        Cost::ActiveSince(since) => {
            format!("Everyone active since {} is logged out.", Time(*since).seen_from(now))
        }
        Cost::LastActive { from, until } => format!(
            "Whoever was last active between {} and {} is logged out.",
            Time(*from),
            Time(*until)
        ),
    });
    match &revocation.succession {
        Succession::NotNeeded => {}
        Succession::TakesOver { key, from } => lines.push(format!(
            "{} ({}), which waits, seals at once, as {}.",
            key.name,
            key.id,
            KeyFile::name_at(system_time(*from))
        )),
        Succession::AboutToSeal { key } => {
            lines.push(format!("{} ({}) is about to seal anyway.", key.name, key.id));
        }
        Succession::Older { key, next } => lines.push(format!(
            "{} ({}) seals again, and {} is added.",
            key.name,
            key.id,
            KeyFile::name_at(system_time(*next))
        )),
        Succession::New { from } => {
            lines.push(format!("A new key seals, {}.", KeyFile::name_at(system_time(*from))));
        }
    }
    if !matches!(revocation.cost, Cost::Nobody) {
        lines.push(
            "Log-ins of the next minute (a server's look, and the way of the directory to it) may be lost too."
                .to_owned(),
        );
    }
    lines.join("\n")
}

/// Asks on the terminal.
fn confirmed(words: &str) -> Result<bool, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::new(format!(
            "refused (not-confirmed): there is no terminal to ask on; --yes revokes without asking. {}",
            words.replace('\n', " ")
        ))
        .with_status(1));
    }
    let mut error = std::io::stderr();
    let asked = writeln!(error, "{words}").and_then(|()| write!(error, "Revoke it? [yes/no] "));
    asked.map_err(|error| Failure::caused_by("cannot ask", error))?;
    let mut answer = String::new();
    input
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::caused_by("cannot read the answer", error))?;
    Ok(answer.trim() == "yes")
}

/// Makes sure that a key seals when the revoked one is gone.
fn succeed(keys: &KeysDir, succession: &Succession, access: &Access) -> Result<(), Failure> {
    let (name, placed) = match succession {
        Succession::NotNeeded | Succession::AboutToSeal { .. } => return Ok(()),
        Succession::TakesOver { key, from } => {
            let name = KeyFile::name_at(system_time(*from));
            let placed = keys.move_key(&key.name, &name);
            (name, placed)
        }
        Succession::Older { next: from, .. } | Succession::New { from } => {
            let name = KeyFile::name_at(system_time(*from));
            let placed = keys.place(&name, Key::generate()?.expose_secret(), access);
            (name, placed)
        }
    };
    match placed {
        Ok(Placed::Done) => Ok(()),
        Ok(Placed::Taken) => Err(Failure::new(format!(
            "another run has made {name} meanwhile, and nothing was revoked; repeat this"
        ))),
        Err(error) => {
            Err(Failure::caused_by(format!("cannot write {name}, and nothing was revoked"), error))
        }
    }
}

impl Answer {
    fn new(id: KeyId, files: &KeyFiles, revocation: &Revocation) -> Self {
        let name_at = |from: &u64| KeyFile::name_at(system_time(*from));
        let name = match &revocation.succession {
            Succession::NotNeeded => None,
            Succession::TakesOver { from, .. } | Succession::New { from } => Some(name_at(from)),
            Succession::AboutToSeal { key } | Succession::Older { key, .. } => {
                Some(key.name.clone())
            }
        };
        let seals = files.iter().find(|file| name.as_ref() == Some(&file.name));
        let logged_out = match revocation.cost {
            Cost::Nobody => None,
            Cost::ActiveSince(since) => {
                Some(LoggedOut { active_since: Time(since), not_since: None })
            }
            Cost::LastActive { from, until } => {
                Some(LoggedOut { active_since: Time(from), not_since: Some(Time(until)) })
            }
        };
        Self {
            revoked: id.to_string(),
            seals: seals.map(|file| Named::from(&file.into())),
            logged_out,
            fingerprint: files.fingerprint(),
        }
    }

    fn text(&self) -> String {
        let seals = self.seals.as_ref().map_or_else(String::new, |key| {
            let id = key.id.as_deref().unwrap_or_default();
            format!("; {} ({id}) seals", key.name)
        });
        format!("revoked {}{seals}; fingerprint {}\n", self.revoked, self.fingerprint)
    }
}
