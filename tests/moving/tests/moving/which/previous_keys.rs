//! Whether the cookies of an older key still open when the key is replaced, and become those of the newer.

use jsonwebtoken::{EncodingKey, Header, decode_header, encode};
use sealed_session::{Codec, Key, Keyring};
use serde_json::json;

use super::apps::{self, Actix};
use crate::browser::{Browser, Program};

/// What `/read` answers under the new key, and whether that sets the cookie again.
async fn read_with_a_new_key(old: &impl Program, new: &impl Program) -> (String, bool) {
    let mut browser = Browser::new();
    browser.get(old, "/write/7").await;
    assert_eq!(browser.get(old, "/read").await.body, "7");
    let answer = browser.get(new, "/read").await;
    let sealed_again = answer.set_cookies().iter().any(|line| !line.contains("Max-Age=0"));
    (answer.body, sealed_again)
}

#[tokio::test]
async fn sealed_session_opens_them_and_seals_them_again() {
    let new = Keyring::new(Key::from_bytes([8; 32]).expect("a key"));
    let new = new.with_previous(apps::key()).expect("another key");
    let new = apps::ours(Codec::new(new).expect("a codec"));
    let read = read_with_a_new_key(&apps::ours_by_default(), &new).await;
    assert_eq!(read, ("7".to_owned(), true));
}

#[tokio::test]
async fn the_private_jar_has_one_key() {
    let site = |key| apps::jar(apps::cookie_key(key), "session");
    assert_eq!(read_with_a_new_key(&site(7), &site(8)).await, ("0".to_owned(), false));
}

#[tokio::test]
async fn actix_session_has_one_key() {
    let site = |key| Actix { key, name: "id" };
    assert_eq!(read_with_a_new_key(&site(7), &site(8)).await, ("0".to_owned(), false));
}

#[tokio::test]
async fn seshcookie_opens_them_and_seals_them_again() {
    let old = apps::seshcookie(apps::seshcookie_keys(7), "session");
    let keys = apps::seshcookie_keys(8).with_fallback(&[7; 32]).expect("a key");
    let new = apps::seshcookie(keys, "session");
    assert_eq!(read_with_a_new_key(&old, &new).await, ("7".to_owned(), true));
}

#[test]
fn a_jwt_names_its_key() {
    let header = Header { kid: Some("2026-11".to_owned()), ..Header::default() };
    let key = EncodingKey::from_secret(&[7; 32]).expect("a key");
    let token = encode(&header, &json!({}), &key).expect("a token");
    assert_eq!(decode_header(token).expect("a header").kid.as_deref(), Some("2026-11"));
}
