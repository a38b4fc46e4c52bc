//! Years of a cron job, whose clock is wrong now and then.

use std::collections::BTreeMap;

use crate::support::{DAY, HOUR, Keys, answered, failed};

const SETTLE: u64 = 300;
const LONGEST: u64 = 20 * DAY;
const STALE: u64 = 7 * DAY;
const ARGS: [&str; 4] = ["--every", "45d", "--longest", "20d"];

/// When the key of this name begins to seal.
fn from(name: &str) -> u64 {
    let time = sealed_session::KeyFile::time_of(name).unwrap();
    time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn at_every_moment_of_three_years_the_set_can_be_used() {
    let keys = Keys::new();
    answered(&keys.run_at(keys.start, "rotate", &ARGS), 0);
    // By name: the content, and the last time at which a server can seal with it.
    let mut sealed: BTreeMap<String, (Vec<u8>, u64)> = BTreeMap::new();
    let (mut removed, mut before) = (0, keys.contents());
    for day in (2..3 * 365).step_by(2) {
        let now = keys.start + day * DAY;
        // Cron is not exact.
        let now = now + day * 7919 % (2 * HOUR);
        match day {
            // A clock that is wrong for one run.
            200 | 500 => {
                let wrong = keys.run_at(now + 365 * DAY, "rotate", &ARGS);
                failed(&wrong, 1, &["long-after-last-run"]);
                assert_eq!(keys.contents(), before);
            }
            300 | 700 => {
                let wrong = keys.run_at(now - 365 * DAY, "rotate", &ARGS);
                failed(&wrong, 1, &["clock-before-last-run"]);
                assert_eq!(keys.contents(), before);
            }
            // The host is away for a month, and somebody looks at it then.
            400..430 => {}
            430 => {
                failed(&keys.run_at(now, "rotate", &ARGS), 1, &["--accept-clock"]);
                answered(
                    &keys.run_at(now, "rotate", &[&ARGS[..], &["--accept-clock"]].concat()),
                    0,
                );
            }
            _ => {
                answered(&keys.run_at(now, "rotate", &ARGS), 0);
            }
        }
        let contents = keys.contents();
        for (name, (content, last)) in &sealed {
            match contents.get(name) {
                Some(found) => assert_eq!(found, content, "day {day}: {name} changed"),
                None => {
                    let needed = last + SETTLE + LONGEST + STALE;
                    assert!(needed < now, "day {day}: {name} went too early");
                }
            }
        }
        let gone = sealed.len();
        sealed.retain(|name, _| contents.contains_key(name));
        removed += gone - sealed.len();
        let sealing = keys.sealing_at(now);
        let newest_come = keys.names(".key").into_iter().rfind(|name| from(name) <= now);
        assert_eq!(Some(&sealing), newest_come.as_ref(), "day {day}");
        sealed.insert(sealing.clone(), (contents[&sealing].clone(), now));
        before = contents;
    }
    // A month in which it did not run is missing.
    assert!((20..=24).contains(&removed), "{removed} keys have come and gone");
    assert!(keys.names(".key").len() <= 4);
}
