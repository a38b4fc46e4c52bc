//! Revocations and codecs, without HTTP.

use std::sync::atomic::{AtomicUsize, Ordering};

use sealed_session::revocation::{RevocationErrorKind, Status};
use sealed_session::{
    Codec, ConfigErrorKind, DecodeErrorKind, EncodeErrorKind, Keyring, Revocations, SessionKind,
    Tag, TestClock,
};
use serde::{Deserialize, Serialize};

use crate::support::{HOUR, START, at, key, ring};

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Account {
    pub(crate) user: u64,
    pub(crate) tenant: String,
}

impl SessionKind for Account {
    type Data = Self;
    const NAME: &'static str = "account";

    fn tags(account: &Self) -> Vec<Tag> {
        vec![user(account.user), Tag::new("tenant", &account.tenant)]
    }
}

pub(crate) fn user(user: u64) -> Tag {
    Tag::new("user", user)
}

pub(crate) fn account(user: u64) -> Account {
    Account { user, tenant: "acme".to_owned() }
}

fn codec(revocations: &Revocations) -> Codec<Account> {
    Codec::builder(ring(&[1])).revocations(revocations).build().unwrap()
}

fn refused(codec: &Codec<Account>, token: &str) -> DecodeErrorKind {
    *codec.decode(token).unwrap_err().kind()
}

#[tokio::test]
async fn an_ended_session_does_not_open_and_others_do() {
    let revocations = Revocations::in_memory();
    let codec = codec(&revocations);
    let (one, other) = (codec.encode(account(7)).unwrap(), codec.encode(account(7)).unwrap());
    let id = codec.decode(&one).unwrap().info.id.unwrap();
    revocations.end(id).await.unwrap();
    assert_eq!(refused(&codec, &one), DecodeErrorKind::Ended);
    assert_eq!(codec.decode(&other).unwrap().data, account(7));
    assert_eq!((revocations.len(), revocations.status()), (1, Status::Live));
    assert!(!revocations.is_empty());
    assert_eq!(format!("{revocations:?}"), "Revocations { status: Live, marks: 1, .. }");
}

#[tokio::test]
async fn all_sessions_of_a_tag_end_and_later_ones_do_not() {
    let revocations = Revocations::in_memory();
    let codec = codec(&revocations);
    let before = codec.encode(account(7)).unwrap();
    let other = codec.encode(account(8)).unwrap();
    revocations.end_all(&user(7)).await.unwrap();
    let after = codec.encode(account(7)).unwrap();
    assert_eq!(refused(&codec, &before), DecodeErrorKind::Ended);
    codec.decode(&other).unwrap();
    codec.decode(&after).unwrap();
    revocations.end_all(&Tag::new("tenant", "acme")).await.unwrap();
    assert_eq!(refused(&codec, &other), DecodeErrorKind::Ended);
    assert_eq!(refused(&codec, &after), DecodeErrorKind::Ended);
}

#[tokio::test]
async fn a_mark_of_a_tag_is_known_until_no_session_needs_it() {
    let clock = TestClock::at(START);
    let revocations = Revocations::in_memory_with(clock.clone());
    let builder = Codec::<Account>::builder(ring(&[1])).clock(clock.clone());
    let codec = builder.absolute_timeout(24 * HOUR).revocations(&revocations).build().unwrap();
    assert!(!revocations.has_mark(&user(7)).unwrap());
    revocations.end_all(&user(7)).await.unwrap();
    assert!(revocations.has_mark(&user(7)).unwrap());
    assert!(!revocations.has_mark(&user(8)).unwrap());
    // Unlike a session, it does not matter what has begun since.
    codec.decode(codec.encode(account(7)).unwrap()).unwrap();
    assert!(revocations.has_mark(&user(7)).unwrap());
    clock.advance(23 * HOUR);
    assert!(revocations.has_mark(&user(7)).unwrap());
}

#[tokio::test]
async fn a_session_from_before_the_revocations_ends_with_its_tag() {
    let plain = Codec::<Account>::new(ring(&[1])).unwrap();
    let token = plain.encode(account(7)).unwrap();
    let revocations = Revocations::in_memory();
    let codec = codec(&revocations);
    codec.decode(&token).unwrap();
    revocations.end_all(&user(7)).await.unwrap();
    assert_eq!(refused(&codec, &token), DecodeErrorKind::Ended);
}

#[tokio::test]
async fn what_a_session_has_seen_survives_a_codec_without_revocations() {
    let revocations = Revocations::in_memory();
    let codec = codec(&revocations);
    revocations.end_all(&user(7)).await.unwrap();
    let token = codec.encode(account(7)).unwrap();
    let plain = Codec::<Account>::new(ring(&[1])).unwrap();
    let token = plain.refresh(&plain.decode(&token).unwrap()).unwrap();
    codec.decode(&token).unwrap();
}

#[tokio::test]
async fn an_ended_session_is_not_sealed_again() {
    let revocations = Revocations::in_memory();
    let codec = codec(&revocations);
    for by_tag in [false, true] {
        let decoded = codec.decode(codec.encode(account(7)).unwrap()).unwrap();
        assert!(!revocations.is_ended(&decoded.info).unwrap());
        if by_tag {
            revocations.end_all(&user(7)).await.unwrap();
        } else {
            revocations.end(decoded.info.id.unwrap()).await.unwrap();
        }
        assert!(revocations.is_ended(&decoded.info).unwrap());
        for sealed in [codec.refresh(&decoded), codec.reseal(&decoded)] {
            assert_eq!(*sealed.unwrap_err().kind(), EncodeErrorKind::Ended);
        }
    }
}

