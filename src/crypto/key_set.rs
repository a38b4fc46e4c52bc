//! `KeySet`: keys, the newest first, and which of them seals when. `Live`: the set that a keyring, its
//! clones and the codecs on it share, so that all of them change at once.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

#[cfg(feature = "fastify")]
use super::fastify_key::FastifyKey;
use super::key::Key;
use super::key_id::KeyId;
use super::schedule::Schedule;
use crate::sync::RwLock;

/// A key, and the token format that it is for.
#[derive(Clone)]
pub(crate) enum RingKey {
    Native(Key),
    #[cfg(feature = "fastify")]
    Fastify(FastifyKey),
}

impl RingKey {
    /// The key itself if it is for Node's tokens.
    #[cfg(feature = "fastify")]
    pub(crate) fn fastify(&self) -> Option<&Key> {
        match self {
            Self::Native(_) => None,
            Self::Fastify(key) => Some(&key.key),
        }
    }

    pub(super) fn is_native(&self) -> bool {
        matches!(self, Self::Native(_))
    }

    pub(crate) fn id(&self) -> KeyId {
        match self {
            Self::Native(key) => key.id(),
            #[cfg(feature = "fastify")]
            Self::Fastify(fastify) => fastify.key.id(),
        }
    }

    /// Whether it is the same key for the same tokens. One key in both schemes counts as two keys,
    /// because the native scheme derives another key from it. So does a Node key with other
    /// signatures, so that a site can begin to sign, or change the signing secret.
    #[cfg_attr(not(feature = "fastify"), allow(unreachable_patterns, reason = "one scheme alone"))]
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Native(one), Self::Native(two)) => one == two,
            #[cfg(feature = "fastify")]
            (Self::Fastify(one), Self::Fastify(two)) => one.is_same(two),
            _ => false,
        }
    }
}

/// Keys, the newest first, and which of them seals when. Never empty.
#[derive(Clone)]
pub(crate) struct KeySet {
    pub(super) keys: Vec<RingKey>,
    pub(super) schedule: Schedule,
    /// The ids of keys that no keyring on the set may use, also if it has them from elsewhere.
    #[cfg(feature = "key-directory")]
    revoked: Vec<KeyId>,
}

impl KeySet {
    /// One key, which always seals.
    pub(super) fn of(key: RingKey) -> Self {
        Self {
            keys: vec![key],
            schedule: Schedule::always(0),
            #[cfg(feature = "key-directory")]
            revoked: Vec::new(),
        }
    }

    /// Distinct keys of a directory, the newest first, at least one, and the ids of revoked ones.
    #[cfg(feature = "key-directory")]
    pub(crate) fn dated(keys: Vec<Key>, schedule: Schedule, revoked: Vec<KeyId>) -> Self {
        Self { keys: keys.into_iter().map(RingKey::Native).collect(), schedule, revoked }
    }

    #[cfg(feature = "key-directory")]
    pub(super) fn is_revoked(&self, id: KeyId) -> bool {
        self.revoked.contains(&id)
    }

    /// Whether a keyring on the set may use this key in addition to those of the set.
    pub(super) fn lacks(&self, key: &RingKey) -> bool {
        #[cfg(feature = "key-directory")]
        if self.is_revoked(key.id()) {
            return false;
        }
        !self.keys.iter().any(|known| known.is_same(key))
    }
}

/// The set of keys that a keyring and its clones share. A codec looks at each use whether it has changed.
pub(crate) struct Live {
    set: RwLock<Arc<KeySet>>,
    /// How often the set was replaced.
    generation: AtomicU64,
    /// Whether there are several handles, so that somebody else may replace the set.
    is_shared: AtomicBool,
    demands: Demands,
    #[cfg(feature = "key-directory")]
    follower: Option<Arc<dyn Follower>>,
}

/// What keeps a set of keys up to date. It lives as long as the set is used.
#[cfg(feature = "key-directory")]
pub(crate) trait Follower: Send + Sync + 'static {
    /// A cookie came that no key opens. Requests call this without a lock, so it must not block.
    fn unknown_key(&self);
}

/// What the codecs on a set have needed of it so far.
#[derive(Default)]
struct Demands {
    /// The longest idle timeout that their settings give a session, in seconds.
    longest_idle: AtomicU32,
    /// The longest absolute timeout, in seconds.
    longest_absolute: AtomicU32,
    /// The sealing key must not be a fastify key.
    native: AtomicBool,
}

/// What one codec needs of its keys.
#[derive(Clone, Copy)]
pub(crate) struct Demand {
    /// The longest idle timeout that its settings give a session, in seconds.
    pub(crate) idle: u32,
    /// Seconds.
    pub(crate) absolute: u32,
    /// The sealing key must not be a fastify key.
    pub(crate) native: bool,
}

impl Live {
    pub(super) fn new(set: KeySet) -> Arc<Self> {
        Arc::new(Self::with(set))
    }

    /// A set that `follower` replaces from time to time.
    #[cfg(feature = "key-directory")]
    pub(crate) fn following(set: KeySet, follower: Arc<dyn Follower>) -> Arc<Self> {
        Arc::new(Self {
            follower: Some(follower),
            is_shared: AtomicBool::new(true),
            ..Self::with(set)
        })
    }

    fn with(set: KeySet) -> Self {
        Self {
            set: RwLock::new(Arc::new(set)),
            generation: AtomicU64::new(0),
            is_shared: AtomicBool::new(false),
            demands: Demands::default(),
            #[cfg(feature = "key-directory")]
            follower: None,
        }
    }

    /// The set, and its generation.
    pub(super) fn get(&self) -> (Arc<KeySet>, u64) {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        (set.clone(), self.generation())
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Replaces the set. Each use of a codec that begins after this returns has the new one.
    pub(crate) fn replace(&self, set: KeySet) {
        let mut current = self.set.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(set);
        // Under the lock, so that a set and its generation belong together.
        self.generation.fetch_add(1, Ordering::Release);
    }

    pub(super) fn share(&self) {
        self.is_shared.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Relaxed)
    }

    pub(super) fn demand(&self, demand: Demand) {
        self.demands.longest_idle.fetch_max(demand.idle, Ordering::Relaxed);
        self.demands.longest_absolute.fetch_max(demand.absolute, Ordering::Relaxed);
        self.demands.native.fetch_or(demand.native, Ordering::Relaxed);
    }

    /// What the codecs on the set have needed of it so far.
    pub(crate) fn demands(&self) -> Demand {
        Demand {
            idle: self.demands.longest_idle.load(Ordering::Relaxed),
            absolute: self.demands.longest_absolute.load(Ordering::Relaxed),
            native: self.demands.native.load(Ordering::Relaxed),
        }
    }

    #[cfg(feature = "key-directory")]
    pub(super) fn follower(&self) -> Option<&Arc<dyn Follower>> {
        self.follower.as_ref()
    }
}
