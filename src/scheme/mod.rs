//! The token formats, and what a codec does with any of them.
//!
//! A scheme frames and seals; whether a session is still valid is the codec's question.

pub(crate) mod native;
mod text;

use zeroize::Zeroizing;

use crate::crypto::key::Key;
use crate::crypto::secretbox::NONCE_LEN;
use crate::error::{OpenErrorKind, SealErrorKind};

/// A session's JSON in the clear. Wiped on drop; has no `Debug`.
pub(crate) type Json = Zeroizing<String>;

/// The last second that every token format can say.
#[cfg(feature = "tower")]
pub(crate) const LAST_TIME: u64 = native::LAST_TIME;

/// Which token format a key of the ring is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Native,
}

/// What a token says of its session's time, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// `None` where the format has no room for it.
    pub(crate) created_at: Option<u64>,
    pub(crate) refreshed_at: u64,
    /// `None` where the format has no room for it.
    pub(crate) idle: Option<Idle>,
}

/// The idle timeout that a token carries, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Idle {
    pub(crate) seconds: u32,
    /// Set for this session (“remember me”), and not merely the codec's setting at the time.
    pub(crate) own: bool,
}

/// A token that a key has opened.
pub(crate) struct Opened {
    pub(crate) json: Json,
    pub(crate) times: Times,
    /// The key's place in the ring; 0 is the primary.
    pub(crate) key_index: usize,
}

/// A key of the ring, made ready for one cookie name.
pub(crate) enum Sealer {
    Native(native::Sealer),
}

impl Sealer {
    pub(crate) fn new(scheme: Scheme, key: &Key, cookie_name: &str) -> Self {
        match scheme {
            Scheme::Native => Self::Native(native::Sealer::new(key, cookie_name)),
        }
    }

    /// How many bytes a buffer for [`Sealer::seal`] begins with, before the JSON.
    pub(crate) fn front(&self) -> usize {
        match self {
            Self::Native(_) => native::FRONT,
        }
    }

    /// The length of the token for so many bytes of JSON.
    pub(crate) fn token_len(&self, json: usize) -> usize {
        match self {
            Self::Native(_) => native::token_len(json),
        }
    }

    /// Seals what stands in `buffer` behind [`Sealer::front`] bytes of room, and appends the token
    /// to `out`.
    pub(crate) fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        times: &Times,
        buffer: &mut Zeroizing<Vec<u8>>,
        out: &mut Vec<u8>,
    ) -> Result<(), SealErrorKind> {
        match self {
            Self::Native(sealer) => sealer.seal(nonce, times, buffer, out),
        }
    }
}

/// Opens a token with the first key that it opens under.
pub(crate) fn open(ring: &[Sealer], token: &[u8]) -> Result<Opened, OpenErrorKind> {
    let mut buffer = native::decode(token)?;
    let key_index = ring
        .iter()
        .position(|sealer| match sealer {
            Sealer::Native(sealer) => sealer.open(&mut buffer),
        })
        .ok_or(OpenErrorKind::Forged)?;
    let (times, json) = native::parse(buffer)?;
    Ok(Opened {
        json,
        times,
        key_index,
    })
}
