//! What the fuzz targets share: keys, codecs, tokens that libsodium seals, and the token formats a
//! second time ([`model`]), written from `docs/FORMAT.md` and not from the crate.

pub mod json;
pub mod model;
pub mod sodium;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arbitrary::Arbitrary;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sealed_session::{
    Codec, CookieOptions, DecodeError, DecodeErrorKind, Decoded, Dynamic, Entries, FastifyKey, Key,
    Keyring, SessionKind, TestClock,
};
use serde_json::value::RawValue;

use crate::model::{Accepted, Data, HEADER_LEN, Ringed, Settings, Shape};

/// In milliseconds since 1970, as every time here.
pub const NOW: u64 = 1_700_000_000_000;
pub const NAME: &str = "session";
pub const NONCE: [u8; 24] = [1; 24];

/// The kind that holds any JSON as it is spelt.
pub struct Raw;
impl SessionKind for Raw {
    type Data = Box<RawValue>;
    const NAME: &'static str = "session";
}

/// A kind whose data can be shown as the JSON that it is.
pub trait Shown: SessionKind {
    const SHAPE: Shape;
    fn show(data: &Self::Data) -> String;
    /// The data that a JSON text says, if it can.
    fn of(text: &str) -> Option<Self::Data>;
}

impl Shown for Raw {
    const SHAPE: Shape = Shape::Any;

    fn show(data: &Box<RawValue>) -> String {
        data.get().to_owned()
    }

    fn of(text: &str) -> Option<Box<RawValue>> {
        serde_json::from_str(text).ok()
    }
}

impl Shown for Dynamic {
    const SHAPE: Shape = Shape::Object;

    fn show(data: &Entries) -> String {
        serde_json::to_string(data).expect("entries are JSON")
    }

    fn of(text: &str) -> Option<Entries> {
        serde_json::from_str(text).ok()
    }
}

/// A codec, the settings that it was made of, and the clock in its hand.
pub struct Party<K> {
    pub codec: Codec<K>,
    pub settings: Settings,
    pub clock: TestClock,
}

impl<K: Shown> Party<K> {
    /// With the default name, clock and timeouts.
    #[must_use]
    pub fn with_ring(ring: Vec<Ringed>) -> Self {
        let cookie_name = NAME.to_owned();
        let (idle, absolute) = (86_400, 2_592_000);
        Self::new(Settings { cookie_name, now: NOW, idle, absolute, ring, shape: K::SHAPE })
    }

    /// # Panics
    ///
    /// If the settings are not good ones.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let clock = TestClock::at(0);
        clock.advance(Duration::from_millis(settings.now));
        let codec = Codec::<K>::builder(keyring(&settings.ring))
            .cookie(CookieOptions::new().name(settings.cookie_name.clone()))
            .idle_timeout(Duration::from_secs(settings.idle))
            .absolute_timeout(Duration::from_secs(settings.absolute))
            .clock(clock.clone())
            .build()
            .expect("the settings are good");
        Self { codec, settings, clock }
    }

    /// Sets the time.
    pub fn at(&mut self, now: u64) {
        self.settings.now = now;
        self.clock.set(0);
        self.clock.advance(Duration::from_millis(now));
    }

    /// What the crate makes of a token.
    ///
    /// # Errors
    ///
    /// Why it refuses it.
    pub fn found(&self, token: &[u8]) -> Result<Accepted, DecodeErrorKind> {
        said::<K>(&self.codec.decode(token))
    }

    /// What opens is what the format says, and says the same.
    ///
    /// # Panics
    ///
    /// If not.
    pub fn opens_only_what_it_may(&self, token: &[u8]) {
        let found = self.found(token);
        if found.is_ok() {
            self.check(token, &found);
        }
    }

    /// The crate and the model agree on a token, on the reason of a refusal, too. Says whether it
    /// opens.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub fn agrees(&self, token: &[u8]) -> bool {
        let found = self.found(token);
        self.check(token, &found);
        found.is_ok()
    }

    fn check(&self, token: &[u8], found: &Result<Accepted, DecodeErrorKind>) {
        let fastify = token.iter().any(|byte| matches!(byte, b';' | b'%'));
        let wanted = self.settings.decode(token);
        assert!(
            Settings::permits(found, fastify, &wanted),
            "{:?}: found {found:?}, wanted {wanted:?}",
            String::from_utf8_lossy(token)
        );
    }
}

/// What the crate made of a token, in the model's words.
///
/// # Errors
///
/// Why it refused it.
pub fn said<K: Shown>(
    result: &Result<Decoded<K::Data>, DecodeError>,
) -> Result<Accepted, DecodeErrorKind> {
    let Decoded { data, info, .. } = result.as_ref().map_err(|error| *error.kind())?;
    if let Some(own) = info.own_idle_timeout {
        assert_eq!(own, info.idle_timeout);
    }
    Ok(Accepted {
        id: info.id.map(|id| id.to_string()),
        created_at: info.created_at.map(millis),
        refreshed_at: millis(info.refreshed_at),
        expires_at: millis(info.expires_at),
        idle: info.idle_timeout.as_secs(),
        own: info.own_idle_timeout.is_some(),
        key_index: info.key_index,
        data: Data::of(&K::show(data)),
    })
}

