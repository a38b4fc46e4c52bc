//! Random histories of several servers with a store between them: clocks that are wrong, marks that arrive
//! late, endings while the store is away. `SIMULATIONS` says how many; the default is few.
//!
//! Two things must hold in each. A session that began before a server knew a mark of its tag is ended by
//! it, on every server that has the mark. And nobody else is ended.

use super::{Availability, Mark, Marks, Tag, Target};

const SERVERS: usize = 3;
const TAGS: u64 = 3;
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
}

/// The store's rule for numbers, and its marks in their order.
struct Store {
    marks: Vec<Mark>,
    last: u64,
    /// Milliseconds that its clock is ahead. It jumps when another node takes over.
    skew: i64,
}

impl Store {
    fn append(&mut self, tag: Tag, lowest: u64, now: u64) -> Mark {
        self.last = lowest.max(self.last + 1).max(now.saturating_add_signed(self.skew));
        let mark = Mark { target: Target::Tag(tag), number: self.last, until: u64::MAX };
        self.marks.push(mark);
        mark
    }
}

struct Server {
    marks: Marks,
    /// How many of the store's marks it has read.
    read: usize,
    /// Endings that the store has not confirmed.
    pending: Vec<Tag>,
    skew: i64,
}

struct Session {
    tag: Tag,
    seen: u64,
    /// How many of the store's marks its server had read when it began.
    read: usize,
    /// The ending that it outlived, as the number of a mark.
    outlived: Option<u64>,
    /// Somebody ended it on a server that had lost the store; that need not be in the store yet.
    ended_here: bool,
}

impl Server {
    fn read_to(&mut self, store: &Store, to: usize) {
        let batch = &store.marks[self.read..to];
        self.marks.add(batch, 0);
        self.marks.note_read_to(batch.iter().map(|mark| mark.number).max().unwrap_or(0));
        self.read = to;
    }
}

fn history(seed: u64) {
    let mut random = Random(seed);
    let skew = |random: &mut Random| random.below(120_000) as i64 - 60_000;
    let mut store = Store { marks: Vec::new(), last: 0, skew: skew(&mut random) };
    let mut servers: Vec<_> = (0..SERVERS)
        .map(|_| Server {
            marks: Marks::new(Availability::new(true, None), None),
            read: 0,
            pending: Vec::new(),
            skew: skew(&mut random),
        })
        .collect();
    let mut sessions: Vec<Session> = Vec::new();
    let mut now = START;
    for _ in 0..40 {
        now += random.below(2_000);
        let place = random.below(SERVERS as u64) as usize;
        let tag = Tag::new("user", random.below(TAGS));
        match random.below(10) {
            // A log-in.
            0..=2 => {
                let server = &servers[place];
                let (seen, read) = (server.marks.seen_now(), server.read);
                sessions.push(Session { tag, seen, read, outlived: None, ended_here: false });
            }
            // An ending that the store takes.
            3 => {
                let server = &mut servers[place];
                let mark = store.append(tag, server.marks.highest() + 1, now);
                server.marks.add(&[mark], 0);
                // Sometimes the server reads on at once, as it does unless the store goes away.
                if random.below(2) == 0 {
                    server.read_to(&store, store.marks.len());
                }
            }
            // An ending while the store is away: in force here, and repeated later.
            4 => {
                let server = &mut servers[place];
                let here = now.saturating_add_signed(server.skew);
                let number = here.max(server.marks.highest() + 1);
                let mark = Mark { target: Target::Tag(tag), number, until: u64::MAX };
                server.marks.add(&[mark], 0);
                server.pending.push(tag);
                for session in sessions.iter_mut().filter(|session| session.tag == tag) {
                    session.ended_here = true;
                }
            }
            // A session ends the others and goes on.
            5 if !sessions.is_empty() => {
                let chosen = random.below(sessions.len() as u64) as usize;
                let (tag, seen) = (sessions[chosen].tag, sessions[chosen].seen);
                // Before the look-up: what is heard from here on is read again.
                let from = servers[place].read;
                if servers[place].marks.has_tag(&[tag], seen) {
                    continue;
                }
                // Meanwhile another server ends the tag, and this one may hear of it.
                if random.below(3) == 0 {
                    let other = &mut servers[(place + 1) % SERVERS];
                    let mark = store.append(tag, other.marks.highest() + 1, now);
                    other.marks.add(&[mark], 0);
                    if random.below(2) == 0 {
                        servers[place].read_to(&store, store.marks.len());
                    }
                }
                let server = &mut servers[place];
                let mark = store.append(tag, server.marks.highest() + 1, now);
                server.marks.add(&[mark], 0);
                // Or the read after it fails, and the session ends with the others.
                if random.below(4) == 0 {
                    continue;
                }
                server.read_to(&store, store.marks.len());
                let by_others = store.marks[from..].iter().any(|other| {
                    other.target == mark.target
                        && other.number != mark.number
                        && other.number > seen
                });
                if !by_others {
                    let session = &mut sessions[chosen];
                    session.seen = mark.number;
                    session.read = store.marks.len();
                    session.outlived = Some(mark.number);
                    session.ended_here = false;
                }
            }
            // A server hears some of what it has not heard, in the store's order.
            6..=7 => {
                let left = store.marks.len() - servers[place].read;
                let to = servers[place].read + random.below(left as u64 + 1) as usize;
                servers[place].read_to(&store, to);
            }
            // The store takes what was pending.
            8 => {
                let server = &mut servers[place];
                for tag in std::mem::take(&mut server.pending) {
                    let mark = store.append(tag, server.marks.highest() + 1, now);
                    server.marks.add(&[mark], 0);
                }
            }
            // Another node's clock.
            _ => store.skew = skew(&mut random),
        }
    }
    for server in &mut servers {
        for tag in std::mem::take(&mut server.pending) {
            let mark = store.append(tag, server.marks.highest() + 1, now);
            server.marks.add(&[mark], 0);
        }
    }
    for server in &mut servers {
        server.read_to(&store, store.marks.len());
    }
    for window in store.marks.windows(2) {
        assert!(window[0].number < window[1].number, "seed {seed}: a number fell");
    }
    for (place, server) in servers.iter().enumerate() {
        for session in &sessions {
            let unheard = |mark: &Mark| {
                mark.target == Target::Tag(session.tag) && Some(mark.number) != session.outlived
            };
            let must_end = store.marks[session.read..].iter().any(unheard);
            let ended = server.marks.has_tag(&[session.tag], session.seen);
            assert!(ended || !must_end, "seed {seed}: a session survives on server {place}");
            // What a server without its store ended is ended there, whether or not it began later.
            let may_end = must_end || session.ended_here;
            assert!(
                !ended || may_end || unconfirmed(server, session),
                "seed {seed}: ended by mistake"
            );
        }
    }
}

/// Whether a mark that this server made without the store ends the session.
fn unconfirmed(server: &Server, session: &Session) -> bool {
    server.marks.highest() > server.marks.seen_now()
        || server.marks.has_tag(&[session.tag], server.marks.seen_now())
}

#[test]
fn no_session_survives_a_mark_that_it_had_not_seen() {
    let count = std::env::var("SIMULATIONS").map_or(300, |count| count.parse().unwrap());
    for seed in 0..count {
        history(seed);
    }
}
