//! One connection's part of the traffic: its users, what each must find in their session, and every
//! cookie that was ever issued to them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use crate::wire::{Answer, Connection};

/// What the connections share.
pub(crate) struct Traffic {
    /// The servers, each request to one of them by chance.
    pub(crate) ports: Vec<u16>,
    /// Requests of one connection.
    pub(crate) requests: u64,
    /// The least time from one request of a connection to its next.
    pub(crate) pace: Duration,
    pub(crate) idle: u64,
    pub(crate) absolute: u64,
    /// Whether a share of the requests bring back an older cookie.
    pub(crate) replays: bool,
    /// Whether the server is being killed, so that a broken connection is no fault.
    pub(crate) outages: bool,
    pub(crate) done: AtomicU64,
    pub(crate) broken_off: AtomicU64,
    /// A fault was found elsewhere: there is nothing more to learn.
    pub(crate) stop: AtomicBool,
}

/// A cookie as it was issued, and what it must and must not do.
struct Issued {
    cookie: Box<str>,
    user: u32,
    count: u32,
    /// In Unix seconds: it must open as long as it is earlier,
    opens_before: u64,
    /// and must be refused from then on. Between the two is the second in which it was sealed.
    refused_from: u64,
}

#[derive(Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) log_ins: u64,
    pub(crate) writes: u64,
    pub(crate) reads: u64,
    pub(crate) replays: u64,
    pub(crate) issued: u64,
    pub(crate) swept_open: u64,
    pub(crate) swept_refused: u64,
    /// Refused at its time, as it must be.
    pub(crate) expired: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.log_ins += other.log_ins;
        self.writes += other.writes;
        self.reads += other.reads;
        self.replays += other.replays;
        self.issued += other.issued;
        self.swept_open += other.swept_open;
        self.swept_refused += other.swept_refused;
        self.expired += other.expired;
    }
}

pub(crate) struct Client {
    traffic: Arc<Traffic>,
    /// One to each server.
    connections: Vec<Connection>,
    random: Random,
    users: Vec<u32>,
    /// The user's cookie as a place in `issued`.
    current: Vec<Option<usize>>,
    issued: Vec<Issued>,
    pub(crate) tally: Tally,
}