/// A time in milliseconds since 1970; nothing that is finer is lost.
///
/// # Panics
///
/// If it is none of those.
#[must_use]
pub fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).expect("a time since 1970");
    assert_eq!(since.subsec_nanos() % 1_000_000, 0, "a part of a millisecond");
    since.as_millis().try_into().expect("a time that the clock can say")
}

/// The crate's keyring of these keys.
///
/// # Panics
///
/// If there are none, or one twice.
#[must_use]
pub fn keyring(ring: &[Ringed]) -> Keyring {
    let fastify = |key: &[u8; 32], signed, undated| {
        let key = Key::from_bytes(*key).expect("a key");
        let key = if signed { FastifyKey::signed(key) } else { FastifyKey::from(key) };
        if undated { key.danger_accept_undated() } else { key }
    };
    let native = |key: &[u8; 32]| Key::from_bytes(*key).expect("a key");
    let (first, others) = ring.split_first().expect("a key");
    let primary = match first {
        Ringed::Native(key) => Keyring::new(native(key)),
        Ringed::Fastify { key, signed, undated } => {
            Keyring::fastify(fastify(key, *signed, *undated))
        }
    };
    others.iter().fold(primary, |ring, key| {
        let ring = match key {
            Ringed::Native(key) => ring.with_previous(native(key)),
            Ringed::Fastify { key, signed, undated } => {
                ring.with_previous_fastify(fastify(key, *signed, *undated))
            }
        };
        ring.expect("no key twice")
    })
}

/// The token of a plaintext under a sub-key.
#[must_use]
pub fn native_token(subkey: &[u8; 32], nonce: &[u8; 24], plaintext: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode([&nonce[..], &sodium::seal(subkey, nonce, plaintext)].concat())
}

/// What stands in a native token before the JSON.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub flags: u8,
    pub id: [u8; 16],
    /// In milliseconds since 1970.
    pub created: u64,
    /// In seconds after that.
    pub refreshed: u32,
    /// In seconds.
    pub idle: u32,
}

impl Header {
    /// The plaintext of a native token.
    ///
    /// # Panics
    ///
    /// If the header has another length than it should.
    #[must_use]
    pub fn before(&self, json: &[u8]) -> Vec<u8> {
        let mut plaintext = vec![1, self.flags];
        plaintext.extend(self.id);
        plaintext.extend(&self.created.to_be_bytes()[2..]);
        plaintext.extend(self.refreshed.to_be_bytes());
        plaintext.extend(self.idle.to_be_bytes());
        assert_eq!(plaintext.len(), HEADER_LEN);
        plaintext.extend(json);
        plaintext
    }
}

/// The peer's token as Node spells it in a cookie.
#[must_use]
pub fn fastify_token(key: &[u8; 32], nonce: &[u8; 24], plaintext: &[u8], signed: bool) -> String {
    spell(&bare_fastify_token(key, nonce, plaintext, signed, true), |_| Escape::Upper)
}

/// The peer's token before it is escaped.
#[must_use]
pub fn bare_fastify_token(
    key: &[u8; 32],
    nonce: &[u8; 24],
    plaintext: &[u8],
    signed: bool,
    padded: bool,
) -> String {
    let boxed = sodium::seal(key, nonce, plaintext);
    let boxed = if padded { STANDARD.encode(boxed) } else { STANDARD_NO_PAD.encode(boxed) };
    let mut token = format!("{boxed};{}", STANDARD.encode(nonce));
    if signed {
        let secret = sodium::signing_secret(key);
        let signature = sodium::hmac(secret.as_bytes(), token.as_bytes());
        token = format!("{token}.{}", STANDARD_NO_PAD.encode(signature));
    }
    token
}

/// How a character that can be escaped is spelt.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Escape {
    Upper,
    Lower,
    No,
}

/// Spells each character that can be escaped as `escape` says; the number is its place among them.
#[must_use]
pub fn spell(token: &str, mut escape: impl FnMut(usize) -> Escape) -> String {
    let mut spelt = String::new();
    let mut place = 0;
    for c in token.chars() {
        if !"+/;=".contains(c) {
            spelt.push(c);
            continue;
        }
        match escape(place) {
            Escape::Upper => spelt += &format!("%{:02X}", c as u32),
            Escape::Lower => spelt += &format!("%{:02x}", c as u32),
            Escape::No => spelt.push(c),
        }
        place += 1;
    }
    spelt
}

/// A JSON value of any shape.
#[derive(Arbitrary, Clone, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    Large(u64),
    Float(f64),
    Text(String),
    /// Spelt with a half of a surrogate pair.
    Half(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The text of an object whatever this is.
    #[must_use]
    pub fn object_text(&self) -> String {
        match self {
            Self::Object(_) => self.text(),
            other => format!("{{\"a\":{}}}", other.text()),
        }
    }

    #[must_use]
    pub fn text(&self) -> String {
        let quoted = |text: &str| serde_json::to_string(text).expect("a text");
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Large(value) => value.to_string(),
            Self::Float(value) if value.is_finite() => format!("{value:e}"),
            Self::Float(_) => "1e400".to_owned(),
            Self::Text(text) => quoted(text),
            Self::Half(text) => quoted(text).replacen('"', "\"\\ud800", 1),
            Self::Array(items) => {
                format!("[{}]", items.iter().map(Self::text).collect::<Vec<_>>().join(","))
            }
            Self::Object(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| format!("{}:{}", quoted(name), value.text()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }
}
