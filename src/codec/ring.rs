//! `Ring`: a keyring's keys, ready for one cookie name. `LiveRing` follows the keyring.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use crate::crypto::key_id::KeyId;
#[cfg(feature = "fastify")]
use crate::crypto::key_set::RingKey;
use crate::crypto::keyring::Keyring;
use crate::crypto::schedule::Schedule;
use crate::error::ConfigErrorKind;
use crate::logging;
use crate::scheme::TokenCipher;
use crate::sync::RwLock;

/// The keys of a keyring at one moment, ready for one cookie name. Never empty.
pub(crate) struct Ring {
    /// The newest first.
    ciphers: Vec<TokenCipher>,
    schedule: Schedule,
    keyring: Keyring,
    generation: u64,
}

impl Ring {
    pub(super) fn new(keyring: Keyring, cookie_name: &str) -> Self {
        let (keys, schedule, generation) = keyring.snapshot();
        let ciphers = keys.iter().map(|key| TokenCipher::new(key, cookie_name)).collect();
        Self { ciphers, schedule, keyring, generation }
    }

    /// Whether the keyring still has these keys.
    fn is_current(&self) -> bool {
        self.generation == self.keyring.generation()
    }

    /// Whether a session may have to be sealed again at some time.
    fn may_rotate(&self) -> bool {
        self.len() > 1 || self.keyring.may_change()
    }

    #[cfg(feature = "key-directory")]
    pub(super) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The index of the key that seals at this time, in milliseconds since the Unix epoch.
    pub(crate) fn primary(&self, now: u64) -> usize {
        self.schedule.at(now)
    }

    /// The key that seals at this time.
    pub(crate) fn sealing(&self, now: u64) -> &TokenCipher {
        &self.ciphers[self.primary(now)]
    }

    /// Whether a key is older than the one that seals at this time. `place` says where in the ring it was
    /// when it opened a token. A key that is no longer there was a previous one.
    pub(crate) fn is_older(&self, key: KeyId, place: usize, now: u64) -> bool {
        let is_here = |place: &usize| self.get(*place).is_some_and(|cipher| cipher.id() == key);
        let place = Some(place).filter(is_here);
        let place = place.or_else(|| self.iter().position(|cipher| cipher.id() == key));
        place.is_none_or(|place| place > self.primary(now))
    }

    /// Whether the key was revoked: what it opened before must not be sealed again.
    pub(crate) fn is_revoked(&self, id: KeyId) -> bool {
        self.keyring.is_revoked(id)
    }

    /// The key that seals at this time, and the older ones.
    pub(crate) fn not_newer(&self, now: u64) -> &[TokenCipher] {
        &self.ciphers[self.primary(now)..]
    }
}

impl Deref for Ring {
    type Target = [TokenCipher];

    fn deref(&self) -> &[TokenCipher] {
        &self.ciphers
    }
}

/// The ring of a codec. It follows its keyring: each use looks whether the keys have changed.
pub(super) struct LiveRing {
    /// The name of the cookie. Fastify keys are claimed for it as long as this lives.
    name: Arc<str>,
    /// Whether a fastify key must not serve another cookie as well.
    #[cfg_attr(not(feature = "fastify"), allow(dead_code, reason = "no keys to claim"))]
    claims_keys: bool,
    ring: RwLock<Arc<Ring>>,
    /// Whether a session may have to be sealed again at some time. Every request reads it.
    may_rotate: AtomicBool,
    /// Another cookie uses one of the keys, and that was not logged yet.
    has_clash: AtomicBool,
}

impl LiveRing {
    pub(super) fn new(keyring: &Keyring, cookie_name: &str, claims_keys: bool) -> Self {
        let ring = Ring::new(keyring.handle(), cookie_name);
        Self {
            name: cookie_name.into(),
            claims_keys,
            may_rotate: AtomicBool::new(ring.may_rotate()),
            ring: RwLock::new(Arc::new(ring)),
            has_clash: AtomicBool::new(false),
        }
    }

    /// Claims the fastify keys for this cookie: all of them, or none if another cookie uses one.
    #[cfg_attr(
        not(feature = "fastify"),
        allow(
            unused_variables,
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "no keys to claim"
        )
    )]
    pub(super) fn claim(&self, keyring: &Keyring) -> Result<(), ConfigErrorKind> {
        #[cfg(feature = "fastify")]
        if self.claims_keys {
            let (keys, ..) = keyring.snapshot();
            let keys = || keys.iter().filter_map(RingKey::fastify);
            if let Some(other) = keys().find_map(|key| key.claimed_by_other(&self.name)) {
                let (other, cookie) = (other.to_string(), self.name.to_string());
                return Err(ConfigErrorKind::SharedKey { other, cookie });
            }
            keys().for_each(|key| key.claim(&self.name));
        }
        Ok(())
    }

    /// The same while the server runs. The layers of both codecs refuse a request that passes them; here
    /// it is only logged. Call it without a lock.
    #[inline]
    pub(super) fn tell_clash(&self) {
        if self.has_clash.load(Ordering::Relaxed) {
            self.log_clash();
        }
    }

    #[cold]
    fn log_clash(&self) {
        if self.has_clash.swap(false, Ordering::Relaxed) {
            let keyring = self.read(|ring| ring.keyring.handle());
            if let Err(shared) = self.claim(&keyring) {
                logging::key_serves_another(&self.name, &shared);
            }
        }
    }

    /// Follows another keyring from now on. Call it without a lock.
    pub(super) fn follow(&self, keyring: &Keyring) {
        if let Err(shared) = self.claim(keyring) {
            logging::key_serves_another(&self.name, &shared);
        }
        let ring = Arc::new(Ring::new(keyring.handle(), &self.name));
        let old = {
            let mut current = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            // Under the lock, so that of two concurrent calls the same one wins for both.
            self.may_rotate.store(ring.may_rotate(), Ordering::Relaxed);
            std::mem::replace(&mut *current, ring)
        };
        // Without the lock: with the last ring on a directory goes the user's clock.
        drop(old);
    }

    /// Another handle to the keyring.
    pub(super) fn keyring(&self) -> Keyring {
        self.read(|ring| ring.keyring.handle())
    }

    /// Uses the current ring, under a lock: `read` must not block or run the user's code.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Arc<Ring>) -> T) -> T {
        loop {
            {
                let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
                if ring.is_current() {
                    return read(&ring);
                }
            }
            self.renew();
        }
    }

    /// Takes over what the keyring has become. The caller may hold a session's lock, so nothing is logged.
    #[cold]
    fn renew(&self) {
        let old = self.ring.read().unwrap_or_else(PoisonError::into_inner).clone();
        let new = Arc::new(Ring::new(old.keyring.handle(), &self.name));
        if self.claim(&new.keyring).is_err() {
            self.has_clash.store(true, Ordering::Relaxed);
        }
        let mut current = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster.
        if Arc::ptr_eq(&current, &old) {
            *current = new;
            self.may_rotate.store(current.may_rotate(), Ordering::Relaxed);
        }
    }

    /// Whether there are keys that are older than the one that seals at this time, so that sessions may
    /// have to be sealed again.
    pub(super) fn is_rotating(&self, now: u64) -> bool {
        self.may_rotate.load(Ordering::Relaxed) && self.read(|ring| ring.not_newer(now).len() > 1)
    }
}
