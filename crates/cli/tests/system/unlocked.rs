//! Runs at once whose locks do not keep them apart, as on a network file system.

use std::process::{Command, Stdio};

use crate::support::{DAY, HOUR, Keys, answered};

/// By clocks that differ by up to four minutes, on both sides of an hour, so that they choose different names.
fn fifty_at_once(keys: &Keys) {
    let program = keys.command("rotate", &["--every", "90d"]);
    let hour = keys.start.next_multiple_of(HOUR);
    let run = |count: u64| {
        Command::new("strace")
            .args(["-qq", "-o", "/dev/null", "-e", "trace=flock"])
            .args(["-e", "inject=flock:error=ENOLCK", "--"])
            .arg(program.get_program())
            .args(program.get_args())
            .env("SEALED_SESSION_TEST_NOW", (hour - 120 + count * 29 % 50 * 5).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..50).map(run).collect();
    let mut added = 0;
    for child in children {
        let text = answered(&child.wait_with_output().unwrap(), 0);
        added += usize::from(text.starts_with("added "));
    }
    assert_eq!(added, 1);
    assert_eq!(keys.names(".tmp"), [""; 0]);
}

#[test]
fn without_a_lock_fifty_runs_at_once_make_one_key() {
    let days = DAY as i64;
    for (times, expected) in [(vec![], 1), (vec![-84 * days], 2), (vec![-300 * days], 2)] {
        for _ in 0..5 {
            let keys = Keys::with(times.iter().copied());
            fifty_at_once(&keys);
            assert_eq!(keys.names(".key").len(), expected);
        }
    }
}
