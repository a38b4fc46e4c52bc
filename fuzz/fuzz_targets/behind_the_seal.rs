//! Any plaintext, sealed validly by libsodium: the parsers that only an authentic token reaches.
//!
//! The first byte chooses scheme, kind and whether undated sessions open; the rest is the plaintext.
//! Nothing panics, what opens and why the rest does not is what the model says, and what opened
//! says the same when it is sealed again.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealed_session::DecodeErrorKind::TooLong;
use sealed_session::{Dynamic, EncodeErrorKind};
use sealed_session_fuzz::model::{Ringed, Settings};
use sealed_session_fuzz::{
    NAME, NONCE, Party, Raw, Shown, bare_fastify_token, native_token, said, sodium,
};

const KEY: [u8; 32] = [7; 32];

static SUBKEY: LazyLock<[u8; 32]> = LazyLock::new(|| sodium::subkey(&KEY, NAME));

/// One codec of each ring.
struct Parties<K>([Party<K>; 3]);

impl<K: Shown> Parties<K> {
    fn new() -> Self {
        let fastify = |undated| vec![Ringed::Fastify { key: KEY, signed: false, undated }];
        Self([
            Party::with_ring(vec![Ringed::Native(KEY)]),
            Party::with_ring(fastify(false)),
            Party::with_ring(fastify(true)),
        ])
    }
}

static RAW: LazyLock<Parties<Raw>> = LazyLock::new(Parties::new);
static DYNAMIC: LazyLock<Parties<Dynamic>> = LazyLock::new(Parties::new);

fuzz_target!(|input: &[u8]| {
    let Some((choice, plaintext)) = input.split_first() else { return };
    let ring = usize::from(choice >> 1) % 3;
    if choice & 1 == 0 {
        check(&RAW.0[ring], ring, plaintext);
    } else {
        check(&DYNAMIC.0[ring], ring, plaintext);
    }
});

fn check<K: Shown>(party: &Party<K>, ring: usize, plaintext: &[u8]) {
    let token = if ring == 0 {
        native_token(&SUBKEY, &NONCE, plaintext)
    } else {
        bare_fastify_token(&KEY, &NONCE, plaintext, false, false)
    };
    let decoded = party.codec.decode(&token);
    let found = said::<K>(&decoded);
    let wanted = match ring {
        _ if token.len() > 4096 - NAME.len() => Err(TooLong),
        0 => party.settings.read_native(plaintext, 0),
        _ => party.settings.read_fastify(plaintext, 0, ring == 2),
    };
    assert!(Settings::permits(&found, ring > 0, &wanted), "found {found:?}, wanted {wanted:?}");
    let Ok(decoded) = decoded else { return };
    match party.codec.reseal(&decoded) {
        Ok(again) => assert_eq!(party.found(again.as_bytes()), found),
        Err(error) => {
            // `%3B` takes two characters more than `;`, and an undated session gets its time.
            let near_the_limit = token.len() + 60 > 4096 - NAME.len();
            let too_large = matches!(error.kind(), EncodeErrorKind::TooLarge(_));
            assert!(ring > 0 && near_the_limit && too_large, "{error}");
        }
    }
}
