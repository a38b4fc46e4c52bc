//! The token of Node's `@fastify/secure-session`: `base64(tag ‖ ciphertext) ";" base64(nonce)` under
//! the raw key, the JSON with a top-level `__ts`, optionally signed; percent-encoded in the cookie.
//!
//! It opens tokens as Node writes them, and in the shorter forms (unescaped, unpadded) that Node reads.
//! It refuses other forms, which only a lenient decoder would accept. The format has no room for a
//! cookie name or a creation time.

use std::borrow::Cow;
use std::io::Write as _;
use std::ops::Range;
use std::sync::LazyLock;

use blake2::Blake2b;
use blake2::digest::Digest as _;
use blake2::digest::consts::U32;
use hmac::{Hmac, Mac as _};
use memchr::memmem::Finder;
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Header, Opened, text};
use crate::crypto::fastify_key::{FastifyKey, Signing};
use crate::crypto::key::Key;
use crate::crypto::key_id::KeyId;
use crate::crypto::secretbox::{NONCE_LEN, Nonce, SecretBox, TAG_LEN};
use crate::error::{DecodeErrorKind, EncodeErrorKind};
use crate::members;
use crate::plaintext::{WipedBytes, WipedString};

/// The number of bytes before the JSON.
pub(super) const PREFIX_LEN: usize = TAG_LEN;
/// The member that says when the session was last refreshed.
const TIME_MEMBER: &str = "__ts";
/// The only character of a token that a cookie has to escape.
const SEPARATOR: &[u8] = b"%3B";
const NONCE_TEXT_LEN: usize = text::encoded_len(NONCE_LEN);
const SIGNATURE_TEXT_LEN: usize = text::encoded_len(32);

/// A key of the Node plugin, ready to seal and open.
pub(crate) struct TokenCipher {
    key: Key,
    id: KeyId,
    secret_box: SecretBox,
    signature: Option<Hmac<Sha256>>,
    undated: bool,
}

