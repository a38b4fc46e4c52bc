//! The table of ended sessions, and what an opening takes with it: `cargo bench --features registry
//! --bench marks`. It prints a table; `docs/PERFORMANCE.md` has one.
//!
//! The table is not public, so its files are compiled into this program once more.

#[allow(dead_code, unused_imports, reason = "this program uses a part of it")]
#[path = "../../src/marks/ids.rs"]
mod ids;
#[allow(dead_code, unreachable_pub, reason = "this program uses a part of it")]
#[path = "../../src/marks/mark.rs"]
mod mark;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sealed_session::revocation::{
    Appended, AtStart, Batch, Mark, Position, RevocationStore, ShortId, StoreError, Target,
    WhenAway,
};
use sealed_session::{Codec, Key, Keyring, Revocations, SessionKind, Tag};
use serde::{Deserialize, Serialize};

/// As in `src/marks/mod.rs`.
const GRACE: u32 = 24 * 60 * 60;

// What those files take from the crate.
mod tag {
    pub(crate) use sealed_session::Tag;
}
mod session_id {
    pub(crate) use sealed_session::SessionId;
}
mod sync {
    pub(crate) use std::sync::RwLock;
}

/// Well-mixed numbers, as random ids are (splitmix64).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn id(number: u64) -> mark::ShortId {
    mark::ShortId::from_bytes(mix(number).to_be_bytes())
}

/// The memory that the process uses, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize =
        text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    pages * 4096
}

/// The median of several runs of `one`, divided by the number of its look-ups.
fn nanoseconds(lookups: u64, mut one: impl FnMut()) -> f64 {
    let mut times: Vec<_> = (0..9)
        .map(|_| {
            let start = Instant::now();
            one();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2].as_nanos() as f64 / lookups as f64
}

/// The memory that a table of so many marks takes, at its worst fill up to there: a tenth more.
fn bytes_a_mark(marks: u64) -> f64 {
    let before = resident();
    let table = ids::Ids::new();
    let mut most = 0.0_f64;
    for number in 0..marks + marks / 10 {
        table.insert(id(number), u32::MAX, 0);
        if number >= marks && number % (marks / 100) == 0 {
            most = most.max((resident() - before) as f64 / number as f64);
        }
    }
    black_box(&table);
    most
}

fn table(marks: u64) {
    let table = Arc::new(ids::Ids::new());
    // A reader, all the while: how long it waits at most, in a look-up and so in a list that grows.
    let stop = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (table, stop) = (table.clone(), stop.clone());
        move || {
            let mut waits = Vec::new();
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let start = Instant::now();
                black_box(table.contains(id(u64::MAX - number)));
                waits.push(start.elapsed().as_nanos() as u32);
                if waits.len() > 20_000_000 {
                    break;
                }
            }
            waits.sort_unstable();
            let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
            (at(0.999_99), at(1.0))
        }
    });
    let (mut longest, start) = (Duration::ZERO, Instant::now());
    for number in 0..marks {
        let one = Instant::now();
        table.insert(id(number), u32::MAX, 0);
        longest = longest.max(one.elapsed());
    }
    let insert = start.elapsed().as_nanos() as f64 / marks as f64;
    stop.store(true, Ordering::Relaxed);
    let (rarely, most) = reader.join().unwrap_or_default();
    let bytes = bytes_a_mark(marks);
    let hot = nanoseconds(1_000_000, || {
        for number in 0..1_000_000 {
            black_box(table.contains(id(u64::MAX - number % 100)));
        }
    });
    let mut from = 0;
    let cold = nanoseconds(1_000_000, || {
        for number in 0..1_000_000 {
            black_box(table.contains(id(u64::MAX - from - number)));
        }
        from += 1_000_000;
    });
    let hit = nanoseconds(1_000_000, || {
        for number in 0..1_000_000 {
            black_box(table.contains(id(number * 7919 % marks)));
        }
    });
    println!(
        "| {marks} | {bytes:.1} | {hot:.0} | {cold:.0} | {hit:.0} | {insert:.0} | {:.0} | {:.1} | {:.0} |",
        longest.as_nanos() as f64 / 1000.0,
        f64::from(rarely) / 1000.0,
        f64::from(most) / 1000.0,
    );
}

