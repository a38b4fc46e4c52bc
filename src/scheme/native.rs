//! Our own token: `base64url(nonce ‖ tag ‖ ciphertext)` of a fixed header and the session's JSON,
//! under a sub-key that is bound to the cookie's name. `docs/FORMAT.md` states it byte by byte.
//!
//! Exactly one spelling opens. Nothing here reads a clock or draws a nonce.

use std::ops::Range;

use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{FixedOutput as _, Update as _};
use zeroize::Zeroize as _;

use super::{Idle, Times, text};
use crate::crypto::key::Key;
use crate::crypto::key_id::KeyId;
use crate::crypto::secretbox::{NONCE_LEN, SecretBox, TAG_LEN};
use crate::error::{DecodeErrorKind, EncodeErrorKind};
use crate::plaintext::{WipedBytes, WipedString};

const PERSONAL: &[u8; 16] = b"sealed-session-1";
const VERSION: u8 = 1;

/// Five bytes of seconds reach to the year 36,812; four would end in 2106.
const TIME_LEN: usize = 5;
pub(super) const LAST_TIME: u64 = (1 << (8 * TIME_LEN)) - 1;
/// The first bit says that the session has its own idle timeout; 31 bits of seconds are 68 years.
const IDLE_LEN: usize = 4;
const OWN_IDLE: u32 = 1 << 31;
const HEADER_LEN: usize = 1 + 2 * TIME_LEN + IDLE_LEN;

/// What stands before the JSON.
pub(crate) const PREFIX_LEN: usize = NONCE_LEN + TAG_LEN + HEADER_LEN;

/// A key bound to a cookie's name.
pub(crate) struct TokenCipher {
    id: KeyId,
    cipher: SecretBox,
}

impl TokenCipher {
    pub(crate) fn new(key: &Key, cookie_name: &str) -> Self {
        let mut mac =
            Blake2bMac::<U32>::new_with_salt_and_personal(key.expose_secret(), &[], PERSONAL)
                .expect("key and personal are of the lengths that BLAKE2b takes");
        mac.update(cookie_name.as_bytes());
        let mut subkey = mac.finalize_fixed();
        let sealer = Self { id: key.id(), cipher: SecretBox::new(subkey.as_ref()) };
        subkey.as_mut_slice().zeroize();
        sealer
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        times: &Times,
        buffer: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeErrorKind> {
        write_header(times, &mut buffer[NONCE_LEN + TAG_LEN..PREFIX_LEN])?;
        let (room, boxed) = buffer.split_at_mut(NONCE_LEN);
        room.copy_from_slice(nonce);
        self.cipher.seal(nonce, boxed);
        text::encode_url(buffer, out);
        Ok(())
    }

    /// Opens `buffer` in place and tells where in it the plaintext is then. If this is not its key,
    /// it is left as it is.
    pub(super) fn open(&self, buffer: &mut [u8]) -> Option<Range<usize>> {
        let (nonce, boxed) = buffer.split_first_chunk_mut()?;
        let place = self.cipher.open(nonce, boxed).ok()?;
        Some(NONCE_LEN + place.start..NONCE_LEN + place.end)
    }
}

/// The length of the token for so many bytes of JSON.
pub(super) const fn token_len(json: usize) -> usize {
    text::encoded_len(PREFIX_LEN + json)
}

/// The bytes of a token, still sealed.
pub(super) fn decode(token: &[u8]) -> Result<WipedBytes, DecodeErrorKind> {
    match text::decode_url(token) {
        Some(bytes) if bytes.len() >= PREFIX_LEN => Ok(WipedBytes::new(bytes)),
        _ => Err(DecodeErrorKind::Malformed),
    }
}

/// What an opened buffer says, whose plaintext is at `place`.
pub(super) fn parse(
    buffer: WipedBytes,
    place: Range<usize>,
) -> Result<(Times, WipedString), DecodeErrorKind> {
    let (header, _) = buffer[place.clone()].split_at(HEADER_LEN);
    let times = read_header(header)?;
    let json = buffer.into_text(place.start + HEADER_LEN..place.end);
    Ok((times, json.ok_or(DecodeErrorKind::InvalidPayload)?))
}

fn write_header(times: &Times, header: &mut [u8]) -> Result<(), EncodeErrorKind> {
    let refreshed_at = times.refreshed_at;
    let created_at = times.created_at.unwrap_or(refreshed_at);
    if created_at > LAST_TIME || refreshed_at > LAST_TIME {
        return Err(EncodeErrorKind::Clock);
    }
    let idle = times.idle.expect("the codec gives every native token an idle timeout");
    let idle = if idle.own { OWN_IDLE | idle.seconds } else { idle.seconds };
    header[0] = VERSION;
    header[1..6].copy_from_slice(&created_at.to_be_bytes()[8 - TIME_LEN..]);
    header[6..11].copy_from_slice(&refreshed_at.to_be_bytes()[8 - TIME_LEN..]);
    header[11..].copy_from_slice(&idle.to_be_bytes());
    Ok(())
}

fn read_header(header: &[u8]) -> Result<Times, DecodeErrorKind> {
    let (&version, header) = header.split_first().ok_or(DecodeErrorKind::InvalidPayload)?;
    if version != VERSION {
        return Err(DecodeErrorKind::UnsupportedVersion);
    }
    let (created_at, header) = header.split_at(TIME_LEN);
    let (refreshed_at, idle) = header.split_at(TIME_LEN);
    let (created_at, refreshed_at) = (big_endian(created_at), big_endian(refreshed_at));
    let idle = big_endian(idle) as u32;
    let idle = Idle { seconds: idle & !OWN_IDLE, own: idle & OWN_IDLE != 0 };
    if created_at > refreshed_at || idle.seconds == 0 {
        return Err(DecodeErrorKind::InvalidPayload);
    }
    Ok(Times { created_at: Some(created_at), refreshed_at, idle: Some(idle) })
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
