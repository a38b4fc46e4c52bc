//! What the exhaustive attacks share: how much is tried, on how many threads, and the counting.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use sealed_session::{Codec, CookieOptions, DecodeErrorKind, Keyring, TestClock};
use serde_json::value::RawValue;

use super::{Raw, START};

pub(crate) const URL_SAFE: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Whether everything is tried, or a sample.
pub(crate) fn all() -> bool {
    std::env::var_os("SEALED_SESSION_EXHAUSTIVE").is_some_and(|value| value == "1")
}

pub(crate) fn codec(keyring: Keyring, cookie: CookieOptions) -> Codec<Raw> {
    Codec::builder(keyring).cookie(cookie).clock(TestClock::at(START)).build().unwrap()
}

/// An object of exactly so many bytes of JSON; fewer than eight are a text or `{}`.
pub(crate) fn json_of(len: usize) -> Box<RawValue> {
    let json = match len {
        2 => "{}".to_owned(),
        3..8 => format!("\"{}\"", "x".repeat(len - 2)),
        _ => format!("{{\"a\":\"{}\"}}", "x".repeat(len - 8)),
    };
    assert_eq!(json.len(), len);
    RawValue::from_string(json).unwrap()
}

/// Counts the cases of a test, over all of its threads.
pub(crate) struct Count {
    what: &'static str,
    cases: AtomicU64,
    opened: AtomicU64,
}

impl Count {
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, cases: AtomicU64::new(0), opened: AtomicU64::new(0) }
    }

    /// Does `attack` to each item, on as many threads as there are processors if everything is
    /// tried, prints how many cases that was, and returns
    /// how many opened.
    pub(crate) fn run<T: Sync>(self, items: &[T], attack: impl Fn(&T, &Tally<'_>) + Sync) -> u64 {
        let begun = Instant::now();
        let next = AtomicUsize::new(0);
        let threads = if all() { std::thread::available_parallelism().unwrap().get() } else { 1 };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let tally =
                            Tally { count: &self, cases: Cell::new(0), opened: Cell::new(0) };
                        attack(item, &tally);
                    }
                });
            }
        });
        let cases = self.cases.into_inner();
        assert!(cases > 0, "nothing was tried");
        let (opened, seconds) = (self.opened.into_inner(), begun.elapsed().as_secs_f64());
        println!("{}: {cases} cases, {opened} opened, {seconds:.1} s", self.what);
        opened
    }
}

/// The count of one thread and item.
pub(crate) struct Tally<'c> {
    count: &'c Count,
    cases: Cell<u64>,
    opened: Cell<u64>,
}

impl Tally<'_> {
    /// The codec takes it for a forgery or no token at all.
    #[track_caller]
    pub(crate) fn refused(&self, codec: &Codec<Raw>, token: &[u8]) {
        self.judged(codec, token, || false);
    }

    /// It opens only if it may, and otherwise is refused as a forgery or no token at all, and not as
    /// one that expired or whose payload is bad: that would be an authentic one. Says which.
    #[track_caller]
    pub(crate) fn judged(
        &self,
        codec: &Codec<Raw>,
        token: &[u8],
        may_open: impl FnOnce() -> bool,
    ) -> bool {
        use DecodeErrorKind::{Malformed, NoMatchingKey, TooLong};

        self.cases.set(self.cases.get() + 1);
        match codec.decode(token) {
            Err(error) if matches!(error.kind(), NoMatchingKey | Malformed | TooLong) => {
                return false;
            }
            Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(token)),
            Ok(_) => assert!(may_open(), "it opens: {:?}", String::from_utf8_lossy(token)),
        }
        self.opened.set(self.opened.get() + 1);
        true
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        self.count.cases.fetch_add(self.cases.get(), Ordering::Relaxed);
        self.count.opened.fetch_add(self.opened.get(), Ordering::Relaxed);
    }
}
