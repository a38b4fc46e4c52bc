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
        /// The likely mistake, where there is one.
        hint: Option<KeyLengthHint>,
    },
    /// Not the length of a key in hex or base64, where only text can be.
    #[non_exhaustive]
    TextLength {
        /// Bytes found.
        found: usize,
        /// The likely mistake, where there is one.
        hint: Option<KeyLengthHint>,
    },
    /// The length of a key in text, but not hex or base64.
    #[non_exhaustive]
    InvalidEncoding {
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
            Self::Length { found, hint } => {
                write!(
                    f,
                    "found {found} bytes; wanted a key: 32 raw bytes, or 64 hex digits, or 43 or 44 \
                     base64 characters with at most one line ending after them"
                )?;
                write_hint(f, *hint)
            }
            Self::TextLength { found, hint } => {
                write!(
                    f,
                    "found {found} characters; wanted a key in text: 64 hex digits, or 43 or 44 \
                     base64 characters"
                )?;
                write_hint(f, *hint)
            }
            Self::InvalidEncoding { found } => write!(
                f,
                "found {found} characters, the length of a key in {}, but they are not {0} (a \
                 character outside the alphabet, such as a space, or padding that does not fit)",
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

/// What has probably happened to a key of the wrong length.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLengthHint {
    /// There is nothing: the command that writes the key may have failed.
    Empty,
    /// A raw key with a line ending that an editor or a shell has added.
    RawWithNewline,
    /// A raw key that has lost a byte, perhaps to a text tool.
    RawCutShort,
    /// The length of a key for a smaller cipher.
    SmallerKey,
    /// 63 hex digits and a newline, or 64 raw bytes.
    HexCutShort,
    /// Text that begins with a UTF-8 byte order mark, as some editors write it.
    ByteOrderMark,
    /// Text in UTF-16, as a redirection in PowerShell writes it.
    Utf16,
    /// A key in text with a space, a tab or an empty line before it.
    LeadingSpace,
    /// A key in text with more than one line ending after it.
    LineEndings,
    /// A key in text with a space or a tab after it.
    TrailingSpace,
}

impl KeyLengthHint {
    /// The likely mistake, if the bytes are no key. It tells nothing else about them.
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
                "the last byte is a newline: an editor or a shell has added it to 32 raw bytes"
            }
            Self::RawCutShort => "one is missing: a raw key cut short by a text tool?",
            Self::SmallerKey => "a key for a smaller cipher?",
            Self::HexCutShort => "64 raw bytes, or 63 hex digits and a newline?",
            Self::ByteOrderMark => "it begins with a UTF-8 byte order mark: save it without one",
            Self::Utf16 => {
                "it is UTF-16, as PowerShell's > writes it: let `genkey --output` write the file"
            }
            Self::LeadingSpace => "it begins with a space, a tab or an empty line: remove it",
            Self::LineEndings => "there is more than one line ending after the key: leave one",
            Self::TrailingSpace => "it ends with a space or a tab: remove it",
        })
    }
}

fn write_hint(f: &mut fmt::Formatter<'_>, hint: Option<KeyLengthHint>) -> fmt::Result {
    hint.map_or(Ok(()), |hint| write!(f, " ({hint})"))
}
