//! Random histories of two or three servers on one directory: clocks that differ, copies that arrive late or
//! are old ones, restarts, servers on fresh machines, keys that a cron job adds and removes and keys that
//! somebody adds by hand, and requests at random. `SIMULATIONS` says how many; the default is few.
//!
//! In each, no session may be lost: whatever one server has sealed, every server opens until it expires.
//! What is simulated are the real rules (`InForce`), and those of the tool that adds and removes keys.

mod directory;
mod server;

use std::rc::Rc;

use self::directory::{Directory, Entry};
use self::server::Server;
use super::in_force::Waits;
use crate::crypto::key_id::KeyId;

/// Milliseconds.
const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// When each history begins: milliseconds since the Unix epoch.
const START: u64 = 1_700_000_000 * SECOND;
/// How long it lasts.
const LENGTH: u64 = 6 * HOUR;
/// How far a clock is ahead or behind, at most.
const SKEW: u64 = 30 * SECOND;
/// How long it takes at most until a server has looked at a change.
const LONGEST_WAY: u64 = 280 * SECOND;
const SESSIONS: usize = 4;

/// A generator of random numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// An offset of a clock.
    fn skew(&mut self) -> i64 {
        self.below(2 * SKEW + 1) as i64 - SKEW as i64
    }
}

/// The rules, or worse ones, of which the simulation must find that they lose sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    Real,
    /// Only a server that runs waits before it seals with a key. One that starts uses it at once.
    NoSettleAtStart,
    /// A key seals as soon as its time has come.
    NoSettle,
    /// A server that starts goes by the times of the files alone.
    FileTimesAlone,
    /// A server takes every set of keys, also one without the key that seals here.
    AnySet,
}

/// How a server gets its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// They are copied to each server, which keeps them when it starts again.
    Copied,
    /// The same, but each server that starts is a new machine, and an update writes every file again: a
    /// secret that is mounted into a container.
    Mounted,
    /// All servers see one file system, each after a while.
    Shared,
}

/// The settings of a history.
struct Plan {
    place: Place,
    every: u64,
    after: u64,
    longest: u64,
    stale: u64,
    settle: u64,
    sweep_after: u64,
    /// How long it takes at most until a server has looked at a change.
    way: u64,
    /// The job only removes keys. Somebody adds them by hand, and they seal soon or at once.
    by_hand: bool,
}

/// What a browser has.
#[derive(Clone, Copy)]
struct Session {
    key: KeyId,
    sealed: u64,
}

impl Plan {
    fn draw(random: &mut Random) -> Self {
        let way = random.between(SECOND, LONGEST_WAY);
        // What the documentation asks for: the way, and the difference of two clocks.
        let settle = way + 2 * SKEW + SECOND;
        let stale = random.between(way, HOUR / 2);
        let after = random.between(2 * settle, 2 * settle + HOUR / 2);
        Self {
            place: [Place::Copied, Place::Mounted, Place::Shared][random.below(3) as usize],
            every: after + random.between(MINUTE, HOUR / 2),
            after,
            longest: random.between(MINUTE, HOUR / 2),
            stale,
            settle,
            sweep_after: random.between(2 * SKEW, HOUR / 2),
            way,
            by_hand: random.one_in(2),
        }
    }

    fn waits(&self, rules: Rules) -> Waits {
        let settle = if rules == Rules::NoSettle { 0 } else { self.settle };
        let stale = if rules == Rules::FileTimesAlone { u64::MAX } else { self.stale };
        Waits { settle, stale }
    }
}

