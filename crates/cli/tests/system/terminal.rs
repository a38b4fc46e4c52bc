//! What `keys revoke` asks on a terminal.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{DAY, Keys, id};

/// Answers the question; what was on the terminal, and the exit status.
fn answer(keys: &Keys, answer: &str) -> (String, Option<i32>) {
    let program = keys.command("revoke", &[&id(1)]);
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let line: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
    let mut terminal = Command::new("script")
        .args(["-q", "-e", "-c", &line.join(" "), "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    writeln!(terminal.stdin.take().unwrap(), "{answer}").unwrap();
    let output = terminal.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn asks_before_it_revokes() {
    let keys = Keys::with([-50 * DAY as i64]);
    let before = keys.contents();
    for refusal in ["no", "", "y"] {
        let (text, status) = answer(&keys, refusal);
        assert!(text.contains("Everyone active since") && text.contains("Revoke it?"), "{text}");
        assert_eq!(status, Some(1), "{text}");
        assert_eq!(keys.contents(), before);
    }
    let (text, status) = answer(&keys, "yes");
    assert_eq!(status, Some(0), "{text}");
    assert_eq!(keys.names(".revoked"), [format!("{}.revoked", id(1))]);
}
