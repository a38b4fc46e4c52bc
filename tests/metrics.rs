//! What the feature `metrics` counts.
#![allow(clippy::unit_arg, reason = "a handler of one call reads better")]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use sealed_session::{Codec, Dynamic, Entries, Keyring, SessionKind, TestClock};
use support::{Browser, DAY, EIGHT, HOUR, Login, SEVEN, START, key, ring};

/// Keeps counters by their name and labels.
#[derive(Default)]
struct Counts {
    counters: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    described: Mutex<Vec<String>>,
}

impl Recorder for Counts {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().push(name.as_str().to_owned());
    }
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
        let name = format!("{}{{{}}}", key.name(), labels.collect::<Vec<_>>().join(","));
        Counter::from_arc(self.counters.lock().unwrap().entry(name).or_default().clone())
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        unreachable!("only for directories of keys")
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        unreachable!("nothing is measured")
    }
}

impl Counts {
    /// What `work` adds to the counters, without those that stay: `opened{…}`.
    fn of<R>(&self, work: impl FnOnce() -> R) -> Vec<(String, u64)> {
        let before = self.all();
        with_local_recorder(self, work);
        let added = self.all().into_iter().map(|(name, count)| {
            let added = count - before.get(&name).copied().unwrap_or(0);
            (name.replace("sealed_session_", "").replace("_total", ""), added)
        });
        added.filter(|(_, added)| *added > 0).collect()
    }

    fn all(&self) -> BTreeMap<String, u64> {
        let counters = self.counters.lock().unwrap();
        counters.iter().map(|(name, count)| (name.clone(), count.load(Ordering::Relaxed))).collect()
    }
}

#[track_caller]
fn are(counts: Vec<(String, u64)>, expected: &[(&str, u64)]) {
    let expected: Vec<_> = expected.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    assert_eq!(counts, expected);
}

/// A counter of the cookie `login`, with `1` and `2` for the ids of keys 1 and 2.
fn named(counter: &str) -> String {
    let (one, two) = (key(1).id().to_string(), key(2).id().to_string());
    counter.replace("key=1", &format!("key={one}")).replace("key=2", &format!("key={two}"))
}

#[test]
fn everything_is_counted_by_cookie_and_key() {
    let counts = Counts::default();
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    let sealed = counts.of(|| browser.visit(&codec, |session| session.set(SEVEN)));
    are(sealed, &[(&named("sealed{cookie=login,key=1}"), 1)]);
    let again = counts.of(|| {
        browser.visit(&codec, |session| session.touch());
        browser.visit(&codec, |session| session.touch())
    });
    let opened = named("opened{cookie=login,key=1,age=sealing}");
    are(again, &[(&opened, 2), (&named("refreshed{cookie=login,key=1}"), 2)]);

    codec.replace_keyring(ring(&[2, 1]));
    let rotated = counts.of(|| browser.visit(&codec, |_session| Ok(())));
    let opened = named("opened{cookie=login,key=1,age=older}");
    are(rotated, &[(&opened, 1), (&named("resealed{cookie=login,key=2}"), 1)]);

    let removed = counts.of(|| browser.visit(&codec, |session| Ok(session.delete())));
    let opened = named("opened{cookie=login,key=2,age=sealing}");
    are(removed, &[(&opened, 1), ("removed{cookie=login}", 1)]);

    browser.set_cookie("login", "junk");
    let refused = counts.of(|| {
        browser.visit(&codec, |session| {
            assert!(session.is_empty());
            Ok(())
        })
    });
    are(refused, &[("refused{cookie=login,reason=malformed}", 1)]);

    let entries = browser.codec::<Dynamic>();
    let large = counts.of(|| {
        let mut large = Entries::new();
        large.insert("draft", "x".repeat(5000)).unwrap();
        entries.encode(&large).unwrap_err()
    });
    are(large, &[("too_large{cookie=session}", 1)]);
}

#[test]
fn a_counter_exists_at_zero_before_there_is_something_to_count() {
    let counts = Counts::default();
    let codec = Codec::<Login>::new(ring(&[1])).unwrap();
    counts.of(|| codec.encode(SEVEN).unwrap());
    let all = counts.all();
    assert_eq!(all.get("sealed_session_refused_total{cookie=login,reason=expired}"), Some(&0));
    assert!(!all.keys().any(|name| name.contains("missing")), "it is no event");
    let described = counts.described.lock().unwrap();
    let names: std::collections::BTreeSet<_> =
        all.keys().map(|name| name.split('{').next().unwrap()).collect();
    assert_eq!(described.len(), 7);
    assert!(names.into_iter().all(|name| described.iter().any(|known| known == name)));
}

#[test]
fn what_strangers_send_makes_no_new_counter() {
    let counts = Counts::default();
    let codec = Codec::<Login>::new(ring(&[1])).unwrap();
    counts.of(|| codec.decode("junk").unwrap_err());
    let before = counts.all().len();
    let stranger = Codec::<Login>::new(ring(&[9])).unwrap();
    for bad in [stranger.encode(SEVEN).unwrap(), "x".repeat(5000), String::new()] {
        counts.of(|| codec.decode_cookie_header(format!("login={bad}; a{bad}=b")).unwrap_err());
    }
    assert_eq!(counts.all().len(), before);
}

#[test]
fn a_recorder_that_is_installed_after_the_codec_was_built_counts() {
    let codec = Codec::<Login>::new(ring(&[1])).unwrap();
    let clone = codec.clone();
    let counts = Counts::default();
    are(counts.of(|| clone.encode(SEVEN).unwrap()), &[(&named("sealed{cookie=login,key=1}"), 1)]);
}

