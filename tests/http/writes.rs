//! Which writes change a session, and which of two wins.

use std::collections::HashMap;

use sealed_session::{Dynamic, Session, SessionError, SessionErrorKind, SessionKind};
use serde::{Deserialize, Serialize};

use crate::support::{Browser, DAY, EIGHT, Login, SEVEN, START, at, seconds};

/// Data with something in it that is deep, and something that has no order.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
struct Cart {
    items: Vec<Item>,
    notes: HashMap<String, u32>,
}

#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
struct Item {
    tags: Vec<String>,
}

impl SessionKind for Cart {
    type Data = Self;
    const NAME: &'static str = "cart";
}

#[test]
fn a_nested_change_through_update_is_seen() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Cart>();
    browser.visit(&codec, |session| {
        session.set(Cart { items: vec![Item::default()], ..Cart::default() })
    });
    let page = browser.visit(&codec, |session| {
        let len = session.update(|cart| {
            cart.items[0].tags.push("red".to_owned());
            cart.items[0].tags.len()
        })?;
        assert_eq!(len.done(), Some(1), "the closure's result comes back");
        Ok(())
    });
    page.set_cookie();
    browser.visit(&codec, |session| {
        assert_eq!(session.data().unwrap().items[0].tags, ["red"]);
        Ok(())
    });
}

#[test]
fn update_without_a_session_does_not_run_its_closure() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Cart>();
    let page = browser.visit(&codec, |session| {
        assert_eq!(session.update(|_| panic!("it ran"))?.done(), None::<()>);
        Ok(())
    });
    assert!(page.set_cookies().is_empty());
}

#[test]
fn update_works_on_the_entries_of_a_session_that_begins() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        session.update(|entries| entries.insert("a", 1).unwrap()).map(drop)
    });
    browser.visit(&codec, |session| {
        assert_eq!(session.get::<u32>("a")?, Some(1));
        Ok(())
    });
}

#[test]
fn writing_the_same_value_changes_nothing() {
    let mut browser = Browser::new();
    let (entries, logins) = (browser.codec::<Dynamic>(), browser.codec::<Login>());
    browser.visit(&entries, |session| {
        session.insert("a", 1)?;
        session.insert("b", "ä")
    });
    browser.visit(&logins, |session| session.set(SEVEN));
    let page = browser.visit(&entries, |session| {
        session.insert("a", 1)?;
        session.insert("b", "other")?;
        session.insert("b", "ä")?;
        session.set(session.data().unwrap())?;
        session.update(|_| ()).map(drop)
    });
    assert!(page.set_cookies().is_empty());
    let page = browser.visit(&logins, |session| {
        session.set(EIGHT)?;
        session.set(SEVEN)?;
        session.update(|_| ()).map(drop)
    });
    assert!(page.set_cookies().is_empty());
}

#[test]
fn a_hash_map_in_another_order_is_not_a_change() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Cart>();
    let cart = || Cart {
        notes: (0..20).map(|note| (format!("note {note}"), note)).collect(),
        ..Cart::default()
    };
    browser.visit(&codec, move |session| session.set(cart()));
    let page = browser.visit(&codec, move |session| {
        let spelt = |cart: &Cart| serde_json::to_string(cart).unwrap();
        let read = session.data().unwrap();
        let other =
            std::iter::repeat_with(cart).find(|other| spelt(other) != spelt(&read)).unwrap();
        assert_eq!(other, read);
        session.set(other)
    });
    assert!(page.set_cookies().is_empty());
}

#[test]
fn a_change_that_only_moves_letters_or_digits_is_detected() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let far = 100_000_000_000_000_000_000_u128;
    browser.visit(&codec, move |session| {
        session.insert("text", "ab")?;
        session.insert("list", [1, 2])?;
        session.insert("number", far + 1)
    });
    browser.visit(&codec, |session| session.insert("text", "ba"));
    browser.visit(&codec, |session| session.insert("list", [2, 1]));
    browser.visit(&codec, move |session| session.insert("number", far + 10));
    browser.visit(&codec, move |session| {
        assert_eq!(session.get::<String>("text")?.as_deref(), Some("ba"));
        assert_eq!(session.get::<Vec<u32>>("list")?, Some(vec![2, 1]));
        assert_eq!(session.get::<u128>("number")?, Some(far + 10));
        Ok(())
    });
}

