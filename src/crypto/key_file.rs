//! The forms of a key in a file, an environment variable or a text. The encoding is never guessed: it is
//! recognized by the length alone.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;

use zeroize::Zeroizing;

use super::key::{BASE64_LEN, BASE64_PADDED_LEN, HEX_LEN, Key, wrong_length};
use super::secretbox::KEY_LEN;
use crate::error::{KeyError, KeyErrorKind, KeyLengthHint};

/// A longer file is not read, because it cannot be a key.
pub(crate) const LONGEST_FILE: usize = 4096;

impl Key {
    /// A key from the content of a key file. The encoding is recognized by the length alone: exactly
    /// 32 bytes are raw; 64 hex digits, or 43 or 44 base64 characters, with at most one line ending
    /// (LF or CRLF) after them, are text.
    ///
    /// ```
    /// # use sealed_session::Key;
    /// let key = Key::from_bytes([7; 32])?;
    /// assert_eq!(Key::parse([7; 32])?, key);
    /// assert_eq!(Key::parse("07".repeat(32) + "\n")?, key);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Key::from_hex`] and [`Key::from_base64`]. A [`KeyErrorKind::Length`] says what was
    /// expected, what was found, and the likely mistake.
    pub fn parse(content: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let content = content.as_ref();
        if content.len() == KEY_LEN {
            return Self::from_slice(content);
        }
        Self::from_text(content).unwrap_or_else(|| Err(wrong_length(content)))
    }

    /// A key from hex or base64 with at most one line ending. `None` if the length fits neither.
    fn from_text(content: &[u8]) -> Option<Result<Self, KeyError>> {
        let text = content.strip_suffix(b"\n").unwrap_or(content);
        let text = match text.strip_suffix(b"\r") {
            Some(stripped) if text.len() < content.len() => stripped,
            _ => text,
        };
        match text.len() {
            HEX_LEN => Some(Self::from_hex(text)),
            BASE64_LEN | BASE64_PADDED_LEN => Some(Self::from_base64(text)),
            _ => None,
        }
    }

    /// A key from a file, in any form that [`Key::parse`] accepts.
    ///
    /// ```no_run
    /// # use sealed_session::Key;
    /// let key = Key::from_file("secret-key")?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::File`] if it cannot be read, [`KeyErrorKind::NotAFile`] for a directory, a
    /// pipe or a device, [`KeyErrorKind::FileContent`] with the reason as its cause if it does not
    /// contain a valid key. Each names the path.
    ///
    /// # Security
    ///
    /// Give the file mode 0600 (`genkey --output` does) and keep it out of the repository. On Unix, a
    /// file that its group or others can read or write is still read, but logs a warning through
    /// `tracing` that names the path and the mode. Anyone who can read the file can forge every
    /// session.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let (content, metadata) = read(path, LONGEST_FILE)?;
        let key = Self::parse(&*content).map_err(|error| invalid(path, error))?;
        warn_if_exposed(path, &metadata);
        Ok(key)
    }

    /// A key from an environment variable, in hex or base64.
    ///
    /// ```no_run
    /// # use sealed_session::Key;
    /// let key = Key::from_env("SESSION_KEY")?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Environment`], which names the variable; its cause says whether it is unset
    /// or what is wrong with its value.
    ///
    /// # Security
    ///
    /// Other processes of the same user can read a process's environment, and its child processes
    /// inherit it. A file is the better place.
    pub fn from_env(name: &str) -> Result<Self, KeyError> {
        from_variable(name, str::parse)
    }
}

impl FromStr for Key {
    type Err = KeyError;

    /// A key in hex or base64, as an environment variable or a configuration file holds it: 64 hex
    /// digits, or 43 or 44 base64 characters, with at most one line ending.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong_length = || {
            let hint = KeyLengthHint::of(text.as_bytes());
            Err(KeyErrorKind::TextLength { found: text.len(), hint }.into())
        };
        Self::from_text(text.as_bytes()).unwrap_or_else(wrong_length)
    }
}

/// The content of a regular file of at most `longest` bytes, and its metadata when it was read.
pub(crate) fn read(
    path: &Path,
    longest: usize,
) -> Result<(Zeroizing<Vec<u8>>, Metadata), KeyError> {
    let unreadable = |error: std::io::Error| {
        KeyError::caused_by(KeyErrorKind::File { path: path.to_owned() }, error)
    };
    // Checked before it is opened, because opening a pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(KeyErrorKind::NotAFile { path: path.to_owned() }.into());
    }
    if metadata.len() > longest as u64 {
        let found = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        return Err(invalid(path, KeyErrorKind::Length { found, hint: None }.into()));
    }
    // Allocated once, because growing would leave copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(longest + 1));
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    file.take(longest as u64).read_to_end(&mut content).map_err(unreadable)?;
    Ok((content, metadata))
}

/// The error for a file whose content is not valid for this reason.
pub(crate) fn invalid(path: &Path, error: KeyError) -> KeyError {
    KeyError::caused_by(KeyErrorKind::FileContent { path: path.to_owned() }, error)
}

/// The value of an environment variable; `parse` makes something of it. The error names the variable.
pub(super) fn from_variable<T>(
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    let wrong = || KeyErrorKind::Environment { name: name.to_owned() };
    match std::env::var(name) {
        Ok(value) => {
            parse(&Zeroizing::new(value)).map_err(|error| KeyError::caused_by(wrong(), error))
        }
        Err(std::env::VarError::NotPresent) => {
            Err(KeyError::caused_by(wrong(), std::env::VarError::NotPresent))
        }
        // The cause would quote the value.
        Err(std::env::VarError::NotUnicode(_)) => Err(wrong().into()),
    }
}

/// Whether others than its owner can access a key file of this mode. It is not an error: if a container
/// mounts its secrets, the service may not be able to choose the mode.
#[cfg_attr(not(unix), allow(dead_code, reason = "files have no mode"))]
pub(crate) fn is_exposed(mode: u32) -> bool {
    mode & 0o066 != 0
}

/// Warns if others than its owner can access a key file.
#[cfg_attr(not(unix), allow(unused_variables, reason = "files have no mode"))]
pub(super) fn warn_if_exposed(path: &Path, metadata: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let mode = metadata.permissions().mode() & 0o7777;
        if is_exposed(mode) {
            crate::logging::key_file_exposed(path, mode);
        }
    }
}
