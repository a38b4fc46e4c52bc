//! `docs/FORMAT.md` once more, by libsodium and [`json`](crate::json): which tokens open, what they
//! say, and which rule refuses the others.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sealed_session::DecodeErrorKind::{
    self, Expired, InvalidPayload, Malformed, NoMatchingKey, TimestampInFuture, TooLong,
    UnsupportedVersion,
};

use crate::{json, sodium};

/// A key of a ring, and for which tokens.
#[derive(Clone, Debug)]
pub enum Ringed {
    Native([u8; 32]),
    Fastify { key: [u8; 32], signed: bool, undated: bool },
}

/// The bytes of the native header.
pub const HEADER_LEN: usize = 32;
/// What stands in a native token before the JSON.
pub const PREFIX_LEN: usize = sodium::NONCE_LEN + sodium::TAG_LEN + HEADER_LEN;
/// The flag of an idle timeout of the session's own.
pub const OWN: u8 = 0x01;
/// The flag of eight bytes behind the header: the last mark that the session has seen.
pub const SEEN: u8 = 0x02;
/// The last creation that a native token can say, in milliseconds.
pub const LAST_CREATED: u64 = (1 << 48) - 1;
/// The longest idle timeout, in seconds.
pub const MAX_IDLE: u64 = (1 << 31) - 1;
/// How far the clocks of two servers may differ, in milliseconds.
pub const SKEW: u64 = 60_000;

/// What a codec is told. The time is in milliseconds since 1970, timeouts are in seconds.
#[derive(Clone, Debug)]
pub struct Settings {
    pub cookie_name: String,
    pub now: u64,
    pub idle: u64,
    pub absolute: u64,
    pub ring: Vec<Ringed>,
    pub shape: Shape,
}

/// What the session's kind wants the data to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Any JSON.
    Any,
    /// An object with distinct names.
    Object,
}

/// What a token that opens says, times in milliseconds and the idle timeout in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// In hex.
    pub id: Option<String>,
    pub created_at: Option<u64>,
    pub refreshed_at: u64,
    pub expires_at: u64,
    pub idle: u64,
    pub own: bool,
    pub key_index: usize,
    pub data: Data,
}

/// The data, in a form in which white space between members does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Name and value of each member, as they are spelt.
    Object(Vec<(String, String)>),
    /// What is no object, as it is spelt.
    Other(String),
}

impl Data {
    /// Of a text that is JSON.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match json::members(text) {
            Some(members) => Self::Object(
                members.iter().map(|m| (m.name.to_owned(), m.value.to_owned())).collect(),
            ),
            None => Self::Other(text.trim_matches([' ', '\t', '\n', '\r']).to_owned()),
        }
    }
}

/// A sealed token, taken out of its spelling.
struct Spelt {
    nonce: [u8; sodium::NONCE_LEN],
    boxed: Vec<u8>,
    /// What is signed, and the signature.
    signed: Option<(Vec<u8>, Vec<u8>)>,
}

impl Settings {
    /// What is to become of a token.
    ///
    /// # Errors
    ///
    /// The first rule of `docs/FORMAT.md` that does not hold.
    pub fn decode(&self, token: &[u8]) -> Result<Accepted, DecodeErrorKind> {
        if token.len() > 4096 - self.cookie_name.len() {
            return Err(TooLong);
        }
        let has_fastify = self.ring.iter().any(|key| matches!(key, Ringed::Fastify { .. }));
        if has_fastify && token.iter().any(|b| matches!(b, b';' | b'%')) {
            return self.decode_fastify(token);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Malformed)?;
        let (nonce, boxed) = bytes.split_first_chunk().ok_or(Malformed)?;
        if bytes.len() < PREFIX_LEN {
            return Err(Malformed);
        }
        for (key_index, key) in self.ring.iter().enumerate() {
            if let Ringed::Native(key) = key {
                let subkey = sodium::subkey(key, &self.cookie_name);
                if let Some(plaintext) = sodium::open(&subkey, nonce, boxed) {
                    return self.read_native(&plaintext, key_index);
                }
            }
        }
        Err(NoMatchingKey)
    }

    /// What is to become of an authentic native plaintext.
    ///
    /// # Errors
    ///
    /// As [`Settings::decode`].
    pub fn read_native(
        &self,
        plaintext: &[u8],
        key_index: usize,
    ) -> Result<Accepted, DecodeErrorKind> {
        let (header, data) = plaintext.split_first_chunk::<HEADER_LEN>().ok_or(Malformed)?;
        if header[0] != 1 {
            return Err(UnsupportedVersion);
        }
        if header[1] & !(OWN | SEEN) != 0 {
            return Err(InvalidPayload);
        }
        let number = |bytes: &[u8]| {
            let mut wide = [0; 8];
            wide[8 - bytes.len()..].copy_from_slice(bytes);
            u64::from_be_bytes(wide)
        };
        let own = header[1] & OWN != 0;
        let id = Some(hex::encode(&header[2..18]));
        let created_at = number(&header[18..24]);
        let refreshed_at = created_at + 1000 * number(&header[24..28]);
        let in_token = number(&header[28..]);
        if in_token == 0 || in_token > MAX_IDLE {
            return Err(InvalidPayload);
        }
        let data = match header[1] & SEEN {
            0 => data,
            _ => data.get(8..).ok_or(InvalidPayload)?,
        };
        let data = std::str::from_utf8(data).map_err(|_| InvalidPayload)?;
        let latest = self.now.saturating_add(SKEW);
        if created_at > latest || refreshed_at > latest {
            return Err(TimestampInFuture);
        }
        let idle = if own { in_token } else { in_token.min(self.idle) };
        let expires_at = (refreshed_at + 1000 * idle).min(created_at + 1000 * self.absolute);
        if self.now >= expires_at {
            return Err(Expired);
        }
        let data = self.shaped(data)?;
        let created_at = Some(created_at);
        Ok(Accepted { id, created_at, refreshed_at, expires_at, idle, own, key_index, data })
    }

