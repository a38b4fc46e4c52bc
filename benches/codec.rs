//! Session to token and back, without HTTP: `cargo bench --bench codec`.
//!
//! Each measurement goes through many different tokens, since a branch predictor learns one.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sealed_session::{Codec, Dynamic, Entries, Key, Keyring, SessionKind};
use serde::{Deserialize, Serialize};

const SIZES: [usize; 4] = [64, 256, 1024, 2900];
const SESSIONS: usize = 64;

/// A user, and what they looked at last.
#[derive(Serialize, Deserialize)]
struct Visitor {
    user_id: u64,
    name: String,
    visits: u32,
    recent: Vec<String>,
}

impl SessionKind for Visitor {
    type Data = Self;
    const NAME: &'static str = "session";
}

struct OtherName;

impl SessionKind for OtherName {
    type Data = Visitor;
    const NAME: &'static str = "another";
}

impl Visitor {
    /// The visitor number `i`, of exactly `len` bytes of JSON.
    fn new(i: usize, len: usize) -> Self {
        let name = ["Ada", "Emmy", "Grace", "Mary"][i % 4].to_owned();
        let user_id = 1_000_000 + i as u64 * 7_919;
        let mut visitor = Self { user_id, name, visits: 1_000 + i as u32, recent: Vec::new() };
        let json_len = |visitor: &Self| serde_json::to_vec(visitor).expect("plain data").len();
        while json_len(&visitor) + 70 < len {
            let volume = 100 + (i * 31 + visitor.recent.len() * 17) % 900;
            visitor.recent.push(format!("Notes on the analytical engine, volume {volume}"));
        }
        visitor.recent.push(String::new());
        let rest = len - json_len(&visitor);
        visitor.recent.pop();
        visitor.recent.push("x".repeat(rest));
        visitor
    }

    fn entries(&self) -> Entries {
        let json = serde_json::to_vec(self).expect("plain data");
        serde_json::from_slice(&json).expect("an object")
    }
}

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32]).expect("a key")
}

fn native<K: SessionKind>() -> Codec<K> {
    Codec::new(Keyring::new(key(7))).expect("a codec")
}

fn visitors(len: usize) -> Vec<Visitor> {
    (0..SESSIONS).map(|i| Visitor::new(i, len)).collect()
}

fn tokens(codec: &Codec<Visitor>, len: usize) -> Vec<String> {
    visitors(len).iter().map(|visitor| codec.encode(visitor).expect("it fits")).collect()
}

/// Encode and decode, typed and as entries, of one scheme.
fn scheme(criterion: &mut Criterion, scheme: &str, keyring: fn() -> Keyring) {
    let typed = Codec::<Visitor>::new(keyring()).expect("a codec");
    let entries = Codec::<Dynamic>::new(keyring()).expect("a codec");
    for operation in ["encode", "decode"] {
        let mut group = criterion.benchmark_group(format!("{scheme} {operation}"));
        for len in SIZES {
            group.throughput(Throughput::Bytes(len as u64));
            let (typed_id, entries_id) =
                (BenchmarkId::new("typed", len), BenchmarkId::new("entries", len));
            if operation == "encode" {
                let data = visitors(len);
                let named: Vec<_> = data.iter().map(Visitor::entries).collect();
                let mut turn = data.iter().cycle();
                group.bench_function(typed_id, |b| b.iter(|| typed.encode(next(&mut turn))));
                let mut turn = named.iter().cycle();
                group.bench_function(entries_id, |b| b.iter(|| entries.encode(next(&mut turn))));
            } else {
                let tokens = tokens(&typed, len);
                let mut turn = tokens.iter().cycle();
                group.bench_function(typed_id, |b| {
                    b.iter(|| typed.decode(next(&mut turn)).expect("it opens"));
                });
                let mut turn = tokens.iter().cycle();
                group.bench_function(entries_id, |b| {
                    b.iter(|| entries.decode(next(&mut turn)).expect("it opens"));
                });
            }
        }
        group.finish();
    }
}

fn next<'t, T>(turn: &mut impl Iterator<Item = &'t T>) -> &'t T {
    black_box(turn.next().expect("a cycle"))
}

fn schemes(criterion: &mut Criterion) {
    scheme(criterion, "native", || Keyring::new(key(7)));
    #[cfg(feature = "fastify")]
    scheme(criterion, "fastify", || Keyring::fastify(key(8)));
}

struct Floats;

impl SessionKind for Floats {
    type Data = Vec<f64>;
    const NAME: &'static str = "session";
}

/// Floats of 17 digits, the longest there are: at most 1024 bytes of JSON.
fn longest_floats(i: usize) -> Vec<f64> {
    let longest = (i * 1_000..)
        .map(|n| 1.0 + n as f64 * 1.37e-7)
        .filter(|float| float.to_string().len() == 18);
    longest.take(1022 / 19).collect()
}

