//! Tries keys and names on a token.

use std::time::Duration;

use sealed_session::{
    Codec, CookieOptions, DecodeErrorKind, FastifyKey, Keyring, SessionKind, TestClock, TokenInfo,
};
use serde_json::value::RawValue;

use super::secrets::KnownKey;
use crate::time::unix_seconds;

/// The longest timeout that a codec can have. What a token says of itself must not be shortened here.
const LONGEST: Duration = Duration::from_secs((1 << 31) - 1);

/// Any session: its data is a JSON text of any form.
struct Any;

impl SessionKind for Any {
    type Data = Box<RawValue>;
    const NAME: &'static str = "session";
}

/// The format of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Native,
    /// Of Node's `@fastify/secure-session`.
    Node {
        signed: bool,
    },
}

/// A key, ready to open tokens of one format and, if it is ours, of one cookie name.
pub(super) struct Lock<'k> {
    pub(super) key: &'k KnownKey,
    /// `None` for Node's format, which has no names.
    pub(super) name: Option<String>,
    signs: bool,
    codec: Codec<Any>,
    clock: TestClock,
}

/// An authentic token.
pub(super) struct Opened<'k> {
    pub(super) scheme: Scheme,
    pub(super) key: &'k KnownKey,
    /// The cookie that it was sealed for. `None` if its format does not say.
    pub(super) sealed_for: Option<String>,
    pub(super) info: TokenInfo,
    /// `None` if there is no time at which a codec would read it, or if it cannot.
    pub(super) json: Option<Box<RawValue>>,
    /// Its data is not JSON.
    pub(super) unreadable: bool,
    /// Node's: there is no `__ts`.
    pub(super) undated: bool,
    /// Node's: it carries a signature that no key made.
    pub(super) forged_signature: bool,
}

/// Why no key opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// None of them is its key, or it is not whole.
    NoKey,
    /// It has not the form of a token.
    Malformed,
    /// It is authentic, but of a version that this release does not know.
    Version,
    /// It is authentic, but this release cannot read what is in it.
    Content,
}

impl<'k> Lock<'k> {
    fn new(key: &'k KnownKey, name: Option<&str>, keyring: Keyring, signs: bool) -> Option<Self> {
        let clock = TestClock::at(0);
        let codec = Codec::builder(keyring)
            .idle_timeout(LONGEST)
            .absolute_timeout(LONGEST)
            .cookie(CookieOptions::new().name(name.unwrap_or("s").to_owned()))
            .clock(clock.clone())
            .danger_share_fastify_key()
            .build();
        // A name that is not a cookie's was not sealed for either.
        Some(Self { key, name: name.map(str::to_owned), signs, codec: codec.ok()?, clock })
    }

    /// What a token says of itself, if this key sealed it.
    fn info(&self, token: &str) -> Result<TokenInfo, Refused> {
        self.codec.token_info(token).map_err(|error| match error.kind() {
            DecodeErrorKind::UnsupportedVersion => Refused::Version,
            DecodeErrorKind::InvalidPayload => Refused::Content,
            DecodeErrorKind::Malformed | DecodeErrorKind::TooLong => Refused::Malformed,
            _ => Refused::NoKey,
        })
    }

    /// Whether this key sealed the token.
    pub(super) fn fits(&self, token: &str) -> bool {
        !matches!(self.info(token), Err(Refused::NoKey | Refused::Malformed))
    }

    fn opened(&self, token: &str, info: TokenInfo) -> Opened<'k> {
        // At this time it is valid, so that its data can be read.
        self.clock.set(unix_seconds(info.refreshed_at));
        let (json, unreadable) = match self.codec.decode(token) {
            Ok(decoded) => (Some(decoded.data), false),
            Err(error) => (None, *error.kind() == DecodeErrorKind::InvalidPayload),
        };
        let scheme = match self.name {
            Some(_) => Scheme::Native,
            None => Scheme::Node { signed: self.signs },
        };
        Opened {
            scheme,
            key: self.key,
            sealed_for: self.name.clone(),
            info,
            json,
            unreadable,
            undated: false,
            forged_signature: false,
        }
    }
}

/// Every key with every name, for tokens of this crate.
pub(super) fn native_locks<'k>(keys: &'k [KnownKey], names: &[String]) -> Vec<Lock<'k>> {
    // First those that are the likeliest, which the search for damage needs.
    let pairs = names.iter().flat_map(|name| keys.iter().map(move |key| (key, name)));
    pairs
        .filter_map(|(key, name)| Lock::new(key, Some(name), Keyring::new(key.key.clone()), false))
        .collect()
}

/// Every key, unsigned and with the signatures of each key, for Node's tokens.
pub(super) fn node_locks(keys: &[KnownKey]) -> Vec<Lock<'_>> {
    let unsigned = keys.iter().map(|key| (key, FastifyKey::from(key.key.clone()), false));
    let signed = keys.iter().flat_map(|key| {
        // The plugin may sign all cookies of a site with one session's key.
        keys.iter().map(move |other| {
            (key, FastifyKey::signed_with_key(key.key.clone(), other.key.clone()), true)
        })
    });
    unsigned
        .chain(signed)
        .filter_map(|(key, nodes, signs)| Lock::new(key, None, Keyring::fastify(nodes), signs))
        .collect()
}

/// Opens a token with the first lock that fits.
pub(super) fn open<'k>(
    locks: &[Lock<'k>],
    token: &str,
) -> Result<Opened<'k>, (Refused, Option<KeyAndName<'k>>)> {
    let mut refused = Refused::Malformed;
    for lock in locks {
        match lock.info(token) {
            Ok(info) => return Ok(lock.opened(token, info)),
            Err(reason @ (Refused::Version | Refused::Content)) => {
                return Err((reason, Some((lock.key, lock.name.clone()))));
            }
            Err(Refused::NoKey) => refused = Refused::NoKey,
            Err(Refused::Malformed) => {}
        }
    }
    Err((refused, None))
}

/// Which key fits, and for which cookie.
pub(super) type KeyAndName<'k> = (&'k KnownKey, Option<String>);

/// Opens a token of Node's: also one without a time, and one whose signature is not of these keys, which
/// a server refuses.
pub(super) fn open_node<'k>(
    locks: &[Lock<'k>],
    keys: &'k [KnownKey],
    token: &str,
) -> Result<Opened<'k>, (Refused, Option<KeyAndName<'k>>)> {
    let refused = match open(locks, token) {
        Ok(opened) => return Ok(opened),
        Err(refused) => refused,
    };
    let undated = || {
        keys.iter().find_map(|key| {
            let nodes = FastifyKey::from(key.key.clone()).danger_accept_undated();
            let lock = Lock::new(key, None, Keyring::fastify(nodes), false)?;
            let info = lock.info(token).ok()?;
            Some(Opened { undated: true, ..lock.opened(token, info) })
        })
    };
    if let (Refused::Content, _) = refused
        && let Some(opened) = undated()
    {
        return Ok(opened);
    }
    if let Some((unsigned, _)) = token.split_once('.')
        && let Ok(opened) = open(locks, unsigned)
    {
        let scheme = Scheme::Node { signed: true };
        return Ok(Opened { scheme, forged_signature: true, ..opened });
    }
    Err(refused)
}
