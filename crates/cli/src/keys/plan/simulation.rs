//! Random years of a directory: a cron job whose clock is wrong now and then (never twice in a row), which
//! is killed or does not run for weeks; people who revoke keys, and repair what is refused; copies of the
//! directory with new file times; three servers that miss the directory for up to `stale`. `SIMULATIONS`
//! says how many years; the default is few.
//!
//! What must hold: no key goes while a session needs it or a server seals with it, and at the end the keys
//! have rotated and the old ones are gone.

use std::collections::BTreeMap;

use sealed_session::Key;

use super::{
    Act, DAY, Directory, HOUR, MINUTE, Plan, Present, Refusal, SECOND, Succession, newest_come,
    removable_at, revoke, rotate,
};
use crate::keys::settings::{Longest, Settings};
use crate::keys::state::State;

const START: u64 = 1_700_000_000_000;

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

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// Seals by the rule of the library, on the keys that it saw at its last look.
struct Server {
    /// From when each seals, and since when it is known here.
    keys: BTreeMap<u64, u64>,
    next_look: u64,
    /// Milliseconds that its clock is ahead.
    skew: i64,
}

impl Server {
    fn look(&mut self, directory: &Directory, now: u64, restarted: bool) {
        let known = |key: &Present| match restarted {
            true => key.changed.filter(|changed| *changed <= now).unwrap_or(now),
            false => now,
        };
        let old = std::mem::take(&mut self.keys);
        let since = |key: &Present| *old.get(&key.from).unwrap_or(&known(key));
        self.keys = directory.keys.iter().map(|key| (key.from, since(key))).collect();
    }

    fn sealing(&self, now: u64, settle: u64) -> u64 {
        let now = now.saturating_add_signed(self.skew);
        let mut come = self.keys.iter().filter(|(from, _)| **from <= now);
        let settled = come.clone().rfind(|(_, known)| **known + settle <= now);
        let chosen = settled.or_else(|| come.next()).or_else(|| self.keys.iter().next());
        *chosen.unwrap().0
    }
}

