//! Rotation: what an older key sealed is sealed anew under the primary, while the server runs.
#![allow(clippy::unit_arg, reason = "a handler of one call reads better")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use axum::Router;
use axum::routing::get;
use sealed_session::{
    Clock, Codec, Dynamic, Keyring, Session, SessionError, SessionLayer, TestClock,
};

use crate::support::server::Server;
use crate::support::{Browser, DAY, Login, SEVEN, START, at, key, ring, seconds};

const OLD: u8 = 1;
const NEW: u8 = 2;

fn codec(browser: &Browser, keys: &[u8]) -> Codec<Login> {
    codec_on(browser, ring(keys))
}

fn codec_on(browser: &Browser, keyring: Keyring) -> Codec<Login> {
    browser.builder_on(keyring).idle_timeout(seconds(1000)).build().unwrap()
}

/// A browser whose session the old key sealed 50 seconds ago.
fn logged_in() -> Browser {
    let mut browser = Browser::new();
    browser.visit(&codec(&browser, &[OLD]), |session| session.set(SEVEN));
    browser.clock.advance(seconds(50));
    browser
}

#[test]
fn an_old_session_is_resealed_even_if_the_handler_does_not_look() {
    let mut browser = logged_in();
    let page = browser.visit(&codec(&browser, &[NEW, OLD]), |_session| Ok(()));
    page.set_cookie();
    assert_eq!(page.all("cache-control"), ["no-store"]);
    assert_eq!(page.all("vary"), ["Cookie"]);
    browser.visit(&codec(&browser, &[NEW]), |session| {
        assert_eq!(session.data(), Some(SEVEN), "the newest key alone opens it");
        Ok(())
    });
}

#[test]
fn resealing_keeps_the_times() {
    let mut browser = logged_in();
    let both = codec(&browser, &[NEW, OLD]);
    browser.visit(&both, |session| {
        assert_eq!(session.info().unwrap().key_index, 1);
        Ok(())
    });
    browser.visit(&both, |session| {
        let info = session.info().unwrap();
        assert_eq!(info.key_index, 0);
        assert_eq!(info.created_at, Some(at(START)));
        assert_eq!(info.refreshed_at, at(START));
        assert_eq!(info.expires_at, at(START + 1000));
        Ok(())
    });
}

#[test]
fn resealing_happens_once() {
    let mut browser = logged_in();
    let both = codec(&browser, &[NEW, OLD]);
    browser.visit(&both, |_session| Ok(())).set_cookie();
    let page = browser.visit(&both, |_session| Ok(()));
    assert!(page.set_cookies().is_empty());
    assert!(page.all("vary").is_empty(), "the response does not depend on it");
}

#[test]
fn opening_a_session_for_a_rotation_is_not_reading() {
    let mut browser = logged_in();
    browser.clock.advance(seconds(500));
    let both = codec(&browser, &[OLD, NEW]);
    let page = browser.visit(&both, |_session| Ok(()));
    assert!(page.set_cookies().is_empty());
    browser.visit(&codec(&browser, &[NEW, OLD]), |_session| Ok(()));
    browser.visit(&both, |session| {
        assert_eq!(session.info().unwrap().refreshed_at, at(START));
        Ok(())
    });
}

#[test]
fn resealing_does_not_lengthen_the_session() {
    let mut browser = logged_in();
    let longer =
        browser.builder_with::<Login>(&[NEW, OLD]).idle_timeout(seconds(9000)).build().unwrap();
    browser.visit(&longer, |_session| Ok(())).set_cookie();
    browser.visit(&longer, |session| {
        assert_eq!(session.info().unwrap().expires_at, at(START + 1000));
        Ok(())
    });
}

