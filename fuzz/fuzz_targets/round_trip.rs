//! Any session under any name, keyring, clock and timeouts. What is sealed opens and says the same;
//! after a rotation too; and no other key, name or time, and no flipped bit, opens it.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sealed_session::DecodeErrorKind::{Expired, Malformed, NoMatchingKey, TimestampInFuture};
use sealed_session::{Dynamic, EncodeErrorKind};
use sealed_session_fuzz::model::{
    Accepted, Data, LAST_CREATED, MAX_IDLE, PREFIX_LEN, Ringed, SKEW, Settings,
};
use sealed_session_fuzz::{Json, Party, Raw, Shown, json};

const NAMES: [&str; 6] =
    ["session", "login", "__Host-session", "__Secure-a", "a", "a_name.of-some!length"];

#[derive(Arbitrary, Debug)]
struct Case {
    dynamic: bool,
    name: u8,
    other_name: u8,
    keys: Vec<(Scheme, u8)>,
    now: Now,
    idle: u32,
    absolute: u32,
    own_idle: u32,
    data: Json,
    times: Vec<Now>,
    flips: Vec<u16>,
    long: u16,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Scheme {
    Native,
    Fastify { signed: bool },
}

/// A time in milliseconds; the usual ones and the limits are likelier than by chance.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Now {
    /// Seconds, and milliseconds besides.
    Usual(u32, u8),
    Any(u64),
    BeforeTheLastOfTokens(u8),
    BeforeTheLast(u8),
    /// So many from the end, from the beginning, or from the beginning less what clocks may differ.
    AroundTheEnd(i16),
    AroundTheBeginning(i16),
    AroundTheSkew(i8),
}

impl Now {
    fn millis(self, beginning: u64, end: u64) -> u64 {
        match self {
            Self::Usual(seconds, millis) => 1000 * u64::from(seconds) + u64::from(millis),
            Self::Any(millis) => millis,
            Self::BeforeTheLastOfTokens(by) => LAST_CREATED - u64::from(by),
            Self::BeforeTheLast(by) => u64::MAX - u64::from(by),
            Self::AroundTheEnd(by) => end.saturating_add_signed(by.into()),
            Self::AroundTheBeginning(by) => beginning.saturating_add_signed(by.into()),
            Self::AroundTheSkew(by) => {
                beginning.saturating_sub(SKEW).saturating_add_signed(by.into())
            }
        }
    }
}

fuzz_target!(|case: Case| if case.dynamic { run::<Dynamic>(&case) } else { run::<Raw>(&case) });