#[test]
fn tasks_that_count_at_once_lose_nothing() {
    let counts = Counts::default();
    let codec = Codec::<Login>::new(ring(&[1])).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                with_local_recorder(&counts, || {
                    for _ in 0..100 {
                        codec.encode(SEVEN).unwrap();
                    }
                });
            });
        }
    });
    let name = named("sealed_session_sealed_total{cookie=login,key=1}");
    assert_eq!(counts.all().get(&name), Some(&800));
}

/// A person with a browser, who comes every so many hours until they stay away.
struct Visitor {
    browser: Browser,
    every: u64,
    last: u64,
}

/// Users come and go, the key is rotated, and the counter of the old key falls. When it has stood still for
/// as long as the idle timeout, the old key is removed: nobody notices.
#[test]
fn the_counter_of_the_old_key_falls_and_says_when_it_can_go() {
    const IDLE: u64 = 48;
    const ROTATION: u64 = 60;
    let counts = Counts::default();
    let clock = TestClock::at(START);
    let keyring = ring(&[1]);
    let codec = Codec::<Login>::builder(keyring.clone())
        .clock(clock.clone())
        .idle_timeout(HOUR * IDLE as u32)
        .absolute_timeout(DAY * 30)
        .build()
        .unwrap();
    let both = Codec::<Login>::builder(ring(&[2, 1])).clock(clock.clone()).build().unwrap();
    let mut visitors: Vec<_> = (1..=40)
        .map(|n| {
            let mut browser = Browser::new();
            browser.clock = clock.clone();
            with_local_recorder(&counts, || browser.visit(&codec, |session| session.set(SEVEN)));
            // One stays away before the rotation, others at some time after.
            Visitor { browser, every: 1 + n % 47, last: 40 + n * 10 }
        })
        .collect();

    let old = named("sealed_session_opened_total{cookie=login,key=1,age=older}");
    let by_old_key = |counts: &Counts| counts.all().get(&old).copied().unwrap_or(0);
    let (mut fell, mut still_since, mut removed_at) = (Vec::new(), ROTATION, None);
    for hour in 1..=300 {
        clock.advance(HOUR);
        if hour == ROTATION {
            keyring.replace(ring(&[2, 1])).unwrap();
        }
        let before = by_old_key(&counts);
        for visitor in &mut visitors {
            if hour % visitor.every != 0 || hour > visitor.last {
                continue;
            }
            with_local_recorder(&counts, || {
                visitor.browser.visit(&codec, |session| {
                    assert!(session.data().is_some(), "logged out");
                    Ok(())
                })
            });
        }
        let now = by_old_key(&counts) - before;
        if hour >= ROTATION && removed_at.is_none() {
            fell.push(now);
            if now > 0 {
                still_since = hour;
            } else if hour - still_since >= IDLE {
                let needs_it = |visitor: &Visitor| {
                    let cookie = format!("login={}", visitor.browser.cookie("login").unwrap());
                    let opened = both.decode_cookie_header(cookie);
                    opened.is_ok_and(|decoded| decoded.info.key_id == key(1).id())
                };
                assert!(!visitors.iter().any(needs_it), "a session is still under the old key");
                keyring.replace(ring(&[2])).unwrap();
                removed_at = Some(hour);
            }
        }
    }
    let removed_at = removed_at.expect("the counter never stood still");
    assert!(removed_at > ROTATION + IDLE && removed_at < 200, "removed after {removed_at} hours");
    let half = fell.len() / 2;
    let (early, late) = fell.split_at(half);
    assert!(early.iter().sum::<u64>() > 20 && late.iter().sum::<u64>() == 0, "{fell:?}");
    let refused = counts.all();
    let refused = refused.get("sealed_session_refused_total{cookie=login,reason=no_matching_key}");
    assert_eq!(refused, Some(&0), "nobody was logged out by the removal");
}

/// The same for a key that other servers still seal with: it is not forgotten before they stop.
#[test]
fn a_server_that_still_seals_with_the_old_key_shows() {
    let counts = Counts::default();
    let behind = Codec::<Login>::new(ring(&[1]).with_next(key(2)).unwrap()).unwrap();
    let ahead = Codec::<Login>::new(ring(&[2, 1])).unwrap();
    let told = counts.of(|| {
        ahead.decode(behind.encode(EIGHT).unwrap()).unwrap();
        behind.decode(ahead.encode(EIGHT).unwrap()).unwrap();
    });
    let mut expected = [
        (named("opened{cookie=login,key=1,age=older}"), 1),
        (named("opened{cookie=login,key=2,age=newer}"), 1),
        (named("sealed{cookie=login,key=1}"), 1),
        (named("sealed{cookie=login,key=2}"), 1),
    ];
    expected.sort();
    assert_eq!(told, expected);
}

#[test]
fn each_cookie_has_its_own_counters() {
    fn seal<K: SessionKind<Data = Login>>(keyring: &Keyring) {
        Codec::<K>::new(keyring.clone()).unwrap().encode(SEVEN).unwrap();
    }
    let (counts, keyring) = (Counts::default(), ring(&[1]));
    let told = counts.of(|| {
        seal::<Login>(&keyring);
        seal::<support::Admin>(&keyring);
    });
    let expected = ["sealed{cookie=admin,key=1}", "sealed{cookie=login,key=1}"].map(named);
    assert_eq!(told, expected.map(|name| (name, 1)));
}
