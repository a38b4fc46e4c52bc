//! `KeyError`: why a key, salt or keyring could not be created.

use std::fmt;

use crate::crypto::key_id::KeyId;

opaque_error! {
    /// A key, salt or keyring could not be created.
    ///
    /// ```
    /// use sealed_session::{Key, KeyErrorKind, KeyLengthHint};
    ///
    /// let error = Key::parse([7; 31]).unwrap_err();
    /// let hint = match error.kind() {
    ///     KeyErrorKind::Length { found: 31, hint, .. } => *hint,
    ///     _ => None,
    /// };
    /// assert_eq!(hint, Some(KeyLengthHint::RawCutShort));
    /// ```
    KeyError, KeyErrorKind, with a cause
}

/// Why a key, salt or keyring could not be created.
///
/// ```
/// use sealed_session::{Key, KeyErrorKind};
///
/// let error = Key::from_file("no such file").unwrap_err();
/// assert!(matches!(error.kind(), KeyErrorKind::File { .. }));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyErrorKind {
    /// Neither 32 raw bytes, nor as long as a key in hex or base64.
    #[non_exhaustive]
    Length {
        /// Bytes found.
        found: usize,
        /// The likely mistake, where there is one.
        hint: Option<KeyLengthHint>,
    },
    /// Not as long as a key in hex or base64, where only text is possible.
    #[non_exhaustive]
    TextLength {
        /// Bytes found.
        found: usize,
        /// The likely mistake, where there is one.
        hint: Option<KeyLengthHint>,
    },
    /// As long as a key in hex or base64, but not valid hex or base64.
    #[non_exhaustive]
    InvalidEncoding {
        /// Bytes found, not counting the line ending.
        found: usize,
    },
    /// All bytes are zero, as in a buffer that was never filled.
    AllZero,
    /// The file could not be read; the cause says why.
    #[non_exhaustive]
    File {
        /// The path as it was given.
        path: std::path::PathBuf,
    },
    /// The path is not a regular file.
    #[non_exhaustive]
    NotAFile {
        /// The path as it was given.
        path: std::path::PathBuf,
    },
    /// The file does not contain a valid key; the cause says why.
    #[non_exhaustive]
    FileContent {
        /// The path as it was given.
        path: std::path::PathBuf,
    },
    /// The environment variable is not set, not Unicode, or not a valid key (then the cause says
    /// why).
    #[non_exhaustive]
    Environment {
        /// The variable's name.
        name: String,
    },
    /// A key in a list of several is not valid; the cause says why.
    #[non_exhaustive]
    InList {
        /// Its place in the list: 1 is the first, and newest.
        position: usize,
    },
    /// The directory of keys could not be listed; the cause says why.
    #[non_exhaustive]
    Directory {
        /// The path as it was given.
        path: std::path::PathBuf,
    },
    /// The directory contains no key, or only revoked ones.
    #[non_exhaustive]
    EmptyDirectory {
        /// The path as it was given.
        path: std::path::PathBuf,
        /// How many keys in it are revoked.
        revoked: usize,
    },
    /// The name of a file in a directory of keys says no time, or, of a tombstone, no key.
    #[non_exhaustive]
    FileName {
        /// The file.
        path: std::path::PathBuf,
    },
    /// Two files of a directory contain the same key.
    #[non_exhaustive]
    SameKey {
        /// The key's public name.
        id: KeyId,
        /// One of the files.
        path: std::path::PathBuf,
        /// The other one.
        other: std::path::PathBuf,
    },
    /// A key is gone that this server seals with, or that others may seal with, and it was not revoked.
    #[non_exhaustive]
    KeyGone {
        /// The key's public name.
        id: KeyId,
        /// The directory, or the file.
        path: std::path::PathBuf,
    },
    /// The service manager gave the service no such credential.
    #[non_exhaustive]
    Credential {
        /// The credential's name.
        name: String,
    },
    /// The thread that follows the keys, or the handler of a signal, could not be set up; the cause says
    /// why.
    NotFollowed,
    /// The operating system gave no randomness.
    Randomness,
    /// A keyring needs at least one key.
    NoKeys,
    /// The keyring already contains the key.
    #[non_exhaustive]
    Duplicate {
        /// The key's public name.
        id: KeyId,
    },
    /// The keyring follows a directory of keys, so its keys change only with the files.
    FollowsFiles,
    /// The primary would be a fastify key, but a codec on the keyring marks deletions, or has
    /// revocations or a timeout for remembered sessions.
    NeedsNative,
    /// The passphrase is shorter than 32 bytes.
    #[non_exhaustive]
    PassphraseLength {
        /// Bytes found.
        found: usize,
    },
    /// The salt is not 16 bytes.
    #[non_exhaustive]
    SaltLength {
        /// Bytes found.
        found: usize,
    },
    /// The 256 MiB that Argon2id needs for a passphrase could not be allocated.
    Memory,
}

