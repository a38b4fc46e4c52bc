//! The clock goes wrong: back and forth, to the limits of its type, within a request. Nothing
//! panics, and no session outlives its absolute timeout for it.

use std::collections::HashSet;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use http::{Request, StatusCode};
use sealed_session::{
    Clock, Codec, DecodeErrorKind, Dynamic, EncodeErrorKind, Entries, Session, SessionError,
    SessionErrorKind, SessionLayer,
};

use crate::support::{Browser, DAY, HOUR, Page, Rng, START, at, ring, seconds};

/// The last second that a native token can say.
const LAST: u64 = ((1 << 48) - 1) / 1000;
const SKEW: u64 = 60;
const IDLE: u64 = 24 * 60 * 60;
const ABSOLUTE: u64 = 30 * IDLE;
/// The ends of every type that a time passes through, and of what is asked about it.
const EDGES: [u64; 22] = [
    0,
    1,
    SKEW,
    SKEW + 1,
    IDLE - 1,
    IDLE,
    u32::MAX as u64 - 1,
    u32::MAX as u64,
    u32::MAX as u64 + 1,
    START - SKEW - 1,
    START - SKEW,
    START,
    START + IDLE,
    START + ABSOLUTE,
    LAST - ABSOLUTE,
    LAST - 1,
    LAST,
    LAST + 1,
    i64::MAX as u64,
    u64::MAX - SKEW,
    u64::MAX - 1,
    u64::MAX,
];

type Write = fn(&Session) -> Result<(), SessionError>;
const USES: [Write; 6] = [
    |session| session.get::<u64>("a").map(drop),
    |session| session.insert("a", session.get::<u64>("a")?.map_or(0, |a| a + 1)),
    |session| session.touch(),
    |session| {
        if session.is_empty() { Ok(()) } else { session.set_idle_timeout(3 * DAY) }
    },
    |session| session.update(|entries| entries.insert("b", 1)).map(drop),
    |session| session.regenerate_keeping(&["a"]),
];

fn entries() -> Entries {
    let mut entries = Entries::new();
    entries.insert("a", 0_u64).unwrap();
    entries
}

/// The answer to a request with this token, whatever its status.
fn ask(browser: &Browser, codec: &Codec<Dynamic>, token: &str, write: Write) -> Page {
    let handler = move |session: Session| ready(write(&session).into_response());
    let app = Router::new().fallback(handler).layer(SessionLayer::new(codec.clone()));
    let request = Request::get("/").header("cookie", format!("session={token}"));
    browser.send_plain(&app, request.body(Body::empty()).unwrap())
}

/// The token that the answer sets, if it sets one.
fn token(page: &Page) -> Option<String> {
    let value = page.set_cookies().first()?.strip_prefix("session=")?.split(';').next()?;
    (!value.is_empty()).then(|| value.to_owned())
}

#[test]
fn no_walk_of_the_clock_lengthens_the_absolute_life() {
    let browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let mut rng = Rng::new(1);
    let first = codec.encode(entries()).unwrap();
    let mut kept = 0;
    for walk in 0..100 {
        browser.clock.set(START);
        let mut tokens = vec![first.clone()];
        for _ in 0..20 {
            match rng.below(6) {
                0 => browser.clock.advance(seconds(1)),
                1 => browser.clock.go_back(seconds(1)),
                2 => browser.clock.advance(DAY / 2),
                3 => browser.clock.go_back(DAY / 2),
                4 => browser.clock.set(START + rng.next() % ABSOLUTE),
                _ => browser.clock.set(START),
            }
            // Not the regeneration, which begins a new life.
            let write = USES[rng.below(USES.len() - 1)];
            let latest = tokens.last().unwrap();
            if codec.decode(latest).is_ok() {
                tokens.extend(token(&ask(&browser, &codec, latest, write)));
            }
        }
        kept += tokens.len() - 1;
        browser.clock.set(START + ABSOLUTE);
        for token in &tokens {
            assert!(codec.decode(token).is_err(), "walk {walk}: it lives on");
        }
    }
    assert!(kept > 300, "hardly anything was written: {kept}");
}

