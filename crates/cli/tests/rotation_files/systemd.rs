//! The units for systemd.

use std::process::Command;

use crate::{ROTATE, Temporary, examples, has};

#[test]
fn systemd_accepts_the_units() {
    if !has("systemd-analyze", &["--version"]) {
        return;
    }
    let copies = Temporary::new("units");
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify");
    for unit in std::fs::read_dir(examples().join("systemd")).unwrap() {
        let unit = unit.unwrap();
        // It wants the programs to be installed.
        let text = std::fs::read_to_string(unit.path()).unwrap();
        let text = text.replace("/usr/local/bin/app", "/bin/true");
        let text = text.replace("/usr/local/bin/sealed-session", "/bin/true");
        let copy = copies.0.join(unit.file_name());
        std::fs::write(&copy, text).unwrap();
        verify.arg(copy);
    }
    let output = verify.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // It says of what it does not know that it ignores it, and succeeds.
    let ours: Vec<_> = said.lines().filter(|line| line.contains("units")).collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}

#[test]
fn the_unit_rotates_as_the_run_book_does() {
    let unit = std::fs::read_to_string(examples().join("systemd/app-keys.service")).unwrap();
    let start =
        format!("ExecStart=/usr/local/bin/sealed-session keys rotate /srv/app/keys {ROTATE}\n");
    assert!(unit.contains(&start));
}