#[test]
fn a_write_while_update_runs_stays_and_the_update_is_a_conflict() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| {
        session.set(SEVEN)?;
        let result = session.update(|login| {
            assert_eq!(session.data(), Some(SEVEN), "reading is no conflict");
            session.set(EIGHT).unwrap();
            login.user_id = 9;
        });
        assert_eq!(*result.unwrap_err().kind(), SessionErrorKind::Conflict);
        Ok(())
    });
    browser.visit(&codec, |session| {
        assert_eq!(session.data(), Some(EIGHT));
        Ok(())
    });
}

#[test]
fn a_regeneration_while_update_runs_stays_and_the_update_is_a_conflict() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| session.set(SEVEN));
    let page = browser.visit(&codec, |session| {
        let result = session.update(|login| {
            session.regenerate();
            login.user_id = 8;
        });
        assert_eq!(*result.unwrap_err().kind(), SessionErrorKind::Conflict);
        Ok(())
    });
    // Nothing of the old session survives.
    page.change(&codec).assert_removed();
}

#[test]
fn writing_the_same_value_does_not_undo_a_refresh() {
    type Write = fn(&Session<Login>) -> Result<(), SessionError>;
    let writes: [Write; 2] = [
        |session| session.touch().and_then(|()| session.set(SEVEN)),
        |session| session.set(SEVEN).and_then(|()| session.touch()),
    ];
    for write in writes {
        let mut browser = Browser::new();
        let codec = browser.codec::<Login>();
        browser.visit(&codec, |session| session.set(SEVEN));
        browser.clock.advance(seconds(1));
        browser.visit(&codec, move |session| write(&session)).set_cookie();
        browser.visit(&codec, |session| {
            assert_eq!(session.info().unwrap().refreshed_at, at(START + 1));
            Ok(())
        });
    }
}

#[test]
fn delete_beats_every_write_before_it() {
    type Write = fn(&Session) -> Result<(), SessionError>;
    let writes: [(&str, Write); 8] = [
        ("insert", |session| session.insert("b", 2)),
        ("remove", |session| session.remove("a").map(drop)),
        ("set", |session| session.set(session.data().unwrap())),
        ("update", |session| session.update(|e| e.insert("b", 2)).map(drop)),
        ("touch", Session::touch),
        ("set_idle_timeout", |session| session.set_idle_timeout(2 * DAY)),
        ("regenerate", |session| {
            session.regenerate();
            session.insert("b", 2)
        }),
        ("regenerate_keeping", |session| session.regenerate_keeping(&["a"])),
    ];
    for (name, write) in writes {
        let mut browser = Browser::new();
        let codec = browser.codec::<Dynamic>();
        browser.visit(&codec, |session| session.insert("a", 1));
        let page = browser.visit(&codec, move |session| {
            write(&session)?;
            session.delete();
            assert!(session.is_empty(), "{name}");
            Ok(())
        });
        assert_eq!(page.max_age(), Some(0), "{name}");
        assert_eq!(browser.cookie("session"), None, "{name}");
    }
}

#[test]
fn an_update_in_which_the_session_is_deleted_is_a_conflict() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| session.set(SEVEN));
    let page = browser.visit(&codec, |session| {
        let update = session.update(|login| {
            session.delete();
            login.user_id = 8;
        });
        assert_eq!(*update.unwrap_err().kind(), SessionErrorKind::Conflict);
        Ok(())
    });
    page.change(&codec).assert_removed();
}

#[test]
fn deleting_a_session_that_does_not_exist_writes_nothing() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    for end in [Session::delete, Session::regenerate] {
        let page = browser.visit(&codec, move |session| {
            session.insert("a", 1)?;
            end(&session);
            Ok(())
        });
        assert!(page.set_cookies().is_empty());
    }
}

#[test]
fn many_writes_make_one_cookie() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let page = browser.visit(&codec, |session| {
        for n in 0..10 {
            session.insert("n", n)?;
        }
        session.touch()?;
        session.regenerate_keeping(&["n"])?;
        session.set_idle_timeout(2 * DAY)
    });
    page.set_cookie();
}