impl TokenCipher {
    pub(super) fn new(fastify: &FastifyKey) -> Self {
        let key = &fastify.key;
        let mac = |secret: &[u8]| {
            Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length")
        };
        let signature = match &fastify.signing {
            Signing::None => None,
            Signing::Derived(signing) => {
                let mut hash = Blake2b::<U32>::digest(signing.expose_secret());
                let secret = Zeroizing::new(base16ct::lower::encode_string(&hash));
                hash.as_mut_slice().zeroize();
                Some(mac(secret.as_bytes()))
            }
            Signing::Secret(secret) => Some(mac(secret)),
        };
        let secret_box = SecretBox::new(key.expose_secret());
        Self { key: key.clone(), id: key.id(), secret_box, signature, undated: fastify.undated }
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    /// The key itself, to detect that it is used for two cookies.
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn token_len(&self, json: usize, refreshed_at: u64) -> usize {
        let time = r#","__ts":"#.len() + decimal_digits(refreshed_at / 1000);
        // An empty object needs no comma.
        let plaintext = if json <= "{}".len() { json + time - 1 } else { json + time };
        let signature = if self.signature.is_some() { 1 + SIGNATURE_TEXT_LEN } else { 0 };
        text::encoded_len(TAG_LEN + plaintext) + SEPARATOR.len() + NONCE_TEXT_LEN + signature
    }

    pub(super) fn seal(
        &self,
        nonce: Nonce,
        header: &Header,
        buffer: &mut WipedBytes,
        out: &mut Vec<u8>,
    ) {
        // `check_json` has made sure that it is an object. Its last brace gives way to the time.
        let brace = buffer.trim_ascii_end().len() - 1;
        let end = buffer[..brace].trim_ascii_end().len();
        buffer.truncate(end);
        let comma = if buffer.last() == Some(&b'{') { "" } else { "," };
        let time = header.refreshed_at / 1000;
        write!(buffer, "{comma}\"{TIME_MEMBER}\":{time}}}").expect("memory takes what is written");

        let nonce_bytes = *nonce.as_bytes();
        self.secret_box.seal(nonce, buffer);
        let start = out.len();
        text::encode_standard(buffer, out);
        let separator = out.len();
        out.extend_from_slice(SEPARATOR);
        text::encode_standard(&nonce_bytes, out);
        if let Some(mac) = &self.signature {
            let nonce = separator + SEPARATOR.len();
            let mac = mac.clone().chain_update(&out[start..separator]).chain_update(b";");
            let signature = mac.chain_update(&out[nonce..]).finalize().into_bytes();
            out.push(b'.');
            text::encode_standard(&signature, out);
        }
    }
}

/// The parts of a token, still sealed.
struct Sealed {
    nonce: [u8; NONCE_LEN],
    /// Tag and ciphertext.
    message: WipedBytes,
    /// `None` without a signature; otherwise whether a key of the ring made it.
    signed: Option<bool>,
}

/// Opens a token with the first key of the ring that opens it.
pub(super) fn open<'r>(
    ring: impl Iterator<Item = (usize, &'r TokenCipher)> + Clone,
    token: &[u8],
    now: u64,
) -> Result<Opened, DecodeErrorKind> {
    let Sealed { nonce, mut message, signed } =
        take_apart(ring.clone(), token).ok_or(DecodeErrorKind::Malformed)?;
    let (key_index, cipher, place) = ring
        .clone()
        // A key with signatures opens only cookies with a valid signature, other keys only unsigned
        // ones.
        .filter(|(_, cipher)| signed == cipher.signature.as_ref().map(|_| true))
        .find_map(|(key_index, cipher)| {
            let place = cipher.secret_box.open(&nonce, &mut message).ok()?;
            Some((key_index, cipher, place))
        })
        .ok_or(DecodeErrorKind::NoMatchingKey)?;
    let json = message.into_text(place).ok_or(DecodeErrorKind::InvalidPayload)?;
    let (json, time) = parse(json).ok_or(DecodeErrorKind::InvalidPayload)?;
    let undated = time.is_none();
    if undated && !cipher.undated {
        return Err(DecodeErrorKind::InvalidPayload);
    }
    let refreshed_at = time.map_or(now, |seconds| seconds.saturating_mul(1000));
    let header = Header { id: None, created_at: None, refreshed_at, idle: None, seen: None };
    Ok(Opened { json, header, key_index, undated })
}

/// Whether a token looks like one of this scheme. No native token does.
pub(super) fn matches_format(token: &[u8]) -> bool {
    memchr::memchr2(b';', b'%', token).is_some()
}

/// Whether JSON can go into this scheme's tokens.
pub(super) fn check_json(json: &[u8]) -> Result<(), EncodeErrorKind> {
    // If the time's name does not occur in the text, the members need not be examined.
    if json.first() == Some(&b'{') && !may_name_the_time(json) {
        return Ok(());
    }
    let json = std::str::from_utf8(json).map_err(|_| EncodeErrorKind::NotAnObject)?;
    let members = members::scan_all(json).map_err(|_| EncodeErrorKind::NotAnObject)?;
    if members.iter().any(|member| members::name(json, member) == TIME_MEMBER) {
        return Err(EncodeErrorKind::Reserved { entry: TIME_MEMBER.to_owned() });
    }
    Ok(())
}

fn take_apart<'r>(
    ring: impl Iterator<Item = (usize, &'r TokenCipher)>,
    token: &[u8],
) -> Option<Sealed> {
    let token = unescape(token)?;
    let separator = memchr::memchr(b';', &token)?;
    let signature = memchr::memchr(b'.', &token);
    let value = &token[..signature.unwrap_or(token.len())];
    let (message, nonce) = (value.get(..separator)?, value.get(separator + 1..)?);

    let signed = match signature {
        None => None,
        Some(at) => {
            let signature = &token[at + 1..];
            // Node pads a token, but not a signature.
            if signature.len() != SIGNATURE_TEXT_LEN {
                return None;
            }
            let signature = text::decode_standard_array::<32>(signature)?;
            // Every key is tried: after Node has rotated its keys, the older one is still valid.
            let mut valid = false;
            for mac in ring.filter_map(|(_, cipher)| cipher.signature.clone()) {
                valid |= mac.chain_update(value).verify_slice(&signature).is_ok();
            }
            Some(valid)
        }
    };
    Some(Sealed {
        nonce: text::decode_standard_array(nonce)?,
        message: WipedBytes::new(text::decode_standard(message)?),
        signed,
    })
}

/// Undoes `encodeURIComponent` for the four characters of a token that it escapes. Node writes no
/// other escapes, so they are refused.
fn unescape(token: &[u8]) -> Option<Cow<'_, [u8]>> {
    if memchr::memchr(b'%', token).is_none() {
        return Some(Cow::Borrowed(token));
    }
    let mut plain = Vec::with_capacity(token.len());
    let mut rest = token;
    while let Some(at) = memchr::memchr(b'%', rest) {
        plain.extend_from_slice(&rest[..at]);
        plain.push(match rest.get(at + 1..at + 3)? {
            b"2B" | b"2b" => b'+',
            b"2F" | b"2f" => b'/',
            b"3B" | b"3b" => b';',
            b"3D" | b"3d" => b'=',
            _ => return None,
        });
        rest = &rest[at + 3..];
    }
    plain.extend_from_slice(rest);
    Some(Cow::Owned(plain))
}

