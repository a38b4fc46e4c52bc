//! The file: what is opened, what is refused, and what a damaged or lost one does.

#[allow(dead_code, reason = "another test uses the rest")]
#[path = "../../../tests/support/rng.rs"]
mod rng;
#[path = "../../../tests/support/temp_dir.rs"]
mod temp_dir;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rng::Rng;
use rusqlite::Connection;
use sealed_session::Tag;
use sealed_session::revocation::{Mark, RevocationStore as _, ShortId, Target};
use sealed_session_sqlite::{OpenErrorKind, SqliteStore};
use temp_dir::TempDir;

fn tag(number: u64) -> Target {
    Target::Tag(Tag::new("user", number))
}

fn session(number: u64) -> Target {
    Target::Session(ShortId::from_bytes(number.to_be_bytes()))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn tomorrow() -> u64 {
    now() + 24 * 60 * 60
}

/// All files of a directory.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Waits until the threads of dropped stores have closed the file.
async fn closed(path: &Path) {
    let wal = PathBuf::from(format!("{}-wal", path.display()));
    for _ in 0..1000 {
        if !wal.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} is still there", wal.display());
}

/// Opening is refused, the error names the file, and nothing is changed.
#[track_caller]
fn refused(directory: &TempDir, kind: impl Fn(OpenErrorKind) -> bool, says: &str) {
    let path = directory.path().join("revocations.db");
    let before = contents(directory.path());
    let error = SqliteStore::open(&path).unwrap_err();
    let text = error.to_string();
    assert!(kind(error.kind()), "{error:?}");
    assert!(text.contains(&path.display().to_string()) && text.contains(says), "{text}");
    assert_eq!(error.path(), path);
    assert!(before == contents(directory.path()), "something was changed");
}

fn foreign(kind: OpenErrorKind) -> bool {
    kind == OpenErrorKind::Foreign
}

fn corrupt(kind: OpenErrorKind) -> bool {
    kind == OpenErrorKind::Corrupt
}

fn newer(kind: OpenErrorKind) -> bool {
    matches!(kind, OpenErrorKind::Newer { version: 2, .. })
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let store = SqliteStore::open(&path).unwrap();
    store.append(&[tag(1)], tomorrow(), 0).await.unwrap();
    let entries: Vec<_> = fs::read_dir(directory.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(entries.len(), 3, "{entries:?}");
    for entry in entries {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
}

#[tokio::test]
async fn the_file_says_what_it_is() {
    let directory = TempDir::new();
    let path = directory.path().join("a b%3f?#.db");
    let store = SqliteStore::open(&path).unwrap();
    store.append(&[tag(7), session(1)], 4_000_000_000, 4_000_000_000_000).await.unwrap();
    drop(store);
    closed(&path).await;
    let database = Connection::open(&path).unwrap();
    let text = |sql: &str| -> String { database.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(
        text("SELECT CAST(application_id AS TEXT) FROM pragma_application_id"),
        "1936945782"
    );
    assert_eq!(text("SELECT CAST(user_version AS TEXT) FROM pragma_user_version"), "1");
    assert_eq!(text("PRAGMA journal_mode"), "wal");
    let marks = "SELECT group_concat(concat_ws(' ', sequence, kind, hex(target), number, until), ', ') FROM marks";
    assert_eq!(
        text(marks),
        "1 2 1DDC40D00BDFB1C9BAB3DFE8A0DD2D2F 4000000000000 4000000000, \
         2 1 0000000000000001 4000000000000 4000000000"
    );
    assert_eq!(
        text("SELECT concat_ws(' ', one, length(id), last) FROM meta"),
        "1 16 4000000000000"
    );
}

#[test]
fn what_is_no_database_is_foreign() {
    for content in ["", "no", "It was a dark and stormy night. ".repeat(500).as_str()] {
        let directory = TempDir::new();
        fs::write(directory.path().join("revocations.db"), content).unwrap();
        refused(&directory, foreign, "is not a file of revocations");
    }
}

#[test]
fn a_database_of_another_program_is_foreign() {
    for (application, wal) in [(0, false), (0x1234, false), (0x1234, true)] {
        let directory = TempDir::new();
        let path = directory.path().join("revocations.db");
        let elsewhere = TempDir::new();
        let written = elsewhere.path().join("revocations.db");
        let database = Connection::open(&written).unwrap();
        let mode = if wal { "wal" } else { "delete" };
        database.execute_batch(&format!("PRAGMA journal_mode = {mode}")).unwrap();
        let sql = format!(
            "PRAGMA application_id = {application}; CREATE TABLE t (x); INSERT INTO t VALUES (1)"
        );
        database.execute_batch(&sql).unwrap();
        // As after a crash: with what is only in the log.
        for suffix in ["", "-wal"] {
            let from = format!("{}{suffix}", written.display());
            let _ = fs::copy(from, format!("{}{suffix}", path.display()));
        }
        assert_eq!(contents(directory.path()).len(), if wal { 2 } else { 1 });
        refused(&directory, foreign, "choose another path");
    }
}

#[tokio::test]
async fn a_newer_file_and_one_with_other_tables_are_refused() {
    type Case = (&'static str, fn(OpenErrorKind) -> bool, &'static str);
    let cases: [Case; 5] = [
        ("PRAGMA user_version = 2", newer, "version 2"),
        ("PRAGMA user_version = 0", corrupt, "no version"),
        ("ALTER TABLE marks RENAME COLUMN until TO til", corrupt, "is not as it should be"),
        ("DROP INDEX marks_until", corrupt, "`marks_until`"),
        ("DELETE FROM meta", corrupt, "is damaged"),
    ];
    for (sql, kind, says) in cases {
        let directory = TempDir::new();
        let path = directory.path().join("revocations.db");
        drop(SqliteStore::open(&path).unwrap());
        closed(&path).await;
        let database = Connection::open(&path).unwrap();
        database.execute_batch(sql).unwrap();
        database.close().unwrap();
        refused(&directory, kind, says);
    }
}

#[tokio::test]
async fn a_file_that_becomes_newer_is_an_error_until_then() {
    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let store = SqliteStore::open(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    for _ in 0..2 {
        store.append(&[tag(1)], tomorrow(), 0).await.unwrap_err();
        store.read(None, Duration::ZERO).await.unwrap_err();
    }
    assert!(store.heartbeat().await.unwrap_err().to_string().contains("version 2"));
}

#[tokio::test]
async fn a_damaged_page_is_an_error_at_the_start() {
    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let store = SqliteStore::open(&path).unwrap();
    for round in 0..20 {
        let targets: Vec<_> = (0..50).map(|target| tag(round * 50 + target)).collect();
        store.append(&targets, tomorrow(), 0).await.unwrap();
    }
    drop(store);
    closed(&path).await;
    let mut bytes = fs::read(&path).unwrap();
    bytes[2 * 4096..3 * 4096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    refused(&directory, corrupt, "is damaged");
}

#[tokio::test]
async fn nonsense_in_the_file_is_an_error_and_no_panic() {
    for sql in [
        "UPDATE meta SET last = 9223372036854775807",
        "PRAGMA ignore_check_constraints = ON; UPDATE meta SET last = -1",
        "PRAGMA ignore_check_constraints = ON; UPDATE meta SET last = 'x'",
        "PRAGMA ignore_check_constraints = ON; UPDATE marks SET number = -1",
        "PRAGMA ignore_check_constraints = ON; UPDATE marks SET number = 'x'",
        "PRAGMA ignore_check_constraints = ON; UPDATE marks SET target = x'00'",
        "PRAGMA ignore_check_constraints = ON; UPDATE marks SET kind = 9",
        "UPDATE sqlite_sequence SET seq = 9223372036854775807",
        "DELETE FROM meta",
        "DROP TABLE marks",
    ] {
        let directory = TempDir::new();
        let path = directory.path().join("revocations.db");
        let store = SqliteStore::open(&path).unwrap();
        store.append(&[tag(1)], tomorrow(), 0).await.unwrap();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let mut errors = Vec::new();
        for _ in 0..2 {
            errors.extend(store.append(&[tag(2)], tomorrow(), 0).await.err());
            errors.extend(store.read(None, Duration::ZERO).await.err());
            errors.extend(store.heartbeat().await.err());
        }
        assert!(!errors.is_empty(), "{sql}");
        for error in errors {
            assert!(!error.to_string().contains("thread"), "{sql}: {error}");
        }
    }
}

#[tokio::test]
async fn numbers_that_cannot_be_kept_are_refused() {
    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let store = SqliteStore::open(&path).unwrap();
    let too_high = i64::MAX as u64 + 1;
    store.append(&[tag(1)], tomorrow(), too_high).await.unwrap_err();
    let mark = Mark { target: tag(1), number: too_high, until: tomorrow() };
    store.publish(&[mark]).await.unwrap_err();
    assert_eq!(store.read(None, Duration::ZERO).await.unwrap().marks, []);
    // Such a time is only very late.
    let number = store.append(&[tag(2)], u64::MAX, too_high - 2).await.unwrap().number;
    let mark = Mark { target: tag(2), number, until: i64::MAX as u64 };
    assert_eq!(
        (number, store.read(None, Duration::ZERO).await.unwrap().marks),
        (too_high - 2, vec![mark])
    );
    assert_eq!(store.append(&[tag(2)], tomorrow(), 0).await.unwrap().number, too_high - 1);
    store.append(&[tag(2)], tomorrow(), 0).await.unwrap_err();
}

#[tokio::test]
async fn expired_marks_are_swept_and_numbers_go_on() {
    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let store = SqliteStore::open(&path).unwrap();
    let high = 5_000_000_000_000;
    for round in 0..3 {
        let targets: Vec<_> = (0..800).map(|target| session(round * 800 + target)).collect();
        store.append(&targets, now() - 2 * 24 * 60 * 60, high).await.unwrap();
    }
    // Not yet: a clock can be wrong for a while.
    store.append(&[tag(1)], now() - 60 * 60, high).await.unwrap();
    for _ in 0..3 {
        store.heartbeat().await.unwrap();
    }
    drop(store);
    closed(&path).await;
    let database = Connection::open(&path).unwrap();
    let count: u32 =
        database.query_row("SELECT count(*) FROM marks", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
    drop(database);
    let store = SqliteStore::open(&path).unwrap();
    assert!(store.append(&[tag(1)], tomorrow(), 0).await.unwrap().number > high + 3);
    assert_eq!(store.read(None, Duration::ZERO).await.unwrap().marks.len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_deleted_is_an_error_and_then_a_new_one() {
    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let (one, other) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
    one.append(&[tag(1)], tomorrow(), 0).await.unwrap();
    let position = other.read(None, Duration::ZERO).await.unwrap().position;
    let waiting = tokio::spawn({
        let (other, position) = (other.clone(), position.clone());
        async move { other.read(Some(&position), Duration::from_secs(20)).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(directory.path().join(format!("revocations.db{suffix}"))).unwrap();
    }
    let error = one.append(&[tag(2)], tomorrow(), 0).await.unwrap_err();
    assert!(error.to_string().contains("deleted or replaced"), "{error}");
    waiting.await.unwrap().unwrap_err();
    one.append(&[tag(3)], tomorrow(), 0).await.unwrap();
    // The old position may be below the new file's highest.
    for _ in 0..3 {
        other.read(Some(&position), Duration::ZERO).await.unwrap_err();
    }
    let marks = other.read(None, Duration::ZERO).await.unwrap().marks;
    assert_eq!(marks.iter().map(|mark| mark.target).collect::<Vec<_>>(), [tag(3)]);
    fs::remove_dir_all(directory.path()).unwrap();
    for _ in 0..2 {
        one.heartbeat().await.unwrap_err();
        one.read(None, Duration::ZERO).await.unwrap_err();
        one.publish(&[]).await.unwrap_err();
    }
    fs::create_dir_all(directory.path()).unwrap();
    one.heartbeat().await.unwrap();
}

/// Whether it opened.
async fn try_all(path: &Path) -> bool {
    let Ok(store) = SqliteStore::open(path) else { return false };
    let mut errors = Vec::new();
    for _ in 0..2 {
        errors.extend(store.read(None, Duration::ZERO).await.err());
        errors.extend(store.append(&[tag(3), tag(9999)], tomorrow(), 0).await.err());
        let mark = Mark { target: session(5), number: 3, until: tomorrow() };
        errors.extend(store.publish(&[mark]).await.err());
        errors.extend(store.heartbeat().await.err());
        errors.extend(store.read(None, Duration::from_millis(1)).await.err());
    }
    for error in errors {
        assert!(!error.to_string().contains("thread"), "a panic: {error}");
    }
    true
}

#[tokio::test]
async fn flipped_bytes_are_errors_or_harmless() {
    let rounds =
        std::env::var("SEALED_SESSION_ROUNDS").map_or(300, |rounds| rounds.parse().unwrap());
    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let store = SqliteStore::open(&path).unwrap();
    for round in 0..40 {
        let targets = [0, 1, 2, 3, 4].map(|target| tag(round * 5 + target));
        store.append(&targets, tomorrow() - 1_000_000 * (round % 2), 0).await.unwrap();
    }
    // As after `kill -9`: with a log that holds everything.
    let log = fs::read(directory.path().join("revocations.db-wal")).unwrap();
    let early = fs::read(&path).unwrap();
    drop(store);
    closed(&path).await;
    let complete = fs::read(&path).unwrap();
    let mut rng = Rng::new(1);
    let (mut opened, mut longest) = (0, Duration::ZERO);
    for round in 0..rounds {
        let directory = TempDir::new();
        let path = directory.path().join("revocations.db");
        let wal = directory.path().join("revocations.db-wal");
        let with_log = rng.below(2) == 0;
        let (mut file, mut log) =
            if with_log { (early.clone(), log.clone()) } else { (complete.clone(), Vec::new()) };
        let damaged = if with_log && rng.below(4) > 0 { &mut log } else { &mut file };
        let end = if rng.below(3) == 0 { 120 } else { damaged.len() };
        for _ in 0..=rng.below(8) {
            let place = rng.below(end);
            damaged[place] ^= 1 << rng.below(8);
        }
        if rng.below(8) == 0 {
            damaged.truncate(rng.below(damaged.len()));
        }
        fs::write(&path, &file).unwrap();
        if with_log {
            fs::write(&wal, &log).unwrap();
        }
        let begun = Instant::now();
        let has_opened = tokio::time::timeout(Duration::from_secs(60), try_all(&path)).await;
        let elapsed = begun.elapsed();
        longest = longest.max(elapsed);
        assert!(elapsed < Duration::from_secs(20), "round {round}: {elapsed:?}");
        if has_opened.expect("it hangs") {
            opened += 1;
        } else {
            assert!(fs::read(&path).unwrap() == file, "round {round}: the file was changed");
            assert!(
                !with_log || fs::read(&wal).unwrap() == log,
                "round {round}: the log was changed"
            );
        }
    }
    println!("{rounds} damaged files: {opened} opened, the longest took {longest:?}");
    assert!(opened > 0 && opened < rounds);
}

/// The SQL of `FORMAT.md`, without its fences.
fn format(beginning: &str) -> String {
    let blocks = include_str!("../FORMAT.md").split("```").skip(1).step_by(2);
    let mut sql = blocks.filter_map(|block| block.strip_prefix("sql\n"));
    sql.find(|sql| sql.starts_with(beginning)).unwrap().to_owned()
}

#[tokio::test]
async fn another_program_ends_sessions_as_the_format_says() {
    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let store = SqliteStore::open(&path).unwrap();
    let first = store.append(&[tag(7)], tomorrow() + 9, 0).await.unwrap().number;
    let position = store.read(None, Duration::ZERO).await.unwrap().position;

    let other = Connection::open(&path).unwrap();
    let tables: String = other
        .query_row(
            "SELECT group_concat(sql, char(10)) || char(10) FROM
             (SELECT sql FROM sqlite_schema
              WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY rowid)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(tables, format("CREATE"));
    for (kind, target) in [(2, &Tag::new("user", 7).as_bytes()[..]), (1, &[9; 8])] {
        for statement in format("BEGIN").split_inclusive(';').filter(|sql| !sql.trim().is_empty()) {
            let mut statement = other.prepare(statement).unwrap();
            let parameters: [(&str, &dyn rusqlite::ToSql); 4] = [
                (":kind", &kind),
                (":target", &target),
                (":until", &(tomorrow() as i64)),
                (":now", &(1000 * now() as i64)),
            ];
            for (name, value) in parameters {
                if let Some(index) = statement.parameter_index(name).unwrap() {
                    statement.raw_bind_parameter(index, value).unwrap();
                }
            }
            statement.raw_execute().unwrap();
        }
    }
    let batch = store.read(Some(&position), Duration::from_secs(5)).await.unwrap();
    let targets: Vec<_> = batch.marks.iter().map(|mark| mark.target).collect();
    assert_eq!(targets, [tag(7), Target::Session(ShortId::from_bytes([9; 8]))]);
    assert!(batch.marks[0].number > first && batch.marks[1].number > batch.marks[0].number);
    assert!(batch.marks[0].until > tomorrow(), "the later time counts");
    let next = store.append(&[tag(8)], tomorrow(), 0).await.unwrap().number;
    assert!(next > batch.marks[1].number);
}

/// `cargo test --release -p sealed-session-sqlite --test file -- --ignored --nocapture`
#[ignore = "measures"]
#[tokio::test]
async fn many_marks() {
    let directory = TempDir::new();
    let path = directory.path().join("revocations.db");
    let store = SqliteStore::open(&path).unwrap();
    let mut rng = Rng::new(4);
    let mut mark = || Mark { target: session(rng.next()), number: 0, until: tomorrow() };
    let begun = Instant::now();
    for _ in 0..20 {
        let marks: Vec<_> = (0..5000).map(|_| mark()).collect();
        store.publish(&marks).await.unwrap();
    }
    println!("publish: {:?}", begun.elapsed());
    let begun = Instant::now();
    for target in 0..500 {
        store.append(&[session(target)], tomorrow(), 0).await.unwrap();
    }
    println!("500 appends: {:?}", begun.elapsed());
    drop(store);
    closed(&path).await;
    println!("{} bytes", fs::metadata(&path).unwrap().len());
    let begun = Instant::now();
    let store = SqliteStore::open(&path).unwrap();
    println!("open: {:?}", begun.elapsed());
    let begun = Instant::now();
    let (mut count, mut position) = (0, None);
    loop {
        let batch = store.read(position.as_ref(), Duration::ZERO).await.unwrap();
        count += batch.marks.len();
        position = Some(batch.position);
        if batch.complete {
            break;
        }
    }
    println!("read {count}: {:?}", begun.elapsed());
}
