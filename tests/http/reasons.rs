//! Why a session is empty, and what the log says of it; and that what the log and the clock do cannot
//! hang a request.

use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, SystemTime};

use sealed_session::{
    Clock, Codec, CodecBuilder, CookieOptions, DecodeErrorKind, Dynamic, Keyring, Session,
    SessionKind, TestClock,
};
use serde::{Deserialize, Serialize};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::log::log_of;
use crate::support::{Browser, DAY, EIGHT, HOUR, Login, SEVEN, key, ring};

fn refused(browser: &mut Browser, codec: &Codec<Login>) -> (Option<DecodeErrorKind>, String) {
    let (sender, receiver) = mpsc::channel();
    let (_, log) = log_of(|| {
        browser.visit(codec, move |session| {
            assert!(session.is_empty());
            sender.send(session.refused()).unwrap();
            Ok(())
        })
    });
    (receiver.recv().unwrap(), log)
}

#[test]
fn a_handler_learns_why_the_cookie_was_refused() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    let (reason, log) = refused(&mut browser, &codec);
    assert_eq!(reason, None);
    assert!(log.contains("code=\"missing\""), "{log}");

    browser.visit(&codec, |session| session.set(SEVEN));
    browser.visit(&codec, |session| {
        assert_eq!(session.refused(), None);
        Ok(())
    });
    let token = browser.cookie("login").unwrap().to_owned();
    browser.clock.advance(DAY + HOUR);
    let (reason, log) = refused(&mut browser, &codec);
    assert_eq!(reason, Some(DecodeErrorKind::Expired));
    let length = format!("length={}", token.len());
    for part in ["code=\"expired\"", " age=90000", &length, "DEBUG"] {
        assert!(log.contains(part), "{part}: {log}");
    }
    browser.set_cookie("login", "junk");
    let (reason, log) = refused(&mut browser, &codec);
    assert_eq!(reason, Some(DecodeErrorKind::Malformed));
    assert!(log.contains("code=\"malformed\"") && log.contains("length=4"), "{log}");
    assert!(!log.contains(" age="), "{log}");

    codec.replace_keyring(ring(&[9]));
    browser.set_cookie("login", &token);
    let (reason, log) = refused(&mut browser, &codec);
    assert_eq!(reason, Some(DecodeErrorKind::NoMatchingKey));
    assert!(log.contains("code=\"no_matching_key\"") && !log.contains(&token), "{log}");
}

#[test]
fn a_payload_of_another_type_says_which_field() {
    #[derive(Serialize, Deserialize, Clone)]
    struct Richer {
        user_id: u64,
        tenant: u64,
    }
    impl SessionKind for Richer {
        type Data = Self;
        const NAME: &'static str = "login";
    }
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| session.set(Login { user_id: 987_654 }));
    let token = browser.cookie("login").unwrap().to_owned();
    let richer = browser.codec::<Richer>();
    let (_, log) = log_of(|| {
        browser.visit(&richer, |session| {
            assert_eq!(session.refused(), Some(DecodeErrorKind::InvalidPayload));
            Ok(())
        })
    });
    assert!(log.contains("missing field `tenant`"), "{log}");
    assert!(!log.contains("987654"), "{log}");
    let error = richer.decode(&token).map(drop).unwrap_err();
    let reason = std::error::Error::source(&error).unwrap().to_string();
    assert!(reason.contains("missing field `tenant`"), "{reason}");
}

#[test]
fn an_older_key_and_a_reseal_are_logged_at_debug_level() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| session.set(SEVEN));
    codec.replace_keyring(ring(&[2, 1]));
    let (page, log) = log_of(|| browser.visit(&codec, |_session| Ok(())));
    page.set_cookie();
    let (old, new) = (key(1).id(), key(2).id());
    assert!(log.contains("older key") && log.contains(&format!("key={old}")), "{log}");
    assert!(log.contains("sealed again") && log.contains(&format!("key={new}")), "{log}");
    browser.visit(&codec, move |session| {
        assert_eq!(session.info().unwrap().key_id, new);
        Ok(())
    });
}

/// What the log's subscriber, the clock and the data use: the session of the request that runs.
type Current<K> = Arc<OnceLock<Session<K>>>;

/// Looks into the session at every event, as one that puts the user's id on each line.
struct Curious<K: SessionKind> {
    session: Current<K>,
    events: Arc<Mutex<usize>>,
}

