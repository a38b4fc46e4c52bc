//! Runs one test of this binary again as a child process, for what cannot be changed in the
//! process itself: its environment, its limits, its rights.

use std::path::PathBuf;
use std::process::Command;

const IN_CHILD: &str = "SEALED_SESSION_TEST_IN_CHILD";

/// Whether this is the child.
pub(crate) fn in_child() -> bool {
    std::env::var_os(IN_CHILD).is_some()
}

/// Runs the test called `name` of the module that `module_path!()` names in a child that `command`
/// makes of the binary's path, and demands that it ran there and passed.
#[track_caller]
pub(crate) fn run_in_child(module: &str, name: &str, command: impl FnOnce(PathBuf) -> Command) {
    let exe = std::env::current_exe().unwrap();
    let name = match module.split_once("::") {
        Some((_crate, module)) => format!("{module}::{name}"),
        None => name.to_owned(),
    };
    let output =
        command(exe).args(["--exact", &name, "--nocapture"]).env(IN_CHILD, "1").output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    // A misspelt name would run no test, and that succeeds.
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{name} in a child: {}\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
    );
}
