//! Encode and decode without HTTP: this crate beside the best pipeline on libsodium.

use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};
use dryoc::classic::crypto_secretbox::{
    crypto_secretbox_open_detached, crypto_secretbox_open_easy_inplace,
};
use sealed_session::{Codec, Dynamic, Key, Keyring};

use crate::measure::{Lane, Table};
use crate::sample::{Misnamed, SESSIONS, Sample};
use crate::sodium::{self, Choice, Sodium};

pub const SIZES: [usize; 4] = [64, 256, 1024, 2900];
pub const KEY: [u8; 32] = [7; 32];

pub struct Row {
    pub what: String,
    pub nanos: f64,
    pub allocations: f64,
    /// The time in that of the row it is compared with.
    pub ratio: Option<f64>,
    pub to: &'static str,
}

pub fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32]).expect("a key")
}

fn codec<K: sealed_session::SessionKind>() -> Codec<K> {
    Codec::new(Keyring::new(key(7))).expect("a codec")
}

pub fn samples(len: usize) -> Vec<Sample> {
    (0..SESSIONS).map(|i| Sample::new(i, len)).collect()
}

pub fn tokens(len: usize) -> Vec<String> {
    let codec = codec::<Sample>();
    samples(len).iter().map(|data| codec.encode(data).expect("it fits")).collect()
}

/// Which parts libsodium's pipeline is put together from.
pub fn choose() -> (Choice, Vec<(&'static str, f64)>) {
    sodium::choose(tokens(256)[0].as_bytes(), &Sample::new(0, 256))
}

/// That each opens what the other sealed.
pub fn prove(choice: Choice) {
    let (ours, theirs) = (codec::<Sample>(), Sodium::new(&KEY, "session", choice));
    for len in SIZES {
        for data in samples(len) {
            let token = ours.encode(&data).expect("it fits");
            assert_eq!(theirs.decode(token.as_bytes()).as_ref(), Some(&data));
            let other = theirs.encode(&data).expect("it fits");
            assert_eq!(other.len(), token.len());
            assert_eq!(ours.decode(&other).expect("it opens").data, data);
            assert_eq!(theirs.decode(&flip(&token)), None);
        }
    }
}

/// The token with a bit of its ciphertext flipped.
fn flip(token: &str) -> Vec<u8> {
    let mut bytes = token.as_bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    bytes
}

pub fn sizes(rounds: usize, choice: Choice) -> Vec<(usize, Vec<Row>)> {
    SIZES.iter().map(|&len| (len, size(len, rounds, choice))).collect()
}

fn size(len: usize, rounds: usize, choice: Choice) -> Vec<Row> {
    let sodium = || Sodium::new(&KEY, "session", choice);
    let (ours, dynamic) = (codec::<Sample>(), codec::<Dynamic>());
    let (data, tokens) = (samples(len), tokens(len));
    let entries: Vec<_> = data.iter().map(Sample::entries).collect();
    let texts: Vec<_> = data.iter().map(Sample::json).collect();

    let theirs = sodium();
    let mut lanes = vec![Lane::new("decode, libsodium", tokens.clone(), move |t: &String| {
        theirs.decode(t.as_bytes()).expect("it opens")
    })];
    let codec = ours.clone();
    lanes.push(Lane::new("decode, typed", tokens.clone(), move |t: &String| {
        codec.decode(t).expect("it opens")
    }));
    let codec = dynamic.clone();
    lanes.push(Lane::new("decode, entries, one read", tokens.clone(), move |t: &String| {
        let decoded = codec.decode(t).expect("it opens");
        decoded.data.get::<u64>("user_id").expect("a number").expect("it is there")
    }));
    lanes.push(Lane::new("parse alone", texts, |text: &Vec<u8>| {
        serde_json::from_slice::<Sample>(text).expect("JSON")
    }));
    let theirs = sodium();
    lanes.push(Lane::new("encode, libsodium", data.clone(), move |d: &Sample| theirs.encode(d)));
    let codec = ours.clone();
    lanes.push(Lane::new("encode, typed", data.clone(), move |d: &Sample| codec.encode(d)));
    lanes.push(Lane::new("encode, entries", entries, move |d: &sealed_session::Entries| {
        dynamic.encode(d)
    }));
    lanes.push(Lane::new("serialise alone", data, Sample::json));

    let table = Table::measure(lanes, rounds, 256);
    let row = |what: &str, to: &'static str| Row {
        what: what.to_owned(),
        nanos: table.nanos(what),
        allocations: table.allocations(what),
        ratio: (what != to).then(|| table.ratio(what, to)),
        to,
    };
    let decode = ["decode, libsodium", "decode, typed", "decode, entries, one read", "parse alone"];
    let encode = ["encode, libsodium", "encode, typed", "encode, entries", "serialise alone"];
    let decode = decode.iter().map(|what| row(what, "decode, libsodium"));
    decode.chain(encode.iter().map(|what| row(what, "encode, libsodium"))).collect()
}

