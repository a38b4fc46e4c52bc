//! The counters of a codec's events, for the `metrics` facade.
//!
//! They are registered when there is something to count for the first time, because a program may build
//! its codecs before it installs its recorder. All labels are bounded: names of cookies, ids of keys of
//! the keyring, ages and reasons.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError};

use metrics::{Counter, Label, Level, Metadata, Unit, describe_counter};

use super::{CodecEvent, CodecEventKind, KeyAge};
use crate::crypto::key_id::KeyId;
use crate::error::DecodeErrorKind;
use crate::sync::RwLock;

pub(super) const METADATA: Metadata<'static> =
    Metadata::new("sealed_session", Level::INFO, Some(module_path!()));

const OPENED: &str = "sealed_session_opened_total";
const REFUSED: &str = "sealed_session_refused_total";
const SEALED: &str = "sealed_session_sealed_total";
const REFRESHED: &str = "sealed_session_refreshed_total";
const RESEALED: &str = "sealed_session_resealed_total";
const REMOVED: &str = "sealed_session_removed_total";
const TOO_LARGE: &str = "sealed_session_too_large_total";

/// The reasons that are counted. `Missing` is no event.
const REASONS: [DecodeErrorKind; 9] = [
    DecodeErrorKind::TooLong,
    DecodeErrorKind::Malformed,
    DecodeErrorKind::NoMatchingKey,
    DecodeErrorKind::UnsupportedVersion,
    DecodeErrorKind::Expired,
    DecodeErrorKind::Ended,
    DecodeErrorKind::Unavailable,
    DecodeErrorKind::TimestampInFuture,
    DecodeErrorKind::InvalidPayload,
];

/// The counters of one codec.
#[derive(Default)]
pub(super) struct Counters {
    codec: OnceLock<OfCodec>,
    keys: RwLock<BTreeMap<KeyId, Arc<OfKey>>>,
}

/// What is not counted by key.
struct OfCodec {
    /// In the order of `REASONS`.
    refused: [Counter; REASONS.len()],
    removed: Counter,
    too_large: Counter,
}

/// The counters of one key.
struct OfKey {
    older: Counter,
    sealing: Counter,
    newer: Counter,
    sealed: Counter,
    refreshed: Counter,
    resealed: Counter,
}

impl Counters {
    pub(super) fn count(&self, event: &CodecEvent<'_>) {
        let cookie = event.cookie;
        let codec = self.of_codec(cookie);
        match event.kind {
            CodecEventKind::Opened { key, age } => {
                let key = self.of_key(cookie, key);
                let counter = match age {
                    KeyAge::Older => &key.older,
                    KeyAge::Sealing => &key.sealing,
                    KeyAge::Newer => &key.newer,
                };
                counter.increment(1);
            }
            CodecEventKind::Refused { reason } => {
                let counters = REASONS.iter().zip(&codec.refused);
                for (_, counter) in counters.filter(|(known, _)| **known == reason) {
                    counter.increment(1);
                }
            }
            CodecEventKind::Sealed { key } => self.of_key(cookie, key).sealed.increment(1),
            CodecEventKind::Refreshed { key } => self.of_key(cookie, key).refreshed.increment(1),
            CodecEventKind::Resealed { key, .. } => self.of_key(cookie, key).resealed.increment(1),
            CodecEventKind::Removed => codec.removed.increment(1),
            CodecEventKind::TooLarge { .. } => codec.too_large.increment(1),
        }
    }

    /// The recorder registers nothing while another thread could have to wait for it.
    fn of_codec(&self, cookie: &str) -> &OfCodec {
        self.codec.get().unwrap_or_else(|| {
            let new = OfCodec::new(cookie);
            self.codec.get_or_init(|| new)
        })
    }

    /// The same. The lock is released before a counter is used.
    fn of_key(&self, cookie: &str, key: KeyId) -> Arc<OfKey> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let new = Arc::new(OfKey::new(cookie, key));
            let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
            keys.entry(key).or_insert(new).clone()
        })
    }
}

impl OfCodec {
    fn new(cookie: &str) -> Self {
        describe();
        let refused = REASONS.map(|reason| {
            let reason = Label::new("reason", reason.code());
            counter(REFUSED, cookie, [reason])
        });
        Self {
            refused,
            removed: counter(REMOVED, cookie, []),
            too_large: counter(TOO_LARGE, cookie, []),
        }
    }
}

impl OfKey {
    fn new(cookie: &str, key: KeyId) -> Self {
        let key = Label::new("key", key.to_string());
        let opened = |age: KeyAge| {
            let age = Label::new("age", age.code());
            counter(OPENED, cookie, [key.clone(), age])
        };
        Self {
            older: opened(KeyAge::Older),
            sealing: opened(KeyAge::Sealing),
            newer: opened(KeyAge::Newer),
            sealed: counter(SEALED, cookie, [key.clone()]),
            refreshed: counter(REFRESHED, cookie, [key.clone()]),
            resealed: counter(RESEALED, cookie, [key.clone()]),
        }
    }
}

fn counter<const N: usize>(name: &'static str, cookie: &str, labels: [Label; N]) -> Counter {
    let mut all = vec![Label::new("cookie", cookie.to_owned())];
    all.extend(labels);
    let key = metrics::Key::from_parts(name, all);
    metrics::with_recorder(|recorder| recorder.register_counter(&key, &METADATA))
}

fn describe() {
    describe_counter!(OPENED, Unit::Count, "Sessions opened, by key and its age");
    describe_counter!(REFUSED, Unit::Count, "Session cookies refused, by reason");
    describe_counter!(SEALED, Unit::Count, "Sessions sealed that the application wrote");
    describe_counter!(REFRESHED, Unit::Count, "Sessions sealed again because they were used");
    describe_counter!(RESEALED, Unit::Count, "Sessions sealed again under a newer key");
    describe_counter!(REMOVED, Unit::Count, "Session cookies removed");
    describe_counter!(TOO_LARGE, Unit::Count, "Writes refused because a cookie would be too large");
}
