//! When the server refuses a cookie that the browser, or a thief, kept for longer than it should.

use std::time::{Duration, SystemTime};

use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode};
use sealed_session::{Codec, DecodeErrorKind, Dynamic, Entries, Keyring, TestClock};
use serde_json::{Value, json};
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::{MemoryStore, SessionStore as _};

use super::apps::{self, Actix};
use crate::browser::Browser;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn sealed_session_has_an_idle_and_an_absolute_timeout() {
    let clock = TestClock::at(1_700_000_000);
    let codec = Codec::<Dynamic>::builder(Keyring::new(apps::key()))
        .clock(clock.clone())
        .build()
        .expect("a codec");
    let mut token = codec.encode(Entries::new()).expect("a token");
    // Used twice a day, it lasts for thirty days; otherwise for one.
    for _ in 0..59 {
        clock.advance(12 * HOUR);
        token = codec.refresh(&codec.decode(&token).expect("a session")).expect("a token");
    }
    clock.advance(12 * HOUR);
    assert_eq!(*codec.decode(&token).expect_err("expired").kind(), DecodeErrorKind::Expired);
    let token = codec.encode(Entries::new()).expect("a token");
    clock.advance(DAY);
    assert_eq!(*codec.decode(&token).expect_err("expired").kind(), DecodeErrorKind::Expired);
}

/// How many bytes were sealed besides the value, the nonce (12) and the tag (16) of AES-GCM.
fn besides_the_value(name: &str, cookie: &str, key: &tower_cookies::Key) -> usize {
    use tower_cookies::cookie::{Cookie, CookieJar};
    let cookie = Cookie::parse_encoded(format!("{name}={cookie}")).expect("a cookie").into_owned();
    let padding = cookie.value().bytes().filter(|byte| *byte == b'=').count();
    let sealed = cookie.value().len() / 4 * 3 - padding;
    let opened = CookieJar::new().private(key).decrypt(cookie).expect("it opens");
    sealed - 12 - 16 - opened.value().len()
}

#[tokio::test]
async fn the_private_jar_has_no_expiry_in_the_seal() {
    let mut browser = Browser::new();
    browser.get(&apps::jar(apps::cookie_key(7), "session"), "/write/7").await;
    let key = tower_cookies::Key::from(&[7; 64]);
    let cookie = browser.value("session").expect("a cookie");
    assert_eq!(besides_the_value("session", &cookie, &key), 0);
}

#[tokio::test]
async fn actix_session_has_no_expiry_in_the_seal() {
    use tower_cookies::cookie::{Cookie, CookieJar};
    let mut browser = Browser::new();
    browser.get(&Actix { key: 7, name: "id" }, "/write/7").await;
    let key = tower_cookies::Key::from(&[7; 64]);
    let cookie = browser.value("id").expect("a cookie");
    assert_eq!(besides_the_value("id", &cookie, &key), 0);
    // The value is the data, and nothing else.
    let cookie = Cookie::parse_encoded(format!("id={cookie}")).expect("a cookie").into_owned();
    let opened = CookieJar::new().private(&key).decrypt(cookie).expect("it opens");
    assert_eq!(opened.value(), r#"{"text":"\"xxxxxxx\""}"#);
}

#[tokio::test]
async fn seshcookie_has_one_timeout_and_use_does_not_move_it() {
    let read = async |age: Duration| {
        let site = apps::seshcookie(apps::seshcookie_keys(7), "session");
        let layer = seshcookie::SessionLayer::<String>::new(
            apps::seshcookie_keys(7),
            seshcookie::SessionConfig::default(),
        );
        let issued = SystemTime::now() - age;
        let cookie = layer.expect("a layer").__testing_encode_cookie(&"text".to_owned(), issued);
        let mut browser = Browser::new();
        browser.take("/", &format!("session={cookie}; Path=/; Secure"));
        let answer = browser.get(&site, "/read").await;
        (answer.body.clone(), answer.set_cookies().len())
    };
    assert_eq!(read(23 * HOUR).await, ("4".to_owned(), 0));
    assert_eq!(read(25 * HOUR).await, ("0".to_owned(), 1));
}

#[tokio::test]
async fn tower_sessions_has_one_timeout_in_the_store() {
    let store = MemoryStore::default();
    let site = apps::tower_sessions(store.clone(), "id");
    for (expires_in, read) in [(HOUR, "4"), (Duration::ZERO, "0")] {
        let data = [("text".to_owned(), json!("text"))].into_iter().collect();
        let expiry_date = OffsetDateTime::now_utc() + expires_in;
        let mut record = Record { id: Id::default(), data, expiry_date };
        store.create(&mut record).await.expect("in memory");
        let mut browser = Browser::new();
        browser.take("/", &format!("id={}; Path=/; Secure", record.id));
        assert_eq!(browser.get(&site, "/read").await.body, read);
    }
}

#[test]
fn a_jwt_has_the_expiry_that_its_issuer_gave_it() {
    let decodes = |exp: u64| {
        let key = EncodingKey::from_secret(&[7; 32]).expect("a key");
        let token = encode(&Header::default(), &json!({ "exp": exp }), &key).expect("a token");
        let key = DecodingKey::from_secret(&[7; 32]).expect("a key");
        decode::<Value>(&token, &key, &Validation::default()).is_ok()
    };
    assert!(decodes(4_000_000_000));
    assert!(!decodes(1_000_000_000));
}