/// A history. An error says what was lost.
fn history(seed: u64, rules: Rules) -> Result<(), String> {
    let mut random = Random(seed);
    let plan = Plan::draw(&mut random);
    let skews = [random.skew(), random.skew()];
    let mut directory = Directory { versions: Vec::new(), keys: 1, skews };
    let first = Entry { key: 0, from: START - HOUR, written: START - HOUR, marked: None };
    directory.versions.push((0, Rc::new(vec![first])));
    let mut servers: Vec<_> = (0..random.between(2, 3))
        .map(|_| Server::new(random.skew(), first, &plan, rules))
        .collect();
    let mut sessions: Vec<Option<Session>> = vec![None; SESSIONS];
    let (mut now, mut next_run, mut next_request) = (START, START, START);
    let mut next_by_hand = if plan.by_hand { START } else { u64::MAX };
    while now < START + LENGTH {
        let next_sync = servers.iter().map(|server| server.next_sync).min().unwrap_or(now);
        now = next_run.min(next_request).min(next_sync);
        if now >= next_run {
            directory.rotate(now, &plan);
            next_run = now + random.between(MINUTE, 20 * MINUTE);
        }
        if now >= next_by_hand {
            next_by_hand = now + random.between(2 * MINUTE, HOUR);
            // Later than every other key, and not long ago.
            let earliest = (directory.at(now)[0].from + 1).max(now - 2 * MINUTE);
            if earliest <= now + 10 * MINUTE {
                directory.add(now, random.between(earliest, now + 10 * MINUTE));
            }
        }
        for server in &mut servers {
            if now < server.next_sync {
                continue;
            }
            // A third of the way for a copy to arrive, one until the next is made, and one more where that
            // is an old one.
            server.next_sync = now + random.between(1, plan.way / 3);
            let mut seen = now - random.below(plan.way / 3 + 1);
            server.rolled_back = !server.rolled_back && random.one_in(50);
            if server.rolled_back {
                seen = now - random.below(2 * HOUR);
            } else if !plan.by_hand && random.one_in(100) {
                // It misses the directory for a while.
                let longest = plan.stale.min(plan.after).saturating_sub(plan.way + 2 * SKEW);
                server.next_sync = now + random.between(1, longest.max(plan.way / 3));
            }
            let entries = directory.at(seen).clone();
            server.receive(&entries, now, &plan, rules);
        }
        if now < next_request {
            continue;
        }
        next_request = now + random.between(1, 30 * SECOND);
        let place = random.below(servers.len() as u64) as usize;
        let server = &mut servers[place];
        let clock = server.clock(now);
        if random.one_in(30) && !server.rolled_back {
            let seen = now - random.below(plan.way / 3 + 1);
            server.start(directory.at(seen), now, &plan, rules);
        }
        let chosen = random.below(SESSIONS as u64) as usize;
        let session = sessions[chosen].filter(|session| now < session.sealed + plan.longest);
        let sealing = server.in_force.sealing(clock).id();
        let Some(session) = session else {
            sessions[chosen] = Some(Session { key: sealing, sealed: now });
            continue;
        };
        let age = |id| server.in_force.keys().position(|(file, _)| file.id() == id);
        let Some(opened) = age(session.key) else {
            return Err(format!(
                "seed {seed}, {:?} {}: after {} s, server {place} does not open key {}",
                plan.place,
                plan.by_hand,
                (now - START) / SECOND,
                session.key,
            ));
        };
        // It is refreshed, or sealed again because its key is older than the one that seals.
        if random.one_in(3) {
            sessions[chosen] = Some(Session { key: sealing, sealed: now });
        } else if age(sealing).is_some_and(|sealing| opened > sealing) {
            sessions[chosen] = Some(Session { key: sealing, ..session });
        }
    }
    Ok(())
}

#[test]
fn no_session_is_lost() {
    let count = std::env::var("SIMULATIONS").map_or(200, |count| count.parse().unwrap());
    let failures: Vec<_> = (0..count).filter_map(|seed| history(seed, Rules::Real).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {count} histories:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn worse_rules_lose_sessions() {
    for rules in [Rules::NoSettleAtStart, Rules::NoSettle, Rules::FileTimesAlone, Rules::AnySet] {
        let loses = (0..1000).any(|seed| history(seed, rules).is_err());
        assert!(loses, "{rules:?} loses nothing: the simulation does not see it");
    }
}
