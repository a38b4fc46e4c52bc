//! JSON at the edges, between JavaScript and serde: what each side makes of it.

use std::collections::HashMap;

use sealed_session::{DecodeErrorKind, Entries, Keyring, SessionKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::support::fastify::{builder, find, open, seal, seven, vectors};
use crate::support::{at, key};

/// The entries of a session of Node that has this member, and `b`.
#[track_caller]
fn dynamic(member: &str) -> Entries {
    let plaintext = format!(r#"{{"__ts":1700000000,{member},"b":true}}"#);
    let opened = seven().decode(seal(7, plaintext)).unwrap();
    assert_eq!(opened.data.get::<bool>("b").unwrap(), Some(true), "the others are readable");
    opened.data
}

/// The member goes out again as it stands when another is written.
#[track_caller]
fn is_written_on(member: &str) {
    let mut entries = dynamic(member);
    entries.insert("b", false).unwrap();
    let written = open(7, &seven().encode(&entries).unwrap());
    assert_eq!(written, format!(r#"{{{member},"b":false,"__ts":1700000000}}"#));
}

/// A typed session whose entry `a` is a `T`.
#[derive(Serialize, Deserialize)]
struct Of<T> {
    a: T,
}

impl<T: Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> SessionKind for Of<T> {
    type Data = Self;
    const NAME: &'static str = "session";
}

/// A typed session that knows nothing of `a`.
#[derive(Serialize, Deserialize)]
struct Other {
    b: bool,
}

impl SessionKind for Other {
    type Data = Self;
    const NAME: &'static str = "session";
}

fn typed<K: SessionKind>(member: &str) -> Result<K::Data, DecodeErrorKind> {
    let plaintext = format!(r#"{{"__ts":1700000000,{member},"b":true}}"#);
    let codec = builder::<K>(Keyring::fastify(key(7))).build().unwrap();
    codec.decode(seal(7, plaintext)).map(|opened| opened.data).map_err(|error| *error.kind())
}

#[track_caller]
fn is_refused_as<T: Serialize + serde::de::DeserializeOwned + Send + Sync + 'static>(member: &str) {
    assert_eq!(typed::<Of<T>>(member).err(), Some(DecodeErrorKind::InvalidPayload));
}

#[test]
fn half_a_surrogate_pair_is_kept_and_cannot_be_read_as_text() {
    let member = r#""a":"x\ud800""#;
    is_written_on(member);
    assert!(dynamic(member).get::<String>("a").is_err());
    assert_eq!(dynamic(member).get::<Box<RawValue>>("a").unwrap().unwrap().get(), r#""x\ud800""#);
}

#[test]
fn half_a_surrogate_pair_in_a_typed_text_is_an_empty_session() {
    is_refused_as::<String>(r#""a":"x\ud800""#);
    assert!(typed::<Other>(r#""a":"x\ud800""#).is_ok(), "what it does not know does not matter");
}

#[test]
fn half_a_surrogate_pair_in_a_name_is_kept() {
    is_written_on(r#""\udfff":1"#);
    assert_eq!(dynamic(r#""\udfff":1"#).len(), 2);
    assert!(typed::<Other>(r#""\udfff":1"#).is_err(), "serde reads every name");
}

#[test]
fn half_a_surrogate_pair_in_a_name_beside_a_name_of_the_same_text_is_refused() {
    let payload = r#"{"\udfff":1,"\"\\udfff\"":2,"__ts":1700000000}"#;
    assert_eq!(
        seven().decode(seal(7, payload)).unwrap_err().kind(),
        &DecodeErrorKind::InvalidPayload
    );
    assert_eq!(dynamic(r#""\"\\udfff\"":2"#).get::<u32>(r#""\udfff""#).unwrap(), Some(2));
}

#[test]
fn a_surrogate_pair_in_escapes_is_one_character() {
    let entries = dynamic(r#""a":"\ud83d\ude00""#);
    assert_eq!(entries.get::<String>("a").unwrap().unwrap(), "😀");
}

fn deep(depth: usize) -> String {
    format!(r#""a":{}{}"#, "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn nesting_of_any_depth_is_kept() {
    for depth in [127, 128, 129, 1400] {
        is_written_on(&deep(depth));
        let node = format!("arrays {depth} deep");
        if let Some(vector) = vectors().written.into_iter().find(|vector| vector.name == node) {
            assert!(seven().decode(vector.cookie).is_ok());
        }
    }
}

#[test]
fn nesting_is_parsed_down_to_127() {
    assert!(dynamic(&deep(127)).get::<Value>("a").is_ok());
    assert!(dynamic(&deep(128)).get::<Value>("a").is_err());
}

#[test]
fn nesting_in_a_typed_session_is_parsed_down_to_126() {
    assert!(typed::<Of<Value>>(&deep(126)).is_ok());
    is_refused_as::<Value>(&deep(127));
    assert!(typed::<Other>(&deep(1400)).is_ok(), "what it does not know does not matter");
}

#[test]
fn a_number_too_large_for_a_double_is_kept_but_cannot_be_read() {
    is_written_on(r#""a":1e400"#);
    assert!(dynamic(r#""a":1e400"#).get::<f64>("a").is_err());
    is_refused_as::<f64>(r#""a":1e400"#);
    assert!(typed::<Other>(r#""a":-1e400"#).is_ok());
}

#[test]
fn infinity_and_nan_are_null_as_in_node() {
    let mut entries = Entries::new();
    entries.insert("a", f64::INFINITY).unwrap();
    entries.insert("b", f64::NAN).unwrap();
    let written = open(7, &seven().encode(&entries).unwrap());
    assert_eq!(written, r#"{"a":null,"b":null,"__ts":1700000000}"#);
}

#[test]
fn two_members_of_one_name_are_refused_if_the_name_is_read() {
    for payload in [
        r#"{"__ts":1700000000,"a":1,"a":2}"#,
        r#"{"a":1,"__ts":1700000000,"a":2}"#,
        r#"{"a":1,"a":2,"__ts":1700000000}"#,
        r#"{"a":1,"\u0061":2,"__ts":1700000000}"#,
    ] {
        let twice = seal(7, payload);
        assert_eq!(seven().decode(twice).unwrap_err().kind(), &DecodeErrorKind::InvalidPayload);
    }
    is_refused_as::<u32>(r#""a":1,"a":2"#);
    assert!(typed::<Other>(r#""a":1,"a":2"#).is_ok(), "what it does not know does not matter");
}

#[test]
fn two_times_are_refused_anywhere() {
    for payload in [
        r#"{"__ts":1700000000,"__ts":1700000000}"#,
        r#"{"__ts":1700000000,"a":1,"__ts":1700000000}"#,
        r#"{"__ts":1700000000,"a":1,"_\u005fts":1700000000}"#,
        r#"{"__\u0074s":1700000000,"a":1,"__ts":1700000000}"#,
        r#"{"a":1,"__ts":1700000000,"b":1,"__ts":1700000000,"c":1}"#,
    ] {
        let kind = *seven().decode(seal(7, payload)).unwrap_err().kind();
        assert_eq!(kind, DecodeErrorKind::InvalidPayload, "{payload}");
    }
}

#[test]
fn the_time_is_found_wherever_it_stands_and_not_inside_a_value() {
    for (payload, rest) in [
        (r#"{"__ts":1700000000}"#, "{}"),
        (r#"{"__ts":1700000000,"a":1}"#, r#"{"a":1}"#),
        (r#"{"a":1,"__ts":1700000000}"#, r#"{"a":1}"#),
        (r#"{"a":1,"__ts":1700000000,"b":"x,\"__ts\":5"}"#, r#"{"a":1,"b":"x,\"__ts\":5"}"#),
        (r#"{"a":{"__ts":5},"_\u005fts":1700000000}"#, r#"{"a":{"__ts":5}}"#),
        (r#" { "a" : 1 , "__ts" : 1700000000 } "#, r#"{"a":1}"#),
    ] {
        let opened =
            seven().decode(seal(7, payload)).unwrap_or_else(|error| panic!("{payload}: {error}"));
        assert_eq!(opened.info.refreshed_at, at(1_700_000_000), "{payload}");
        let read: Value = serde_json::to_value(&opened.data).unwrap();
        assert_eq!(read, serde_json::from_str::<Value>(rest).unwrap(), "{payload}");
    }
    for payload in [
        r#"{"a":{"__ts":1700000000}}"#,
        r#"{"a":{"b":1,"__ts":1700000000}"#,
        r#"{"a":"b,"__ts":1700000000}"#,
        r#"{,"__ts":1700000000}"#,
        r#"{"a":1,,"__ts":1700000000}"#,
        r#"{"__ts":1700000000,}"#,
        r#"["__ts":1700000000,"a"]"#,
        r#"{"a":1,"__ts":01700000000}"#,
        r#"{"a":1,"__ts":+1700000000}"#,
        r#"{"a":1,"__ts":}"#,
    ] {
        let kind = *seven().decode(seal(7, payload)).unwrap_err().kind();
        assert_eq!(kind, DecodeErrorKind::InvalidPayload, "{payload}");
    }
}

#[test]
fn the_type_decides_on_two_equal_names_inside_a_value() {
    let member = r#""a":{"a":1,"a":2}"#;
    is_written_on(member);
    assert_eq!(dynamic(member).get::<Value>("a").unwrap().unwrap()["a"], 2, "the last, as in Node");
    is_refused_as::<Of<u8>>(member);
}

#[test]
fn integer_like_names_come_first_and_are_names_like_any_other() {
    let vector = find(vectors().written, "integer-like keys");
    let entries = seven().decode(vector.cookie).unwrap().data;
    let names: Vec<_> = entries.names().collect();
    assert_eq!(names, ["9", "10", "4294967294", "b", "01", "4294967295", "x"]);
    assert_eq!(entries.get::<u8>("10").unwrap(), Some(2));
    let inner = entries.get::<HashMap<u32, u8>>("x");
    assert!(inner.is_err(), "b is no number");
}

#[test]
fn minus_zero_is_read_as_a_float_and_not_as_an_integer() {
    is_written_on(r#""a":-0"#);
    let entries = dynamic(r#""a":-0"#);
    assert!(entries.get::<f64>("a").unwrap().unwrap().is_sign_negative());
    assert!(entries.get::<i64>("a").is_err());
}

#[test]
fn a_whole_float_that_node_shortened_is_read_as_a_float() {
    assert_eq!(dynamic(r#""a":2"#).get::<f64>("a").unwrap(), Some(2.0));
    assert_eq!(dynamic(r#""a":1e+21"#).get::<f64>("a").unwrap(), Some(1e21));
    assert!(dynamic(r#""a":2.0"#).get::<u8>("a").is_err());
}

#[test]
fn an_integer_beyond_2_to_the_53_is_exact_until_node_writes() {
    let mut entries = Entries::new();
    entries.insert("a", u64::MAX).unwrap();
    let opened = seven().decode(seven().encode(&entries).unwrap()).unwrap();
    assert_eq!(opened.data.get::<u64>("a").unwrap(), Some(u64::MAX));
    assert_eq!(dynamic(r#""a":18446744073709551615"#).get::<u64>("a").unwrap(), Some(u64::MAX));
}

#[test]
fn an_integer_that_node_has_rounded_may_not_fit_any_more() {
    // What Node writes of u64::MAX, of i64::MAX and of 2^53 + 1.
    assert!(dynamic(r#""a":18446744073709552000"#).get::<u64>("a").is_err());
    assert!(dynamic(r#""a":9223372036854776000"#).get::<i64>("a").is_err());
    let other = dynamic(r#""a":9007199254740992"#).get::<u64>("a").unwrap();
    assert_eq!(other, Some(9_007_199_254_740_992), "another number: keep such in a text");
    is_refused_as::<u64>(r#""a":18446744073709552000"#);
}

#[test]
fn a_date_is_its_text() {
    let entries = seven().decode(find(vectors().written, "dates").cookie).unwrap().data;
    let text = entries.get::<String>("a").unwrap().unwrap();
    assert_eq!(text, "1970-01-01T00:00:00.000Z");
    assert_eq!(entries.get::<Option<String>>("c").unwrap(), Some(None), "an invalid one is null");
}

#[test]
fn undefined_is_a_missing_entry_and_null_in_a_list() {
    let vector = find(vectors().written, "undefined and functions");
    let entries = seven().decode(vector.cookie).unwrap().data;
    assert!(entries.names().eq(["b"]));
    let lists = seven().decode(find(vectors().written, "arrays").cookie).unwrap().data;
    assert_eq!(lists.get::<Vec<Option<u8>>>("c").unwrap(), Some(vec![None, Some(1)]));
}

#[test]
fn a_typed_session_reads_what_node_wrote() {
    assert_eq!(typed::<Of<u64>>(r#""a":7"#).unwrap().a, 7);
    assert_eq!(typed::<Of<Option<u8>>>(r#""a":null"#).unwrap().a, None);
}
