//! The scenarios: what the tasks do, and what must be true of the response.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, SystemTime};

use sealed_session::{
    Clock, Codec, Decoded, Dynamic, Entries, Session, SessionError, SessionErrorKind, SessionKind,
    TestClock, Updated,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shuttle::thread::{JoinHandle, spawn, yield_now};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Event, Metadata, Subscriber};

use crate::request::{Cookie, NOW, codec, key, request, ring};

pub(crate) type Scenario = (&'static str, fn());

/// Of many tasks: a sample of their schedules.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("nothing of a deleted session comes back by six writes", || delete_beats(&NOT_REGENERATING)),
    ("a regeneration survives five writes", || regeneration_survives(&KEEPING_AGE)),
    ("no insert of four tasks is lost", || no_insert_is_lost(4)),
    ("no update of three tasks is lost, if it is tried again after a conflict", || {
        no_update_is_lost(3);
    }),
    ("one of three tasks takes an entry", || one_takes(3)),
    ("what three tasks wrote is in the cookie, or was an error", || written_or_an_error(3)),
    ("keys are replaced while two tasks write", || keys_are_replaced(2)),
    ("keys are replaced by three tasks", || keys_are_replaced_by(&[&[2, 1], &[1], &[3, 1]])),
    ("a keyring's keys are replaced while two tasks use two codecs", || two_codecs_change(2)),
    ("update's closure uses the session again, beside two tasks", || closure_uses_it_again(2)),
    ("Serialize and Deserialize use the session again, beside two tasks", || {
        serde_uses_it_again(2);
    }),
    ("a subscriber, a clock and a Drop use the session again, beside two tasks", || {
        foreign_code_uses_it_again(2);
    }),
    ("a closure that panics leaves the session whole, beside two tasks", || a_closure_panics(2)),
];

/// Of few tasks: every schedule.
pub(crate) const EXHAUSTIVE: &[Scenario] = &[
    ("delete and an insert", || delete_beats(&WRITES[..1])),
    ("delete and an update", || delete_beats(&WRITES[1..2])),
    ("a regeneration and an insert", || regeneration_survives(&KEEPING_AGE[..1])),
    ("a regeneration and an update", || regeneration_survives(&KEEPING_AGE[1..2])),
    ("two inserts", || no_insert_is_lost(2)),
    ("two tasks take one entry", || one_takes(2)),
    ("a write and the response", || written_or_an_error(1)),
    ("a write and new keys", || keys_are_replaced(1)),
    ("keys are replaced by two tasks", || keys_are_replaced_by(&[&[2, 1], &[1]])),
    ("a keyring's keys are replaced while a task uses two codecs", || two_codecs_change(1)),
    ("update's closure uses the session again, and a write", || closure_uses_it_again(1)),
    ("Serialize and Deserialize use the session again, beside a task", || serde_uses_it_again(2)),
];

type Write = fn(&Session) -> Result<(), SessionError>;

const WRITES: [Write; 7] = [
    |session| session.insert("b", 2),
    |session| session.update(|entries| entries.insert("c", 3)).map(drop),
    |session| session.remove("a").map(drop),
    |session| session.touch(),
    |session| session.set_idle_timeout(Duration::from_secs(60)),
    |session| session.regenerate_keeping(&["a"]),
    |session| session.set(session.data().unwrap_or_default()),
];

/// The writes that are not a regeneration themselves, nor write what was read before.
const KEEPING_AGE: [Write; 5] = [WRITES[0], WRITES[1], WRITES[2], WRITES[3], WRITES[4]];
/// The writes that are not a regeneration themselves.
const NOT_REGENERATING: [Write; 6] =
    [WRITES[0], WRITES[1], WRITES[2], WRITES[3], WRITES[4], WRITES[6]];

/// Begun an hour ago, with one entry.
fn old_session(codec: &Codec<Dynamic>, clock: &TestClock) -> String {
    clock.set(NOW - 3600);
    let mut entries = Entries::new();
    entries.insert("a", 1).unwrap();
    let token = codec.encode(&entries).unwrap();
    clock.set(NOW);
    token
}

/// The time that is so many seconds after the beginning of 1970.
fn at(unix_seconds: u64) -> Option<SystemTime> {
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds))
}

fn opened(codec: &Codec<Dynamic>, token: &str) -> Decoded<Entries> {
    codec.decode(token).expect("what was sealed opens")
}

/// A conflict is the promised answer to an update that was overtaken; the two others are those to a
/// session that has been deleted or emptied.
fn or_conflict(result: Result<(), SessionError>) {
    use SessionErrorKind::{Conflict, Deleted, NoSession};
    if let Err(error) = result {
        assert!(matches!(error.kind(), Conflict | Deleted | NoSession), "{error}");
    }
}