/// The JSON without the time, and the time, if there is one.
fn parse(mut json: WipedString) -> Option<(WipedString, Option<u64>)> {
    if let Some(time) = cut_outer_member(&mut json) {
        return Some((json, Some(time)));
    }
    let members = members::scan_all(&json).ok()?;
    let is_time = |member| members::name(&json, member) == TIME_MEMBER;
    let Some(place) = members.iter().position(is_time) else { return Some((json, None)) };
    if members.iter().filter(|member| is_time(member)).count() > 1 {
        return None;
    }
    let time = number_of(&json[members[place].value.clone()])?;
    // Removed together with its comma.
    let cut = match (place.checked_sub(1), members.get(place + 1)) {
        (Some(before), _) => members[before].value.end..members[place].value.end,
        (None, Some(after)) => members[place].name.start..after.name.start,
        (None, None) => members[place].name.start..members[place].value.end,
    };
    json.cut(cut);
    Some((json, Some(time)))
}

/// Removes the time if it is the first or the last member, as both sides write it, without a scan of
/// the other members. `None`, and the text is unchanged, if it may not be the only one.
///
/// A text that begins with `{"__ts":` and digits, or ends with `,"__ts":`, digits and the closing
/// brace, has this member in the outermost object, provided that it is JSON at all. Parsing the rest
/// shows whether it is.
fn cut_outer_member(json: &mut WipedString) -> Option<u64> {
    let (digits, cut) = first_member(json).or_else(|| last_member(json))?;
    let rest = [&json[..cut.start], &json[cut.end..]];
    if rest.iter().any(|part| may_name_the_time(part.as_bytes())) {
        return None;
    }
    let time = number_of(&json[digits])?;
    json.cut(cut);
    Some(time)
}

/// The ranges of the digits and of the member with its comma, if it is the first of several.
fn first_member(json: &str) -> Option<(Range<usize>, Range<usize>)> {
    let rest = json.strip_prefix(r#"{"__ts":"#)?;
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let start = json.len() - rest.len();
    rest[len..].starts_with(",\"").then_some((start..start + len, 1..start + len + 1))
}

/// The ranges of the digits and of the member with its comma, if it is the last of several.
fn last_member(json: &str) -> Option<(Range<usize>, Range<usize>)> {
    let number = json.strip_suffix('}')?;
    let len = number.bytes().rev().take_while(u8::is_ascii_digit).count();
    let before = number[..number.len() - len].strip_suffix(r#","__ts":"#)?;
    let alone = before.trim_ascii_end().ends_with(['{', ',']);
    (!alone).then_some((number.len() - len..number.len(), before.len()..number.len()))
}

/// A whole number as JSON writes it, without a sign.
fn number_of(digits: &str) -> Option<u64> {
    // `parse` alone would accept a sign and leading zeros.
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    let matches_format = !leading_zero && digits.bytes().all(|b| b.is_ascii_digit());
    matches_format.then(|| digits.parse().ok()).flatten()
}

/// Whether a member of this JSON can have the time's name, which may be written with escapes.
fn may_name_the_time(json: &[u8]) -> bool {
    // Creating a searcher takes longer than searching most sessions.
    static NAME: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(TIME_MEMBER));
    let escaped = |at: usize| memchr::memmem::find(&json[at..], br"\u00").is_some();
    NAME.find(json).is_some() || memchr::memchr(b'\\', json).is_some_and(escaped)
}

fn decimal_digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}