struct World {
    seed: u64,
    random: Random,
    now: u64,
    directory: Directory,
    state: Option<State>,
    settings: Settings,
    servers: Vec<Server>,
    /// By the time from which a key seals: until when a session needs it.
    needed: BTreeMap<u64, u64>,
    /// How long sessions live at the servers.
    longest: u64,
    keys: u64,
    /// Whether the last run had a wrong clock.
    was_wrong: bool,
    /// Each run copies the directory, so that all files are new.
    copies: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let every = DAY + random.below(60) * DAY;
        let settings = Settings {
            every: Some(every),
            after: every.min(HOUR + random.below(7 * 24) * HOUR),
            stale: HOUR + random.below(7 * 24) * HOUR,
            longest: Longest::Of(HOUR + random.below(40 * 24) * HOUR),
            ..Settings::default()
        };
        let Longest::Of(longest) = settings.longest else { unreachable!() };
        let mut world = Self {
            seed,
            now: START + random.below(DAY),
            directory: Directory::default(),
            state: None,
            settings,
            servers: Vec::new(),
            needed: BTreeMap::new(),
            longest,
            keys: 0,
            was_wrong: false,
            copies: random.one_in(4),
            random,
        };
        if world.random.one_in(2) {
            // Moving in: a key of long ago, copied just now.
            world.put(START - 500 * DAY);
        } else {
            world.run(0, false);
        }
        for _ in 0..3 {
            let skew = world.random.below(60_000) as i64 - 30_000;
            let mut server = Server { keys: BTreeMap::new(), next_look: 0, skew };
            server.look(&world.directory, world.now, true);
            world.servers.push(server);
        }
        world
    }

    fn put(&mut self, from: u64) {
        self.keys += 1;
        let mut bytes = [1; 32];
        bytes[..8].copy_from_slice(&self.keys.to_be_bytes());
        let id = Key::from_bytes(bytes).unwrap().id();
        let changed = Some(self.now);
        self.directory.keys.push(Present { name: format!("{from}.key"), id, from, changed });
        self.directory.keys.sort_by_key(|key| std::cmp::Reverse(key.from));
    }

    /// A run of `keys rotate` by a clock that is so far off. Says why it was refused.
    fn run(&mut self, off: i64, killed: bool) -> Option<Refusal> {
        let seed = self.seed;
        if self.copies {
            for key in &mut self.directory.keys {
                key.changed = Some(self.now);
            }
        }
        let by_clock = self.now.saturating_add_signed(off);
        let Plan { act, state } =
            match rotate(&self.directory, &self.settings, self.state.as_ref(), by_clock) {
                Ok(plan) => plan,
                Err(refusal) => return Some(refusal),
            };
        // The state is written first, so that nothing is done of which the next run does not know when.
        if killed && self.random.one_in(3) {
            return None;
        }
        self.state = Some(state);
        if killed && self.random.one_in(2) {
            return None;
        }
        match act {
            Act::Add { from } => {
                let newest = self.directory.keys.first();
                assert!(newest.is_none_or(|key| key.from < from), "seed {seed}: not later");
                self.put(from);
            }
            Act::Sweep(sweep) => {
                let going = sweep.remove.into_iter().map(|leaving| leaving.key);
                for key in going {
                    if killed && self.random.one_in(2) {
                        break;
                    }
                    self.remove(&key);
                }
            }
        }
        if let (Longest::Of(longest), false) = (self.settings.longest, killed) {
            self.longest = longest;
        }
        None
    }

    fn remove(&mut self, gone: &Present) {
        let (seed, now) = (self.seed, self.now);
        if let Some(place) = self.directory.revoked.iter().position(|key| key == gone) {
            self.directory.revoked.remove(place);
            return;
        }
        let place = self.directory.keys.iter().position(|key| key == gone).unwrap();
        let newest = newest_come(&self.directory.keys, now).expect("a key seals");
        assert!(place > newest, "seed {seed}: the newest key went, or one that is newer");
        let needed = self.needed.get(&gone.from).copied().unwrap_or(0);
        assert!(needed < now, "seed {seed}: a key went that a session needs");
        self.directory.keys.remove(place);
    }

    /// A person revokes a key. That ends its sessions; it must leave a key that seals.
    fn revoke(&mut self, key: &Present) {
        let revocation = revoke(&self.directory, &self.settings, key.id, self.now).unwrap();
        match revocation.succession {
            Succession::NotNeeded | Succession::AboutToSeal { .. } => {}
            Succession::TakesOver { key: next, from } => {
                let next = self.directory.keys.iter_mut().find(|key| **key == next).unwrap();
                next.name = format!("{from}.key");
                next.from = from;
                next.changed = Some(self.now);
            }
            Succession::Older { next: from, .. } | Succession::New { from } => self.put(from),
        }
        self.directory.keys.sort_by_key(|key| std::cmp::Reverse(key.from));
        self.directory.keys.retain(|other| other != key);
        self.directory.revoked.push(key.clone());
        self.directory.tombstones.push(key.id);
        self.needed.remove(&key.from);
        let (seed, keys) = (self.seed, &self.directory.keys);
        assert!(!keys.is_empty(), "seed {seed}: no key is left");
        let soon = self.now + self.settings.settle + SECOND;
        assert!(newest_come(keys, soon).is_some(), "seed {seed}: no key seals");
        // The tombstone is seen by all at once here: its delay costs sessions, and is meant to.
        for server in &mut self.servers {
            server.look(&self.directory, self.now, false);
        }
    }

    /// The servers look, where they can, and seal.
    fn serve(&mut self) {
        for place in 0..self.servers.len() {
            let now = self.now;
            let restarted = self.random.one_in(50);
            let server = &mut self.servers[place];
            if restarted || now >= server.next_look {
                server.look(&self.directory, now, restarted);
                // Most look soon; some are without the directory for as long as they may be.
                let away = if self.random.one_in(20) { self.settings.stale } else { 1 };
                server.next_look = now + self.random.below(away);
            }
            let sealing = server.sealing(now, self.settings.settle);
            let there = self.directory.keys.iter().any(|key| key.from == sealing);
            assert!(there, "seed {}: a server seals with a key that is gone", self.seed);
            let needed = self.needed.entry(sealing).or_default();
            *needed = (*needed).max(now + self.longest);
        }
    }

    /// A person repairs what the last run, by a right clock, refused.
    fn repair(&mut self, refusal: &Refusal) {
        match refusal {
            Refusal::KeyTooFarAhead { id, .. } => {
                let key = self.directory.keys.iter().find(|key| key.id == *id).unwrap().clone();
                self.revoke(&key);
            }
            _ => {
                self.settings.accept_clock = true;
                let _ = self.run(0, false);
                self.settings.accept_clock = false;
            }
        }
    }

    fn cron(&mut self) {
        let wrong = !self.was_wrong && self.random.one_in(15);
        self.was_wrong = wrong;
        let span = if self.random.one_in(2) { 400 * DAY } else { 8 * DAY };
        let off = match wrong {
            true => self.random.below(2 * span) as i64 - span as i64,
            false => self.random.below(40_000) as i64 - 20_000,
        };
        let before = self.settings.longest;
        // What was in force before the first run it cannot know.
        if self.state.is_some() && self.random.one_in(30) {
            self.settings.longest = Longest::Of(HOUR + self.random.below(40 * 24) * HOUR);
        }
        let killed = self.random.one_in(10);
        let refusal = self.run(off, killed);
        if killed || refusal.is_some() {
            self.settings.longest = before;
        }
        if let Some(refusal) = refusal.filter(|_| !wrong && self.random.one_in(2)) {
            self.repair(&refusal);
        }
    }
}

