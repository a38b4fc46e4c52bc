//! Several keys in one file or one environment variable, as text, the newest first.

use std::path::Path;

use super::key::Key;
use super::key_file::{from_variable, invalid, read, warn_if_exposed};
use super::keyring::Keyring;
use crate::error::{KeyError, KeyErrorKind};

/// A longer file is not read. There is room for 200 keys.
pub(crate) const LONGEST_LIST: usize = 16 * 1024;

impl Keyring {
    /// A keyring from a file: one key in any form that [`Key::from_file`] accepts, or several as text, one a
    /// line, the newest first. Blank lines, and lines that begin with `#`, are ignored.
    ///
    /// ```no_run
    /// # use sealed_session::Keyring;
    /// let keyring = Keyring::from_file("secret-keys")?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// The file is read once. A `KeyDirectory` (feature `key-directory`) follows the file.
    ///
    /// # Errors
    ///
    /// As [`Key::from_file`]. For one of several keys, the cause of [`KeyErrorKind::FileContent`] is
    /// [`KeyErrorKind::InList`] or [`KeyErrorKind::Duplicate`].
    ///
    /// # Security
    ///
    /// As [`Key::from_file`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let (content, metadata) = read(path, LONGEST_LIST)?;
        let keyring = keys_of_file(&content).and_then(Self::from_keys);
        let keyring = keyring.map_err(|error| invalid(path, error))?;
        warn_if_exposed(path, &metadata);
        Ok(keyring)
    }

    /// A keyring from an environment variable: one or more keys in hex or base64, the newest first, with
    /// commas, spaces or line breaks between them.
    ///
    /// ```no_run
    /// # use sealed_session::Keyring;
    /// let keyring = Keyring::from_env("SESSION_KEYS")?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Environment`], which names the variable; its cause says whether it is unset or what
    /// is wrong with its value.
    ///
    /// # Security
    ///
    /// As [`Key::from_env`].
    pub fn from_env(name: &str) -> Result<Self, KeyError> {
        from_variable(name, |value| {
            let is_between = |char: char| char == ',' || char.is_ascii_whitespace();
            let words = lines(value).flat_map(|line| line.split(is_between));
            let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
            match words[..] {
                [] => "".parse().map(Self::new),
                // A single key is no list: what is wrong with it says it better.
                [word] => word.parse().map(Self::new),
                _ => listed(words).and_then(Self::from_keys),
            }
        })
    }
}

/// The keys in the content of a file: one in any form, or several as text, the newest first. They may not
/// be distinct.
pub(crate) fn keys_of_file(content: &[u8]) -> Result<Vec<Key>, KeyError> {
    let error = match Key::parse(content) {
        Ok(key) => return Ok(vec![key]),
        Err(error) => error,
    };
    match std::str::from_utf8(content) {
        // A single line is no list, and a raw key is no text: what is wrong with one key says it better.
        Ok(text) if text.trim_ascii().contains('\n') => listed(lines(text)),
        _ => Err(error),
    }
}

/// The lines that are not empty and no comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_ascii().is_empty() && !line.trim_start().starts_with('#'))
}

fn listed<'t>(keys: impl IntoIterator<Item = &'t str>) -> Result<Vec<Key>, KeyError> {
    let parse = |(before, text): (usize, &str)| {
        let wrong = KeyErrorKind::InList { position: before + 1 };
        text.parse().map_err(|error: KeyError| KeyError::caused_by(wrong, error))
    };
    keys.into_iter().enumerate().map(parse).collect()
}
