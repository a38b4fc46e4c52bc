//! Any bytes as a token and as a Cookie header. Nothing panics; what opens is what libsodium opens,
//! and the header's cookie is the one that a second reader of headers finds.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealed_session::{DecodeErrorKind, Dynamic};
use sealed_session_fuzz::model::Ringed;
use sealed_session_fuzz::{Party, Raw, said};

static NATIVE: LazyLock<Party<Raw>> =
    LazyLock::new(|| Party::with_ring(vec![Ringed::Native([7; 32])]));

static MIXED: LazyLock<Party<Dynamic>> = LazyLock::new(|| {
    Party::with_ring(vec![
        Ringed::Native([8; 32]),
        Ringed::Native([7; 32]),
        Ringed::Fastify { key: [7; 32], signed: false, undated: false },
        Ringed::Fastify { key: [9; 32], signed: true, undated: false },
    ])
});

fuzz_target!(|input: &[u8]| {
    NATIVE.opens_only_what_it_may(input);
    MIXED.opens_only_what_it_may(input);

    let mut wanted = Err(DecodeErrorKind::Missing);
    for token in cookies(input).take(4) {
        let found = MIXED.found(token);
        if found.is_ok() || wanted == Err(DecodeErrorKind::Missing) {
            wanted = found;
        }
        if wanted.is_ok() {
            break;
        }
    }
    assert_eq!(said::<Dynamic>(&MIXED.codec.decode_cookie_header(input)), wanted);
});

/// The values of the cookies of the name.
fn cookies(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    header.split(|byte| *byte == b';').filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at(equals);
        (name.trim_ascii_start() == b"session").then(|| value[1..].trim_ascii())
    })
}
