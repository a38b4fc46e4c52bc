//! `regenerate_with`: a log-in that keeps a part of what was there before.

use sealed_session::{Codec, Dynamic, Entries, SessionErrorKind, SessionKind};
use serde::{Deserialize, Serialize};

use crate::support::{Browser, DAY, HOUR, START, at};

fn with_cart(browser: &mut Browser, codec: &Codec<Cart>) {
    browser.visit(codec, |session| session.set(Cart { user: None, items: vec![1, 2] }));
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Cart {
    user: Option<u32>,
    items: Vec<u32>,
}

impl SessionKind for Cart {
    type Data = Self;
    const NAME: &'static str = "cart";
}

#[test]
fn regenerate_with_keeps_what_its_closure_keeps_and_nothing_else() {
    let mut browser = Browser::new();
    let codec = browser.builder::<Cart>().remember_timeout(30 * DAY).build().unwrap();
    with_cart(&mut browser, &codec);
    browser.visit(&codec, |session| session.remember());
    let before = codec.decode(browser.cookie("cart").unwrap()).unwrap().info;
    browser.clock.advance(HOUR);
    browser.visit(&codec, |session| {
        session.regenerate_with(|old| Cart { user: Some(7), ..old.unwrap() })?;
        assert_eq!(session.data().unwrap().items, [1, 2]);
        assert!(session.id().is_some());
        Ok(())
    });
    let after = codec.decode(browser.cookie("cart").unwrap()).unwrap();
    assert_eq!(after.data, Cart { user: Some(7), items: vec![1, 2] });
    assert_ne!(after.info.id, before.id);
    assert_eq!(after.info.created_at, Some(at(START + 3600)));
    assert_eq!(after.info.own_idle_timeout, None);
}

#[test]
fn regenerate_with_begins_a_session_where_there_is_none() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Cart>();
    browser.visit(&codec, |session| {
        session.regenerate_with(|old| {
            assert_eq!(old, None);
            Cart { user: Some(7), items: vec![] }
        })
    });
    browser.visit(&codec, |session| {
        session.delete();
        session.regenerate_with(|old| {
            assert_eq!(old, None);
            Cart { user: Some(8), items: vec![] }
        })
    });
    assert_eq!(codec.decode(browser.cookie("cart").unwrap()).unwrap().data.user, Some(8));
}

#[test]
fn where_regenerate_with_fails_the_old_session_stays() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Cart>();
    with_cart(&mut browser, &codec);
    let page = browser.visit(&codec, |session| {
        let id = session.id();
        let large = session.regenerate_with(|_| Cart { user: None, items: vec![1; 4000] });
        assert!(matches!(large.unwrap_err().kind(), SessionErrorKind::Encode(_)));
        let late = session.regenerate_with(|old| {
            session.set(Cart { user: Some(1), items: vec![1, 2] }).unwrap();
            old.unwrap()
        });
        assert_eq!(*late.unwrap_err().kind(), SessionErrorKind::Conflict);
        assert_eq!(session.id(), id);
        session.set(Cart { user: None, items: vec![1, 2] })
    });
    assert!(page.set_cookies().is_empty(), "nothing has changed");
}

#[derive(Serialize, Deserialize, Clone)]
struct Text(String);

impl SessionKind for Text {
    type Data = Self;
    const NAME: &'static str = "text";
}

#[test]
fn regenerate_with_takes_what_set_takes() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Text>();
    let text = |len| Text("x".repeat(len));
    let largest = (0..4096).rev().find(|len| codec.encode(text(*len)).is_ok()).unwrap();
    browser.visit(&codec, move |session| session.set(text(largest)));
    browser.visit(&codec, |session| session.regenerate_with(Option::unwrap));
}

#[test]
fn regenerate_keeping_takes_what_insert_takes() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let entries = |len| {
        let mut entries = Entries::new();
        entries.insert("a", "x".repeat(len)).unwrap();
        entries
    };
    let largest = (0..4096).rev().find(|len| codec.encode(entries(*len)).is_ok()).unwrap();
    browser.visit(&codec, move |session| session.insert("a", "x".repeat(largest)));
    browser.visit(&codec, |session| session.regenerate_keeping(&["a"]));
}