#[derive(Serialize, Deserialize, Clone)]
struct Login {
    user: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";

    fn tags(login: &Self) -> Vec<Tag> {
        vec![Tag::new("user", login.user)]
    }
}

/// A store with so many marks.
struct Full {
    sessions: u64,
    tags: u64,
}

impl RevocationStore for Full {
    async fn append(&self, _: &[Target], _: u64, lowest: u64) -> Result<Appended, StoreError> {
        Ok(Appended { number: lowest, confirmed: true })
    }

    async fn publish(&self, _: &[Mark]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn read(&self, after: Option<&Position>, wait: Duration) -> Result<Batch, StoreError> {
        let mut marks = Vec::new();
        if after.is_none() {
            let until = u64::from(u32::MAX);
            marks.extend((0..self.sessions).map(|number| {
                let id = ShortId::from_bytes(mix(number).to_be_bytes());
                Mark { target: Target::Session(id), number: 1, until }
            }));
            marks.extend((0..self.tags).map(|number| {
                let tag = Tag::new("another user", number);
                Mark { target: Target::Tag(tag), number: 1, until }
            }));
        }
        tokio::time::sleep(wait).await;
        Ok(Batch { marks, position: Position::new("end"), complete: true })
    }

    async fn heartbeat(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What it takes to open a token.
fn opening(codec: &Codec<Login>) -> f64 {
    // Several, so that the look-ups are not all in one place.
    let tokens: Vec<_> =
        (0..500).map(|user| codec.encode(Login { user }).unwrap_or_default()).collect();
    nanoseconds(50_000, || {
        for _ in 0..100 {
            for token in &tokens {
                black_box(codec.decode(token).is_ok());
            }
        }
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "| marks | bytes a mark | miss, hot (ns) | miss, cold (ns) | hit (ns) | insert (ns) | longest insert (µs) \
         | a reader waits, 99.999 % (µs) | at most (µs) |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for marks in [100_000, 1_000_000, 10_000_000] {
        table(marks);
    }

    println!("\n| opening a token of one entry | ns | more (ns) |\n|---|---:|---:|");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    let _inside = runtime.enter();
    let codec = |revocations: Option<&Revocations>| {
        let builder = Codec::<Login>::builder(Keyring::new(Key::generate().expect("randomness")));
        let builder = match revocations {
            Some(revocations) => builder.revocations(revocations),
            None => builder,
        };
        builder.build()
    };
    let mut rows = vec![("without revocations".to_owned(), codec(None)?)];
    for (sessions, tags) in
        [(0, 0), (1000, 0), (1_000_000, 0), (0, 1000), (1_000_000, 1000), (1_000_000, 1_000_000)]
    {
        let store = Full { sessions, tags };
        let wait = AtStart::Wait(Duration::from_secs(60));
        let open = Revocations::open(store, WhenAway::KeepServing, wait);
        let revocations = runtime.block_on(open)?;
        rows.push((
            format!("{sessions} sessions and {tags} tags have marks"),
            codec(Some(&revocations))?,
        ));
    }
    // Each several times, because the machine's speed changes.
    let mut times = vec![Vec::new(); rows.len()];
    for _ in 0..7 {
        for (times, (_, codec)) in times.iter_mut().zip(&rows) {
            times.push(opening(codec));
        }
    }
    let medians: Vec<_> = times
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        })
        .collect();
    for ((name, _), time) in rows.iter().zip(&medians) {
        println!("| {name} | {time:.0} | {:.0} |", time - medians[0]);
    }
    Ok(())
}