#[test]
fn a_clock_a_day_behind_ends_nothing_for_good() {
    for (behind, opens) in [(seconds(1), true), (seconds(SKEW), true), (HOUR, false), (DAY, false)]
    {
        let browser = Browser::new();
        let codec = browser.codec::<Dynamic>();
        let first = codec.encode(entries()).unwrap();
        browser.clock.go_back(behind);
        assert_eq!(codec.decode(&first).is_ok(), opens, "{behind:?}");
        let page = ask(&browser, &codec, &first, USES[0]);
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.set_cookies().is_empty(), "{behind:?}");
        browser.clock.set(START);
        assert!(codec.decode(&first).is_ok(), "{behind:?}");
    }
}

#[test]
fn a_session_begun_ahead_of_time_gains_no_more_than_the_skew() {
    for ahead in [1, SKEW, SKEW + 1, IDLE, ABSOLUTE] {
        let browser = Browser::new();
        let codec = browser.codec::<Dynamic>();
        browser.clock.advance(seconds(ahead));
        let token = codec.encode(entries()).unwrap();
        browser.clock.set(START);
        assert_eq!(codec.decode(&token).is_ok(), ahead <= SKEW, "{ahead} s");
        browser.clock.set(START + ahead + ABSOLUTE);
        assert!(codec.decode(&token).is_err(), "{ahead} s");
    }
}

#[test]
fn between_any_two_edges_of_time_a_token_opens_exactly_while_it_is_valid() {
    let browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    for made in EDGES.into_iter().filter(|made| *made <= LAST) {
        browser.clock.set(made);
        let token = codec.encode(entries()).unwrap();
        for now in EDGES {
            browser.clock.set(now);
            let valid = made <= now.saturating_add(SKEW) && now < made + IDLE;
            assert_eq!(codec.decode(&token).is_ok(), valid, "made {made}, now {now}");
        }
    }
}

