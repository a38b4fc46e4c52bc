//! The session that everybody keeps: a user, and what they looked at last.

use std::sync::atomic::{AtomicU32, Ordering};

use sealed_session::{Entries, SessionKind};
use serde::{Deserialize, Serialize};

/// How many different sessions each contender is shown in turn: a branch predictor learns one.
pub const SESSIONS: usize = 64;

/// The whole of it, for those who keep sessions typed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub user_id: u64,
    pub name: String,
    pub visits: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<String>,
}

impl SessionKind for Sample {
    type Data = Self;
    const NAME: &'static str = "session";
}

/// The same data under a name that no token of [`Sample`] was sealed for.
pub struct Misnamed;

impl SessionKind for Misnamed {
    type Data = Sample;
    const NAME: &'static str = "another";
}

const NAMES: [&str; 4] = ["Ada Lovelace", "Emmy Noether", "Grace Hopper", "Mary Cartwright"];
const TITLE: &str = "Notes on the analytical engine, volume ";

impl Sample {
    /// The session number `i`, of exactly `len` bytes of JSON.
    pub fn new(i: usize, len: usize) -> Self {
        let name = NAMES[i % NAMES.len()];
        // The smallest sessions have room for a first name.
        let name = if len < 90 { name.split(' ').next().unwrap_or(name) } else { name };
        let mut sample = Self {
            user_id: 1_000_000 + (i as u64 * 7_919) % 9_000_000,
            name: name.to_owned(),
            visits: 1_000 + i as u32,
            ..Self::default()
        };
        if len > 100 {
            sample.roles = vec!["author".to_owned(), "editor".to_owned()];
        }
        while sample.json().len() + 70 < len {
            let volume = 100 + (i * 31 + sample.recent.len() * 17) % 900;
            sample.recent.push(format!("{TITLE}{volume}"));
        }
        // The last title is as long as it takes: at first with what an empty one costs.
        sample.recent.push(String::new());
        match len.checked_sub(sample.json().len()) {
            Some(rest) => *sample.recent.last_mut().expect("just pushed") = "x".repeat(rest),
            None => panic!("no session of {len} bytes"),
        }
        assert_eq!(sample.json().len(), len);
        sample
    }

    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data")
    }

    /// The same as named entries.
    pub fn entries(&self) -> Entries {
        serde_json::from_slice(&self.json()).expect("an object")
    }
}

/// A number of visits that no session has yet, always of four digits.
pub fn visits() -> u32 {
    static VISITS: AtomicU32 = AtomicU32::new(0);
    2_000 + VISITS.fetch_add(1, Ordering::Relaxed) % 8_000
}
