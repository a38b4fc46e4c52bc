//! Sessions that end on one server while another answers a request with them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use sealed_session::{
    Codec, Dynamic, Entries, Revocations, Session, SessionError, SessionKind, Tag, TestClock,
};
use serde::{Deserialize, Serialize};
use shuttle::thread::{spawn, yield_now};

use crate::request::{Cookie, NOW, request, ring};
use crate::scenarios::Scenario;

/// A sample of their schedules.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("an ended session is not sent by another server that refreshes it", || {
        ended_beats(|session| {
            let _ = session.data();
            Ok(())
        });
    }),
    ("an ended session is not sent by another server that writes it", || {
        ended_beats(|session| session.insert("b", 2));
    }),
    (
        "an ended session is not sent by another server that regenerates it and keeps its data",
        || {
            ended_beats(|session| session.regenerate_keeping(&["a"]));
        },
    ),
    ("a log-in is ended if it began before, and not if it began after", log_in_or_end),
    ("of two sessions that end the others one goes on", two_end_the_others),
    ("a session that ends the others is ended by who ends all", end_others_and_end_all),
];

/// Every schedule, or as many as there is time for.
pub(crate) const EXHAUSTIVE: &[Scenario] = &[
    ("an end and a refresh on another server", SCENARIOS[0].1),
    ("an end and a write on another server", SCENARIOS[1].1),
    ("two sessions end the others", two_end_the_others),
];

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

const USER: Login = Login { user: 7 };

fn tag() -> Tag {
    Tag::new("user", 7)
}

/// Two servers.
fn servers<K: SessionKind>() -> (Revocations, [Codec<K>; 2], TestClock) {
    let clock = TestClock::at(NOW);
    let revocations = Revocations::in_memory_with(clock.clone());
    let codec = || {
        let builder = Codec::builder(ring(&[1])).clock(clock.clone());
        builder.revocations(&revocations).build().unwrap()
    };
    let servers = [codec(), codec()];
    (revocations, servers, clock)
}

/// In memory, an ending waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}

/// Once `end` has returned, no response begins that carries the session.
fn ended_beats(handler: fn(&Session) -> Result<(), SessionError>) {
    let (_, [one, other], clock) = servers::<Dynamic>();
    let mut entries = Entries::new();
    entries.insert("a", 1).unwrap();
    let token = one.encode(&entries).unwrap();
    clock.set(NOW + 4 * 3600);
    let ended = Arc::new(AtomicBool::new(false));
    let ending = spawn({
        let (ended, token) = (ended.clone(), token.clone());
        move || {
            request(&other, Some(&token), |session| {
                at_once(session.end()).unwrap();
                ended.store(true, Ordering::SeqCst);
            })
        }
    });
    let mut was_ended = false;
    let cookie = request(&one, Some(&token), |session| {
        // A session that was ended before it was opened is an empty one.
        handler(&session).unwrap();
        yield_now();
        was_ended = ended.load(Ordering::SeqCst);
    });
    assert_eq!(ending.join().unwrap(), Cookie::Removed);
    assert!(one.decode(&token).is_err(), "the copy opens");
    if let Cookie::Set(new) = cookie {
        let opened = one.decode(&new);
        let kept = opened.is_ok_and(|opened| opened.data.contains("a"));
        assert!(!(was_ended && kept), "the ended session is back");
    }
}

fn log_in_or_end() {
    let (revocations, [one, _], _) = servers::<Login>();
    let ending = Arc::new(AtomicBool::new(false));
    let ended = Arc::new(AtomicBool::new(false));
    let task = spawn({
        let (ending, ended) = (ending.clone(), ended.clone());
        move || {
            ending.store(true, Ordering::SeqCst);
            at_once(revocations.end_all(&tag())).unwrap();
            ended.store(true, Ordering::SeqCst);
        }
    });
    yield_now();
    let began_after = ended.load(Ordering::SeqCst);
    let mut began_before = false;
    let cookie = request(&one, None, |session| {
        began_before = !ending.load(Ordering::SeqCst);
        session.regenerate();
        session.set(USER).unwrap();
    });
    task.join().unwrap();
    let opens = match cookie {
        Cookie::Set(token) => one.decode(token).is_ok(),
        _ => false,
    };
    assert!(!(began_before && opens), "a log-in from before goes on");
    assert!(!began_after || opens, "a log-in from after was ended");
}

fn two_end_the_others() {
    let (_, servers, _) = servers::<Login>();
    let tasks = servers.map(|codec| {
        let token = codec.encode(USER).unwrap();
        spawn(move || {
            let cookie = request(&codec, Some(&token), |session| {
                let _ = at_once(session.end_others(&tag()));
            });
            (codec, token, cookie)
        })
    });
    let mut alive = 0;
    for (codec, old, cookie) in tasks.map(|task| task.join().unwrap()) {
        assert!(codec.decode(old).is_err(), "a copy opens");
        if let Cookie::Set(token) = cookie {
            alive += usize::from(codec.decode(token).is_ok());
        }
    }
    assert_eq!(alive, 1);
}

fn end_others_and_end_all() {
    let (revocations, [one, _], _) = servers::<Login>();
    let token = one.encode(USER).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let task = spawn({
        let done = done.clone();
        move || {
            let was_done = done.load(Ordering::SeqCst);
            at_once(revocations.end_all(&tag())).unwrap();
            was_done
        }
    });
    let cookie = request(&one, Some(&token), |session| {
        let _ = at_once(session.end_others(&tag()));
        done.store(true, Ordering::SeqCst);
    });
    let was_done = task.join().unwrap();
    assert!(one.decode(token).is_err());
    if let Cookie::Set(token) = cookie {
        assert!(!was_done || one.decode(token).is_err(), "it outlived what came after");
    }
}