    /// Whether the crate may find this where the model wants that.
    ///
    /// Of an authentic token of the peer's that breaks several rules, the crate may tell another
    /// rule's reason: it looks for the time before it parses the JSON.
    #[must_use]
    pub fn permits(
        found: &Result<Accepted, DecodeErrorKind>,
        fastify: bool,
        wanted: &Result<Accepted, DecodeErrorKind>,
    ) -> bool {
        let authentic = |result: &Result<_, _>| {
            matches!(result, Err(InvalidPayload | Expired | TimestampInFuture))
        };
        found == wanted || (fastify && authentic(found) && authentic(wanted))
    }

    fn decode_fastify(&self, token: &[u8]) -> Result<Accepted, DecodeErrorKind> {
        let Spelt { nonce, boxed, signed } = take_apart(token).ok_or(Malformed)?;
        let signature_is_valid = signed.as_ref().is_some_and(|(text, signature)| {
            self.ring.iter().any(|key| match key {
                Ringed::Fastify { key, signed: true, .. } => {
                    let secret = sodium::signing_secret(key);
                    sodium::hmac(secret.as_bytes(), text)[..] == signature[..]
                }
                _ => false,
            })
        });
        for (key_index, key) in self.ring.iter().enumerate() {
            let Ringed::Fastify { key, signed: demands, undated } = key else { continue };
            let fits = if *demands { signature_is_valid } else { signed.is_none() };
            if let Some(plaintext) = fits.then(|| sodium::open(key, &nonce, &boxed)).flatten() {
                return self.read_fastify(&plaintext, key_index, *undated);
            }
        }
        Err(NoMatchingKey)
    }

    /// What is to become of an authentic plaintext of the peer's.
    ///
    /// # Errors
    ///
    /// As [`Settings::decode`].
    pub fn read_fastify(
        &self,
        plaintext: &[u8],
        key_index: usize,
        undated: bool,
    ) -> Result<Accepted, DecodeErrorKind> {
        let text = std::str::from_utf8(plaintext).map_err(|_| InvalidPayload)?;
        let mut members = json::members(text).ok_or(InvalidPayload)?;
        let is_time = |member: &json::Member<'_>| json::name(member.name) == "__ts";
        if members.iter().filter(|member| is_time(member)).count() > 1 {
            return Err(InvalidPayload);
        }
        let time = members.iter().position(is_time);
        let refreshed_at = match time {
            Some(place) => {
                let seconds = members.remove(place).value.parse::<u64>();
                seconds.map_err(|_| InvalidPayload)?.saturating_mul(1000)
            }
            None if undated => self.now,
            None => return Err(InvalidPayload),
        };
        if refreshed_at > self.now.saturating_add(SKEW) {
            return Err(TimestampInFuture);
        }
        let expires_at = refreshed_at.saturating_add(1000 * self.idle);
        if self.now >= expires_at {
            return Err(Expired);
        }
        if self.shape == Shape::Object && json::has_duplicates(&members) {
            return Err(InvalidPayload);
        }
        let pairs = members.iter().map(|m| (m.name.to_owned(), m.value.to_owned()));
        Ok(Accepted {
            id: None,
            created_at: None,
            refreshed_at,
            expires_at,
            idle: self.idle,
            own: false,
            key_index,
            data: Data::Object(pairs.collect()),
        })
    }

    fn shaped(&self, text: &str) -> Result<Data, DecodeErrorKind> {
        let fits = match self.shape {
            Shape::Any => json::is_valid(text),
            Shape::Object => json::members(text).is_some_and(|m| !json::has_duplicates(&m)),
        };
        if fits { Ok(Data::of(text)) } else { Err(InvalidPayload) }
    }
}

fn take_apart(token: &[u8]) -> Option<Spelt> {
    let token = percent_decode(token)?;
    let (value, signature) = split_once(&token, b'.')
        .map_or((&token[..], None), |(value, signature)| (value, Some(signature)));
    let (message, nonce) = split_once(value, b';')?;
    let signed = match signature {
        // Node pads a token and not its signature.
        Some(signature) => Some((
            value.to_vec(),
            STANDARD_NO_PAD.decode(signature).ok().filter(|s| s.len() == 32)?,
        )),
        None => None,
    };
    Some(Spelt { nonce: base64(nonce)?.try_into().ok()?, boxed: base64(message)?, signed })
}

fn split_once(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|b| *b == at)?;
    Some((&text[..place], &text[place + 1..]))
}

/// Standard base64, padded in full or not at all, without non-zero unused bits.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let bare = match text {
        [bare @ .., b'=', b'='] if bare.len() % 4 == 2 => bare,
        [bare @ .., b'='] if bare.len() % 4 == 3 => bare,
        bare => bare,
    };
    STANDARD_NO_PAD.decode(bare).ok()
}

/// Undoes the four escapes that stand in a token. Another one is none that Node writes.
fn percent_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => {
                let digits = [*bytes.next()?, *bytes.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                // `from_str_radix` takes a sign.
                digits.bytes().all(|b| b.is_ascii_hexdigit()).then_some(())?;
                let escaped = u8::from_str_radix(digits, 16).ok()?;
                b"+/;=".contains(&escaped).then_some(escaped)?
            }
            plain => *plain,
        });
    }
    Some(plain)
}
