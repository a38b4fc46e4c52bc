//! The program is killed at each of its system calls, and each of them fails. The directory can be used
//! afterwards, and the same command completes what was begun.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

use crate::support::{DAY, HOUR, Keys, answered, at, id};

const DAYS: i64 = DAY as i64;
const EVERY: [&str; 4] = ["--every", "90d", "--longest", "1d"];

/// Something that the program does.
struct Scenario {
    name: &'static str,
    command: &'static str,
    args: Vec<String>,
    /// A fresh directory, and the time at which it happens.
    directory: fn() -> (Keys, u64),
    /// The bytes of the keys that may go.
    may_go: &'static [u8],
    /// How many keys are there in the end that are not revoked.
    keys: usize,
}

fn rotate(
    name: &'static str,
    directory: fn() -> (Keys, u64),
    may_go: &'static [u8],
    keys: usize,
) -> Scenario {
    let args = EVERY.iter().map(|arg| (*arg).to_owned()).collect();
    Scenario { name, command: "rotate", args, directory, may_go, keys }
}

fn revoke(name: &'static str, directory: fn() -> (Keys, u64), keys: usize) -> Scenario {
    let args = vec![id(1), "--yes".to_owned()];
    Scenario { name, command: "revoke", args, directory, may_go: &[], keys }
}

fn scenarios() -> Vec<Scenario> {
    fn now(keys: Keys) -> (Keys, u64) {
        let now = keys.start;
        (keys, now)
    }
    vec![
        rotate("the first key", || now(Keys::new()), &[], 1),
        rotate("the next key", || now(Keys::with([-85 * DAYS])), &[], 2),
        rotate(
            "two keys marked",
            || {
                let keys = Keys::with([-20 * DAYS, -110 * DAYS, -200 * DAYS]);
                answered(&keys.run("rotate", &EVERY), 0);
                answered(&keys.run_at(keys.start + 6 * DAY, "rotate", &EVERY), 0);
                let then = keys.start + 9 * DAY;
                (keys, then)
            },
            &[],
            3,
        ),
        rotate(
            "two keys removed",
            || {
                let keys = Keys::with([-20 * DAYS, -110 * DAYS, -200 * DAYS]);
                for day in [0, 6, 9] {
                    answered(&keys.run_at(keys.start + day * DAY, "rotate", &EVERY), 0);
                }
                let then = keys.start + 10 * DAY;
                (keys, then)
            },
            &[2, 3],
            1,
        ),
        revoke("a key waits", || now(Keys::with([-50 * DAYS, 3 * DAYS, -140 * DAYS])), 2),
        revoke("an older key seals again", || now(Keys::with([-50 * DAYS, -140 * DAYS])), 2),
        revoke("the only key", || now(Keys::with([-50 * DAYS])), 1),
    ]
}

impl Scenario {
    /// Runs it under `strace` with these arguments.
    fn traced(&self, keys: &Keys, now: u64, strace: &[&str]) -> Output {
        let args: Vec<_> = self.args.iter().map(String::as_str).collect();
        let program = keys.command(self.command, &args);
        let mut traced = Command::new("strace");
        traced.args(["-f", "-qq"]).args(strace).arg("--");
        traced.arg(program.get_program()).args(program.get_args());
        traced.env("SEALED_SESSION_TEST_NOW", now.to_string());
        traced.stdin(std::process::Stdio::null()).output().unwrap()
    }

    /// How often it makes each system call.
    fn calls(&self) -> BTreeMap<String, usize> {
        let (keys, now) = (self.directory)();
        let trace = keys.path().with_extension("trace");
        let output = self.traced(&keys, now, &["-o", trace.to_str().unwrap()]);
        answered(&output, 0);
        self.is_complete(&keys, now);
        let mut calls = BTreeMap::new();
        for line in std::fs::read_to_string(&trace).unwrap().lines() {
            let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
            if let Some((name, _)) = line.split_once('(') {
                *calls.entry(name.to_owned()).or_default() += 1;
            }
        }
        std::fs::remove_file(trace).unwrap();
        // This one begins the program.
        calls.remove("execve");
        assert!(calls.contains_key("fsync") && calls.contains_key("openat"), "{calls:?}");
        calls
    }