impl fmt::Display for KeyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found, hint } => {
                write!(
                    f,
                    "expected a key (32 raw bytes, 64 hex digits or 43–44 base64 characters), found \
                     {found} bytes"
                )?;
                write_hint(f, *hint)
            }
            Self::TextLength { found, hint } => {
                write!(
                    f,
                    "expected a key as text (64 hex digits or 43–44 base64 characters), found \
                     {found} bytes"
                )?;
                write_hint(f, *hint)
            }
            Self::InvalidEncoding { found } => write!(
                f,
                "the text has the length of a {encoding} key ({found} characters) but is not valid \
                 {encoding} (a character outside the alphabet, such as a space, or wrong padding?)",
                encoding = if *found == 64 { "hex" } else { "base64" }
            ),
            Self::AllZero => f.write_str("the key is all zeros (was its buffer ever filled?)"),
            Self::File { path } => write!(f, "cannot read the key file {}", path.display()),
            Self::NotAFile { path } => write!(
                f,
                "{} is not a regular file; keys are only read from regular files",
                path.display()
            ),
            Self::FileContent { path } => {
                write!(f, "the key file {} does not contain a valid key", path.display())
            }
            Self::Environment { name } => {
                write!(f, "cannot read a key from the environment variable {name}")
            }
            Self::InList { position } => {
                write!(f, "key {position} of the list (the first is the newest) is not valid")
            }
            Self::Directory { path } => {
                write!(f, "cannot list the key directory {}", path.display())
            }
            Self::EmptyDirectory { path, revoked: 0 } => write!(
                f,
                "there is no key in {path}: run `sealed-session keys rotate {path}` to make the first",
                path = path.display()
            ),
            Self::EmptyDirectory { path, .. } => write!(
                f,
                "every key in {path} is revoked: run `sealed-session keys rotate {path}` to make a \
                 new one",
                path = path.display()
            ),
            Self::FileName { path } if path.extension().is_some_and(|end| end == "revoked") => write!(
                f,
                "{} revokes nothing: its name must be a key's id, such as 4b596b61.revoked",
                path.display()
            ),
            Self::FileName { path } => write!(
                f,
                "the name of {} must say from when the key seals, such as 2026-11-21T12-00-00Z.key",
                path.display()
            ),
            Self::SameKey { id, path, other } => write!(
                f,
                "{} and {} contain the same key, {id}: remove one of them",
                path.display(),
                other.display()
            ),
            Self::KeyGone { id, path } => write!(
                f,
                "the key {id} is in use and not in {path}: is that an old copy? To take a key out of \
                 use, run `sealed-session keys revoke {path} {id}`; where all keys are in one file, \
                 start the servers again",
                path = path.display()
            ),
            Self::Credential { name } => write!(
                f,
                "there is no credential {name}: the service's unit needs \
                 `LoadCredential={name}:/path/to/the/keys`"
            ),
            Self::NotFollowed => f.write_str("cannot begin to follow the keys"),
            Self::Randomness => f.write_str("the operating system gave no randomness"),
            Self::NoKeys => f.write_str("a keyring needs at least one key"),
            Self::Duplicate { id } => {
                write!(f, "the keyring already contains the key with the id {id}")
            }
            Self::FollowsFiles => f.write_str(
                "this keyring follows a directory of keys: add or remove files there instead",
            ),
            Self::NeedsNative => f.write_str(
                "the primary must not be a fastify key, because a codec on this keyring has \
                 `remember_timeout`, `mark_deletions` or `revocations`",
            ),
            Self::PassphraseLength { found } => {
                write!(f, "expected a passphrase of at least 32 bytes, found {found} bytes")
            }
            Self::SaltLength { found } => write!(f, "expected a salt of 16 bytes, found {found} bytes"),
            Self::Memory => f.write_str(
                "not enough memory: deriving a key from a passphrase takes 256 MiB for about a second",
            ),
        }
    }
}

