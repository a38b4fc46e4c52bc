//! Whether a cookie opens under another session's name.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use sealed_session::{Codec, CookieOptions, Keyring};
use serde_json::{Value, json};
use tower_sessions::MemoryStore;

use super::apps::{self, Actix};
use crate::browser::{Browser, Program};

/// What `/read` answers when the cookie that one site set comes under the other's name.
async fn read_as_the_other(one: &impl Program, other: &impl Program) -> String {
    let mut browser = Browser::new();
    browser.get(one, "/write/7").await;
    assert_eq!(browser.get(one, "/read").await.body, "7");
    let value = browser.value("one").expect("a cookie");
    browser.take("/", &format!("other={value}; Path=/; Secure"));
    browser.get(other, "/read").await.body
}

#[tokio::test]
async fn sealed_session_binds_it() {
    let site = |name| {
        let options = CookieOptions::new().name(name);
        let builder = Codec::builder(Keyring::new(apps::key())).cookie(options);
        apps::ours(builder.build().expect("a codec"))
    };
    assert_eq!(read_as_the_other(&site("one"), &site("other")).await, "0");
}

#[tokio::test]
async fn the_private_jar_binds_it() {
    let site = |name| apps::jar(apps::cookie_key(7), name);
    assert_eq!(read_as_the_other(&site("one"), &site("other")).await, "0");
}

#[tokio::test]
async fn actix_session_binds_it() {
    let site = |name| Actix { key: 7, name };
    assert_eq!(read_as_the_other(&site("one"), &site("other")).await, "0");
}

#[tokio::test]
async fn seshcookie_does_not() {
    let site = |name| apps::seshcookie(apps::seshcookie_keys(7), name);
    assert_eq!(read_as_the_other(&site("one"), &site("other")).await, "7");
}

#[tokio::test]
async fn tower_sessions_does_not_within_one_store() {
    let store = MemoryStore::default();
    let site = |name| apps::tower_sessions(store.clone(), name);
    assert_eq!(read_as_the_other(&site("one"), &site("other")).await, "7");
}

#[test]
fn a_jwt_is_bound_by_its_audience_if_that_is_checked() {
    let claims = json!({ "aud": "one", "exp": 4_000_000_000_u64 });
    let key = EncodingKey::from_secret(&[7; 32]).expect("a key");
    let token = encode(&Header::default(), &claims, &key).expect("a token");
    let mut other = Validation::new(Algorithm::HS256);
    other.set_audience(&["other"]);
    let key = DecodingKey::from_secret(&[7; 32]).expect("a key");
    assert!(decode::<Value>(&token, &key, &other).is_err());
    other.validate_aud = false;
    assert!(decode::<Value>(&token, &key, &other).is_ok());
}
