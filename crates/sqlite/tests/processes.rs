//! Several processes on one file, and their deaths. A child is this program again, with a role.
#![cfg(unix)]

#[allow(dead_code, reason = "another test uses the rest")]
#[path = "../../../tests/support/rng.rs"]
mod rng;
#[path = "../../../tests/support/temp_dir.rs"]
mod temp_dir;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rng::Rng;
use sealed_session::revocation::{Position, RevocationStore as _, ShortId, Target};
use sealed_session_sqlite::SqliteStore;
use temp_dir::TempDir;

const ROLE: &str = "SEALED_SESSION_SQLITE_ROLE";
const FILE: &str = "SEALED_SESSION_SQLITE_FILE";
const FIRST: &str = "SEALED_SESSION_SQLITE_FIRST";

fn session(number: u64) -> Target {
    Target::Session(ShortId::from_bytes(number.to_be_bytes()))
}

fn tomorrow() -> u64 {
    since_epoch().as_secs() + 24 * 60 * 60
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n: {line}").and_then(|()| out.flush()).unwrap();
}

/// What a child does. Without a role it is no child.
#[tokio::test]
async fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = std::env::var(FILE).unwrap();
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let store = match SqliteStore::open(&path) {
        Ok(store) => store,
        Err(error) => return say(&format!("refused {error}")),
    };
    match role.as_str() {
        "append" => {
            for target in first.. {
                match store.append(&[session(target)], tomorrow(), 0).await {
                    Ok(appended) => say(&format!("ok {target} {}", appended.number)),
                    Err(error) => say(&format!("error {error}")),
                }
            }
        }
        "append once" => {
            let appended = store.append(&[session(first)], tomorrow(), 0).await.unwrap();
            say(&format!("ok {first} {}", appended.number));
        }
        "fill" => {
            let mut errors = 0;
            for target in first.. {
                match store.append(&[session(target)], tomorrow(), 0).await {
                    Ok(appended) => say(&format!("ok {target} {}", appended.number)),
                    Err(error) => {
                        say(&format!("error {error}"));
                        errors += 1;
                    }
                }
                if errors == 10 {
                    break;
                }
            }
            let marks = store.read(None, Duration::ZERO).await.unwrap().marks.len();
            say(&format!("read {marks}"));
        }
        "follow" => {
            let mut position = store.read(None, Duration::ZERO).await.unwrap().position;
            say("ready");
            loop {
                let wait = Duration::from_secs(10);
                let batch = store.read(Some(&position), wait).await.unwrap();
                let now = since_epoch().as_micros();
                for mark in batch.marks {
                    let Target::Session(id) = mark.target else { panic!("{mark:?}") };
                    say(&format!("heard {} {now}", u64::from_be_bytes(id.to_bytes())));
                }
                position = batch.position;
                // Fails when the parent is gone, and ends the child.
                say("waiting");
            }
        }
        "open" => say("opened"),
        role => panic!("{role}"),
    }
}

fn command(program: &Path, role: &str, path: &Path, first: u64) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "child", "--nocapture"])
        .env(ROLE, role)
        .env(FILE, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped());
    command
}

fn start(role: &str, path: &Path, first: u64) -> Child {
    command(&std::env::current_exe().unwrap(), role, path, first).spawn().unwrap()
}

/// What a child said, up to its end. A line that was cut off counts for nothing.
fn said(child: Child) -> Vec<String> {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().filter_map(|line| line.strip_prefix(": ")).map(str::to_owned).collect()
}

/// The appends that were answered: targets and numbers.
fn answered(said: &[String]) -> Vec<(u64, u64)> {
    let pair = |line: &String| {
        let (target, number) = line.strip_prefix("ok ")?.split_once(' ')?;
        Some((target.parse().unwrap(), number.parse().unwrap()))
    };
    said.iter().filter_map(pair).collect()
}

