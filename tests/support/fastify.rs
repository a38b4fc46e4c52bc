//! What the tests of the fastify scheme share: the vectors that Node wrote, and the peer's token made
//! and opened without the crate.

use std::time::Duration;

use base64ct::{Base64, Base64Unpadded, Encoding as _};
use blake2::Blake2b;
use blake2::digest::Digest as _;
use blake2::digest::consts::U32;
use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};
use hmac::{Hmac, Mac as _};
use sealed_session::{Codec, CodecBuilder, Dynamic, Keyring, SessionKind, TestClock};
use serde::Deserialize;

use super::{START, key, percent_encode};

/// Node's default.
pub(crate) const EXPIRY: u64 = 86_401;

#[derive(Deserialize)]
pub(crate) struct Vectors {
    /// What Node wrote.
    pub(crate) written: Vec<Vector>,
    /// What it would not write, and what it makes of it.
    pub(crate) lax: Vec<Vector>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Vector {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) keys: Vec<String>,
    pub(crate) secret: Option<String>,
    pub(crate) salt: Option<String>,
    #[serde(default)]
    pub(crate) signing_keys: Vec<String>,
    pub(crate) cookie: String,
    /// Seconds, perhaps with a fraction.
    pub(crate) now: f64,
    pub(crate) expiry: u64,
    pub(crate) signed: bool,
    pub(crate) node: Node,
    pub(crate) note: String,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Node {
    pub(crate) accepted: bool,
    pub(crate) data: Option<String>,
    pub(crate) ts: Option<serde_json::Value>,
    #[serde(default)]
    pub(crate) reseals: bool,
}

pub(crate) fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../vectors/fastify.json")).unwrap()
}

/// The one of these vectors with that name.
#[track_caller]
pub(crate) fn find(vectors: Vec<Vector>, name: &str) -> Vector {
    let found = vectors.into_iter().find(|vector| vector.name == name);
    found.unwrap_or_else(|| panic!("no vector is named {name:?}"))
}

pub(crate) fn clock() -> TestClock {
    TestClock::at(START)
}

/// A builder with Node's default expiry and a clock that stands at [`START`].
pub(crate) fn builder<K: SessionKind>(ring: Keyring) -> CodecBuilder<K> {
    Codec::builder(ring).idle_timeout(Duration::from_secs(EXPIRY)).clock(clock())
}

/// A codec of named entries.
pub(crate) fn codec(ring: Keyring) -> Codec<Dynamic> {
    builder(ring).build().unwrap()
}

/// One that reads and writes unsigned cookies of key 7.
pub(crate) fn seven() -> Codec<Dynamic> {
    codec(Keyring::fastify(key(7)))
}

/// A token of this plaintext as Node spells it, under the key of this byte.
pub(crate) fn seal(byte: u8, plaintext: impl AsRef<[u8]>) -> String {
    percent_encode(&seal_bare(byte, plaintext))
}

/// The same before percent-encoding.
pub(crate) fn seal_bare(byte: u8, plaintext: impl AsRef<[u8]>) -> String {
    let nonce = [1; 24];
    let mut text = plaintext.as_ref().to_vec();
    let cipher = XSalsa20Poly1305::new(&[byte; 32].into());
    let tag = cipher.encrypt_in_place_detached(&nonce.into(), b"", &mut text).unwrap();
    let sealed = [tag.as_slice(), &text].concat();
    format!("{};{}", Base64::encode_string(&sealed), Base64::encode_string(&nonce))
}

/// The plaintext of a token as the crate spells it.
#[track_caller]
pub(crate) fn open(byte: u8, token: &str) -> String {
    let (message, nonce) = token.split('.').next().unwrap().split_once("%3B").expect("a separator");
    let message = Base64Unpadded::decode_vec(message).expect("standard base64, unpadded");
    let nonce = Base64Unpadded::decode_vec(nonce).expect("standard base64, unpadded");
    let (tag, text) = message.split_at(16);
    let mut text = text.to_vec();
    XSalsa20Poly1305::new(&[byte; 32].into())
        .decrypt_in_place_detached(nonce[..].into(), b"", &mut text, tag.into())
        .expect("sealed under this key");
    String::from_utf8(text).unwrap()
}

/// The secret that Node signs with where its key is of this byte.
pub(crate) fn derived_secret(key: &[u8]) -> String {
    hex::encode(Blake2b::<U32>::digest(key))
}

/// A token, not percent-encoded, with its signature.
pub(crate) fn sign(secret: &str, token: &str) -> String {
    let mut mac = <Hmac<sha2::Sha256> as hmac::Mac>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(token.as_bytes());
    format!("{token}.{}", Base64Unpadded::encode_string(&mac.finalize().into_bytes()))
}