impl<K: SessionKind> Subscriber for Curious<K> {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        if let Some(session) = self.session.get() {
            let _ = (session.is_empty(), session.info());
        }
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {
        *self.events.lock().unwrap() += 1;
        if let Some(session) = self.session.get() {
            let _ = (session.is_empty(), session.info(), session.peek_data().is_some());
        }
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Looks into the session whenever it is asked for the time.
struct CuriousClock<K: SessionKind>(TestClock, Current<K>);

thread_local! {
    static ASKED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl<K: SessionKind> Clock for CuriousClock<K> {
    fn now(&self) -> SystemTime {
        // Opening asks for the time itself.
        if !ASKED.replace(true) {
            if let Some(session) = self.1.get() {
                let _ = session.is_empty();
            }
            ASKED.set(false);
        }
        self.0.now()
    }
}

/// Fails instead of hanging.
fn within_ten_seconds(work: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        work();
        sender.send(()).unwrap();
    });
    receiver.recv_timeout(Duration::from_secs(10)).expect("it hangs, or has panicked");
}

#[test]
fn a_subscriber_and_a_clock_may_use_the_session() {
    for cookie in ["junk", "", "valid", "old", "none"] {
        within_ten_seconds(move || {
            let mut browser = Browser::new();
            let session = Current::<Dynamic>::default();
            let clock = CuriousClock(browser.clock.clone(), session.clone());
            let codec = Codec::<Dynamic>::builder(ring(&[2, 1]))
                .clock(clock)
                .cookie(CookieOptions::new())
                .build()
                .unwrap();
            let first = browser.codec::<Dynamic>();
            browser.visit(&first, |session| session.insert("a", 1));
            browser.clock.advance(3 * HOUR);
            match cookie {
                "valid" => {}
                "old" => browser.clock.advance(3 * DAY),
                "none" => browser = Browser::new(),
                value => browser.set_cookie("session", value),
            }
            let events = Arc::new(Mutex::new(0));
            let subscriber = Curious { session: session.clone(), events: events.clone() };
            tracing::subscriber::with_default(subscriber, || {
                browser.visit(&codec, move |handle| {
                    assert!(session.set(handle.clone()).is_ok());
                    let _ = handle.get::<u32>("a")?;
                    handle.insert("b", 1)?;
                    let _ = handle.insert("c", "x".repeat(5000)).unwrap_err();
                    handle.regenerate();
                    handle.delete();
                    handle.insert("d", 1)?;
                    handle.touch()
                });
            });
            assert!(*events.lock().unwrap() > 0, "{cookie}: nothing was said");
        });
    }
}

#[test]
fn a_refresh_under_the_same_key_is_no_event_of_a_rotation() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| session.set(SEVEN));
    browser.clock.advance(4 * HOUR);
    let read = |session: Session<Login>| {
        assert_eq!(session.data(), Some(SEVEN));
        Ok(())
    };
    let (page, log) = log_of(|| browser.visit(&codec, read));
    page.set_cookie();
    assert!(!log.contains("older key") && !log.contains("sealed again"), "{log}");
    let write = |session: Session<Login>| session.set(EIGHT);
    let (page, log) = log_of(|| browser.visit(&codec, write));
    page.set_cookie();
    assert!(!log.contains("publicly cacheable"), "{log}");
}

#[cfg(feature = "fastify")]
#[test]
fn a_fastify_primary_is_logged_with_what_its_tokens_have_no_room_for() {
    let browser = Browser::new();
    let log = |builder: CodecBuilder<Login>| {
        let codec = builder.build().unwrap();
        let ring = Keyring::fastify(key(9)).with_previous(key(1)).unwrap();
        log_of(|| codec.replace_keyring(ring)).1
    };
    assert_eq!(log(browser.builder()), "");
    let remembers = log(browser.builder().remember_timeout(30 * DAY));
    assert!(remembers.contains("code=\"forgets_remembered\""), "{remembers}");
    assert_eq!(remembers.lines().count(), 1, "{remembers}");
    let marks = log(browser.builder().mark_deletions(true));
    assert!(marks.contains("code=\"marks_no_more\""), "{marks}");
    assert_eq!(marks.lines().count(), 1, "{marks}");
}

#[cfg(feature = "fastify")]
#[test]
fn a_keyring_with_the_fastify_key_of_another_cookie_is_logged() {
    let named = |name: &'static str, ring| {
        let builder = Codec::<Login>::builder(ring).cookie(CookieOptions::new().name(name));
        builder.build().unwrap()
    };
    let shared = key(9);
    let _one = named("one", Keyring::fastify(shared.clone()));
    let two = named("two", ring(&[1]));
    let (_, log) = log_of(|| two.replace_keyring(Keyring::fastify(shared)));
    assert!(log.contains("ERROR") && log.contains("code=\"shared_key\""), "{log}");
}
