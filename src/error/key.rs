//! What can go wrong with a key, a salt or a keyring.

use std::fmt;

use crate::crypto::key_id::KeyId;

opaque_error! {
    /// A key, salt or keyring could not be made.
    KeyError, KeyErrorKind
}

/// Why a key, salt or keyring could not be made.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyErrorKind {
    /// Neither 32 raw bytes nor the length of a key in hex or base64.
    #[non_exhaustive]
    Length {
        /// Bytes found.
        found: usize,
        /// The last byte is a line feed: 33 bytes that end in one are a raw key that an editor saved.
        ends_in_newline: bool,
    },
    /// Not the length of a key in hex or base64, where only text can be.
    #[non_exhaustive]
    TextLength {
        /// Bytes found.
        found: usize,
    },
    /// The length of a key in text, but not hex or base64.
    #[non_exhaustive]
    Text {
        /// Bytes found, without the line ending.
        found: usize,
    },
    /// All bytes are zero: a buffer that nobody filled.
    AllZero,
    /// The file could not be read; the cause says why.
    #[non_exhaustive]
    File {
        /// The path as it was given.
        path: std::path::PathBuf,
    },
    /// The path names something that is not a regular file.
    #[non_exhaustive]
    NotAFile {
        /// The path as it was given.
        path: std::path::PathBuf,
    },
    /// What the file holds is not a key; the cause says why.
    #[non_exhaustive]
    FileContent {
        /// The path as it was given.
        path: std::path::PathBuf,
    },
    /// The environment variable is not set, not Unicode, or not a key (then the cause says why).
    #[non_exhaustive]
    Environment {
        /// The variable's name.
        name: String,
    },
    /// The operating system gave no randomness.
    Randomness,
    /// The keyring already has the key.
    #[non_exhaustive]
    Duplicate {
        /// The key's public name.
        id: KeyId,
    },
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
    /// The 256 MiB that the passphrase's Argon2id takes are not to be had.
    Memory,
}

impl fmt::Display for KeyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found, ends_in_newline } => {
                write!(
                    f,
                    "found {found} bytes; wanted a key: 32 raw bytes, or 64 hex digits, or 43 or 44 \
                     base64 characters with at most one line ending after them"
                )?;
                match (found, ends_in_newline) {
                    (0, _) => f.write_str(" (did the command that writes it fail?)"),
                    (33, true) | (34, true) => f.write_str(
                        " (the last byte is a newline: an editor or a shell has added it to 32 raw bytes)",
                    ),
                    (31, _) => f.write_str(" (one is missing: a raw key cut short by a text tool?)"),
                    (16 | 24, _) => f.write_str(" (a key for a smaller cipher?)"),
                    (64, true) => f.write_str(" (64 raw bytes, or 63 hex digits and a newline?)"),
                    _ => Ok(()),
                }
            }
            Self::TextLength { found } => write!(
                f,
                "found {found} characters; wanted a key in text: 64 hex digits, or 43 or 44 base64 \
                 characters"
            ),
            Self::Text { found } => write!(
                f,
                "found {found} characters, the length of a key in {}, but they are not {0} (a \
                 character outside the alphabet, or padding that does not fit)",
                if *found == 64 { "hex" } else { "base64" }
            ),
            Self::AllZero => f.write_str("the key is all zeros: was its buffer ever filled?"),
            Self::File { path } => write!(f, "cannot read the key file {}", path.display()),
            Self::NotAFile { path } => write!(
                f,
                "{} is not a regular file, and a key is read only from one",
                path.display()
            ),
            Self::FileContent { path } => write!(f, "the key file {} holds no key", path.display()),
            Self::Environment { name } => {
                write!(f, "the environment variable {name} holds no key")
            }
            Self::Randomness => f.write_str("the operating system gave no randomness"),
            Self::Duplicate { id } => {
                write!(f, "the keyring already has the key with the id {id}")
            }
            Self::PassphraseLength { found } => {
                write!(f, "the passphrase has {found} bytes; at least 32 are wanted")
            }
            Self::SaltLength { found } => write!(f, "the salt has {found} bytes; 16 are wanted"),
            Self::Memory => f.write_str(
                "not enough memory: deriving a key from a passphrase takes 256 MiB for a second",
            ),
        }
    }
}
