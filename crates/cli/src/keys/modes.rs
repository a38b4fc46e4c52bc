//! Who else can read or replace keys.

use sealed_session::KeyFiles;

use super::directory::KeysDir;
use super::status::{Finding, Level};

/// A mode as `chmod` takes it.
pub(crate) fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// Whether others than its owner can read or write a key file; the library warns of the same.
pub(crate) fn is_exposed(mode: Option<u32>) -> bool {
    mode.is_some_and(|mode| mode & 0o066 != 0)
}

pub(crate) fn findings(keys: &KeysDir, files: &KeyFiles) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().chain(files.revoked_files()) {
        if let Some(mode) = file.mode.filter(|mode| is_exposed(Some(*mode))) {
            findings.push(Finding::new(
                Level::Warning,
                "exposed-key",
                format!(
                    "{} has mode {}: others than its owner have access. Who can read it can forge every \
                     session: `chmod 600`",
                    file.name,
                    octal(mode)
                ),
            ));
        }
    }
    findings.extend(exposed_directory(keys));
    findings
}

#[cfg(unix)]
fn exposed_directory(keys: &KeysDir) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = std::fs::metadata(keys.path()).ok()?.permissions().mode() & 0o7777;
    (mode & 0o022 != 0).then(|| {
        Finding::new(
            Level::Warning,
            "exposed-directory",
            format!(
                "the directory has mode {}: others than its owner can put keys into it, and so forge every \
                 session: `chmod 700`",
                octal(mode)
            ),
        )
    })
}

#[cfg(not(unix))]
fn exposed_directory(_: &KeysDir) -> Option<Finding> {
    None
}
