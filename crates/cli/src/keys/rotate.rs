//! `keys rotate`: adds the next key when it is due, and removes what no session needs any more.

use std::path::PathBuf;
use std::time::Duration;

use sealed_session::{Key, KeyFile, KeyId};

use super::access::Access;
use super::directory::{KeysDir, Placed};
use super::plan::{self, Act, Directory, Plan, Present, Sweep, Verdict};
use super::report::{Done, Named, Report};
use super::settings::{FromServer, Settings};
use super::state::State;
use super::times::{Time, duration, system_time};
use super::{now, open};
use crate::failure::{Failure, Status};
use crate::output::Output;

/// How often to begin again after another run was quicker.
const ATTEMPTS: u32 = 20;

/// How long a run that added a later key at the same time has to withdraw it.
const MOMENT: Duration = Duration::from_millis(500);

const AFTER: &str = "\
An empty directory gets a key that seals from now on. The name of a key's file says
from when it seals, and servers know it before. Call this daily, from one place:

  17 3 * * *  sealed-session keys rotate /etc/app/keys --every 90d --longest 30d > /dev/null

Durations: 90d, 12h, 5m, 30s, 500ms. Of an argument and rotation.json, which a server
prints (`KeyDirectory::rotation_settings`), the greater one rules. What a run must know
of earlier ones is in rotation-state.json. A key that no session needs is marked; a run
a day later removes it.

Exit status:
  0  done, or there was nothing to do
  1  refused: nothing was changed, and a person must look; the reason has a name
  2  it could not run: its arguments, a directory that cannot be read or written,
     a set of keys that is broken";

#[derive(clap::Args)]
#[command(after_help = AFTER, next_line_help = true, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// How long each key seals. Without it, a key is added unless one waits
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    every: Option<u64>,

    /// How long before it seals a key is there, at least [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    after: Option<u64>,

    /// The longest that a session lives without being sealed again; for a
    /// service that uses only cookies the greater of idle timeout and that
    /// of "remember me", else the absolute timeout. Without it, and without
    /// rotation.json, no key is ever removed
    #[arg(long, value_name = "DURATION", value_parser = duration, verbatim_doc_comment)]
    longest: Option<u64>,

    /// How long servers know a key before they seal with it [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    settle: Option<u64>,

    /// How long a server may be without the directory [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    stale: Option<u64>,

    /// How long after the last run this machine's clock is still believed
    /// [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = duration, verbatim_doc_comment)]
    max_gap: Option<u64>,

    /// How long a key is marked before it is removed [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    sweep_after: Option<u64>,

    /// The clock is right, although it is before the last run or long after
    /// it. Only for once: in a cron job it would take away the protection
    #[arg(long, verbatim_doc_comment)]
    accept_clock: bool,

    /// Allow an --after that is less than twice --settle, a --sweep-after of
    /// less than a day, and beginning anew in a directory that lost its keys
    #[arg(long, verbatim_doc_comment)]
    force: bool,

    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    fn settings(&self, server: &FromServer) -> Settings {
        let settings = server.settings(self.longest, self.settle, self.stale);
        Settings {
            every: self.every,
            after: self.after.unwrap_or(settings.after),
            max_gap: self.max_gap.unwrap_or(settings.max_gap),
            sweep_after: self.sweep_after.unwrap_or(settings.sweep_after),
            accept_clock: self.accept_clock,
            force: self.force,
            ..settings
        }
    }
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Status, Failure> {
    let keys = open(&args.directory)?;
    let _lock = if args.dry_run { None } else { keys.lock() };
    for _ in 0..ATTEMPTS {
        let settings = args.settings(&FromServer::read(&keys)?);
        // After the lock, so that runs that wait for each other do not see time going back.
        let now = now::now()?;
        let directory = Directory::from(&keys.read()?);
        let past = State::read(&keys)?;
        let plan = match plan::rotate(&directory, &settings, past.as_ref(), now) {
            Ok(plan) => plan,
            Err(refusal) => return super::refuse(&refusal, output),
        };
        let done = match args.dry_run {
            true => Some(would_do(&plan)),
            false => act(&keys, &directory, &plan)?,
        };
        if let Some(done) = done {
            let after = keys.read()?;
            let report = Report::new(&after, &settings, done, now).dry_run(args.dry_run);
            report.write(output, now)?;
            return Ok(Status::Yes);
        }
    }
    Err(Failure::new("other runs keep changing the directory"))
}

fn would_do(plan: &Plan) -> Done {
    match &plan.act {
        Act::Add { from } => Done { added: Some(named(*from, None)), ..Done::default() },
        Act::Sweep(sweep) => swept(sweep),
    }
}

fn swept(sweep: &Sweep) -> Done {
    Done { added: None, removed: sweep.remove.clone(), marked: sweep.marked.clone() }
}

fn named(from: u64, id: Option<KeyId>) -> Named {
    let name = KeyFile::name_at(system_time(from));
    Named { name, id: id.map(|id| id.to_string()), seals_from: Time(from) }
}

/// `None` if another run was quicker, so that this one must look again.
fn act(keys: &KeysDir, directory: &Directory, plan: &Plan) -> Result<Option<Done>, Failure> {
    keys.remove_abandoned();
    let access = super::access(keys, directory)?;
    // First, so that nothing is ever done of which later runs do not know when. It is no secret, but says
    // what is there.
    plan.state.write(keys, &access)?;
    match &plan.act {
        Act::Add { from } => add(keys, directory, *from, &access),
        Act::Sweep(sweep) => {
            for leaving in &sweep.remove {
                let Present { name, .. } = &leaving.key;
                keys.remove(name)
                    .map_err(|error| Failure::caused_by(format!("cannot remove {name}"), error))?;
            }
            Ok(Some(swept(sweep)))
        }
    }
}

fn add(
    keys: &KeysDir,
    before: &Directory,
    from: u64,
    access: &Access,
) -> Result<Option<Done>, Failure> {
    let name = KeyFile::name_at(system_time(from));
    let key = Key::generate()?;
    let placed = keys
        .place(&name, key.expose_secret(), access)
        .map_err(|error| Failure::caused_by(format!("cannot write {name}"), error))?;
    if placed == Placed::Taken {
        return Ok(None);
    }
    let mut waited = false;
    loop {
        let after = Directory::from(&keys.read()?);
        match plan::verdict(before, &after, &name, waited) {
            Verdict::Keep => {
                let added = Some(named(from, Some(key.id())));
                return Ok(Some(Done { added, ..Done::default() }));
            }
            Verdict::Wait => {
                std::thread::sleep(MOMENT);
                waited = true;
            }
            Verdict::Withdraw => {
                keys.remove(&name).map_err(|error| {
                    let message =
                        format!("another run added a key too, and {name} cannot be removed");
                    Failure::caused_by(message, error)
                })?;
                return Ok(None);
            }
        }
    }
}
