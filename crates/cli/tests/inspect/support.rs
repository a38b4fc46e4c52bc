//! A site with keys, its cookies, and the program run on them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sealed_session::{Codec, CookieOptions, Dynamic, Entries, FastifyKey, Key, Keyring, TestClock};
use serde_json::Value;

/// 2023-11-14T22:13:20Z
pub(crate) const START: u64 = 1_700_000_000;
pub(crate) const HOUR: u64 = 60 * 60;
pub(crate) const DAY: u64 = 24 * HOUR;
/// In every session, and in no answer without `--data`.
pub(crate) const SECRET: &str = "alice@example.org";

/// A directory with the keys: `keys` (two of ours, and one revoked), `node`, `other`, `several`.
pub(crate) struct Site {
    pub(crate) dir: PathBuf,
}

pub(crate) fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32]).unwrap()
}

impl Site {
    pub(crate) fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("inspect-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(dir.join("keys")).unwrap();
        let write = |path: &str, content: &str| std::fs::write(dir.join(path), content).unwrap();
        write("keys/2023-11-01T00-00-00Z.key", &key(7).to_hex());
        write("keys/2023-08-01T00-00-00Z.key", &key(6).to_hex());
        write("keys/2023-05-01T00-00-00Z.key", &key(5).to_hex());
        write(&format!("keys/{}.revoked", key(5).id()), "");
        write("node", &key(9).to_hex());
        write("other", &key(8).to_hex());
        write(
            "several",
            &format!("# newest first\n{}\n\n{}\n", *key(7).to_hex(), *key(6).to_hex()),
        );
        Self { dir }
    }

    pub(crate) fn inspect(&self, args: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sealed-session"))
            .arg("inspect")
            .args(args)
            .current_dir(&self.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may well not read it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// The answer to a cookie, an hour after it was sealed, with all keys.
    pub(crate) fn answer(&self, input: &str, more: &[&str]) -> (i32, String) {
        let at = (START + HOUR).to_string();
        let args = [&["--keys", "keys", "--fastify-key", "node", "--at", &at], more].concat();
        let output = self.inspect(&args, input);
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    /// The cookie does not open, and the answer has these words, fits into 80 columns, and has nothing
    /// of the session.
    #[track_caller]
    pub(crate) fn fails(&self, what: &str, input: &str, more: &[&str], words: &[&str]) {
        let (status, answer) = self.answer(input, more);
        assert_eq!(status, 1, "{what}\n{answer}");
        says(&answer, words);
        assert!(!answer.contains(SECRET), "{what}\n{answer}");
        assert!(answer.lines().all(|line| line.chars().count() <= 80), "{what}\n{answer}");
    }

    pub(crate) fn json(&self, input: &str, more: &[&str]) -> Value {
        let (_, text) = self.answer(input, &[more, &["--json"]].concat());
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub(crate) fn codec(keyring: Keyring, name: &str, now: u64) -> Codec<Dynamic> {
    Codec::builder(keyring)
        .cookie(CookieOptions::new().name(name.to_owned()))
        .clock(TestClock::at(now))
        .danger_share_fastify_key()
        .build()
        .unwrap()
}

/// A session of so many bytes beside its user.
pub(crate) fn session(filling: usize) -> Entries {
    let mut entries = Entries::new();
    entries.insert("user", SECRET).unwrap();
    entries.insert("filling", "x".repeat(filling)).unwrap();
    entries
}

pub(crate) fn sealed_with(byte: u8, name: &str, now: u64) -> String {
    codec(Keyring::new(key(byte)), name, now).encode(session(0)).unwrap()
}

/// A token of the newest key, sealed at the start for the cookie `session`.
pub(crate) fn token() -> String {
    sealed_with(7, "session", START)
}

/// A cookie of Node's, in the form in which this crate writes it.
pub(crate) fn node(nodes: impl Into<FastifyKey>, now: u64) -> String {
    codec(Keyring::fastify(nodes), "session", now).encode(session(0)).unwrap()
}

/// A vector that another implementation made: the cookie, and its key in hex.
pub(crate) fn vector(file: &str, list: &str, name: &str) -> (String, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(file);
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = all[list].as_array().unwrap();
    let case = cases.iter().find(|case| case["case"] == name || case["name"] == name).unwrap();
    let native = case["case"].is_string();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    if native {
        (format!("{}={}", text(&case["name"]), text(&case["token"])), text(&case["key"]))
    } else {
        (format!("session={}", text(&case["cookie"])), text(&case["keys"][0]))
    }
}

/// The text with another character at this place.
pub(crate) fn changed(text: &str, place: usize) -> String {
    let other = if text.as_bytes()[place] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &text[..place], &text[place + 1..])
}

/// The words, wherever the lines are broken.
#[track_caller]
pub(crate) fn says(answer: &str, words: &[&str]) {
    let flat = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in words {
        assert!(flat.contains(words), "{words:?} is not in\n{answer}");
    }
}
