//! The anatomy of a cookie: the parts of its bytes, and the metadata of the session.

use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealed_session::{Codec, SessionId, SessionKind};

/// The most that a browser stores of a cookie's name and value, in bytes.
pub(crate) const MAX_COOKIE_LEN: usize = 4096;

/// The parts of a token in order, each with its length. The rest is the data.
const PARTS: [(&str, usize, &str); 3] = [
    ("nonce", 24, "random, and new with every seal"),
    ("tag", 16, "proves that no bit of it was changed"),
    ("header", 32, "sealed: version, flags, id, created, refreshed, idle timeout"),
];
const DATA: (&str, &str) = ("data", "sealed: the session as JSON");

/// A cookie of the request that opens.
pub(crate) struct Anatomy {
    pub(crate) name: String,
    /// Name and value, as a browser counts them.
    pub(crate) size: usize,
    pub(crate) token: String,
    pub(crate) parts: Vec<Part>,
    /// The opened data.
    pub(crate) json: String,
    /// The session's public name.
    pub(crate) id: Option<SessionId>,
    pub(crate) created_at: Option<SystemTime>,
    pub(crate) refreshed_at: SystemTime,
    pub(crate) expires_at: SystemTime,
    pub(crate) own_idle_timeout: Option<Duration>,
    /// 0 is the current key.
    pub(crate) key_index: usize,
}

pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    /// As they are in the cookie: header and data are encrypted.
    pub(crate) bytes: Vec<u8>,
}

impl Anatomy {
    /// Opens the codec's cookie. The middleware has already done so; this is only to show its bytes.
    pub(crate) fn of<K: SessionKind>(codec: &Codec<K>, headers: &HeaderMap) -> Option<Self> {
        let name = codec.cookie_name();
        let (token, decoded) = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(found, _)| *found == name)
            .find_map(|(_, token)| Some((token, codec.decode(token).ok()?)))?;
        Some(Self {
            name: name.to_owned(),
            size: name.len() + token.len(),
            parts: parts(&URL_SAFE_NO_PAD.decode(token).ok()?),
            token: token.to_owned(),
            json: serde_json::to_string(&decoded.data).ok()?,
            id: decoded.info.id,
            created_at: decoded.info.created_at,
            refreshed_at: decoded.info.refreshed_at,
            expires_at: decoded.info.expires_at,
            own_idle_timeout: decoded.info.own_idle_timeout,
            key_index: decoded.info.key_index,
        })
    }

    pub(crate) fn key(&self) -> &'static str {
        match self.key_index {
            0 => "the current key",
            _ => "the previous key",
        }
    }

    /// How many bytes the token has before base64.
    pub(crate) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.len()).sum()
    }

    pub(crate) fn percent(&self) -> f64 {
        self.size as f64 * 100.0 / MAX_COOKIE_LEN as f64
    }
}

impl Part {
    /// At most `most` bytes in hex, in pairs of digits, and the number of bytes that are left out.
    pub(crate) fn hex(&self, most: usize) -> (String, usize) {
        let shown = &self.bytes[..self.bytes.len().min(most)];
        let pairs: Vec<_> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
        (pairs.join(" "), self.bytes.len() - shown.len())
    }
}

fn parts(mut token: &[u8]) -> Vec<Part> {
    let mut parts = Vec::with_capacity(PARTS.len() + 1);
    for (name, length, meaning) in PARTS {
        let (bytes, rest) = token.split_at(length.min(token.len()));
        let bytes = bytes.to_vec();
        parts.push(Part { name, meaning, bytes });
        token = rest;
    }
    let ((name, meaning), bytes) = (DATA, token.to_vec());
    parts.push(Part { name, meaning, bytes });
    parts
}