fn join(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        task.join().unwrap();
    }
}

fn delete_beats(writes: &'static [Write]) {
    let (codec, clock) = codec::<Dynamic>();
    let token = old_session(&codec, &clock);
    let cookie = request(&codec, Some(&token), |session| {
        let mut tasks = Vec::new();
        for write in writes {
            let session = session.clone();
            tasks.push(spawn(move || or_conflict(write(&session))));
        }
        let deleting = session.clone();
        tasks.push(spawn(move || deleting.delete()));
        join(tasks);
        assert!(!session.contains("a"), "the old session's data survived");
    });
    match cookie {
        Cookie::Removed => {}
        // What was inserted after it began a new session.
        Cookie::Set(token) => {
            let opened = opened(&codec, &token);
            assert_eq!(opened.info.created_at, at(NOW), "the old session's age survived");
            assert!(!opened.data.contains("a"), "the old session's data survived");
        }
        Cookie::Untouched => panic!("the old cookie survived"),
    }
}

fn regeneration_survives(writes: &'static [Write]) {
    let (codec, clock) = codec::<Dynamic>();
    let token = old_session(&codec, &clock);
    let cookie = request(&codec, Some(&token), |session| {
        let regenerating = session.clone();
        let mut tasks = vec![spawn(move || regenerating.regenerate())];
        for write in writes {
            let session = session.clone();
            tasks.push(spawn(move || or_conflict(write(&session))));
        }
        join(tasks);
        assert!(session.info().is_none(), "the old cookie vouches for nothing");
    });
    match cookie {
        Cookie::Removed => {}
        Cookie::Set(token) => {
            let opened = opened(&codec, &token);
            assert_eq!(opened.info.created_at, at(NOW), "the old session's age survived");
            assert!(!opened.data.contains("a"), "the old session's data survived");
        }
        Cookie::Untouched => panic!("the old cookie survived"),
    }
}

fn no_insert_is_lost(tasks: u32) {
    let (codec, clock) = codec::<Dynamic>();
    let token = old_session(&codec, &clock);
    let cookie = request(&codec, Some(&token), |session| {
        let insert = |n: u32| {
            let session = session.clone();
            spawn(move || session.insert(&format!("n{n}"), n).unwrap())
        };
        join((0..tasks).map(insert).collect());
    });
    let Cookie::Set(token) = cookie else { panic!("{cookie:?}") };
    let opened = opened(&codec, &token);
    assert_eq!(opened.info.created_at, at(NOW - 3600));
    assert_eq!(opened.data.get::<u32>("a").unwrap(), Some(1));
    for n in 0..tasks {
        assert_eq!(opened.data.get::<u32>(&format!("n{n}")).unwrap(), Some(n));
    }
}

fn no_update_is_lost(tasks: u32) {
    let (codec, clock) = codec::<Dynamic>();
    let token = old_session(&codec, &clock);
    let cookie = request(&codec, Some(&token), |session| {
        let count = |_| {
            let session = session.clone();
            spawn(move || {
                let add = |entries: &mut Entries| {
                    let a = entries.get::<u32>("a").unwrap().unwrap();
                    yield_now();
                    entries.insert("a", a + 1).unwrap();
                };
                while let Err(error) = session.update(add) {
                    assert_eq!(*error.kind(), SessionErrorKind::Conflict);
                }
            })
        };
        join((0..tasks).map(count).collect());
    });
    let Cookie::Set(token) = cookie else { panic!("{cookie:?}") };
    assert_eq!(opened(&codec, &token).data.get::<u32>("a").unwrap(), Some(1 + tasks));
}

fn one_takes(tasks: u32) {
    let (codec, clock) = codec::<Dynamic>();
    let token = old_session(&codec, &clock);
    let cookie = request(&codec, Some(&token), |session| {
        let take = |_| {
            let session = session.clone();
            spawn(move || session.take::<u32>("a").unwrap())
        };
        let tasks: Vec<_> = (0..tasks).map(take).collect();
        let taken = tasks.into_iter().filter_map(|task| task.join().unwrap());
        assert_eq!(taken.collect::<Vec<_>>(), [1]);
    });
    assert_eq!(cookie, Cookie::Removed);
}