    /// Whatever happened, servers can use the directory.
    #[track_caller]
    fn is_usable(&self, keys: &Keys, now: u64, before: &BTreeMap<String, Vec<u8>>, what: &str) {
        let what = format!("{}, {what}", self.name);
        // Strict: every key is complete, and none is there twice.
        let files = keys.files();
        let is_there = |secret: &[u8]| {
            let all = files.iter().chain(files.revoked_files());
            all.into_iter().any(|file| file.key().expose_secret() == secret)
        };
        for (name, content) in before.iter().filter(|(name, _)| name.ends_with(".key")) {
            let may_go = self.may_go.contains(&content[0]);
            // A key that waits gets another name; while it has none, it is not needed.
            let waits = sealed_session::KeyFile::time_of(name).unwrap() > at(now);
            assert!(may_go || waits || is_there(content), "{what}: {name} is gone");
        }
        if !before.is_empty() {
            let settle = std::time::Duration::from_secs(300);
            let sealing = files.sealing_at(at(now + HOUR), settle);
            let sealing = sealing.unwrap_or_else(|| panic!("{what}: no key seals"));
            let is_revoked = files.revoked().any(|id| id == sealing.id());
            assert!(sealing.seals_from <= at(now + 1) && !is_revoked, "{what}");
        }
    }

    /// It is as after a run that nothing happened to.
    #[track_caller]
    fn is_complete(&self, keys: &Keys, now: u64) {
        let files = keys.files();
        assert_eq!(files.len(), self.keys, "{}: {:?}", self.name, keys.contents().keys());
        let sealing = files.sealing_at(at(now + HOUR), std::time::Duration::from_secs(300));
        assert!(sealing.unwrap().seals_from <= at(now + 1), "{}", self.name);
        if self.command == "revoke" {
            assert_eq!(keys.names(".revoked"), [format!("{}.revoked", id(1))]);
        }
    }

    /// Lets this happen at each system call, and returns how often it did.
    fn inject(&self, what: &str, happened: fn(&Output) -> bool) -> usize {
        let mut count = 0;
        for (call, times) in self.calls() {
            for when in 1..=times {
                let (keys, now) = (self.directory)();
                let before = keys.contents();
                let inject = format!("inject={call}:{what}:when={when}");
                let trace = format!("trace={call}");
                let strace = ["-o", "/dev/null", "-e", &trace, "-e", &inject];
                let output = self.traced(&keys, now, &strace);
                count += usize::from(happened(&output));
                let place = format!("{what} at {call} {when}");
                self.is_usable(&keys, now, &before, &place);
                let args: Vec<_> = self.args.iter().map(String::as_str).collect();
                let again = keys.run_at(now, self.command, &args);
                let done_before =
                    String::from_utf8_lossy(&again.stderr).contains("already-revoked");
                if !done_before {
                    answered(&again, 0);
                }
                self.is_usable(&keys, now, &before, &place);
                self.is_complete(&keys, now);
            }
        }
        count
    }
}

#[test]
fn killed_at_any_system_call_the_directory_can_be_used() {
    let mut kills = 0;
    for scenario in scenarios() {
        let killed = |output: &Output| {
            output.status.signal() == Some(9) || output.status.code() == Some(137)
        };
        let count = scenario.inject("signal=KILL", killed);
        assert!(count > 50, "{}: killed only {count} times", scenario.name);
        kills += count;
    }
    println!("FIGURE killed at {kills} system calls: the directory could be used each time");
}

#[test]
fn whatever_system_call_fails_the_directory_can_be_used() {
    let mut failures = 0;
    for scenario in scenarios() {
        failures += scenario.inject("error=EIO", |output| !output.status.success());
    }
    println!(
        "FIGURE ended by {failures} system calls that failed: the directory could be used each time"
    );
}
