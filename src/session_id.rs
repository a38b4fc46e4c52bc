//! `SessionId`: a session's public name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) const ID_LEN: usize = 16;

/// The public name of a session: 128 random bits, drawn when the session begins.
///
/// It stays the same through refreshes, writes and key rotations, and changes when the session is
/// regenerated. So it can name a session in logs and lists. Tokens in the format of
/// `@fastify/secure-session` have none.
///
/// Its text has 32 lower-case hex digits.
///
/// ```
/// # use sealed_session::{Codec, Key, Keyring, SessionId, SessionKind};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
/// let first = codec.decode(codec.encode(&Login { user_id: 7 })?)?;
/// let later = codec.decode(codec.refresh(&first)?)?;
/// assert_eq!(first.info.id, later.info.id);
///
/// let text = first.info.id.unwrap().to_string();
/// assert_eq!(text.parse::<SessionId>()?, first.info.id.unwrap());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
///
/// It is neither a secret nor a credential: knowing it does not open anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; ID_LEN]);

impl SessionId {
    /// An id from its 16 bytes, as they are in a token's header.
    ///
    /// ```
    /// # use sealed_session::SessionId;
    /// let id = SessionId::from_bytes([0xa0; 16]);
    /// assert_eq!(id.to_string(), "a0".repeat(16));
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; ID_LEN]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    ///
    /// ```
    /// # use sealed_session::SessionId;
    /// assert_eq!(SessionId::from_bytes([7; 16]).as_bytes(), &[7; 16]);
    /// ```
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; ID_LEN] {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is not a session id, which has 32 lower-case hex digits.
///
/// ```
/// use sealed_session::{InvalidSessionId, SessionId};
///
/// let result: Result<SessionId, InvalidSessionId> = "not an id".parse();
/// assert!(result.is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidSessionId;

impl fmt::Display for InvalidSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a session id: 32 lower-case hex digits")
    }
}

impl std::error::Error for InvalidSessionId {}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, InvalidSessionId> {
        let mut bytes = [0; ID_LEN];
        match base16ct::lower::decode(text, &mut bytes) {
            Ok(decoded) if decoded.len() == ID_LEN => Ok(Self(bytes)),
            _ => Err(InvalidSessionId),
        }
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::SessionId;

    #[test]
    fn its_text_is_32_lower_case_hex_digits_and_nothing_else() {
        let id = SessionId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        let text = "000102030405060708090a0b0c0d0eff";
        assert_eq!((id.to_string(), format!("{id:?}")), (text.to_owned(), text.to_owned()));
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("{text:?}"));
        assert_eq!(serde_json::from_str::<SessionId>(&format!("{text:?}")).unwrap(), id);
        let upper = text.to_uppercase();
        for other in ["", &text[..31], &text[1..], &upper, &format!("{text}0"), &format!(" {text}")]
        {
            let error = other.parse::<SessionId>().unwrap_err().to_string();
            assert!(error.contains("32 lower-case hex digits"), "{other:?}: {error}");
        }
    }
}
