//! What `inspect` decides, against the vectors of other implementations and against random damage.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use sealed_session::Key;
use serde_json::Value;

use super::examine::examine;
use super::pasted::Pasted;
use super::report::Report;
use super::secrets::KnownKey;
use crate::cli;

/// Xorshift, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

fn vectors(name: &str) -> Value {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn args(more: &[&str]) -> super::Args {
    let all = ["sealed-session", "inspect"].iter().chain(more);
    match cli::Args::parse_from(all).command {
        cli::Command::Inspect(args) => args,
        _ => unreachable!(),
    }
}

fn key(hex: &str, is_nodes: bool) -> KnownKey {
    let key: Key = hex.parse().unwrap();
    KnownKey { key, source: "a file".to_owned(), is_nodes, revoked: false }
}

fn report(args: &super::Args, keys: &[KnownKey], text: &str, now: SystemTime) -> Report {
    examine(args, keys, &Pasted::of(text, false), now)
}

fn code(report: &Report) -> &'static str {
    report.findings.first().map_or("nothing", |finding| finding.verdict.code())
}

fn at(millis: &Value) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis.as_u64().unwrap())
}

#[test]
fn opens_what_a_server_opens() {
    let args = args(&["--idle-timeout", "1d", "--data"]);
    let vectors = vectors("native.json");
    for case in vectors["open"].as_array().unwrap() {
        let text = |field: &str| case[field].as_str().unwrap();
        let keys = [key(text("key"), false)];
        let cookie = format!("{}={}", text("name"), text("token"));
        let report = report(&args, &keys, &cookie, at(&case["now"]));
        let finding = &report.findings[0];
        assert_eq!(finding.verdict.code(), "valid", "{}", text("case"));
        let contents = finding.contents.as_ref().unwrap();
        assert_eq!(contents.expires_at, Some(at(&case["expires_at"])), "{}", text("case"));
        assert_eq!(contents.session_id.unwrap().to_string(), text("id"));
        assert_eq!(contents.sizes.header, Some(text("header").len() / 2), "{}", text("case"));
        assert_eq!(contents.sizes.json, text("json").len(), "{}", text("case"));
        assert_eq!(contents.data.as_ref().unwrap().get(), text("json").trim());
    }
}

#[test]
fn does_not_open_what_a_server_refuses_and_says_why() {
    let args = args(&["--idle-timeout", "1d"]);
    let vectors = vectors("native.json");
    for case in vectors["refused"].as_array().unwrap() {
        let text = |field: &str| case[field].as_str().unwrap();
        let keys = [key(text("key"), false)];
        let cookie = format!("{}={}", text("name"), text("token"));
        let report = report(&args, &keys, &cookie, at(&case["now"]));
        let expected: &[&str] = match (text("case"), text("kind")) {
            // JSON that a session of another type may hold.
            ("null" | "a number" | "a string" | "a list" | "an entry twice", _) => &["valid"],
            (_, "UnsupportedVersion") => &["unsupported_version"],
            (_, "InvalidPayload") => &["unreadable_content"],
            (_, "Expired") => &["expired"],
            (_, "TimestampInFuture") => &["from_the_future"],
            (_, "Malformed") => &["too_short", "cut_off"],
            (_, "TooLong") => &["too_long"],
            (_, "NoMatchingKey") => &["no_matching_key", "wrong_name"],
            (case, kind) => panic!("{case}: {kind}"),
        };
        let found = code(&report);
        assert!(expected.contains(&found), "{}: {found}, expected {expected:?}", text("case"));
    }
}

