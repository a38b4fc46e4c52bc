//! Every small change to native tokens, tried: flipped bits, cut ends, bytes put in and taken out,
//! swapped names and keys, and random strings. None opens.
//!
//! `cargo test` tries a sample. All of it, in about two minutes on two cores:
//!
//! ```text
//! SEALED_SESSION_EXHAUSTIVE=1 cargo test --release --test exhaustive native:: -- --nocapture
//! ```

use std::collections::HashSet;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sealed_session::{Codec, CookieOptions, Keyring};

use crate::support::attack::{Count, all, json_of};
use crate::support::{Raw, Rng, attack, key};

/// JSON of so many bytes is what fits under the name `session`.
const LONGEST_JSON: usize = 2994;

fn codec(key_byte: u8, name: &'static str) -> Codec<Raw> {
    attack::codec(Keyring::new(key(key_byte)), CookieOptions::new().name(name))
}

/// Tokens of `count` sizes, from the smallest to the largest; a sample of a few if not all is
/// tried, in a debug build, where large ones take long.
fn tokens(codec: &Codec<Raw>, count: usize) -> Vec<String> {
    let span = LONGEST_JSON - 2;
    let sizes: Vec<usize> = if all() {
        (0..count).map(|n| 2 + n * span / (count - 1)).collect()
    } else {
        vec![2, 3, 4, 100, 300]
    };
    sizes.into_iter().map(|size| codec.encode(json_of(size)).unwrap()).collect()
}

#[test]
fn no_flipped_bit_of_a_token_or_of_its_bytes_opens() {
    let codec = codec(7, "session");
    let tokens = tokens(&codec, 1000);
    Count::of("flipped bits, native").run(&tokens, |token, count| {
        codec.decode(token).expect("the token itself opens");
        let mut flipped = token.clone().into_bytes();
        for bit in 0..8 * flipped.len() {
            flipped[bit / 8] ^= 1 << (bit % 8);
            count.refused(&codec, &flipped);
            flipped[bit / 8] ^= 1 << (bit % 8);
        }
        let mut bytes = Base64UrlUnpadded::decode_vec(token).unwrap();
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            count.refused(&codec, Base64UrlUnpadded::encode_string(&bytes).as_bytes());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    });
}

#[test]
fn no_part_of_a_token_opens() {
    let codec = codec(7, "session");
    let tokens = tokens(&codec, 1000);
    Count::of("truncations, native").run(&tokens, |token, count| {
        for len in 0..token.len() {
            count.refused(&codec, &token.as_bytes()[..len]);
            count.refused(&codec, &token.as_bytes()[token.len() - len..]);
        }
        let bytes = Base64UrlUnpadded::decode_vec(token).unwrap();
        for len in 0..bytes.len() {
            let (front, back) = (&bytes[..len], &bytes[len + 1..]);
            count.refused(&codec, Base64UrlUnpadded::encode_string(front).as_bytes());
            count.refused(&codec, Base64UrlUnpadded::encode_string(back).as_bytes());
        }
    });
}

#[test]
fn a_token_with_a_byte_inserted_deleted_or_replaced_does_not_open() {
    let codec = codec(7, "session");
    // Ninety sizes one after the other, for every remainder, and ten over the whole range.
    let mut tokens = if all() { tokens(&codec, 10) } else { Vec::new() };
    let small = if all() { 90 } else { 4 };
    tokens.extend((0..small).map(|n| codec.encode(json_of(2 + n)).unwrap()));
    Count::of("bytes inserted, deleted and replaced, native").run(&tokens, |token, count| {
        let token = token.as_bytes();
        for at in 0..=token.len() {
            let (front, back) = token.split_at(at);
            let mut longer = [front, &[0], back].concat();
            for byte in 0..=255 {
                longer[at] = byte;
                count.refused(&codec, &longer);
            }
            if let Some((own, rest)) = back.split_first() {
                count.refused(&codec, &[front, rest].concat());
                let mut replaced = token.to_vec();
                for byte in (0..=255).filter(|byte| byte != own) {
                    replaced[at] = byte;
                    count.refused(&codec, &replaced);
                }
            }
        }
    });
}

#[test]
fn a_token_opens_under_its_own_name_and_key_alone() {
    const NAMES: [&str; 8] =
        ["session", "sessiom", "Session", "session1", "s", "admin", "__Host-session", "session-"];
    let parties: Vec<_> = NAMES
        .iter()
        .flat_map(|name| (1..=16).map(move |key| (key, *name)))
        .map(|(key, name)| codec(key, name))
        .collect();
    let sizes: &[usize] = if all() { &[2, 3, 4, 50, 999, 2000] } else { &[2] };
    let mut pairs = 0;
    for (sealed_by, size) in
        parties.iter().enumerate().flat_map(|p| sizes.iter().map(move |s| (p, s)))
    {
        let token = sealed_by.1.encode(json_of(*size)).unwrap();
        for (opener, codec) in parties.iter().enumerate() {
            assert_eq!(codec.decode(&token).is_ok(), opener == sealed_by.0);
            pairs += 1;
        }
    }
    println!("names and keys swapped, native: {pairs} cases");
}

#[test]
fn a_mixture_of_parts_of_two_tokens_does_not_open() {
    let codec = codec(7, "session");
    let tokens = tokens(&codec, 60);
    let bytes: Vec<_> =
        tokens.iter().map(|token| Base64UrlUnpadded::decode_vec(token).unwrap()).collect();
    Count::of("nonce, tag and ciphertext swapped, native").run(&bytes, |one, count| {
        for other in bytes.iter().filter(|other| *other != one) {
            for swapped in 1..7_u8 {
                let part = |n: u8, place: std::ops::Range<usize>| {
                    if swapped & (1 << n) != 0 { &other[place] } else { &one[place] }
                };
                let tail = if swapped & 4 != 0 { &other[40..] } else { &one[40..] };
                let mixed = [part(0, 0..24), part(1, 24..40), tail].concat();
                count.refused(&codec, Base64UrlUnpadded::encode_string(&mixed).as_bytes());
            }
        }
    });
}

#[test]
fn no_random_string_opens() {
    let codec = codec(7, "session");
    let token = codec.encode(json_of(100)).unwrap();
    let chunks: Vec<u64> = (0..if all() { 1000 } else { 10 }).collect();
    Count::of("random strings, native").run(&chunks, |chunk, count| {
        let mut rng = Rng::new(*chunk);
        for n in 0..1000 {
            let text = match n % 4 {
                // Any bytes, any base64url, any sealed bytes, a token's beginning and then anything.
                0 => rng.bytes(4089),
                1 => rng.text(4089, attack::URL_SAFE),
                2 => Base64UrlUnpadded::encode_string(&rng.bytes(3000)).into_bytes(),
                _ => {
                    let mut text = token.clone().into_bytes();
                    // Fewer than eight characters might be guessed.
                    text.truncate(rng.below(token.len() - 8));
                    text.extend(rng.text(200, attack::URL_SAFE));
                    text
                }
            };
            count.refused(&codec, &text);
        }
    });
}

#[test]
fn no_nonce_comes_twice() {
    let codec = codec(7, "session");
    let each = if all() { 250_000 } else { 12_500 };
    // Many to a seed, several seeds to a thread, several threads.
    let nonces = std::thread::scope(|scope| {
        let draw = || {
            (0..each)
                .map(|_| codec.encode(json_of(2)).unwrap()[..32].to_owned())
                .collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(draw)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let different: HashSet<_> = nonces.iter().collect();
    println!("nonces: {} drawn, {} different", nonces.len(), different.len());
    assert_eq!(different.len(), nonces.len());
}