fn written_or_an_error(tasks: u32) {
    let (codec, clock) = codec::<Dynamic>();
    let token = old_session(&codec, &clock);
    let mut writers = Vec::new();
    let cookie = request(&codec, Some(&token), |session| {
        for n in 0..tasks {
            let session = session.clone();
            writers.push(spawn(move || session.insert(&format!("n{n}"), n)));
        }
    });
    let entries = match &cookie {
        Cookie::Set(token) => opened(&codec, token).data,
        Cookie::Untouched => Entries::new(),
        Cookie::Removed => panic!("nobody removed it"),
    };
    for (n, writer) in writers.into_iter().enumerate() {
        let entry = format!("n{n}");
        match writer.join().unwrap() {
            Ok(()) => assert!(entries.contains(&entry), "written, and not in the cookie"),
            Err(error) => {
                assert_eq!(*error.kind(), SessionErrorKind::ResponseStarted);
                assert!(!entries.contains(&entry), "an error, and in the cookie");
            }
        }
    }
}

fn keys_are_replaced(tasks: u32) {
    let (codec, clock) = codec::<Dynamic>();
    let token = old_session(&codec, &clock);
    let rotating = codec.clone();
    let rotation = spawn(move || rotating.replace_keyring(ring(&[2, 1])));
    let cookie = request(&codec, Some(&token), |session| {
        let write = |n: u32| {
            let session = session.clone();
            spawn(move || session.insert(&format!("n{n}"), n).unwrap())
        };
        join((0..tasks).map(write).collect());
    });
    rotation.join().unwrap();
    let Cookie::Set(token) = cookie else { panic!("{cookie:?}") };
    let opened = opened(&codec, &token);
    assert_eq!(opened.info.created_at, at(NOW - 3600));
    assert_eq!(opened.data.len(), 1 + tasks as usize);
}

fn keys_are_replaced_by(rings: &'static [&'static [u8]]) {
    let (codec, clock) = codec::<Dynamic>();
    let token = old_session(&codec, &clock);
    let replace = |keys: &'static [u8]| {
        let codec = codec.clone();
        spawn(move || codec.replace_keyring(ring(keys)))
    };
    join(rings.iter().map(|keys| replace(keys)).collect());
    let primary = codec.decode(codec.encode(Entries::new()).unwrap()).unwrap().info.key_id;
    let rotating = primary != opened(&codec, &token).info.key_id;
    // Whichever came last, it is in force as a whole.
    let cookie = request(&codec, Some(&token), |_session| ());
    assert_eq!(matches!(cookie, Cookie::Set(_)), rotating, "{cookie:?}");
}

/// What one codec has sealed opens in another on the same keyring, however the keys change meanwhile.
fn two_codecs_change(tasks: u32) {
    let keyring = ring(&[1]);
    let codec = || {
        let clock = TestClock::at(NOW);
        Codec::<Dynamic>::builder(keyring.clone()).clock(clock).build().unwrap()
    };
    let (one, two) = (codec(), codec());
    let uses = (0..tasks).map(|_| {
        let (one, two) = (one.clone(), two.clone());
        spawn(move || {
            let sealed_by = |codec: &Codec<Dynamic>, token: &str| {
                codec.decode(token).expect("both have the key").info.key_id
            };
            let first = one.encode(Entries::new()).unwrap();
            let first = sealed_by(&two, &first);
            let second = two.encode(Entries::new()).unwrap();
            let second = sealed_by(&one, &second);
            // Never back to the key before.
            assert!(first == second || second == key(2).id());
        })
    });
    let mut running: Vec<_> = uses.collect();
    let replacing = keyring.clone();
    running.push(spawn(move || replacing.replace(ring(&[2, 1])).unwrap()));
    join(running);
    for codec in [&one, &two] {
        let token = codec.encode(Entries::new()).unwrap();
        assert_eq!(opened(codec, &token).info.key_id, key(2).id());
    }
}

fn closure_uses_it_again(tasks: u32) {
    let (codec, clock) = codec::<Dynamic>();
    let token = old_session(&codec, &clock);
    let cookie = request(&codec, Some(&token), |session| {
        let updating = session.clone();
        let mut running = vec![spawn(move || {
            let result = updating.update(|entries| {
                assert!(!updating.is_empty());
                assert_eq!(updating.get::<u32>("a").unwrap(), Some(1));
                updating.insert("inner", 1).unwrap();
                updating.touch().unwrap();
                or_conflict(updating.update(|_| yield_now()).map(drop));
                entries.insert("outer", 1)
            });
            assert_eq!(*result.unwrap_err().kind(), SessionErrorKind::Conflict);
        })];
        for n in 0..tasks {
            let session = session.clone();
            running.push(spawn(move || session.insert(&format!("n{n}"), n).unwrap()));
        }
        join(running);
    });
    let Cookie::Set(token) = cookie else { panic!("{cookie:?}") };
    let data = opened(&codec, &token).data;
    assert!(data.contains("inner") && !data.contains("outer"));
    assert_eq!(data.len(), 2 + tasks as usize);
}