#[test]
fn agrees_with_the_vectors_of_node() {
    let vectors = vectors("fastify.json");
    for case in vectors["written"].as_array().unwrap() {
        let Some(keys) = case["keys"].as_array() else { continue };
        let name = case["name"].as_str().unwrap();
        let keys: Vec<_> = keys.iter().map(|hex| key(hex.as_str().unwrap(), true)).collect();
        let expiry = format!("{}s", case["expiry"]);
        let args = args(&["--idle-timeout", &expiry]);
        let now = UNIX_EPOCH + Duration::from_secs_f64(case["now"].as_f64().unwrap());
        let cookie = format!("session={}", case["cookie"].as_str().unwrap());
        let found = code(&report(&args, &keys, &cookie, now));
        if case["node"]["accepted"] == true {
            // serde_json reads no lone surrogates and no deeper nesting.
            let unreadable = ["lone surrogates", "deep"].iter().any(|part| name.contains(part));
            let expected =
                if unreadable { &["valid", "unreadable_content"][..] } else { &["valid"] };
            assert!(expected.contains(&found), "{name}: {found}");
        } else if name == "signed by an older key" {
            // Node checks the signature with its first key alone; this crate with each.
            assert_eq!(found, "valid");
        } else {
            assert_ne!(found, "valid", "{name}");
        }
    }
    for case in vectors["lax"].as_array().unwrap() {
        let (Some(keys), Some(note)) = (case["keys"].as_array(), case["note"].as_str()) else {
            continue;
        };
        let keys: Vec<_> = keys.iter().map(|hex| key(hex.as_str().unwrap(), true)).collect();
        let now = UNIX_EPOCH + Duration::from_secs_f64(case["now"].as_f64().unwrap());
        let cookie = format!("session={}", case["cookie"].as_str().unwrap());
        let found = code(&report(&args(&[]), &keys, &cookie, now));
        let name = &case["name"];
        match note.split([':', ',']).next() {
            Some("strict") => assert_eq!(found, "valid", "{name}"),
            // The tool undoes a second percent-encoding, and says so.
            Some("refused") if name == "spelling: double-escaped" => assert_eq!(found, "valid"),
            // The tool tries signatures whether the server does or not, and says so.
            Some("refused") if name == "signature: there, not configured" => {
                assert_eq!(found, "valid");
            }
            Some("refused") => assert_ne!(found, "valid", "{name}"),
            _ => {}
        }
    }
}

#[test]
fn random_text_never_panics() {
    let mut random = Random(0x5eed);
    let args = args(&[]);
    let signs: Vec<char> =
        "aZ09-_+/=%;:., \t\n\r\"'`“”…{}[]*é\u{0}\u{200b}\u{1f36a}".chars().collect();
    let words =
        ["Cookie:", "Set-Cookie:", "session=", "curl ", " -b '", "%3B", "%253B", "; Path=/", "="];
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..random.below(30) {
            match random.below(4) {
                0 => text.push_str(words[random.below(words.len())]),
                1 => text.extend(std::iter::repeat_n('A', random.below(130))),
                2 => text.extend(char::from_u32(random.next() as u32 % 0x11_0000)),
                _ => text.push(signs[random.below(signs.len())]),
            }
        }
        let report = report(&args, &[], &text, UNIX_EPOCH);
        assert!(!report.is_good(), "{text:?}");
        super::drawing::draw(&report, &crate::output::Style::default());
        serde_json::to_string(&report.json()).unwrap();
    }
}

#[test]
fn no_damage_opens_a_cookie_and_none_panics() {
    let mut random = Random(7);
    let args = args(&[]);
    let keys = [key(&"07".repeat(32), false), key(&"07".repeat(32), true)];
    let native = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBzcKc-1bQgMo8jnwDOtg5X550cgYaGko68Rttb0KH1WAOjZJnm75Mv3vnhHJ670hME75-JhWBUg";
    let node = "5FJpIeb%2BeJ3NQkB9oIitRfLJHYFas9zeBXT2HoXqvx68oQjDVft50h4%3D%3BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for token in [native, node] {
        assert_eq!(code(&report(&args, &keys, &format!("session={token}"), now)), "valid");
        for _ in 0..40 {
            let mut bytes = token.as_bytes().to_vec();
            let place = random.below(bytes.len());
            let letter = b"Aa0-_%=;.#"[random.below(10)];
            match random.below(4) {
                0 => bytes[place] = letter,
                1 => bytes.insert(place, letter),
                2 => drop(bytes.remove(place)),
                _ => bytes.truncate(place),
            }
            let damaged = String::from_utf8(bytes).unwrap();
            if damaged == token {
                continue;
            }
            let report = report(&args, &keys, &format!("session={damaged}"), now);
            super::drawing::draw(&report, &crate::output::Style::default());
            // Copying may have added or removed an equals sign or a semicolon at the end of Node's.
            assert!(token == node || code(&report) != "valid", "{damaged}");
        }
    }
}