impl Client {
    pub(crate) fn new(traffic: Arc<Traffic>, users: Vec<u32>) -> Self {
        let random = Random::new(u64::from(users[0]) << 17);
        Self {
            connections: traffic.ports.iter().map(|port| Connection::new(*port)).collect(),
            traffic,
            random,
            current: vec![None; users.len()],
            users,
            issued: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// The traffic: one request after another, by chance.
    pub(crate) async fn work(&mut self) -> Result<(), String> {
        let mut ticks =
            (self.traffic.pace > Duration::ZERO).then(|| tokio::time::interval(self.traffic.pace));
        for _ in 0..self.traffic.requests {
            if self.traffic.stop.load(Relaxed) {
                break;
            }
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            let place = self.below(self.users.len());
            match (self.current[place], self.below(100)) {
                (None, _) | (_, 0..5) => self.log_in(place).await?,
                (Some(held), 5..35) => self.visit(place, held, "POST /count").await?,
                (Some(_), 80..) if self.traffic.replays => self.replay().await?,
                (Some(held), _) => self.visit(place, held, "GET /who").await?,
            }
            self.traffic.done.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    /// Every cookie ever issued, once more.
    pub(crate) async fn sweep(&mut self) -> Result<(), String> {
        for held in 0..self.issued.len() {
            if self.traffic.stop.load(Relaxed) {
                break;
            }
            if self.present(held, "GET /who").await?.is_some() {
                self.tally.swept_open += 1;
            } else {
                self.tally.swept_refused += 1;
            }
        }
        Ok(())
    }

    async fn log_in(&mut self, place: usize) -> Result<(), String> {
        self.tally.log_ins += 1;
        let user = self.users[place];
        let answer = self.ask(&format!("POST /login/{user}"), None).await?;
        let said = said(&answer)?;
        let cookie = answer.cookie.ok_or("a log-in without a cookie")?;
        if (said.user, said.count) != (user, 0) {
            return Err(format!("user {user} was logged in as user {}", said.user));
        }
        let ends = said.now + self.traffic.idle.min(self.traffic.absolute);
        self.current[place] = Some(self.keep(cookie, user, 0, ends, ends + 2));
        Ok(())
    }

    /// Reads or counts with the user's present cookie.
    async fn visit(&mut self, place: usize, held: usize, line: &str) -> Result<(), String> {
        let writes = line.starts_with("POST");
        *(if writes { &mut self.tally.writes } else { &mut self.tally.reads }) += 1;
        match self.present(held, line).await? {
            // Over at its time: the user logs in again.
            None => self.current[place] = None,
            Some(Some(newer)) => self.current[place] = Some(newer),
            Some(None) if writes => return Err("a write without a cookie".into()),
            Some(None) => {}
        }
        Ok(())
    }

    /// Brings back a cookie from before, as somebody who kept it would.
    async fn replay(&mut self) -> Result<(), String> {
        self.tally.replays += 1;
        let held = self.below(self.issued.len());
        self.present(held, "GET /who").await.map(drop)
    }

    /// Shows a cookie and judges the answer: `None` if it was refused, at its time; otherwise the
    /// place of the cookie that was issued in its stead, if one was.
    async fn present(&mut self, held: usize, line: &str) -> Result<Option<Option<usize>>, String> {
        let cookie = self.issued[held].cookie.clone();
        let before = now();
        let answer = self.ask(line, Some(&cookie)).await?;
        let after = now();
        let Issued { user, count, opens_before, refused_from, .. } = self.issued[held];
        if answer.status == 401 {
            if after < opens_before {
                let left = opens_before - after;
                return Err(format!("user {user} was logged out {left} s early: {}", answer.body));
            }
            self.tally.expired += 1;
            return Ok(None);
        }
        let said = said(&answer)?;
        if before >= refused_from {
            return Err(format!("a cookie opened {} s after its end", before - refused_from));
        }
        let wanted = count + u32::from(line.starts_with("POST"));
        if said.user != user {
            return Err(format!("user {user} was taken for user {}", said.user));
        }
        if said.count != wanted {
            return Err(format!("user {user} found {}, not {wanted}", said.count));
        }
        let Some(cookie) = answer.cookie else { return Ok(Some(None)) };
        let ends = (said.now + self.traffic.idle).min(said.created_at + self.traffic.absolute);
        // Sealed again because of the key alone, it ends when the old one does. A refresh counts in whole
        // seconds after the session began, so the session can end up to a second earlier.
        let opens_before = if wanted == count { opens_before } else { ends - 1 };
        Ok(Some(Some(self.keep(cookie, user, wanted, opens_before, ends + 2))))
    }

    fn keep(&mut self, cookie: String, user: u32, count: u32, opens: u64, refused: u64) -> usize {
        self.tally.issued += 1;
        self.issued.push(Issued {
            cookie: cookie.into(),
            user,
            count,
            opens_before: opens,
            refused_from: refused,
        });
        self.issued.len() - 1
    }

    /// Asks one of the servers; where it is being killed, until it answers.
    async fn ask(&mut self, line: &str, cookie: Option<&str>) -> Result<Answer, String> {
        let server = self.below(self.connections.len());
        for _ in 0..2_000 {
            match self.connections[server].ask(line, cookie).await {
                Ok(answer) if answer.status >= 500 => {
                    return Err(format!("{line}: {} {}", answer.status, answer.body));
                }
                Ok(answer) => return Ok(answer),
                Err(error) if self.traffic.outages && is_outage(&error) => {
                    self.traffic.broken_off.fetch_add(1, Relaxed);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(error) => return Err(format!("{line}: {error}")),
            }
        }
        Err("the server did not come back".into())
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random.below(limit)
    }
}

/// xorshift: the same traffic each time.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ seed)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

fn is_outage(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionRefused | ConnectionReset | UnexpectedEof)
}

struct Said {
    user: u32,
    count: u32,
    created_at: u64,
    now: u64,
}

fn said(answer: &Answer) -> Result<Said, String> {
    let words: Option<Vec<u64>> = answer.body.split(' ').map(|word| word.parse().ok()).collect();
    match words.as_deref() {
        Some(&[user, count, created_at, now]) if answer.status == 200 => {
            Ok(Said { user: user as u32, count: count as u32, created_at, now })
        }
        _ => Err(format!("not an answer: {} {}", answer.status, answer.body)),
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs())
}