fn history(seed: u64) {
    let mut world = World::new(seed);
    let mut next_run = world.now;
    for _ in 0..1500 {
        world.now += match world.random.below(5) {
            0 => 30 * SECOND,
            1 => world.random.below(10 * MINUTE),
            _ => world.random.below(6 * HOUR),
        };
        world.serve();
        if world.now >= next_run {
            world.cron();
            let pause = if world.random.one_in(40) { 30 } else { 1 };
            next_run = world.now + world.random.below(pause * 2 * DAY);
        }
        if world.random.one_in(300) {
            let place = world.random.below(world.directory.keys.len() as u64) as usize;
            let key = world.directory.keys[place].clone();
            world.revoke(&key);
        }
    }
    // Now all goes well for long enough.
    let Settings { every: Some(every), stale, .. } = world.settings else { unreachable!() };
    for _ in 0..(every + stale + 410 * DAY + 60 * DAY) / DAY {
        world.now += DAY;
        world.servers.iter_mut().for_each(|server| server.next_look = 0);
        world.serve();
        if let Some(refusal) = world.run(0, false) {
            world.repair(&refusal);
        }
    }
    let World { directory, settings, state: Some(state), now, .. } = &world else { unreachable!() };
    let newest = newest_come(&directory.keys, *now).expect("a key seals");
    assert!(directory.keys[newest].from + every + 2 * DAY > *now, "seed {seed}: no rotation");
    for place in newest + 1..directory.keys.len() {
        let at = removable_at(directory, place, settings, state);
        assert!(at.is_some_and(|at| at + 4 * DAY > *now), "seed {seed}: an old key stays");
    }
    assert!(directory.revoked.is_empty(), "seed {seed}: a revoked key's file stays");
}

#[test]
fn no_key_goes_that_a_session_needs_and_old_keys_do_go() {
    let count = std::env::var("SIMULATIONS").map_or(300, |count| count.parse().unwrap());
    for seed in 0..count {
        history(seed);
    }
}
