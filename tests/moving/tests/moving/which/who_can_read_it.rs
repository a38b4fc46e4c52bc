//! Who can read what is in the cookie, and who can tell that it is genuine.

use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tower_sessions::MemoryStore;

use super::apps;
use crate::browser::{Browser, Program};

async fn cookie(site: &impl Program, name: &str) -> String {
    let mut browser = Browser::new();
    browser.get(site, "/write/40").await;
    browser.value(name).expect("a cookie")
}

#[tokio::test]
async fn two_sealed_sessions_of_the_same_content_have_nothing_in_common() {
    let site = apps::ours_by_default();
    let (one, other) = (cookie(&site, "session").await, cookie(&site, "session").await);
    let common = one.bytes().zip(other.bytes()).filter(|(a, b)| a == b).count();
    // One of 64 by chance.
    assert!(one.len() > 150 && common < one.len() / 8, "{common} of {}", one.len());
}

#[tokio::test]
async fn the_cookie_of_tower_sessions_is_an_id() {
    let site = apps::tower_sessions(MemoryStore::default(), "id");
    assert!(cookie(&site, "id").await.parse::<tower_sessions::session::Id>().is_ok());
}

#[test]
fn a_jwt_is_readable_without_a_key() {
    let key = EncodingKey::from_secret(&[7; 32]).expect("a key");
    let token = encode(&Header::default(), &json!({ "user": "ada" }), &key).expect("a token");
    let read = insecure_decode::<Value>(&token).expect("readable");
    assert_eq!(read.claims["user"], "ada");
}

#[test]
fn a_jwt_can_be_verified_by_those_who_cannot_issue_it() {
    let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("randomness");
    let public = Ed25519KeyPair::from_pkcs8(pair.as_ref()).expect("a key");
    let claims = json!({ "user": "ada", "exp": 4_000_000_000_u64 });
    let key = EncodingKey::from_ed_der(pair.as_ref());
    let token = encode(&Header::new(Algorithm::EdDSA), &claims, &key).expect("a token");
    let key = DecodingKey::from_ed_der(public.public_key().as_ref());
    let read = decode::<Value>(&token, &key, &Validation::new(Algorithm::EdDSA)).expect("genuine");
    assert_eq!(read.claims["user"], "ada");
}