#[test]
fn between_any_two_edges_of_time_no_request_panics() {
    let browser = Browser::new();
    for keys in [&[1][..], &[2, 1]] {
        let codec = browser.codec::<Dynamic>();
        for made in EDGES.into_iter().filter(|made| *made <= LAST) {
            codec.replace_keyring(ring(&[1]));
            browser.clock.set(made);
            let first = codec.encode(entries()).unwrap();
            codec.replace_keyring(ring(keys));
            for now in EDGES {
                browser.clock.set(now);
                for write in USES {
                    let page = ask(&browser, &codec, &first, write);
                    if now <= LAST {
                        assert_eq!(page.status, StatusCode::OK, "made {made}, now {now}");
                    }
                    if let Some(token) = token(&page) {
                        assert!(codec.decode(token).is_ok(), "made {made}, now {now}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_write_at_a_time_that_no_token_can_say_is_a_500_and_sets_no_cookie() {
    let browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.clock.set(LAST);
    let first = codec.encode(entries()).unwrap();
    for (now, write, status) in [
        (LAST + 1, USES[1], StatusCode::INTERNAL_SERVER_ERROR),
        (LAST + 1, USES[2], StatusCode::INTERNAL_SERVER_ERROR),
        (u64::MAX, USES[1], StatusCode::INTERNAL_SERVER_ERROR),
        // The session has ended by then, and there is nothing to touch.
        (u64::MAX, USES[2], StatusCode::OK),
    ] {
        browser.clock.set(now);
        let page = ask(&browser, &codec, &first, write);
        assert_eq!(page.status, status, "{now}");
        assert!(page.set_cookies().is_empty(), "{now}");
    }
}

#[test]
fn a_session_begins_in_the_last_millisecond_that_a_token_can_say_and_not_in_the_next() {
    let browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.clock.set(LAST);
    browser.clock.advance(Duration::from_millis(((1 << 48) - 1) % 1000));
    let page = ask(&browser, &codec, "none", USES[1]);
    assert!(codec.decode(token(&page).unwrap()).is_ok());
    browser.clock.advance(Duration::from_millis(1));
    let page = ask(&browser, &codec, "none", USES[1]);
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_refresh_after_the_last_time_at_which_a_session_can_begin_is_sealed() {
    let browser = Browser::new();
    let codec = browser.builder::<Dynamic>().idle_timeout(seconds(60)).build().unwrap();
    browser.clock.set(LAST);
    let first = codec.encode(entries()).unwrap();
    browser.clock.advance(seconds(30));
    let page = ask(&browser, &codec, &first, USES[0]);
    assert_eq!(page.status, StatusCode::OK);
    let refreshed = codec.decode(token(&page).unwrap()).unwrap();
    assert_eq!(refreshed.info.refreshed_at, at(LAST + 30));
}

/// Shows another time each time it is asked, round and round.
struct Jumping {
    times: [u64; 3],
    asked: AtomicUsize,
}

impl Clock for Jumping {
    fn now(&self) -> SystemTime {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        // The type ends with the last 64-bit second.
        UNIX_EPOCH + seconds(self.times[asked % self.times.len()].min(i64::MAX as u64))
    }
}

#[test]
fn a_clock_that_jumps_within_a_request_makes_no_token_that_contradicts_itself() {
    let times = [0, START - IDLE, START - 1, START, START + 1, START + IDLE, START + ABSOLUTE];
    let browser = Browser::new();
    let first = browser.codec::<Dynamic>().encode(entries()).unwrap();
    let judge = browser.codec::<Dynamic>();
    let mut written = HashSet::new();
    for (a, b, c) in triples(&times) {
        for write in USES {
            let clock = Jumping { times: [a, b, c], asked: AtomicUsize::new(0) };
            let codec = Codec::<Dynamic>::builder(ring(&[1])).clock(clock).build().unwrap();
            let page = ask(&browser, &codec, &first, write);
            assert_eq!(page.status, StatusCode::OK, "{a}, {b}, {c}");
            let Some(token) = token(&page) else { continue };
            for now in times {
                browser.clock.set(now);
                // A creation after the refresh would be a bad payload.
                let refusal = judge.decode(&token).err().map(|error| *error.kind());
                assert!(
                    matches!(
                        refusal,
                        None | Some(DecodeErrorKind::Expired | DecodeErrorKind::TimestampInFuture)
                    ),
                    "{a}, {b}, {c}: {refusal:?}"
                );
            }
            browser.clock.set([a, b, c, START].into_iter().max().unwrap() + ABSOLUTE);
            assert!(judge.decode(&token).is_err(), "{a}, {b}, {c}: it lives on");
            written.insert((a, b, c));
        }
    }
    assert!(written.len() > 100, "hardly anything was written: {}", written.len());
}

#[test]
fn a_clock_that_jumps_to_its_limits_within_a_request_panics_nowhere() {
    let edges = [0, 1, START, LAST, LAST + 1, u64::MAX - 1, u64::MAX];
    let browser = Browser::new();
    let first = browser.codec::<Dynamic>().encode(entries()).unwrap();
    for (a, b, c) in triples(&edges) {
        for write in USES {
            let clock = Jumping { times: [a, b, c], asked: AtomicUsize::new(0) };
            let codec = Codec::<Dynamic>::builder(ring(&[2, 1])).clock(clock).build().unwrap();
            let status = ask(&browser, &codec, &first, write).status;
            let clock_error = [a, b, c].iter().any(|time| *time > LAST);
            assert!(
                status == StatusCode::OK
                    || status == StatusCode::INTERNAL_SERVER_ERROR && clock_error,
                "{a}, {b}, {c}"
            );
        }
    }
}

/// Every three of these, in every order.
fn triples(times: &[u64]) -> impl Iterator<Item = (u64, u64, u64)> {
    times
        .iter()
        .flat_map(move |a| times.iter().flat_map(move |b| times.iter().map(move |c| (*a, *b, *c))))
}

#[test]
fn a_regeneration_while_the_clock_is_ahead_is_not_revived_when_it_is_set_right() {
    let browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let first = codec.encode(entries()).unwrap();
    browser.clock.advance(HOUR);
    let page = ask(&browser, &codec, &first, USES[5]);
    let ahead = token(&page).unwrap();
    assert_eq!(codec.decode(&ahead).unwrap().info.created_at, Some(at(START + 3600)));
    browser.clock.set(START);
    assert!(codec.decode(&ahead).is_err());
    browser.clock.advance(HOUR);
    assert!(codec.decode(&ahead).is_ok());
}

#[test]
fn an_error_of_the_clock_says_so() {
    let browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.clock.set(LAST + 1);
    let page = ask(&browser, &codec, "none", |session| {
        let error = session.insert("a", 1).unwrap_err();
        assert_eq!(*error.kind(), SessionErrorKind::Encode(EncodeErrorKind::Clock));
        Ok(())
    });
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.set_cookies().is_empty());
}
