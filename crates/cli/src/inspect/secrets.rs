//! The keys that are tried, and where each is from. A key itself is never printed.

use std::fmt::Display;
use std::path::Path;

use sealed_session::{Key, KeyErrorKind, KeyId};
use zeroize::Zeroizing;

use super::Args;
use crate::failure::{Failure, warn};
use crate::typed;

/// A longer file does not hold keys.
const LONGEST_FILE: u64 = 1 << 16;

/// A key, and where it is from.
pub(super) struct KnownKey {
    pub(super) key: Key,
    /// The file, or the variable.
    pub(super) source: String,
    /// It was given as a key of Node's.
    pub(super) is_nodes: bool,
    /// A tombstone beside it says that no server may use it.
    pub(super) revoked: bool,
}

impl KnownKey {
    fn new(key: Key, source: impl Display) -> Self {
        Self { key, source: source.to_string(), is_nodes: false, revoked: false }
    }

    pub(super) fn id(&self) -> KeyId {
        self.key.id()
    }
}

/// The keys that the arguments name.
pub(super) fn read(args: &Args) -> Result<Vec<KnownKey>, Failure> {
    let mut keys = Vec::new();
    for path in &args.keys {
        typed::check_path(path)?;
        if path.is_dir() { keys.extend(of_directory(path)?) } else { keys.extend(of_file(path)?) }
    }
    for name in &args.keys_env {
        let text = std::env::var(name).map(Zeroizing::new).map_err(|error| match error {
            std::env::VarError::NotPresent if typed::is_key(name.as_ref()) => {
                Failure::new("this is a key, not a variable's name; it is not repeated here")
            }
            std::env::VarError::NotPresent => {
                Failure::new(format!("the environment variable {name} is not set"))
            }
            // The cause would quote the value.
            std::env::VarError::NotUnicode(_) => {
                Failure::new(format!("the environment variable {name} is not Unicode"))
            }
        })?;
        let found = several(&text).unwrap_or_default();
        if found.is_empty() {
            // For the words of its error.
            Key::from_env(name)?;
        }
        keys.extend(found.into_iter().map(|key| KnownKey::new(key, format_args!("${name}"))));
    }
    for path in &args.fastify_key {
        typed::check_path(path)?;
        let found = of_file(path)?;
        keys.extend(found.into_iter().map(|key| KnownKey { is_nodes: true, ..key }));
    }
    // A key in two files is one key.
    let mut distinct: Vec<KnownKey> = Vec::new();
    for key in keys {
        let same = |known: &KnownKey| known.key == key.key && known.is_nodes == key.is_nodes;
        if !distinct.iter().any(same) {
            distinct.push(key);
        }
    }
    Ok(distinct)
}

/// The keys of a file: one in any form, or several as text.
fn of_file(path: &Path) -> Result<Vec<KnownKey>, Failure> {
    let source = path.display();
    let error = match Key::from_file(path) {
        Ok(key) => return Ok(vec![KnownKey::new(key, source)]),
        Err(error) => error,
    };
    if matches!(error.kind(), KeyErrorKind::FileContent { .. })
        && std::fs::metadata(path).is_ok_and(|file| file.len() <= LONGEST_FILE)
        && let Ok(text) = std::fs::read_to_string(path).map(Zeroizing::new)
        && let Some(keys) = several(&text)
    {
        let keys = keys.into_iter().enumerate();
        return Ok(keys
            .map(|(place, key)| KnownKey::new(key, format_args!("{source}, key {}", place + 1)))
            .collect());
    }
    Err(error.into())
}

/// The `*.key` files of a directory, newest first. What cannot be read is reported and left out, because
/// the others may be the ones that are needed.
fn of_directory(path: &Path) -> Result<Vec<KnownKey>, Failure> {
    let wrong = |error| Failure::caused_by(format!("cannot read {}", path.display()), error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(wrong)? {
        names.extend(entry.map_err(wrong)?.file_name().into_string());
    }
    names.sort_unstable_by(|one, two| two.cmp(one));
    let mut keys = Vec::new();
    for name in names.iter().filter(|name| name.ends_with(".key") && !name.starts_with('.')) {
        match of_file(&path.join(name)) {
            Ok(found) => keys.extend(found),
            Err(failure) => warn(format_args!("{failure} (the other keys are tried)")),
        }
    }
    for key in &mut keys {
        key.revoked = names.contains(&format!("{}.revoked", key.id()));
    }
    if keys.is_empty() {
        return Err(Failure::new(format!("{} has no *.key file", path.display())));
    }
    Ok(keys)
}

/// The keys in a text, one a line, or separated by commas or spaces. `None` if something else is there.
fn several(text: &str) -> Option<Vec<Key>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let parts = lines.flat_map(|line| line.split([',', ' ', '\t'])).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}
