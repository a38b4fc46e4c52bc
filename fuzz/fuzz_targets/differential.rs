//! Each seal and open against libsodium and a second reader of the formats: tokens that libsodium
//! sealed, in any spelling and then altered, open here if and only if they open there, with the same
//! reason if not; and what is sealed here opens there and says the same.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sealed_session::Dynamic;
use sealed_session_fuzz::model::{LAST_CREATED, OWN, Ringed, SEEN, Settings};
use sealed_session_fuzz::{
    Escape, Header, Json, NAME, NOW, Party, Raw, Shown, bare_fastify_token, native_token, sodium,
    spell,
};

#[derive(Arbitrary, Debug)]
struct Case {
    dynamic: bool,
    fastify: bool,
    signed: bool,
    undated: bool,
    key: [u8; 32],
    other_key: [u8; 32],
    nonce: [u8; 24],
    plaintext: Plaintext,
    padded: bool,
    escapes: Vec<Escape>,
    edits: Vec<Edit>,
}

#[derive(Arbitrary, Debug)]
enum Plaintext {
    Any(Vec<u8>),
    /// Created so many milliseconds, and refreshed so many seconds, from now.
    Usual {
        age: i64,
        refreshed: i32,
        idle: u32,
        flags: u8,
        id: [u8; 16],
        time_first: bool,
        data: Json,
    },
}

/// A change to the token's text.
#[derive(Arbitrary, Debug)]
enum Edit {
    Flip { at: u16, bit: u8 },
    Replace { at: u16, with: u8 },
    Insert { at: u16, what: u8 },
    Delete { at: u16 },
    Truncate { to: u16 },
    Append(Vec<u8>),
}

fuzz_target!(|case: Case| if case.dynamic { run::<Dynamic>(&case) } else { run::<Raw>(&case) });

fn run<K: Shown>(case: &Case) {
    let Case { key, other_key, fastify, signed, undated, .. } = case;
    if key == other_key || [key, other_key].contains(&&[0; 32]) {
        return;
    }
    let (signed, undated) = (*signed, *undated);
    let mut ring = vec![
        Ringed::Native(*key),
        Ringed::Native(*other_key),
        Ringed::Fastify { key: *key, signed, undated },
        Ringed::Fastify { key: *other_key, signed: !signed, undated: !undated },
    ];
    if *fastify {
        ring.rotate_left(2);
    }
    let party = Party::<K>::new(Settings {
        cookie_name: NAME.to_owned(),
        now: NOW,
        idle: 86_400,
        absolute: 2_592_000,
        ring,
        shape: K::SHAPE,
    });

    // Sealed there, opened here.
    let plaintext = case.plaintext.bytes(*fastify);
    let mut token = if *fastify {
        let bare = bare_fastify_token(key, &case.nonce, &plaintext, signed, case.padded);
        let escape = |place| match case.escapes.len() {
            0 => Escape::Upper,
            len => case.escapes[place % len],
        };
        spell(&bare, escape)
    } else {
        native_token(&sodium::subkey(key, NAME), &case.nonce, &plaintext)
    }
    .into_bytes();
    party.agrees(&token);
    for edit in case.edits.iter().take(16) {
        edit.apply(&mut token);
        party.agrees(&token);
    }

    // Sealed here, opened there.
    if let Plaintext::Usual { data, .. } = &case.plaintext {
        let text = if case.dynamic { data.object_text() } else { data.text() };
        let Some(data) = K::of(&text) else { return };
        if let Ok(token) = party.codec.encode(&data) {
            assert!(party.agrees(token.as_bytes()), "{text}");
        }
    }
}

impl Plaintext {
    fn bytes(&self, fastify: bool) -> Vec<u8> {
        match self {
            Self::Any(bytes) => bytes.clone(),
            Self::Usual { age, refreshed, idle, time_first, data, .. } if fastify => {
                let time = (NOW / 1000).saturating_add_signed((*refreshed).into());
                let data = data.object_text();
                let (empty, odd) = (data == "{}", age % 8 == 0);
                let time = if odd { format!("{}.0", *idle) } else { time.to_string() };
                let comma = if empty { "" } else { "," };
                let inner = &data[1..data.len() - 1];
                if *time_first {
                    format!("{{\"__ts\":{time}{comma}{inner}}}").into_bytes()
                } else {
                    format!("{{{inner}{comma}\"__ts\":{time}}}").into_bytes()
                }
            }
            Self::Usual { age, refreshed, idle, flags, id, data, .. } => {
                // Six bytes, and mostly within some months.
                let age = if age % 8 == 0 { *age } else { age % (1 << 33) };
                let created = NOW.saturating_add_signed(age) % (LAST_CREATED + 1);
                let since = (NOW / 1000).saturating_sub(created / 1000);
                let refreshed = since.saturating_add_signed((*refreshed).into()) as u32;
                // Most have no unknown flag.
                let flags = if *flags < 0xe0 { flags & (OWN | SEEN) } else { *flags };
                let header = Header { flags, id: *id, created, refreshed, idle: *idle };
                let seen = id[..8].iter().filter(|_| flags & SEEN != 0 && age % 16 != 0);
                let data = data.text();
                let behind: Vec<u8> = seen.copied().chain(data.bytes()).collect();
                header.before(&behind)
            }
        }
    }
}

impl Edit {
    fn apply(&self, token: &mut Vec<u8>) {
        let place = |at: &u16, len: usize| usize::from(*at) % len.max(1);
        let len = token.len();
        match self {
            Self::Flip { at, bit } if len > 0 => token[place(at, len)] ^= 1 << (bit % 8),
            Self::Replace { at, with } if len > 0 => token[place(at, len)] = *with,
            Self::Delete { at } if len > 0 => {
                token.remove(place(at, len));
            }
            Self::Insert { at, what } => token.insert(place(at, len + 1), *what),
            Self::Truncate { to } => token.truncate(usize::from(*to)),
            Self::Append(bytes) => token.extend_from_slice(bytes),
            _ => {}
        }
    }
}
