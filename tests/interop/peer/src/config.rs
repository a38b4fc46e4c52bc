//! The settings of one session as JSON says them: those of the peer's own options, and a `ring`
//! where keys of both schemes meet.

use std::time::Duration;

use sealed_session::{
    Codec, CookieOptions, FastifyKey, Key, Keyring, Salt, SessionKind, TestClock,
};
use serde::Deserialize;

use crate::Result;

/// What the peer takes for an `expiry` that is not given.
const DEFAULT_EXPIRY: u64 = 86_401;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionConfig {
    pub(crate) session_name: Option<String>,
    pub(crate) cookie_name: Option<String>,
    /// Hex, the newest first, all of them the peer's.
    keys: Option<Vec<String>>,
    /// Base64.
    key: Option<String>,
    secret: Option<String>,
    salt: Option<String>,
    /// Keys of both schemes, the newest first.
    ring: Option<Vec<RingEntry>>,
    #[serde(default)]
    signed: bool,
    /// What signs where it is not the key's own secret.
    signing_secret: Option<String>,
    expiry: Option<u64>,
    #[serde(default)]
    undated: bool,
}

#[derive(Clone, Deserialize)]
struct RingEntry {
    scheme: Scheme,
    key: String,
    #[serde(default)]
    signed: bool,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Scheme {
    Native,
    Fastify,
}

impl SessionConfig {
    pub(crate) fn name(&self) -> &str {
        self.session_name.as_deref().unwrap_or("session")
    }

    pub(crate) fn codec<K: SessionKind>(&self, clock: &TestClock) -> Result<Codec<K>> {
        let cookie = self.cookie_name.clone().unwrap_or_else(|| self.name().to_owned());
        Ok(Codec::builder(self.keyring()?)
            .idle_timeout(Duration::from_secs(self.expiry.unwrap_or(DEFAULT_EXPIRY)))
            .cookie(CookieOptions::new().name(cookie))
            .clock(clock.clone())
            .build()?)
    }

    pub(crate) fn keyring(&self) -> Result<Keyring> {
        if let Some(ring) = &self.ring {
            return self.mixed(ring);
        }
        if let Some(secret) = &self.secret {
            let salt = match &self.salt {
                None => Salt::FASTIFY_DEFAULT,
                Some(salt) => Salt::from_slice(salt.as_bytes())?,
            };
            let key = Key::from_passphrase(secret, &salt)?;
            return Ok(Keyring::fastify(if self.signed {
                FastifyKey::signed_with_secret(key, secret)
            } else {
                key.into()
            }));
        }
        if let Some(key) = &self.key {
            return Ok(Keyring::fastify(self.fastify(Key::from_base64(key)?, self.signed)));
        }
        let keys = self.keys.as_deref().unwrap_or_default();
        let entry = |key: &String| RingEntry {
            scheme: Scheme::Fastify,
            key: key.clone(),
            signed: self.signed,
        };
        self.mixed(&keys.iter().map(entry).collect::<Vec<_>>())
    }

    fn mixed(&self, ring: &[RingEntry]) -> Result<Keyring> {
        let (first, rest) = ring.split_first().ok_or("no keys")?;
        let key = Key::from_hex(&first.key)?;
        let mut keyring = match first.scheme {
            Scheme::Native => Keyring::new(key),
            Scheme::Fastify => Keyring::fastify(self.fastify(key, first.signed)),
        };
        for entry in rest {
            let key = Key::from_hex(&entry.key)?;
            keyring = match entry.scheme {
                Scheme::Native => keyring.with_previous(key)?,
                Scheme::Fastify => {
                    keyring.with_previous_fastify(self.fastify(key, entry.signed))?
                }
            };
        }
        Ok(keyring)
    }

    fn fastify(&self, key: Key, signed: bool) -> FastifyKey {
        let key = match (signed, &self.signing_secret) {
            (false, _) => key.into(),
            (true, None) => FastifyKey::signed(key),
            (true, Some(secret)) => FastifyKey::signed_with_secret(key, secret),
        };
        if self.undated { key.danger_accept_undated() } else { key }
    }
}