/// The likely reason why a key has the wrong length.
///
/// ```
/// use sealed_session::KeyLengthHint;
///
/// let hint = KeyLengthHint::LineEndings;
/// println!("{hint}"); // there is more than one line ending after the key: keep only one
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLengthHint {
    /// It is empty: the command that writes the key may have failed.
    Empty,
    /// A raw key with a line ending, added by an editor or a shell.
    RawWithNewline,
    /// A raw key that has lost a byte, perhaps to a text tool.
    RawCutShort,
    /// It is as long as a key for a smaller cipher.
    SmallerKey,
    /// 63 hex digits and a newline, or 64 raw bytes.
    HexCutShort,
    /// Text that begins with a UTF-8 byte order mark, which some editors add.
    ByteOrderMark,
    /// Text in UTF-16, which a redirection in PowerShell writes.
    Utf16,
    /// A key as text, with a space, a tab or an empty line before it.
    LeadingSpace,
    /// A key as text, with more than one line ending after it.
    LineEndings,
    /// A key as text, with a space or a tab after it.
    TrailingSpace,
}

impl KeyLengthHint {
    /// The likely mistake, if the bytes are not a key. It reveals nothing else about them.
    pub(crate) fn of(content: &[u8]) -> Option<Self> {
        if content.starts_with(b"\xef\xbb\xbf") {
            return Some(Self::ByteOrderMark);
        }
        if content.starts_with(b"\xff\xfe") || content.starts_with(b"\xfe\xff") {
            return Some(Self::Utf16);
        }
        let ends_in_newline = content.ends_with(b"\n");
        match content.len() {
            0 => return Some(Self::Empty),
            33 | 34 if ends_in_newline => return Some(Self::RawWithNewline),
            31 => return Some(Self::RawCutShort),
            16 | 24 => return Some(Self::SmallerKey),
            64 if ends_in_newline => return Some(Self::HexCutShort),
            _ => {}
        }
        if !matches!(content.trim_ascii().len(), 43 | 44 | 64) {
            return None;
        }
        if content[0].is_ascii_whitespace() {
            return Some(Self::LeadingSpace);
        }
        let after = &content[content.trim_ascii_end().len()..];
        match after.iter().all(|byte| b"\r\n".contains(byte)) {
            true if after.is_empty() => None,
            true => Some(Self::LineEndings),
            false => Some(Self::TrailingSpace),
        }
    }
}

impl fmt::Display for KeyLengthHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "did the command that writes it fail?",
            Self::RawWithNewline => {
                "the last byte is a newline: did an editor or a shell add it to 32 raw bytes?"
            }
            Self::RawCutShort => "one byte is missing: did a text tool cut a raw key short?",
            Self::SmallerKey => "is this a key for a smaller cipher?",
            Self::HexCutShort => "are these 64 raw bytes, or 63 hex digits and a newline?",
            Self::ByteOrderMark => "it begins with a UTF-8 byte order mark: save it without one",
            Self::Utf16 => {
                "it is UTF-16, which PowerShell's > writes: use `genkey --output` to write the file"
            }
            Self::LeadingSpace => "it begins with a space, a tab or an empty line: remove it",
            Self::LineEndings => "there is more than one line ending after the key: keep only one",
            Self::TrailingSpace => "it ends with a space or a tab: remove it",
        })
    }
}

fn write_hint(f: &mut fmt::Formatter<'_>, hint: Option<KeyLengthHint>) -> fmt::Result {
    hint.map_or(Ok(()), |hint| write!(f, " ({hint})"))
}
