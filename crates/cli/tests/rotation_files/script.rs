//! `kubernetes/rotate.sh`, with a kubectl that keeps the Secret in a file and refuses an outdated version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{ROTATE, Temporary, examples, has};

const DAY: u64 = 24 * 60 * 60;

/// A Secret, and what the job's container has.
struct Cluster {
    directory: Temporary,
    start: u64,
}

impl Cluster {
    /// An empty Secret.
    fn new(name: &str) -> Self {
        let directory = Temporary::new(name);
        let bin = directory.0.join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let kubectl = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rotation_files/kubectl");
        std::os::unix::fs::symlink(kubectl, bin.join("kubectl")).unwrap();
        let tool = env!("CARGO_BIN_EXE_sealed-session");
        std::os::unix::fs::symlink(tool, bin.join("sealed-session")).unwrap();
        std::fs::write(directory.0.join("secret"), "41\n").unwrap();
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Self { directory, start }
    }

    fn job(&self, now: u64, args: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut job = Command::new("sh");
        job.arg(examples().join("kubernetes/rotate.sh"))
            .args(args.split(' '))
            .env("PATH", format!("{}:{path}", self.directory.0.join("bin").display()))
            .env("WORK", self.directory.0.join("work"))
            .env("FAKE_SECRET", self.secret_file())
            .env("SEALED_SESSION_TEST_NOW", now.to_string());
        if has("kubectl", &["version", "--client"]) {
            let real = std::env::split_paths(&path).map(|path| path.join("kubectl"));
            job.env("REAL_KUBECTL", real.into_iter().find(|path| path.exists()).unwrap());
        }
        job
    }

    #[track_caller]
    fn succeeds(&self, now: u64, args: &str) {
        let output = self.job(now, args).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }

    fn secret_file(&self) -> PathBuf {
        self.directory.0.join("secret")
    }

    /// The Secret's version, and its content.
    fn secret(&self) -> (u32, BTreeMap<String, String>) {
        let text = std::fs::read_to_string(self.secret_file()).unwrap();
        let mut lines = text.lines();
        let version = lines.next().unwrap().parse().unwrap();
        let entry = |line: &str| {
            let (name, data) = line.split_once(' ').unwrap();
            (name.to_owned(), data.to_owned())
        };
        (version, lines.map(entry).collect())
    }

    fn keys(&self) -> BTreeMap<String, String> {
        let (_, mut secret) = self.secret();
        secret.retain(|name, _| name.ends_with(".key"));
        secret
    }
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn an_empty_secret_gets_a_key_and_later_the_next_one() {
    let cluster = Cluster::new("first");
    let rotate = format!("rotate {ROTATE}");
    cluster.succeeds(cluster.start, &rotate);
    let first = cluster.keys();
    assert_eq!((first.len(), cluster.secret().0), (1, 42));
    for day in (1..=84).step_by(6) {
        cluster.succeeds(cluster.start + day * DAY, &rotate);
    }
    let later = cluster.keys();
    assert_eq!(later.len(), 1);
    cluster.succeeds(cluster.start + 84 * DAY, &rotate);
    let both = cluster.keys();
    assert_eq!(both.len(), 2);
    // Not a byte of the first one has changed on the way.
    assert!(first.iter().all(|(name, data)| both[name] == *data));
    assert!(cluster.secret().1.contains_key("rotation-state.json"));
}

#[test]
fn a_secret_that_somebody_changed_meanwhile_is_not_overwritten() {
    let cluster = Cluster::new("conflict");
    cluster.succeeds(cluster.start, "rotate");
    let before = cluster.secret();
    let output =
        cluster.job(cluster.start + DAY, "rotate").env("FAKE_CHANGE", "1").output().unwrap();
    assert!(!output.status.success() && said(&output).contains("Conflict"), "{}", said(&output));
    assert_eq!(cluster.secret(), (before.0 + 1, before.1));
    cluster.succeeds(cluster.start + DAY, "status");
    assert_eq!(cluster.secret().0, before.0 + 1);
    cluster.succeeds(cluster.start + DAY, "rotate");
    assert_eq!(cluster.keys().len(), 2);
}

#[test]
fn a_run_that_refuses_changes_nothing_and_fails() {
    let cluster = Cluster::new("refused");
    cluster.succeeds(cluster.start, "rotate");
    let before = cluster.secret();
    let output = cluster.job(cluster.start + 365 * DAY, "rotate").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("long-after-last-run"));
    assert_eq!(cluster.secret(), before);
}

#[test]
fn it_revokes_a_key_too() {
    let cluster = Cluster::new("revoke");
    cluster.succeeds(cluster.start, "rotate");
    let directory = cluster.directory.0.join("work/keys");
    let id = sealed_session::KeyFiles::read(directory).unwrap().iter().next().unwrap().id();
    cluster.succeeds(cluster.start, &format!("revoke {id} --yes"));
    assert!(cluster.secret().1.contains_key(&format!("{id}.revoked")));
    assert_eq!(cluster.keys().len(), 2);
}