/// A session of floats: what it takes to read them exactly.
fn floats(criterion: &mut Criterion) {
    let codec = native::<Floats>();
    let data: Vec<_> = (0..SESSIONS).map(longest_floats).collect();
    let tokens: Vec<_> = data.iter().map(|floats| codec.encode(floats).expect("it fits")).collect();
    let mut group = criterion.benchmark_group("floats of 17 digits, 1024 bytes");
    let mut turn = data.iter().cycle();
    group.bench_function("encode", |b| b.iter(|| codec.encode(next(&mut turn))));
    let mut turn = tokens.iter().cycle();
    group.bench_function("decode", |b| {
        b.iter(|| codec.decode(next(&mut turn)).expect("it opens"));
    });
    group.finish();
}

/// What a token costs that does not open.
fn refused(criterion: &mut Criterion) {
    let (typed, other) = (native::<Visitor>(), native::<OtherName>());
    let mut group = criterion.benchmark_group("refused, 256 bytes");
    let tokens = tokens(&typed, 256);
    let forged: Vec<_> = tokens
        .iter()
        .map(|token| {
            let (front, back) = token.split_at(token.len() / 2);
            let flipped = if back.starts_with('A') { "B" } else { "A" };
            format!("{front}{flipped}{}", &back[1..])
        })
        .collect();
    let mut turn = forged.iter().cycle();
    group.bench_function("forged", |b| {
        b.iter(|| typed.decode(next(&mut turn)).expect_err("forged"));
    });
    let mut turn = tokens.iter().cycle();
    group.bench_function("of another name", |b| {
        b.iter(|| other.decode(next(&mut turn)).expect_err("another name"));
    });
    let oversized = "A".repeat(5_000);
    group.bench_function("oversized", |b| {
        b.iter(|| typed.decode(black_box(&oversized)).expect_err("too long"));
    });
    group.finish();
}

/// Under how many keys: the token is of the last.
fn keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode by the last of so many keys, 256 bytes");
    for count in [1_u8, 2, 4, 8] {
        let ring = (1..count).fold(Keyring::new(key(100)), |ring, byte| {
            ring.with_previous(key(100 + byte)).expect("another key")
        });
        let codec = Codec::<Visitor>::new(ring).expect("a codec");
        let last = Codec::new(Keyring::new(key(99 + count))).expect("a codec");
        let tokens = tokens(&last, 256);
        let mut turn = tokens.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| codec.decode(next(&mut turn)).expect("it opens"));
        });
    }
    group.finish();
}

/// What it costs that the keys may change: a key of its own, one of a keyring with an older and a next key,
/// and the same keys in a directory, where the time chooses.
fn choice(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode by the key that seals, 64 bytes");
    let alone = Keyring::new(key(7));
    let three = Keyring::new(key(7))
        .with_previous(key(6))
        .and_then(|ring| ring.with_next(key(8)))
        .expect("three keys");
    #[cfg_attr(not(feature = "key-directory"), allow(unused_mut, reason = "no directory"))]
    let mut keyrings = vec![("one key", alone), ("of three keys", three)];
    #[cfg(feature = "key-directory")]
    let directory = Directory::new();
    #[cfg(feature = "key-directory")]
    keyrings.push(("of three keys in a directory", directory.keyring()));
    for (name, keyring) in keyrings {
        let codec = Codec::<Visitor>::new(keyring).expect("a codec");
        let tokens = tokens(&codec, 64);
        let mut turn = tokens.iter().cycle();
        group.bench_function(name, |b| {
            b.iter(|| codec.decode(next(&mut turn)).expect("it opens"));
        });
    }
    group.finish();
}

/// The keys 6, 7 and 8, of which 7 seals and 8 is next.
#[cfg(feature = "key-directory")]
struct Directory(std::path::PathBuf);

#[cfg(feature = "key-directory")]
impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("choice-of-keys-{}", std::process::id()));
        std::fs::create_dir(&path).expect("a directory");
        for (year, byte) in [(2024, 6), (2025, 7), (9000, 8)] {
            let file = path.join(format!("{year}-01-01T00-00-00Z.key"));
            std::fs::write(file, key(byte).expose_secret()).expect("a file");
        }
        Self(path)
    }

    fn keyring(&self) -> Keyring {
        let keys = sealed_session::KeyDirectory::builder(&self.0);
        keys.settle(Duration::ZERO).open().expect("three keys").keyring()
    }
}

#[cfg(feature = "key-directory")]
impl Drop for Directory {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = schemes, floats, refused, keys, choice
}
criterion_main!(benches);
