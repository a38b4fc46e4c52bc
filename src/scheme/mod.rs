//! The token formats, and the operations on them.
//!
//! A scheme frames and seals. The codec decides whether a session is still valid.

#[cfg(feature = "fastify")]
pub(crate) mod fastify;
pub(crate) mod native;
mod text;

use crate::crypto::key_id::KeyId;
use crate::crypto::key_set::RingKey;
use crate::crypto::secretbox::Nonce;
use crate::error::{DecodeErrorKind, EncodeErrorKind};
use crate::plaintext::{WipedBytes, WipedString};
use crate::session_id::SessionId;

/// The latest time that every token format can hold, in milliseconds.
pub(crate) const LAST_TIME: u64 = native::LAST_TIME;

/// The content of a token besides the data. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// `None` if the format has no room for it.
    pub(crate) id: Option<SessionId>,
    /// `None` if the format has no room for it.
    pub(crate) created_at: Option<u64>,
    pub(crate) refreshed_at: u64,
    /// `None` if the format has no room for it.
    pub(crate) idle: Option<Idle>,
    /// The number of the last mark that the session has seen, if it has tags (`marks/`).
    pub(crate) seen: Option<u64>,
}

/// The idle timeout that a token carries, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Idle {
    pub(crate) seconds: u32,
    /// Set for this session (“remember me”), and not only the codec's setting when it was sealed.
    pub(crate) per_session: bool,
}

impl Idle {
    pub(crate) fn millis(self) -> u64 {
        u64::from(self.seconds) * 1000
    }
}

/// A token that a key has opened.
pub(crate) struct Opened {
    /// The session's JSON.
    pub(crate) json: WipedString,
    pub(crate) header: Header,
    /// The key's index in the ring.
    pub(crate) key_index: usize,
    /// The token has no time of its last refresh. It counts as refreshed now.
    pub(crate) undated: bool,
}

/// A key of the ring, prepared for one cookie name.
pub(crate) enum TokenCipher {
    Native(native::TokenCipher),
    #[cfg(feature = "fastify")]
    Fastify(fastify::TokenCipher),
}

impl TokenCipher {
    pub(crate) fn new(key: &RingKey, cookie_name: &str) -> Self {
        match key {
            RingKey::Native(key) => Self::Native(native::TokenCipher::new(key, cookie_name)),
            #[cfg(feature = "fastify")]
            RingKey::Fastify(key) => Self::Fastify(fastify::TokenCipher::new(key)),
        }
    }

    /// The key itself, if the format does not bind it to a cookie's name.
    #[cfg(feature = "fastify")]
    pub(crate) fn fastify_key(&self) -> Option<&crate::crypto::key::Key> {
        match self {
            Self::Native(_) => None,
            Self::Fastify(cipher) => Some(cipher.key()),
        }
    }

    /// The key's public name.
    pub(crate) fn id(&self) -> KeyId {
        match self {
            Self::Native(cipher) => cipher.id(),
            #[cfg(feature = "fastify")]
            Self::Fastify(cipher) => cipher.id(),
        }
    }

    /// The number of bytes before the JSON in a buffer for [`TokenCipher::seal`].
    pub(crate) fn prefix_len(&self, header: &Header) -> usize {
        match self {
            Self::Native(_) => native::prefix_len(header),
            #[cfg(feature = "fastify")]
            Self::Fastify(_) => fastify::PREFIX_LEN,
        }
    }

    /// The length of the token, as it is in a cookie, for `json` bytes of JSON.
    pub(crate) fn token_len(&self, json: usize, header: &Header) -> usize {
        match self {
            Self::Native(_) => native::token_len(json, header),
            #[cfg(feature = "fastify")]
            Self::Fastify(cipher) => cipher.token_len(json, header.refreshed_at),
        }
    }

    /// Whether the tokens have room for an id, a creation time and an idle timeout.
    pub(crate) fn keeps_header(&self) -> bool {
        matches!(self, Self::Native(_))
    }

    /// Whether this JSON can go into the tokens.
    #[cfg_attr(
        not(feature = "fastify"),
        allow(unused_variables, reason = "the fastify scheme's need")
    )]
    pub(crate) fn check_json(&self, json: &[u8]) -> Result<(), EncodeErrorKind> {
        match self {
            Self::Native(_) => Ok(()),
            #[cfg(feature = "fastify")]
            Self::Fastify(_) => fastify::check_json(json),
        }
    }

    /// Seals the JSON in `buffer`, which begins after [`TokenCipher::prefix_len`] bytes of room, and
    /// appends the token to `out`.
    pub(crate) fn seal(
        &self,
        nonce: Nonce,
        header: &Header,
        buffer: &mut WipedBytes,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeErrorKind> {
        match self {
            Self::Native(cipher) => cipher.seal(nonce, header, buffer, out),
            #[cfg(feature = "fastify")]
            Self::Fastify(cipher) => {
                cipher.seal(nonce, header, buffer, out);
                Ok(())
            }
        }
    }
}

/// Opens a token with a key of its scheme: first the one that seals, then the older ones, then the newer
/// ones, so that a key that seals only in the future costs nothing yet. The token's text shows the scheme;
/// there is no fallback to the other.
#[cfg_attr(not(feature = "fastify"), allow(unused_variables, reason = "the fastify scheme's need"))]
pub(crate) fn open(
    ring: &[TokenCipher],
    primary: usize,
    token: &[u8],
    now: u64,
) -> Result<Opened, DecodeErrorKind> {
    let (newer, others) = ring.split_at(primary);
    let others = others.iter().enumerate().map(|(index, cipher)| (primary + index, cipher));
    let mut keys = others.chain(newer.iter().enumerate().rev());
    #[cfg(feature = "fastify")]
    if fastify::matches_format(token)
        && ring.iter().any(|key| matches!(key, TokenCipher::Fastify(_)))
    {
        let keys = keys.filter_map(|(key_index, cipher)| match cipher {
            TokenCipher::Fastify(cipher) => Some((key_index, cipher)),
            TokenCipher::Native(_) => None,
        });
        return fastify::open(keys, token, now);
    }
    let mut buffer = native::decode(token)?;
    let opened = keys.find_map(|(key_index, cipher)| match cipher {
        TokenCipher::Native(cipher) => cipher.open(&mut buffer).map(|place| (key_index, place)),
        #[cfg(feature = "fastify")]
        TokenCipher::Fastify(_) => None,
    });
    let (key_index, place) = opened.ok_or(DecodeErrorKind::NoMatchingKey)?;
    let (header, json) = native::parse(buffer, place)?;
    Ok(Opened { json, header, key_index, undated: false })
}
