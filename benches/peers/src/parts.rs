//! What a session is made of, each part by itself and in place: what nothing built on these libraries
//! can go below.

use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};
use dryoc::classic::crypto_secretbox::{
    crypto_secretbox_easy_inplace, crypto_secretbox_open_easy_inplace,
};
use serde::de::IgnoredAny;

use crate::measure::{Lane, Table};
use crate::sample::Sample;
use crate::sodium::{self, Choice, Sodium};
use crate::tokens::{KEY, Row, array, samples, tokens};

pub const SIZES: [usize; 4] = [96, 256, 1024, 2048];

const NONCE: usize = 24;
const FRONT: usize = NONCE + 16;

const OPENING: [&str; 3] = ["base64, decoding", "the cipher, opening", "serde_json, one pass"];
const SEALING: [&str; 3] =
    ["serde_json, writing the type", "the cipher, sealing", "base64, encoding"];
const TYPED: &str = "serde_json, reading the type";

/// The parts for so many bytes of JSON, and their sums.
pub fn measure(rounds: usize, len: usize, choice: Choice) -> Vec<Row> {
    let texts = tokens(len);
    let sealed: Vec<_> = texts.iter().map(|token| sodium::bytes(token)).collect();
    let (data, json) = (samples(len), samples(len).iter().map(Sample::json).collect::<Vec<_>>());
    let json: Vec<_> =
        json.into_iter().map(|json| String::from_utf8(json).expect("JSON")).collect();
    let theirs = || Sodium::new(&KEY, "session", choice);
    let subkey = *theirs().subkey();
    let cipher = || XSalsa20Poly1305::new(&subkey.into());

    let [decoding, opening, pass] = OPENING;
    let [writing, sealing, encoding] = SEALING;
    let (decode, encode) = (theirs(), theirs());
    let (one, two) = (sealed.clone(), sealed.clone());
    let lanes = vec![
        Lane::new(decoding, texts, move |token: &String| {
            decode.decode_base64(token.as_bytes()).expect("a token")
        }),
        if cfg!(feature = "simd") {
            Lane::consuming(
                opening,
                move |i| one[i].clone(),
                move |mut buffer: Vec<u8>| {
                    let nonce = array(&buffer[..NONCE]);
                    crypto_secretbox_open_easy_inplace(&mut buffer[NONCE..], &nonce, &subkey)
                        .expect("it opens");
                    buffer
                },
            )
        } else {
            let cipher = cipher();
            Lane::consuming(
                opening,
                move |i| one[i].clone(),
                move |mut buffer: Vec<u8>| {
                    let (nonce, tag): ([u8; 24], [u8; 16]) =
                        (array(&buffer[..NONCE]), array(&buffer[NONCE..FRONT]));
                    cipher
                        .decrypt_in_place_detached(
                            (&nonce).into(),
                            &[],
                            &mut buffer[FRONT..],
                            (&tag).into(),
                        )
                        .expect("it opens");
                    buffer
                },
            )
        },
        Lane::new(pass, json.clone(), |json: &String| {
            serde_json::from_str::<IgnoredAny>(json).expect("JSON")
        }),
        Lane::new(TYPED, json, |json: &String| serde_json::from_str::<Sample>(json).expect("JSON")),
        Lane::new(writing, data, |data: &Sample| {
            let mut buffer = Vec::with_capacity(4096);
            serde_json::to_writer(&mut buffer, data).expect("plain data");
            buffer
        }),
        if cfg!(feature = "simd") {
            Lane::consuming(
                sealing,
                move |i| two[i].clone(),
                move |mut buffer: Vec<u8>| {
                    let nonce = array(&buffer[..NONCE]);
                    crypto_secretbox_easy_inplace(&mut buffer[NONCE..], &nonce, &subkey)
                        .expect("there is room for the tag");
                    buffer
                },
            )
        } else {
            let cipher = cipher();
            Lane::consuming(
                sealing,
                move |i| two[i].clone(),
                move |mut buffer: Vec<u8>| {
                    let nonce: [u8; 24] = array(&buffer[..NONCE]);
                    let tag = cipher
                        .encrypt_in_place_detached((&nonce).into(), &[], &mut buffer[FRONT..])
                        .expect("it seals");
                    buffer[NONCE..FRONT].copy_from_slice(&tag);
                    buffer
                },
            )
        },
        Lane::new(encoding, sealed, move |bytes: &Vec<u8>| encode.encode_base64(bytes)),
    ];
    let table = Table::measure(lanes, rounds, 256);
    let row = |what: &str, nanos: f64| Row {
        what: what.to_owned(),
        nanos,
        allocations: f64::NAN,
        ratio: None,
        to: "",
    };
    let sum = |parts: &[&str]| parts.iter().map(|part| table.nanos(part)).sum();
    let alone = OPENING.iter().chain([&TYPED]).chain(&SEALING);
    let mut rows: Vec<_> = alone.map(|part| row(part, table.nanos(part))).collect();
    rows.push(row("opening entries, at least", sum(&OPENING)));
    rows.push(row("decoding the type, at least", sum(&[decoding, opening, TYPED])));
    rows.push(row("encoding the type, at least", sum(&SEALING)));
    rows
}