fn run<K: Shown>(case: &Case) {
    let text = match (case.dynamic, case.long) {
        (true, _) => case.data.object_text(),
        // Sizes about the limit are rare by chance.
        (false, 2900..3200) => format!("{{\"a\":\"{}\"}}", "x".repeat(case.long.into())),
        _ => case.data.text(),
    };
    let Some(data) = K::of(&text) else {
        assert!(case.dynamic, "{text}");
        let members = json::members(&text).expect("an object");
        assert!(json::has_duplicates(&members), "{text}");
        return;
    };
    let keys = ring(&case.keys, 1);
    let idle = u64::from(case.idle).clamp(1, MAX_IDLE);
    let settings = Settings {
        cookie_name: NAMES[usize::from(case.name) % NAMES.len()].to_owned(),
        now: case.now.millis(0, 0),
        idle,
        absolute: u64::from(case.absolute).clamp(idle, MAX_IDLE),
        ring: keys,
        shape: K::SHAPE,
    };
    let mut party = Party::<K>::new(settings);
    let native = matches!(party.settings.ring[0], Ringed::Native(_));

    let token = match party.codec.encode(&data) {
        Ok(token) => token,
        Err(error) => return refused_rightly(&party.settings, native, &text, error.kind()),
    };
    let now = party.settings.now;
    assert!(token.len() + party.settings.cookie_name.len() <= 4096);
    let Ok(decoded) = party.codec.decode(&token) else {
        assert_eq!(now, u64::MAX, "it has just begun");
        return;
    };
    let id = decoded.info.id.map(|id| id.to_string());
    assert_eq!(id.is_some(), native);
    // Node's tokens know no milliseconds.
    let refreshed_at = if native { now } else { now / 1000 * 1000 };
    let wanted = Accepted {
        id: id.clone(),
        created_at: native.then_some(now),
        refreshed_at,
        expires_at: refreshed_at.saturating_add(1000 * idle),
        idle,
        own: false,
        key_index: 0,
        data: Data::of(&K::show(&data)),
    };
    assert_eq!(wanted.data, Data::of(&text));

    // Time.
    let times = [
        Now::AroundTheBeginning(0),
        Now::AroundTheSkew(0),
        Now::AroundTheSkew(-1),
        Now::AroundTheEnd(-1),
        Now::AroundTheEnd(0),
    ];
    for time in times.iter().chain(case.times.iter().take(8)) {
        let then = time.millis(refreshed_at, wanted.expires_at);
        party.at(then);
        let wanted = match then {
            _ if then.saturating_add(SKEW) < refreshed_at => Err(TimestampInFuture),
            _ if then >= wanted.expires_at => Err(Expired),
            _ => Ok(wanted.clone()),
        };
        assert_eq!(party.found(token.as_bytes()), wanted);
    }
    party.at(now);

    // Another session has another id, and the same one keeps it.
    if native {
        let other = party.codec.encode(&data).expect("it was sealed before");
        assert_ne!(party.found(other.as_bytes()).expect("a new token").id, id);
        for time in times.iter().chain(case.times.iter().take(8)) {
            let then = time.millis(now, wanted.expires_at);
            party.at(then);
            let Ok(decoded) = party.codec.decode(&token) else { continue };
            let refreshed = party.codec.refresh(&decoded).expect("it is no longer");
            let found = party.found(refreshed.as_bytes()).expect("a new token");
            let since = then.saturating_sub(now) / 1000 * 1000;
            assert_eq!((&found.id, found.created_at), (&id, Some(now)));
            assert_eq!((found.refreshed_at, &found.data), (now + since, &wanted.data));
        }
        party.at(now);
    }

    // Another name, another key, another scheme.
    let other_name = NAMES[usize::from(case.other_name) % NAMES.len()];
    let mut elsewhere = party.settings.clone();
    elsewhere.cookie_name = other_name.to_owned();
    if token.len() + other_name.len() <= 4096 {
        let same = !native || other_name == party.settings.cookie_name;
        let wanted = if same { Ok(wanted.clone()) } else { Err(NoMatchingKey) };
        assert_eq!(Party::<K>::new(elsewhere).found(token.as_bytes()), wanted);
    }
    let mut foreign = party.settings.clone();
    foreign.ring = ring(&case.keys, 101);
    assert_eq!(Party::<K>::new(foreign.clone()).found(token.as_bytes()), Err(NoMatchingKey));
    foreign.ring = match party.settings.ring[0] {
        Ringed::Native(key) => vec![Ringed::Fastify { key, signed: false, undated: false }],
        Ringed::Fastify { key, .. } => vec![Ringed::Native(key)],
    };
    let wrong_scheme = if native { NoMatchingKey } else { Malformed };
    assert_eq!(Party::<K>::new(foreign).found(token.as_bytes()), Err(wrong_scheme));

    // A flipped bit opens nothing; the peer's escapes alone have two letter cases.
    for flip in case.flips.iter().take(16) {
        let bit = usize::from(*flip) % (8 * token.len());
        let mut flipped = token.clone().into_bytes();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match party.found(&flipped) {
            Ok(found) => {
                assert!(!native && flipped.eq_ignore_ascii_case(token.as_bytes()));
                let separator = token.find("%3B").expect("a separator") + 2;
                assert_eq!((bit / 8, found), (separator, wanted.clone()));
            }
            Err(kind) => assert!(matches!(kind, NoMatchingKey | Malformed), "{kind:?}"),
        }
    }

    // A rotation, and an idle timeout of this session's own.
    let mut rotated = party.settings.clone();
    rotated.ring.insert(0, Ringed::Native([201; 32]));
    let rotated = Party::<K>::new(rotated);
    let second = Accepted { key_index: 1, ..wanted.clone() };
    assert_eq!(rotated.found(token.as_bytes()), Ok(second));
    let mut decoded = rotated.codec.decode(&token).expect("it has just opened");
    if now <= LAST_CREATED {
        let again = match rotated.codec.reseal(&decoded) {
            Ok(again) => again,
            Err(error) => {
                // A native token may be a little longer than the peer's.
                assert!(!native && matches!(error.kind(), EncodeErrorKind::TooLarge(_)), "{error}");
                assert!(token.len() + party.settings.cookie_name.len() > 4000);
                return;
            }
        };
        let resealed = rotated.found(again.as_bytes()).expect("a new token");
        assert_eq!((resealed.key_index, resealed.created_at), (0, Some(refreshed_at)));
        assert_eq!((resealed.refreshed_at, resealed.data), (refreshed_at, wanted.data.clone()));
        assert!(resealed.id.is_some() && (!native || resealed.id == id));
        assert!(resealed.expires_at <= wanted.expires_at);
        assert_eq!(
            party.found(again.as_bytes()).map(|_| ()),
            Err(NoMatchingKey),
            "the new key is not its"
        );
    }
    let own = u64::from(case.own_idle).clamp(1, MAX_IDLE);
    decoded.info.own_idle_timeout = Some(Duration::from_secs(own));
    match party.codec.reseal(&decoded) {
        Ok(token) => {
            let found = party.found(token.as_bytes()).expect("a new token");
            let expires_at = now + 1000 * own.min(party.settings.absolute);
            assert_eq!((found.expires_at, found.idle, found.own), (expires_at, own, true));
        }
        Err(error) => assert!(!native && *error.kind() == EncodeErrorKind::NoRoomForIdleTimeout),
    }
}

