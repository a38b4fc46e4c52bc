//! Our own token: `base64url(nonce ‖ tag ‖ ciphertext)` of a fixed header and the session's JSON,
//! under a sub-key that is bound to the cookie's name. `docs/FORMAT.md` specifies it byte by byte.
//!
//! Exactly one text form is accepted. Nothing here reads a clock or draws a nonce.

use std::ops::Range;

use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{FixedOutput as _, Update as _};
use zeroize::Zeroize as _;

use super::{Header, Idle, text};
use crate::crypto::key::Key;
use crate::crypto::key_id::KeyId;
use crate::crypto::secretbox::{NONCE_LEN, Nonce, SecretBox, TAG_LEN};
use crate::error::{DecodeErrorKind, EncodeErrorKind};
use crate::plaintext::{WipedBytes, WipedString};
use crate::session_id::{ID_LEN, SessionId};

const PERSONAL: &[u8; 16] = b"sealed-session-1";
const VERSION: u8 = 1;

/// The idle timeout is this session's own.
const OWN_IDLE: u8 = 1;
/// Eight bytes follow the fixed part: the number of the last mark that the session has seen.
const HAS_SEEN: u8 = 2;
/// Six bytes of milliseconds reach to the year 10,889.
const TIME_LEN: usize = 6;
pub(super) const LAST_TIME: u64 = (1 << (8 * TIME_LEN)) - 1;
pub(super) const MAX_IDLE: u32 = (1 << 31) - 1;

// The positions of the header's fields.
const FLAGS: usize = 1;
const ID: Range<usize> = 2..18;
const CREATED: Range<usize> = 18..24;
const REFRESHED: Range<usize> = 24..28;
const IDLE: Range<usize> = 28..32;
const FIXED_LEN: usize = IDLE.end;
const SEEN_LEN: usize = 8;

/// The number of bytes before the header.
const BEFORE: usize = NONCE_LEN + TAG_LEN;

fn header_len(header: &Header) -> usize {
    FIXED_LEN + header.seen.map_or(0, |_| SEEN_LEN)
}

/// The number of bytes before the JSON.
pub(super) fn prefix_len(header: &Header) -> usize {
    BEFORE + header_len(header)
}

/// A key bound to a cookie's name.
pub(crate) struct TokenCipher {
    id: KeyId,
    secret_box: SecretBox,
}

impl TokenCipher {
    pub(crate) fn new(key: &Key, cookie_name: &str) -> Self {
        let mut mac =
            Blake2bMac::<U32>::new_with_salt_and_personal(key.expose_secret(), &[], PERSONAL)
                .expect("key and personal are of the lengths that BLAKE2b takes");
        mac.update(cookie_name.as_bytes());
        let mut subkey = mac.finalize_fixed();
        let cipher = Self { id: key.id(), secret_box: SecretBox::new(subkey.as_ref()) };
        subkey.as_mut_slice().zeroize();
        cipher
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn seal(
        &self,
        nonce: Nonce,
        header: &Header,
        buffer: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeErrorKind> {
        write_header(header, &mut buffer[BEFORE..prefix_len(header)])?;
        let (room, boxed) = buffer.split_at_mut(NONCE_LEN);
        room.copy_from_slice(nonce.as_bytes());
        self.secret_box.seal(nonce, boxed);
        text::encode_url(buffer, out);
        Ok(())
    }

    /// Opens `buffer` in place and returns the range of the plaintext in it. If this is not its key, the
    /// buffer is left unchanged.
    pub(super) fn open(&self, buffer: &mut [u8]) -> Option<Range<usize>> {
        let (nonce, boxed) = buffer.split_first_chunk_mut()?;
        let place = self.secret_box.open(nonce, boxed).ok()?;
        Some(NONCE_LEN + place.start..NONCE_LEN + place.end)
    }
}

/// The length of the token for `json` bytes of JSON.
pub(super) fn token_len(json: usize, header: &Header) -> usize {
    text::encoded_len(prefix_len(header) + json)
}

/// The bytes of a token, still sealed.
pub(super) fn decode(token: &[u8]) -> Result<WipedBytes, DecodeErrorKind> {
    match text::decode_url(token) {
        Some(bytes) if bytes.len() >= BEFORE + FIXED_LEN => Ok(WipedBytes::new(bytes)),
        _ => Err(DecodeErrorKind::Malformed),
    }
}

/// The header and the JSON of an opened buffer, whose plaintext is at `place`.
pub(super) fn parse(
    buffer: WipedBytes,
    place: Range<usize>,
) -> Result<(Header, WipedString), DecodeErrorKind> {
    let header = read_header(&buffer[place.clone()])?;
    let json = buffer.into_text(place.start + header_len(&header)..place.end);
    Ok((header, json.ok_or(DecodeErrorKind::InvalidPayload)?))
}

fn write_header(header: &Header, out: &mut [u8]) -> Result<(), EncodeErrorKind> {
    let created_at = header.created_at.unwrap_or(header.refreshed_at);
    let refreshed = header.refreshed_at.saturating_sub(created_at) / 1000;
    let refreshed = u32::try_from(refreshed).map_err(|_| EncodeErrorKind::Clock)?;
    if created_at > LAST_TIME {
        return Err(EncodeErrorKind::Clock);
    }
    let idle = header.idle.expect("the codec gives every native token an idle timeout");
    let id = header.id.expect("the codec gives every native token an id");
    out[0] = VERSION;
    out[FLAGS] = if idle.per_session { OWN_IDLE } else { 0 };
    if let Some(seen) = header.seen {
        out[FLAGS] |= HAS_SEEN;
        out[FIXED_LEN..].copy_from_slice(&seen.to_be_bytes());
    }
    out[ID].copy_from_slice(id.as_bytes());
    out[CREATED].copy_from_slice(&created_at.to_be_bytes()[8 - TIME_LEN..]);
    out[REFRESHED].copy_from_slice(&refreshed.to_be_bytes());
    out[IDLE].copy_from_slice(&idle.seconds.to_be_bytes());
    Ok(())
}

/// The header at the beginning of a plaintext, which is at least as long as its fixed part.
fn read_header(header: &[u8]) -> Result<Header, DecodeErrorKind> {
    if header[0] != VERSION {
        return Err(DecodeErrorKind::UnsupportedVersion);
    }
    let seconds = big_endian(&header[IDLE]) as u32;
    // An unknown flag may change the meaning of the other fields.
    if header[FLAGS] & !(OWN_IDLE | HAS_SEEN) != 0 || !(1..=MAX_IDLE).contains(&seconds) {
        return Err(DecodeErrorKind::InvalidPayload);
    }
    let seen = match header[FLAGS] & HAS_SEEN {
        0 => None,
        _ => {
            let seen = header[FIXED_LEN..].first_chunk::<SEEN_LEN>();
            Some(u64::from_be_bytes(*seen.ok_or(DecodeErrorKind::InvalidPayload)?))
        }
    };
    let mut id = [0; ID_LEN];
    id.copy_from_slice(&header[ID]);
    let created_at = big_endian(&header[CREATED]);
    Ok(Header {
        id: Some(SessionId::from_bytes(id)),
        created_at: Some(created_at),
        refreshed_at: created_at + 1000 * big_endian(&header[REFRESHED]),
        idle: Some(Idle { seconds, per_session: header[FLAGS] & OWN_IDLE != 0 }),
        seen,
    })
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