#[test]
fn a_read_refreshes_during_a_rotation_if_a_refresh_is_due() {
    let mut browser = logged_in();
    let both = codec(&browser, &[NEW, OLD]);
    browser.clock.advance(seconds(50));
    browser.visit(&both, |session| {
        assert_eq!(session.data(), Some(SEVEN));
        Ok(())
    });
    browser.visit(&both, |session| {
        let info = session.info().unwrap();
        assert_eq!((info.key_index, info.refreshed_at), (0, at(START + 100)));
        Ok(())
    });
}

#[test]
fn a_remembered_session_stays_remembered_for_the_time_it_has_left() {
    let mut browser = Browser::new();
    browser.visit(&codec(&browser, &[OLD]), |session| {
        session.set(SEVEN)?;
        session.set_idle_timeout(DAY)
    });
    browser.clock.advance(seconds(50));
    let both = codec(&browser, &[NEW, OLD]);
    let page = browser.visit(&both, |_session| Ok(()));
    assert_eq!(page.max_age(), Some(86_400 - 50));
    browser.visit(&both, |session| {
        assert_eq!(session.info().unwrap().own_idle_timeout, Some(DAY));
        Ok(())
    });
}

#[test]
fn deleting_an_old_session_deletes_it() {
    let mut browser = logged_in();
    let codec = codec(&browser, &[NEW, OLD]);
    let page = browser.visit(&codec, |session| Ok(session.delete()));
    page.change(&codec).assert_removed();
}

#[test]
fn every_key_of_the_keyring_opens() {
    for (keys, place) in [(&[1][..], 0), (&[2, 1], 1), (&[3, 2, 1], 2), (&[9, 1, 8], 1)] {
        let mut browser = logged_in();
        browser.visit(&codec(&browser, keys), move |session| {
            assert_eq!(session.info().unwrap().key_index, place);
            Ok(())
        });
    }
}

#[test]
fn without_the_old_key_the_session_is_empty_and_nothing_is_written() {
    let mut browser = logged_in();
    for keys in [&[NEW][..], &[NEW, 3]] {
        let page = browser.visit(&codec(&browser, keys), |session| {
            assert!(session.is_empty());
            Ok(())
        });
        assert!(page.set_cookies().is_empty());
    }
    browser.visit(&codec(&browser, &[OLD]), |session| {
        assert_eq!(session.data(), Some(SEVEN), "with the key back it opens again");
        Ok(())
    });
}

#[test]
fn a_bad_cookie_during_a_rotation_writes_nothing() {
    let mut browser = logged_in();
    browser.set_cookie("login", "junk");
    let page = browser.visit(&codec(&browser, &[NEW, OLD]), |_session| Ok(()));
    assert!(page.set_cookies().is_empty() && page.all("vary").is_empty());
}

/// Counts how often it is asked: a session cannot be opened without knowing the time.
struct Counting {
    clock: TestClock,
    asked: Arc<AtomicUsize>,
}

impl Clock for Counting {
    fn now(&self) -> SystemTime {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.clock.now()
    }
}

#[test]
fn with_one_key_a_session_is_opened_only_if_the_handler_looks() {
    for (keys, looks, opened) in
        [(&[OLD][..], false, false), (&[OLD], true, true), (&[OLD, NEW], false, true)]
    {
        let mut browser = logged_in();
        let asked = Arc::new(AtomicUsize::new(0));
        let clock = Counting { clock: browser.clock.clone(), asked: asked.clone() };
        let codec = Codec::<Login>::builder(ring(keys)).clock(clock).build().unwrap();
        browser.visit(&codec, move |session| {
            if looks {
                assert!(!session.is_empty());
            }
            Ok(())
        });
        // Once at the request's arrival.
        let was_opened = asked.load(Ordering::SeqCst) > 1;
        assert_eq!(was_opened, opened, "{} keys, looks: {looks}", keys.len());
    }
}

async fn count(session: Session) -> Result<String, SessionError> {
    let count = session.get::<u32>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(count.to_string())
}