/// The ciphers by themselves: what is opened is nonce, tag, header and JSON of so many bytes.
pub fn ciphers(rounds: usize, len: usize, choice: Choice) -> Vec<Row> {
    let sealed: Vec<_> = tokens(len).iter().map(|token| sodium::bytes(token)).collect();
    let theirs = Sodium::new(&KEY, "session", choice);
    let subkey = *theirs.subkey();
    let cipher = XSalsa20Poly1305::new(&subkey.into());
    let lanes = vec![
        Lane::new("open, libsodium", sealed.clone(), move |sealed: &Vec<u8>| {
            let mut buffer = sealed.clone();
            assert!(theirs.open(&mut buffer));
            buffer
        }),
        Lane::new("open, dryoc", sealed.clone(), move |sealed: &Vec<u8>| {
            let mut buffer = sealed.clone();
            let nonce = array(&buffer[..24]);
            crypto_secretbox_open_easy_inplace(&mut buffer[24..], &nonce, &subkey)
                .expect("it opens");
            buffer
        }),
        Lane::new("open, crypto_secretbox", sealed, move |sealed: &Vec<u8>| {
            let mut buffer = sealed.clone();
            let (nonce, tag): ([u8; 24], [u8; 16]) = (array(&buffer[..24]), array(&buffer[24..40]));
            cipher
                .decrypt_in_place_detached((&nonce).into(), &[], &mut buffer[40..], (&tag).into())
                .expect("it opens");
            buffer
        }),
    ];
    let table = Table::measure(lanes, rounds, 256);
    ["open, libsodium", "open, dryoc", "open, crypto_secretbox"]
        .map(|what| Row {
            what: what.to_owned(),
            nanos: table.nanos(what),
            allocations: table.allocations(what),
            ratio: (what != "open, libsodium").then(|| table.ratio(what, "open, libsodium")),
            to: "open, libsodium",
        })
        .into()
}

pub fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("so many bytes")
}

/// What a token costs that does not open.
pub fn refusals(rounds: usize, choice: Choice) -> Vec<Row> {
    let (ours, misnamed) = (codec::<Sample>(), codec::<Misnamed>());
    let theirs = Sodium::new(&KEY, "session", choice);
    let valid = tokens(256);
    let forged: Vec<_> = valid.iter().map(|token| flip(token)).collect();
    let oversized = vec!["A".repeat(5_000); SESSIONS];
    let (one, two) = (ours.clone(), ours.clone());
    let lanes = vec![
        Lane::new("opened", valid.clone(), move |t: &String| one.decode(t).expect("it opens")),
        Lane::new("forged", forged.clone(), move |t: &Vec<u8>| ours.decode(t).expect_err("forged")),
        Lane::new("forged, libsodium", forged, move |t: &Vec<u8>| theirs.decode(t).is_none()),
        Lane::new("of another name", valid, move |t: &String| {
            misnamed.decode(t).expect_err("another name")
        }),
        Lane::new("oversized (5000)", oversized, move |t: &String| {
            two.decode(t).expect_err("too long")
        }),
    ];
    let table = Table::measure(lanes, rounds, 256);
    ["opened", "forged", "forged, libsodium", "of another name", "oversized (5000)"]
        .map(|what| Row {
            what: what.to_owned(),
            nanos: table.nanos(what),
            allocations: table.allocations(what),
            ratio: (what != "opened").then(|| table.ratio(what, "opened")),
            to: "opened",
        })
        .into()
}

/// Under how many keys: the token is of the last.
pub fn keys(rounds: usize, len: usize) -> Vec<Row> {
    let counts = [1_u8, 2, 4, 8];
    let mut lanes = Vec::new();
    for count in counts {
        let mut ring = Keyring::new(key(100));
        for byte in 1..count {
            ring = ring.with_previous(key(100 + byte)).expect("another key");
        }
        let last = Codec::<Sample>::new(Keyring::new(key(99 + count))).expect("a codec");
        let tokens = samples(len).iter().map(|data| last.encode(data).expect("it fits")).collect();
        let codec = Codec::<Sample>::new(ring).expect("a codec");
        lanes.push(Lane::new(format!("{count} keys"), tokens, move |token: &String| {
            let decoded = codec.decode(token).expect("it opens");
            assert_eq!(decoded.info.key_index, usize::from(count) - 1);
            decoded
        }));
    }
    // What the cipher takes to find that a message is not its key's: HSalsa20, the first block and
    // the MAC.
    let ciphertext = vec![5_u8; sodium::HEADER + len];
    let messages = vec![ciphertext; SESSIONS];
    lanes.push(if cfg!(feature = "simd") {
        let mut plain = vec![0; sodium::HEADER + len];
        Lane::new("MAC alone", messages, move |message: &Vec<u8>| {
            crypto_secretbox_open_detached(&mut plain, message, &[9; 16], &[1; 24], &KEY)
                .expect_err("forged");
        })
    } else {
        let cipher = XSalsa20Poly1305::new(&KEY.into());
        let mut scratch = messages[0].clone();
        Lane::new("MAC alone", messages, move |_: &Vec<u8>| {
            let nonce = [1; 24];
            cipher
                .decrypt_in_place_detached((&nonce).into(), &[], &mut scratch, (&[9; 16]).into())
                .expect_err("forged");
        })
    });
    let table = Table::measure(lanes, rounds, 256);
    let names = counts.map(|count| format!("{count} keys"));
    let mac = table.nanos("MAC alone");
    let mut rows: Vec<_> = names
        .iter()
        .zip(counts)
        .map(|(name, count)| Row {
            what: name.clone(),
            nanos: table.nanos(name),
            allocations: table.allocations(name),
            ratio: (count > 1).then(|| table.over(name, "1 keys") / f64::from(count - 1) / mac),
            to: "MAC alone, per further key",
        })
        .collect();
    rows.push(Row {
        what: "MAC alone".to_owned(),
        nanos: mac,
        allocations: table.allocations("MAC alone"),
        ratio: None,
        to: "",
    });
    rows
}