thread_local! {
    /// The session that the data reaches for while it is read or written. All tasks are on one
    /// thread.
    static REACHED_FOR: RefCell<Option<Session<Reaching>>> = const { RefCell::new(None) };
}

/// Data that uses its own session while it is read and while it is written.
#[derive(Clone)]
struct Reaching(u32);

impl SessionKind for Reaching {
    type Data = Self;
    const NAME: &'static str = "reaching";
}

/// Looks at the session, unless it is already being looked at: it would never end.
fn reach() {
    let Some(session) = REACHED_FOR.take() else { return };
    let _ = session.is_empty();
    let _ = session.info();
    let _ = session.touch();
    yield_now();
    REACHED_FOR.set(Some(session));
}

impl Serialize for Reaching {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        reach();
        self.0.serialize(serializer)
    }
}

impl Drop for Reaching {
    fn drop(&mut self) {
        reach();
    }
}

/// A clock that uses the session while it is asked for the time.
struct ReachingClock(TestClock);

impl Clock for ReachingClock {
    fn now(&self) -> SystemTime {
        reach();
        self.0.now()
    }
}

/// A subscriber that uses the session while it is told of an event.
struct ReachingSubscriber;

impl Subscriber for ReachingSubscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The scheduler has events as well.
        let ours = metadata.target() == "sealed_session";
        if ours {
            reach();
        }
        ours
    }
    fn event(&self, _: &Event<'_>) {
        EVENTS.set(EVENTS.get() + 1);
        reach();
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

thread_local! {
    static EVENTS: Cell<u32> = const { Cell::new(0) };
}

fn foreign_code_uses_it_again(tasks: u32) {
    let (first, clock) = codec::<Reaching>();
    let old = first.encode(Reaching(0)).unwrap();
    let keys = ring(&[2, 1]);
    let codec = Codec::<Reaching>::builder(keys).clock(ReachingClock(clock)).build().unwrap();
    for token in [old.as_str(), "junk"] {
        EVENTS.set(0);
        with_default(ReachingSubscriber, || {
            request(&codec, Some(token), |session| {
                REACHED_FOR.set(Some(session.clone()));
                let write = |n: u32| {
                    let session = session.clone();
                    spawn(move || {
                        drop(session.data());
                        or_conflict(session.set(Reaching(1 + n)));
                        or_conflict(session.update(|data| data.0 += 10).map(drop));
                        session.delete();
                        session.regenerate();
                    })
                };
                join((0..tasks).map(write).collect());
            })
        });
        REACHED_FOR.take();
        assert_ne!(EVENTS.get(), 0, "nothing was said");
    }
}

impl<'de> Deserialize<'de> for Reaching {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        reach();
        u32::deserialize(deserializer).map(Self)
    }
}

fn serde_uses_it_again(tasks: u32) {
    let (codec, _) = codec::<Reaching>();
    let token = codec.encode(Reaching(0)).unwrap();
    let cookie = request(&codec, Some(&token), |session| {
        REACHED_FOR.set(Some(session.clone()));
        let write = |n: u32| {
            let session = session.clone();
            spawn(move || {
                assert!(session.data().is_some());
                session.set(Reaching(1 + n)).unwrap();
                or_conflict(session.update(|data| data.0 += 10).map(drop));
            })
        };
        join((0..tasks).map(write).collect());
        REACHED_FOR.take();
    });
    let Cookie::Set(token) = cookie else { panic!("{cookie:?}") };
    assert_ne!(codec.decode(&token).unwrap().data.0, 0);
}

fn a_closure_panics(tasks: u32) {
    let (codec, clock) = codec::<Dynamic>();
    let token = old_session(&codec, &clock);
    let cookie = request(&codec, Some(&token), |session| {
        let updating = session.clone();
        let mut running = vec![spawn(move || {
            let panics = AssertUnwindSafe(|| {
                // Without a word on stderr, a hundred thousand times.
                updating
                    .update(|entries| resume_unwind(Box::new(entries.insert("lost", 1).is_ok())))
            });
            assert!(catch_unwind::<_, Result<Updated<()>, _>>(panics).is_err());
        })];
        for n in 0..tasks {
            let session = session.clone();
            running.push(spawn(move || session.insert(&format!("n{n}"), n).unwrap()));
        }
        join(running);
    });
    let Cookie::Set(token) = cookie else { panic!("{cookie:?}") };
    let data = opened(&codec, &token).data;
    assert!(!data.contains("lost"));
    assert_eq!(data.len(), 1 + tasks as usize);
}
