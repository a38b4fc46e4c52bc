//! The files in `examples/rotation` for systemd and Kubernetes: they are what these programs read, and say what
//! the run-book says. What a machine does not have is skipped, with a message.

#![cfg(unix)]

mod kubernetes;
mod script;
mod systemd;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How the run-book calls `keys rotate`.
const ROTATE: &str = "--every 90d --longest 30d";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rotation")
}

/// Whether a command can be run here.
fn has(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let has = command.status().is_ok_and(|status| status.success());
    if !has {
        eprintln!("skipped: {program} {args:?} cannot be run here");
        // .ci/run installs what is missing.
        assert!(std::env::var_os("CI").is_none(), "{program} is missing");
    }
    has
}

/// A directory that is removed when dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("sealed-session-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