#[test]
fn the_keys_of_a_running_server_can_be_replaced() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let app = Router::new()
        .route("/", get(count))
        .route("/other", get(|| async {}))
        .layer(SessionLayer::new(codec.clone()));
    let server = Server::start(app);
    assert_eq!(browser.fetch(&server, "GET /", "").body, "1");

    codec.replace_keyring(ring(&[NEW, OLD]));
    let page = browser.fetch(&server, "GET /other", "");
    page.set_cookie();
    codec.replace_keyring(ring(&[NEW]));
    assert_eq!(browser.fetch(&server, "GET /", "").body, "2");

    codec.replace_keyring(ring(&[3]));
    assert_eq!(browser.fetch(&server, "GET /", "").body, "1", "no key opens it");
}

#[test]
fn what_a_newer_key_sealed_is_left_alone() {
    let mut browser = logged_in();
    let behind = ring(&[OLD]).with_next(key(NEW)).unwrap();
    browser.visit(&codec(&browser, &[NEW, OLD]), |_session| Ok(())).set_cookie();
    let behind = codec_on(&browser, behind);
    let page = browser.visit(&behind, |session| {
        assert_eq!(session.info().unwrap().key_id, key(NEW).id());
        Ok(())
    });
    assert!(page.set_cookies().is_empty());
}

#[test]
fn a_next_key_alone_opens_no_session_for_the_sake_of_rotation() {
    let mut browser = logged_in();
    let keyring = ring(&[OLD]).with_next(key(NEW)).unwrap();
    let codec = codec_on(&browser, keyring);
    let page = browser.visit(&codec, |_session| Ok(()));
    assert!(page.set_cookies().is_empty());
    assert!(page.all("vary").is_empty());
}

#[test]
fn a_session_is_resealed_after_the_keys_of_the_keyring_were_replaced() {
    let mut browser = Browser::new();
    let keyring = ring(&[OLD]);
    let codec = codec_on(&browser, keyring.clone());
    browser.visit(&codec, |session| session.set(SEVEN));
    keyring.replace(ring(&[NEW, OLD])).unwrap();
    browser.visit(&codec, |_session| Ok(())).set_cookie();
    keyring.replace(ring(&[NEW])).unwrap();
    browser.visit(&codec, |session| {
        assert_eq!(session.data(), Some(SEVEN));
        Ok(())
    });
}

#[cfg(all(feature = "fastify", feature = "tracing"))]
#[test]
fn that_a_key_serves_two_cookies_is_logged_without_a_lock() {
    use std::sync::{Mutex, mpsc};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    /// Whoever logs waits forever if the session's lock is held.
    #[derive(Clone, Default)]
    struct Reaching(Arc<Mutex<Option<Session<Login>>>>, Arc<AtomicUsize>);

    impl Subscriber for Reaching {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.is_event() && *metadata.level() == tracing::Level::ERROR
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {
            let session = self.0.lock().unwrap().clone();
            if let Some(session) = session {
                assert!(session.refused().is_none());
                self.1.fetch_add(1, Ordering::SeqCst);
            }
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let node = key(9);
        let other = Codec::<Dynamic>::builder(Keyring::fastify(node.clone())).build().unwrap();
        let mut browser = Browser::new();
        let keyring = ring(&[OLD]);
        let codec = codec_on(&browser, keyring.clone());
        let reaching = Reaching::default();
        let subscriber = reaching.clone();
        tracing::subscriber::with_default(subscriber, || {
            let (cell, count) = (reaching.0.clone(), reaching.1.clone());
            browser.visit(&codec, move |session| {
                *cell.lock().unwrap() = Some(session.clone());
                session.touch()?;
                let both = ring(&[NEW]).with_previous_fastify(node).unwrap();
                keyring.replace(both).unwrap();
                session.set(SEVEN)
            });
            browser.visit(&codec, |session| session.set(SEVEN));
            assert_eq!(count.load(Ordering::SeqCst), 1, "it is told once");
        });
        drop(other);
        done.send(()).unwrap();
    });
    ended.recv_timeout(std::time::Duration::from_secs(10)).expect("a lock is held");
}