#[tokio::test]
async fn a_tag_that_data_gains_begins_a_new_session() {
    let revocations = Revocations::in_memory();
    let clock = TestClock::at(START);
    let builder = Codec::<Account>::builder(ring(&[1])).clock(clock.clone());
    let codec = builder.revocations(&revocations).build().unwrap();
    let mut decoded = codec.decode(codec.encode(account(7)).unwrap()).unwrap();
    revocations.end_all(&user(8)).await.unwrap();
    decoded.data.user = 8;
    clock.advance(HOUR);
    let token = codec.refresh(&decoded).unwrap();
    let new = codec.decode(token).unwrap();
    assert_ne!(new.info.id, decoded.info.id);
    assert_eq!(new.info.created_at, Some(at(START) + HOUR));
}

#[tokio::test]
async fn a_refresh_keeps_the_session_and_what_it_has_seen() {
    let revocations = Revocations::in_memory();
    let codec = codec(&revocations);
    revocations.end_all(&user(7)).await.unwrap();
    let decoded = codec.decode(codec.encode(account(7)).unwrap()).unwrap();
    let refreshed = codec.decode(codec.refresh(&decoded).unwrap()).unwrap();
    assert_eq!(refreshed.info.id, decoded.info.id);
}

/// Has a tag if somebody is logged in.
struct Visit;

impl SessionKind for Visit {
    type Data = Option<u64>;
    const NAME: &'static str = "visit";

    fn tags(data: &Option<u64>) -> Vec<Tag> {
        data.map(user).into_iter().collect()
    }
}

#[test]
fn only_a_session_with_tags_says_what_it_has_seen_and_only_to_revocations() {
    let revocations = Revocations::in_memory();
    let plain = Codec::<Visit>::new(ring(&[1])).unwrap();
    let codec = Codec::<Visit>::builder(ring(&[1])).revocations(&revocations).build().unwrap();
    let (nobody, seven) = (plain.encode(None).unwrap(), plain.encode(Some(7)).unwrap());
    assert!(seven.len() < nobody.len(), "7 is shorter than null");
    assert_eq!(codec.encode(None).unwrap().len(), nobody.len());
    let seen = codec.encode(Some(7)).unwrap();
    assert!(seen.len() > nobody.len());
    let mut decoded = codec.decode(seen).unwrap();
    decoded.data = None;
    assert_eq!(codec.refresh(&decoded).unwrap().len(), nobody.len());
}

static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Counts how often it is asked for its tags.
struct Counted;

impl SessionKind for Counted {
    type Data = u64;
    const NAME: &'static str = "counted";

    fn tags(number: &u64) -> Vec<Tag> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        vec![user(*number)]
    }
}

#[tokio::test]
async fn tags_are_computed_for_a_token_only_once_any_tag_was_ended() {
    let revocations = Revocations::in_memory();
    let codec = Codec::<Counted>::builder(ring(&[1])).revocations(&revocations).build().unwrap();
    let token = codec.encode(7).unwrap();
    let asked = || {
        let before = ASKED.load(Ordering::SeqCst);
        codec.decode(&token).unwrap();
        ASKED.load(Ordering::SeqCst) - before
    };
    assert_eq!(asked(), 0);
    revocations.end_all(&user(8)).await.unwrap();
    assert_eq!(asked(), 1);
}

#[test]
fn what_two_tokens_say_is_equal_only_with_equal_tags_and_shows_none() {
    let codec = codec(&Revocations::in_memory());
    let info = |user| codec.decode(codec.encode(account(user)).unwrap()).unwrap().info;
    let (one, mut other, mut same) = (info(7), info(8), info(7));
    for info in [&mut other, &mut same] {
        (info.id, info.created_at) = (one.id, one.created_at);
        (info.refreshed_at, info.expires_at) = (one.refreshed_at, one.expires_at);
    }
    assert_eq!(same, one);
    assert_ne!(other, one);
    let printed = format!("{one:?}");
    assert!(printed.contains("survives: 0") && !printed.contains("acme"), "{printed}");
    assert_eq!(format!("{:?}", user(7)), "Tag(..)");
}

#[test]
fn a_fastify_primary_is_refused() {
    let revocations = Revocations::in_memory();
    let result =
        Codec::<Account>::builder(Keyring::fastify(key(1))).revocations(&revocations).build();
    let error = result.unwrap_err();
    let wanted =
        matches!(error.kind(), ConfigErrorKind::NeedsNativeKey { setting: "revocations", .. });
    assert!(wanted, "{error}");
    let codec = codec(&revocations);
    let token = codec.encode(account(7)).unwrap();
    codec.replace_keyring(Keyring::fastify(key(2)).with_previous(key(1)).unwrap());
    assert_eq!(codec.decode(&token).unwrap().info.key_index, 0);
    assert_eq!(
        codec.decode(codec.encode(account(7)).unwrap()).unwrap().info.key_index,
        0,
        "the keys were replaced"
    );
}

#[tokio::test]
async fn without_revocations_the_error_says_so() {
    assert!(RevocationErrorKind::NoRevocations.to_string().contains("`revocations`"));
}
