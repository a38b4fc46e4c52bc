//! The thread that looks. These tests wait for it, up to a minute, and never demand that it be quick.

use std::time::{Duration, Instant};

use super::{Keys, token_of};

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How many threads of this process follow a directory.
#[cfg(target_os = "linux")]
fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let comm = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    tasks.filter_map(|task| comm(task.unwrap())).filter(|comm| comm.trim() == name).count()
}

#[test]
fn a_thread_looks_every_so_often() {
    let keys = Keys::of(&[(1, 0)]);
    let directory = keys.builder().look_every(Duration::from_millis(5)).open().unwrap();
    let codec = keys.codec(directory.keyring());
    // The codec alone keeps it going.
    drop(directory);
    for number in [2, 3] {
        keys.add(number, 1000 * i64::from(number));
        let token = token_of(number, &keys.clock);
        wait_until("a new key", || codec.decode(&token).is_ok());
    }
}

#[test]
fn a_cookie_that_no_key_opens_wakes_the_next_look_early() {
    let keys = Keys::of(&[(1, 0)]);
    let directory = keys.open();
    let codec = keys.codec(directory.keyring());
    let other = keys.codec(directory.keyring());
    for number in [2, 3] {
        keys.add(number, 1000 * i64::from(number));
        let token = token_of(number, &keys.clock);
        assert!(codec.decode(&token).is_err(), "the look is off the request's way");
        wait_until("an early look", || other.decode(&token).is_ok());
    }
}

#[test]
fn a_panic_of_the_clock_does_not_end_the_looks() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Panicking(Arc<AtomicUsize>);

    impl sealed_session::Clock for Panicking {
        fn now(&self) -> std::time::SystemTime {
            // Not while it opens, and not later.
            assert!(
                !(2..6).contains(&self.0.fetch_add(1, Ordering::SeqCst)),
                "a clock that panics"
            );
            crate::support::at(crate::support::START)
        }
    }

    let keys = Keys::of(&[(1, 0)]);
    let calls = Arc::new(AtomicUsize::new(0));
    let builder = keys.builder().clock(Panicking(calls.clone()));
    let directory = builder.look_every(Duration::from_millis(5)).open().unwrap();
    let codec = keys.codec(directory.keyring());
    wait_until("six readings of the clock", || calls.load(Ordering::SeqCst) > 6);
    keys.add(2, 1000);
    let token = token_of(2, &keys.clock);
    wait_until("a look after the panics", || codec.decode(&token).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn the_thread_ends_with_the_last_directory_keyring_and_codec() {
    use std::process::Command;

    use crate::support::child;

    // In a process of its own, because other tests have such threads too.
    if !child::in_child() {
        return child::run_in_child(
            module_path!(),
            "the_thread_ends_with_the_last_directory_keyring_and_codec",
            Command::new,
        );
    }
    let keys = Keys::of(&[(1, 0)]);
    let directory = keys.builder().reload_on_sighup().open().unwrap();
    wait_until("both threads", || threads("key-directory") == 1 && threads("key-sighup") == 1);
    let clone = directory.clone();
    let keyring = directory.keyring();
    let codec = keys.codec(directory.keyring().with_previous(crate::support::key(9)).unwrap());
    drop((directory, clone, keyring));
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(threads("key-directory"), 1, "the codec needs it");
    drop(codec);
    wait_until("no thread", || threads("key-directory") == 0 && threads("key-sighup") == 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_sighup_makes_it_look_at_once() {
    use std::process::Command;

    use crate::support::child;

    // In a process of its own, which alone gets the signal.
    if !child::in_child() {
        return child::run_in_child(module_path!(), "a_sighup_makes_it_look_at_once", Command::new);
    }
    let keys = Keys::of(&[(1, 0)]);
    let directory = keys.builder().reload_on_sighup().open().unwrap();
    for number in [2, 3] {
        keys.add(number, 1000 * i64::from(number));
        let id = std::process::id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
        wait_until("a look", || directory.status().keys.len() == usize::from(number));
    }
}

#[test]
fn looks_of_many_threads_leave_what_the_last_one_found() {
    let keys = Keys::of(&[(1, 0)]);
    let directory = keys.builder().look_every(Duration::from_millis(1)).open().unwrap();
    let codec = keys.codec(directory.keyring());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let _ = directory.reload();
                    super::seals_with(&codec, 1);
                }
            });
        }
        for round in 0..50 {
            keys.add(2, 5000 + round);
            keys.remove(5000 + round);
        }
    });
    keys.add(3, 9000);
    directory.reload().unwrap();
    assert_eq!(directory.status().keys.len(), 2);
    assert!(codec.decode(token_of(3, &keys.clock)).is_ok());
}
