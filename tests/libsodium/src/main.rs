//! A million sessions sealed here and opened by libsodium, and back, with two forgeries each.
//!
//! ```text
//! cargo run --release -p against-libsodium [CASES]
//! ```
//!
//! Each case has a key, a nonce and a size of its own; every size that a cookie holds comes in turn,
//! in both token formats. A disagreement ends it with the case's number, which makes the same case
//! again.

#[path = "../../../fuzz/src/sodium.rs"]
#[allow(dead_code, reason = "the fuzz targets use the rest")]
mod sodium;

use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sealed_session::{Codec, DecodeErrorKind, Key, Keyring, SessionId, SessionKind, TestClock};
use serde_json::value::RawValue;

const NOW: u64 = 1_700_000_000;
/// Version 1, no flag, an id that stands for any other, created now, refreshed then, idle for a day.
const HEADER: [u8; 32] =
    *b"\x01\x00no session's id!\x01\x8b\xcf\xe5\x68\x00\x00\x00\x00\x00\x00\x01\x51\x80";
/// Where the id is in it.
const ID: Range<usize> = 2..18;
const TIME: &str = r#","__ts":1700000000}"#;
/// The bytes of JSON that fit into a cookie of this name.
const SMALLEST: usize = 8;
const LARGEST_NATIVE: usize = 2994;
const LARGEST_FASTIFY: usize = 3006;
/// How many cases a thread takes at a time.
const CHUNK: u64 = 1000;

struct Raw;
impl SessionKind for Raw {
    type Data = Box<RawValue>;
    const NAME: &'static str = "session";
}

fn main() -> ExitCode {
    let wanted = match std::env::args().nth(1).map(|cases| cases.parse::<u64>()) {
        None => 1_000_000,
        Some(Ok(cases)) if cases > 0 => cases,
        Some(_) => {
            eprintln!("usage: against-libsodium [CASES]");
            return ExitCode::FAILURE;
        }
    };
    let begun = Instant::now();
    let (next, done, failed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let from = next.fetch_add(CHUNK, Ordering::Relaxed);
                    for case in from..wanted.min(from + CHUNK) {
                        if let Err(disagreement) = run(case) {
                            eprintln!("case {case}: {disagreement}");
                            failed.store(true, Ordering::Relaxed);
                            return;
                        }
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    if from >= wanted {
                        return;
                    }
                }
            });
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    let done = done.into_inner();
    if failed.into_inner() || done != wanted {
        return ExitCode::FAILURE;
    }
    println!(
        "{done} cases: {} seals and opens, {} forgeries refused on both sides, {seconds:.1} s",
        2 * done,
        2 * done
    );
    ExitCode::SUCCESS
}

/// One case; `Err` says what the two sides disagree on.
fn run(case: u64) -> Result<(), &'static str> {
    let mut rng = Rng(case.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5ea1);
    let key: [u8; 32] = rng.bytes();
    let nonce: [u8; 24] = rng.bytes();
    let fastify = case % 2 == 1;
    let largest = if fastify { LARGEST_FASTIFY } else { LARGEST_NATIVE };
    let size = SMALLEST + (case / 2) as usize % (largest - SMALLEST + 1);
    let json = rng.json(size);

    let Ok(ours) = Key::from_bytes(key) else { return Err("the key") };
    let ring = if fastify { Keyring::fastify(ours) } else { Keyring::new(ours) };
    let codec =
        Codec::<Raw>::builder(ring).clock(TestClock::at(NOW)).build().map_err(|_| "the codec")?;
    let (secret, mut plaintext) = if fastify {
        (key, [&json.as_bytes()[..size - 1], TIME.as_bytes()].concat())
    } else {
        (sodium::subkey(&key, Raw::NAME), [&HEADER, json.as_bytes()].concat())
    };

    // Here, and opened there.
    let data = RawValue::from_string(json.clone()).map_err(|_| "the JSON")?;
    let token = codec.encode(&data).map_err(|_| "it is not sealed here")?;
    let (its_nonce, boxed) = unspell(fastify, &token).ok_or("the spelling")?;
    let there = sodium::open(&secret, &its_nonce, &boxed);
    let mut there = there.ok_or("sealed here, it does not open there")?;
    if !fastify {
        let here = codec.decode(&token).map_err(|_| "sealed here, it does not open here")?;
        let id = there.get_mut(ID).ok_or("there is no header")?;
        if here.info.id.is_none_or(|here| here.as_bytes() != id) {
            return Err("they find another id each");
        }
        // It is as random as the nonce.
        id.copy_from_slice(&HEADER[ID]);
    }
    if there != plaintext {
        return Err("sealed here, it says another thing there");
    }

    // There, and opened here.
    let id: [u8; 16] = rng.bytes();
    if !fastify {
        plaintext[ID].copy_from_slice(&id);
    }
    let sealed = sodium::seal(&secret, &nonce, &plaintext);
    let decoded = codec.decode(spell(fastify, &nonce, &sealed));
    let decoded = decoded.map_err(|_| "sealed there, it does not open here")?;
    let info = decoded.info;
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let same_id =
        if fastify { info.id.is_none() } else { info.id == Some(SessionId::from_bytes(id)) };
    if decoded.data.get() != json || info.refreshed_at != now || info.key_index != 0 || !same_id {
        return Err("sealed there, it says another thing here");
    }

    // One forged bit of what was sealed there, and one of what was sealed here.
    for (mut nonce, mut boxed) in [(nonce, sealed), (its_nonce, boxed)] {
        let bit = rng.below(8 * (nonce.len() + boxed.len()));
        match (bit / 8).checked_sub(nonce.len()) {
            None => nonce[bit / 8] ^= 1 << (bit % 8),
            Some(at) => boxed[at] ^= 1 << (bit % 8),
        }
        if sodium::open(&secret, &nonce, &boxed).is_some() {
            return Err("a forgery opens there");
        }
        match codec.decode(spell(fastify, &nonce, &boxed)) {
            Err(error) if *error.kind() == DecodeErrorKind::NoMatchingKey => {}
            _ => return Err("a forgery opens here, or is refused as something else"),
        }
    }
    Ok(())
}

fn spell(fastify: bool, nonce: &[u8], boxed: &[u8]) -> String {
    if fastify {
        let [boxed, nonce] = [boxed, nonce].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        format!("{boxed}%3B{nonce}")
    } else {
        URL_SAFE_NO_PAD.encode([nonce, boxed].concat())
    }
}

fn unspell(fastify: bool, token: &str) -> Option<([u8; 24], Vec<u8>)> {
    if fastify {
        let (boxed, nonce) = token.split_once("%3B")?;
        let nonce = STANDARD_NO_PAD.decode(nonce).ok()?.try_into().ok()?;
        Some((nonce, STANDARD_NO_PAD.decode(boxed).ok()?))
    } else {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, boxed) = bytes.split_first_chunk()?;
        Some((*nonce, boxed.to_vec()))
    }
}

/// The same numbers each time (`SplitMix64`).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }

    /// An object of exactly so many bytes.
    fn json(&mut self, size: usize) -> String {
        const TEXT: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .";
        let mut json = String::from("{\"a\":\"");
        while json.len() < size - 2 {
            let mut random = self.next();
            for _ in 0..10.min(size - 2 - json.len()) {
                json.push(char::from(TEXT[(random % 64) as usize]));
                random /= 64;
            }
        }
        json += "\"}";
        json
    }
}