async fn read(path: &Path, position: &mut Option<Position>, into: &mut HashMap<Target, u64>) {
    let store = SqliteStore::open(path).unwrap();
    loop {
        let batch = store.read(position.as_ref(), Duration::ZERO).await.unwrap();
        into.extend(batch.marks.iter().map(|mark| (mark.target, mark.number)));
        *position = Some(batch.position);
        if batch.complete {
            return;
        }
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_kill_9() {
    const KILLS: u64 = 200;

    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let mut rng = Rng::new(2);
    let (mut position, mut found, mut all) = (None, HashMap::new(), HashMap::new());
    let (mut highest, mut kills, mut round) = (0, 0, 0);
    while kills < KILLS {
        round += 1;
        let children = [0, 1].map(|child| start("append", &path, (round << 32) + (child << 24)));
        tokio::time::sleep(Duration::from_millis(rng.below(100) as u64)).await;
        let mut before = highest;
        for mut child in children {
            tokio::time::sleep(Duration::from_micros(rng.below(3000) as u64)).await;
            child.kill().unwrap();
            kills += 1;
            let said = said(child);
            assert!(!said.iter().any(|line| !line.starts_with("ok ")), "{said:?}");
            let answered = answered(&said);
            assert!(answered.is_sorted_by(|a, b| a.1 < b.1), "{answered:?}");
            for (target, number) in answered {
                assert!(number > before, "{number} after {before}");
                highest = highest.max(number);
                assert!(!all.values().any(|known| *known == number), "{number} again");
                all.insert(session(target), number);
            }
            before = before.min(highest);
        }
        read(&path, &mut position, &mut found).await;
        for (target, number) in &all {
            assert_eq!(found.get(target), Some(number), "round {round}");
        }
    }
    let mut from_the_beginning = HashMap::new();
    read(&path, &mut None, &mut from_the_beginning).await;
    assert_eq!(found, from_the_beginning);
    println!("{kills} kills: {} appends answered, {} marks", all.len(), found.len());
    assert!(all.len() > 100);
}

#[tokio::test]
async fn processes_that_create_the_file_at_once_all_succeed() {
    for round in 0..20 {
        let directory = TempDir::new();
        let path = directory.path().join("revocations.db");
        let children: Vec<_> = (0..6).map(|child| start("append once", &path, child)).collect();
        let answers: Vec<_> = children.into_iter().map(|child| answered(&said(child))).collect();
        assert!(answers.iter().all(|answers| answers.len() == 1), "round {round}: {answers:?}");
        let mut found = HashMap::new();
        read(&path, &mut None, &mut found).await;
        assert_eq!(found.len(), 6, "round {round}");
        let names = std::fs::read_dir(directory.path()).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        let ours = |name: &str| name.starts_with("revocations.db") && !name.contains("new");
        assert!(names.iter().all(|name| ours(name.to_str().unwrap())), "{names:?}");
    }
}

#[tokio::test]
async fn marks_reach_another_process_within_a_second() {
    const MARKS: u64 = 300;

    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let store = SqliteStore::open(&path).unwrap();
    let mut child = start("follow", &path, 0);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == ": ready"));
    let mut rng = Rng::new(3);
    let (mut appended, mut took) = (HashMap::new(), Vec::new());
    for target in 0..MARKS {
        tokio::time::sleep(Duration::from_micros(rng.below(40_000) as u64)).await;
        let begun = Instant::now();
        store.append(&[session(target)], tomorrow(), 0).await.unwrap();
        took.push(begun.elapsed());
        appended.insert(target, since_epoch().as_micros());
    }
    let mut latencies = Vec::new();
    while latencies.len() < MARKS as usize {
        let line = lines.next().unwrap();
        let Some((target, heard)) =
            line.strip_prefix(": heard ").and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        let heard: u128 = heard.parse().unwrap();
        latencies.push(heard.saturating_sub(appended[&target.parse().unwrap()]) as u64);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    latencies.sort_unstable();
    took.sort_unstable();
    let at = |percent: usize| Duration::from_micros(latencies[latencies.len() * percent / 100]);
    let took = |percent: usize| took[took.len() * percent / 100];
    println!(
        "heard after p50 {:?}, p99 {:?}; append p50 {:?}, p99 {:?}",
        at(50),
        at(99),
        took(50),
        took(99)
    );
    assert!(at(99) < Duration::from_secs(1));
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_loses_nothing() {
    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    // No file can grow beyond so many blocks; who tries gets an error and not a signal.
    let script = "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"";
    let exe = std::env::current_exe().unwrap();
    let mut limited = command(Path::new("sh"), "fill", &path, 0);
    let arguments: Vec<_> = limited.get_args().map(ToOwned::to_owned).collect();
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(&exe).args(arguments).stdout(Stdio::piped());
    for (name, value) in limited.get_envs() {
        shell.env(name, value.unwrap());
    }
    limited = shell;
    let said = said(limited.spawn().unwrap());
    let answered = answered(&said);
    let errors: Vec<_> = said.iter().filter(|line| line.starts_with("error ")).collect();
    assert!(!answered.is_empty() && errors.len() == 10, "{said:?}");
    assert!(errors.iter().all(|error| !error.contains("thread")), "{errors:?}");
    println!("{} appends, then {}", answered.len(), errors[0]);
    assert!(said.iter().any(|line| line.starts_with("read ")), "{said:?}");
    let mut found = HashMap::new();
    read(&path, &mut None, &mut found).await;
    for (target, number) in answered {
        assert_eq!(found.get(&session(target)), Some(&number));
    }
    SqliteStore::open(&path).unwrap().append(&[session(1)], tomorrow(), 0).await.unwrap();
}

#[tokio::test]
async fn without_the_right_to_write_it_does_not_open() {
    let directory = TempDir::new();
    let inside = directory.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let path = inside.join("revocations.db");
    let exe = directory.path().join("exe");
    std::fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
    let open = || {
        let mut command = command(&exe, "open", &path, 0);
        if is_root() {
            command.uid(65534);
        }
        said(command.spawn().unwrap())
    };
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&inside, 0o555);
    let said = open();
    assert!(
        said[0].starts_with("refused ") && said[0].contains("must be able to write"),
        "{said:?}"
    );
    mode(&inside, 0o755);
    drop(SqliteStore::open(&path).unwrap());
    tokio::time::sleep(Duration::from_millis(300)).await;
    mode(&path, 0o444);
    mode(&inside, 0o555);
    let said = open();
    assert!(
        said[0].starts_with("refused ") && said[0].contains("must be able to write"),
        "{said:?}"
    );
    mode(&inside, 0o755);
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}