/// Up to four distinct keys; none of `from` and of 100 more is the same.
fn ring(keys: &[(Scheme, u8)], from: u8) -> Vec<Ringed> {
    let mut ring = Vec::new();
    let mut known = Vec::new();
    for (scheme, key) in keys.iter().take(4) {
        let byte = from + key % 100;
        if known.contains(&byte) {
            continue;
        }
        known.push(byte);
        ring.push(match scheme {
            Scheme::Native => Ringed::Native([byte; 32]),
            Scheme::Fastify { signed } => {
                Ringed::Fastify { key: [byte; 32], signed: *signed, undated: false }
            }
        });
    }
    if ring.is_empty() {
        ring.push(Ringed::Native([from; 32]));
    }
    ring
}

/// Data was not sealed, and could not be.
fn refused_rightly(settings: &Settings, native: bool, text: &str, kind: &EncodeErrorKind) {
    let members = json::members(text);
    match kind {
        EncodeErrorKind::TooLarge(_) => {
            let bytes = if native { PREFIX_LEN + text.len() } else { 16 + text.len() + 7 };
            // Where the data is written without the white space that it came with, it is shorter.
            assert!(settings.cookie_name.len() + bytes * 4 / 3 > 4000, "{bytes}");
        }
        EncodeErrorKind::Clock => assert!(native && settings.now > LAST_CREATED),
        EncodeErrorKind::NotAnObject => {
            assert!(!native && members.is_none_or(|members| json::has_duplicates(&members)));
        }
        EncodeErrorKind::Reserved { .. } => {
            let members = members.expect("an object");
            assert!(!native && members.iter().any(|member| json::name(member.name) == "__ts"));
        }
        other => panic!("{other:?}"),
    }
}
