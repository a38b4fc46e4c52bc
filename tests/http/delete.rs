//! What comes after `delete`, `regenerate`, `remember` and `take_data` in one request: what was
//! answered `Ok` takes effect, and nothing of the old session comes back.

use sealed_session::{
    Codec, ConfigErrorKind, CookieOptions, DecodeErrorKind, Dynamic, Keyring, Session,
    SessionError, SessionErrorKind, SessionKind, Updated,
};
use serde::{Deserialize, Serialize};

use crate::support::{Browser, DAY, EIGHT, HOUR, Login, Page, SEVEN, START, at, key, seconds};

fn logged_in() -> (Browser, Codec<Login>) {
    let mut browser = Browser::new();
    let codec = browser.builder::<Login>().remember_timeout(30 * DAY).build().unwrap();
    browser.visit(&codec, |session| session.set(SEVEN));
    (browser, codec)
}

fn with_entry() -> (Browser, Codec<Dynamic>) {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("old", 1));
    (browser, codec)
}

#[track_caller]
fn is_removed(page: &Page) {
    assert_eq!(page.max_age(), Some(0));
}

#[track_caller]
fn is_kind<T: std::fmt::Debug>(result: Result<T, SessionError>, kind: &SessionErrorKind) {
    assert_eq!(result.unwrap_err().kind(), kind);
}

#[test]
fn a_typed_write_after_delete_is_an_error_that_says_what_to_call() {
    let (mut browser, codec) = logged_in();
    let page = browser.visit(&codec, |session| {
        let old = session.data().unwrap();
        session.delete();
        is_kind(session.set(old.clone()), &SessionErrorKind::Deleted);
        is_kind(session.update_or_insert_with(|| old, |_| ()), &SessionErrorKind::Deleted);
        is_kind(session.remember(), &SessionErrorKind::Deleted);
        let text = session.set(EIGHT).unwrap_err().to_string();
        assert!(text.contains("regenerate"), "{text}");
        assert_eq!(session.update(|_| ())?, Updated::NoSession);
        session.touch()?;
        assert!(session.is_empty());
        Ok(())
    });
    is_removed(&page);
}

#[test]
fn regenerate_after_delete_begins_a_session_that_wins_over_the_removal() {
    let (mut browser, codec) = logged_in();
    let page = browser.visit(&codec, |session| {
        session.delete();
        session.regenerate();
        session.set(EIGHT)
    });
    assert_eq!(page.max_age(), None);
    browser.visit(&codec, |session| {
        assert_eq!(session.data(), Some(EIGHT));
        Ok(())
    });
    let page = browser.visit(&codec, |session| {
        session.delete();
        session.regenerate();
        Ok(())
    });
    is_removed(&page);
}

#[test]
fn a_dynamic_insert_after_delete_begins_a_session_with_that_entry_alone() {
    let (mut browser, codec) = with_entry();
    browser.clock.advance(HOUR);
    let page = browser.visit(&codec, |session| {
        session.delete();
        assert_eq!(session.get::<u32>("old")?, None);
        session.insert("flash", "you are logged out")
    });
    page.set_cookie();
    browser.visit(&codec, |session| {
        assert_eq!(session.keys(), ["flash"]);
        let info = session.info().unwrap();
        assert_eq!(info.created_at, Some(at(START + 3600)), "nothing of the old session");
        Ok(())
    });
}

#[test]
fn a_whole_dynamic_session_cannot_be_set_after_delete() {
    let (mut browser, codec) = with_entry();
    let page = browser.visit(&codec, |session| {
        let old = session.data().unwrap();
        session.delete();
        is_kind(session.set(old), &SessionErrorKind::Deleted);
        session.regenerate_keeping(&["old"])?;
        assert!(session.is_empty());
        Ok(())
    });
    is_removed(&page);
}

#[test]
fn a_second_delete_removes_the_session_that_began_after_the_first() {
    let (mut browser, codec) = with_entry();
    let page = browser.visit(&codec, |session| {
        session.delete();
        session.insert("new", 1)?;
        session.delete();
        Ok(())
    });
    is_removed(&page);
}

#[test]
fn an_update_begun_before_a_delete_is_a_conflict() {
    let (mut browser, codec) = with_entry();
    let page = browser.visit(&codec, |session| {
        let update = session.update(|entries| {
            session.delete();
            entries.insert("a", 1)
        });
        is_kind(update, &SessionErrorKind::Conflict);
        Ok(())
    });
    is_removed(&page);
}

#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
struct Cart {
    items: Vec<u32>,
}

impl SessionKind for Cart {
    type Data = Self;
    const NAME: &'static str = "cart";
}

#[test]
fn a_first_visit_begins_its_cart_by_update_or_default() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Cart>();
    let add = |item| {
        move |session: Session<Cart>| {
            let count = session.update_or_default(|cart| {
                cart.items.push(item);
                cart.items.len()
            })?;
            assert_eq!(count, session.data().unwrap().items.len());
            Ok(())
        }
    };
    browser.visit(&codec, |session| {
        let update = session.update(|_| panic!("there is no session"));
        assert_eq!(update?, Updated::<()>::NoSession);
        Ok(())
    });
    browser.visit(&codec, add(7));
    browser.visit(&codec, add(8));
    browser.visit(&codec, |session| {
        let begin = || unreachable!("there is a session");
        session.update_or_insert_with(begin, |cart| cart.items.push(9))?;
        assert_eq!(session.data().unwrap().items, [7, 8, 9]);
        Ok(())
    });
}

#[test]
fn taking_the_data_empties_the_session() {
    let (mut browser, codec) = logged_in();
    let page = browser.visit(&codec, |session| {
        assert_eq!(session.take_data()?, Some(SEVEN));
        assert_eq!(session.take_data()?, None);
        assert!(session.is_empty());
        Ok(())
    });
    is_removed(&page);
    let page = browser.visit(&codec, |session| {
        assert_eq!(session.take_data()?, None);
        Ok(())
    });
    assert!(page.set_cookies().is_empty());
}

#[test]
fn a_write_after_the_data_was_taken_begins_a_new_session() {
    let (mut browser, codec) = logged_in();
    browser.visit(&codec, |session| session.remember());
    browser.clock.advance(HOUR);
    let page = browser.visit(&codec, |session| {
        session.take_data()?;
        session.set(EIGHT)
    });
    assert_eq!(page.max_age(), None, "the first user's “remember me” is not the second's");
    browser.visit(&codec, |session| {
        assert_eq!(session.info().unwrap().created_at, Some(at(START + 3600)));
        Ok(())
    });
}

#[test]
fn remember_works_before_and_after_the_writes() {
    type LogIn = fn(&Session<Login>) -> Result<(), SessionError>;
    let log_ins: [(&str, LogIn); 3] = [
        ("after set", |session| {
            session.set(EIGHT)?;
            session.remember()
        }),
        ("before set", |session| {
            session.remember()?;
            session.set(EIGHT)
        }),
        ("between two", |session| {
            session.set(SEVEN)?;
            session.remember()?;
            session.set(EIGHT)
        }),
    ];
    for (name, log_in) in log_ins {
        let (mut browser, codec) = logged_in();
        let page = browser.visit(&codec, move |session| {
            session.regenerate();
            log_in(&session)
        });
        assert_eq!(page.max_age(), Some(30 * 86_400), "{name}");
        browser.clock.advance(20 * DAY);
        browser.close();
        browser.visit(&codec, move |session| {
            assert_eq!(session.data(), Some(EIGHT), "{name}");
            Ok(())
        });
    }
}

#[test]
fn remember_alone_writes_no_session_and_regenerate_forgets_it() {
    let mut browser = Browser::new();
    let codec = browser.builder::<Login>().remember_timeout(30 * DAY).build().unwrap();
    assert!(browser.visit(&codec, |session| session.remember()).set_cookies().is_empty());
    let page = browser.visit(&codec, |session| {
        session.remember()?;
        session.regenerate();
        session.set(SEVEN)
    });
    assert_eq!(page.max_age(), None);
}

#[test]
fn a_remember_timeout_is_checked_when_the_codec_is_built() {
    let browser = Browser::new();
    let builder = || browser.builder::<Login>();
    let error = builder().remember_timeout(31 * DAY).build().unwrap_err();
    assert!(matches!(error.kind(), ConfigErrorKind::IdleBeyondAbsolute { .. }), "{error}");
    let error = builder().remember_timeout(std::time::Duration::ZERO).build().unwrap_err();
    assert!(matches!(error.kind(), ConfigErrorKind::Timeout { .. }), "{error}");
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| {
        let kind = SessionErrorKind::Config(ConfigErrorKind::NoRememberTimeout);
        is_kind(session.remember(), &kind);
        Ok(())
    });
}

#[cfg(feature = "fastify")]
#[test]
fn a_write_under_a_native_key_survives_a_fastify_primary_that_comes_meanwhile() {
    let (mut browser, codec) = with_entry();
    let other = codec.clone();
    // Node's token has its own use for this name, so it cannot carry the session.
    let page = browser.visit(&codec, move |session| {
        session.insert("__ts", 1)?;
        other.replace_keyring(Keyring::fastify(key(9)).with_previous(key(1)).unwrap());
        Ok(())
    });
    page.set_cookie();
    browser.visit(&codec, |session| {
        assert_eq!(session.get::<u32>("__ts")?, Some(1));
        Ok(())
    });

    let (mut browser, codec) = logged_in();
    let other = codec.clone();
    browser.visit(&codec, move |session| {
        session.regenerate();
        session.set(EIGHT)?;
        session.remember()?;
        other.replace_keyring(Keyring::fastify(key(9)).with_previous(key(1)).unwrap());
        Ok(())
    });
    browser.clock.advance(20 * DAY);
    browser.visit(&codec, |session| {
        assert_eq!(session.data(), Some(EIGHT));
        Ok(())
    });
}

#[test]
fn a_value_that_could_not_be_read_again_is_refused() {
    fn nested(depth: usize) -> serde_json::Value {
        (1..depth).fold(serde_json::json!([]), |inner, _| serde_json::json!([inner]))
    }
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        for depth in [1, 100, 127] {
            session.insert("deep", nested(depth))?;
            assert_eq!(session.get::<serde_json::Value>("deep")?, Some(nested(depth)));
        }
        for depth in [128, 200, 1000] {
            let kind = SessionErrorKind::Encode(sealed_session::EncodeErrorKind::NotReadable);
            is_kind(session.insert("deep", nested(depth)), &kind);
            assert_eq!(session.get::<serde_json::Value>("deep")?, Some(nested(127)));
            let entries = session.update(|entries| entries.insert("deep", nested(depth)))?;
            assert!(entries.done().unwrap().is_err());
        }
        // Brackets in a text are no levels.
        session.insert("text", "[".repeat(300))
    });
}

fn marking(browser: &Browser) -> Codec<Login> {
    let cookie = CookieOptions::host_prefixed();
    browser.builder::<Login>().mark_deletions(true).cookie(cookie).build().unwrap()
}

#[test]
fn a_marked_deletion_refuses_and_removes_the_session_that_a_late_response_brings_back() {
    let mut browser = Browser::new();
    let codec = marking(&browser);
    let mut old = Vec::new();
    for _ in 0..2 {
        browser.visit(&codec, |session| session.set(SEVEN));
        old.push(browser.cookie("__Host-login").unwrap().to_owned());
        let page = browser.visit(&codec, |session| {
            session.delete();
            Ok(())
        });
        let [removal, mark] = page.set_cookies()[..] else { panic!("{:?}", page.set_cookies()) };
        assert!(
            removal.starts_with("__Host-login=;") && removal.contains("Max-Age=0"),
            "{removal}"
        );
        assert!(mark.starts_with("__Host-login-ended="), "{mark}");
        assert!(mark.contains("Max-Age=600") && mark.contains("HttpOnly"), "{mark}");
    }
    // Both log-outs are remembered.
    for old in &old {
        browser.set_cookie("__Host-login", old);
        let page = browser.visit(&codec, |session| {
            assert_eq!(session.data(), None);
            assert_eq!(session.refused(), Some(DecodeErrorKind::Ended));
            Ok(())
        });
        is_removed(&page);
        assert_eq!(browser.cookie("__Host-login"), None);
    }
    // Another session is none of its business, nor is the mark forged by renaming a cookie.
    browser.visit(&codec, |session| session.set(EIGHT));
    let eight = browser.cookie("__Host-login").unwrap().to_owned();
    browser.set_cookie("__Host-login-ended", &eight);
    browser.visit(&codec, |session| {
        assert_eq!(session.data(), Some(EIGHT));
        Ok(())
    });
}

#[test]
fn the_mark_of_a_deletion_lasts_ten_minutes() {
    let mut browser = Browser::new();
    let codec = marking(&browser);
    browser.visit(&codec, |session| session.set(SEVEN));
    let old = browser.cookie("__Host-login").unwrap().to_owned();
    browser.visit(&codec, |session| {
        session.delete();
        Ok(())
    });
    for (after, refused) in [(599, true), (1, false)] {
        browser.clock.advance(seconds(after));
        browser.set_cookie("__Host-login", &old);
        browser.visit(&codec, move |session| {
            assert_eq!(session.refused().is_some(), refused);
            Ok(())
        });
    }
}

#[test]
fn a_mark_outlives_its_session_even_if_it_was_made_by_a_clock_that_is_behind() {
    let mut browser = Browser::new();
    let builder = browser.builder::<Login>().mark_deletions(true);
    let timeout = seconds(120);
    let codec = builder.idle_timeout(timeout).absolute_timeout(timeout).build().unwrap();
    browser.visit(&codec, |session| session.set(SEVEN));
    let old = browser.cookie("login").unwrap().to_owned();
    browser.clock.go_back(seconds(50));
    browser.visit(&codec, |session| {
        session.delete();
        Ok(())
    });
    // In the last second of the session, which began later than it was deleted.
    browser.clock.advance(seconds(50 + 119));
    assert!(codec.decode(&old).is_ok());
    browser.set_cookie("login", &old);
    browser.visit(&codec, |session| {
        assert_eq!(session.refused(), Some(DecodeErrorKind::Ended));
        Ok(())
    });
}

#[cfg(feature = "fastify")]
#[test]
fn settings_that_a_fastify_token_has_no_room_for_are_errors_of_build() {
    let builder = || Codec::<Login>::builder(Keyring::fastify(key(9)));
    for (builder, name) in [
        (builder().mark_deletions(true), "mark_deletions"),
        (builder().remember_timeout(DAY), "remember_timeout"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error.kind(), ConfigErrorKind::NeedsNativeKey { setting, .. } if *setting == name),
            "{error}"
        );
    }
}

#[test]
fn whatever_removes_the_cookie_marks_the_deletion() {
    let mut browser = Browser::new();
    let codec = marking(&browser);
    let removals: [fn(&Session<Login>); 3] = [
        |session| {
            session.take_data().unwrap();
        },
        |session| session.regenerate(),
        |session| session.delete(),
    ];
    for remove in removals {
        browser.visit(&codec, |session| session.set(SEVEN));
        let old = browser.cookie("__Host-login").unwrap().to_owned();
        browser.visit(&codec, move |session| {
            remove(&session);
            Ok(())
        });
        browser.set_cookie("__Host-login", &old);
        browser.visit(&codec, |session| {
            assert_eq!(session.refused(), Some(DecodeErrorKind::Ended));
            Ok(())
        });
    }
}

#[test]
fn a_mark_holds_the_last_sixteen_deletions() {
    let mut browser = Browser::new();
    let codec = marking(&browser);
    let mut old = Vec::new();
    let mut lengths = Vec::new();
    for _ in 0..17 {
        browser.visit(&codec, |session| session.set(SEVEN));
        old.push(browser.cookie("__Host-login").unwrap().to_owned());
        browser.visit(&codec, |session| {
            session.delete();
            Ok(())
        });
        lengths.push(browser.cookie("__Host-login-ended").unwrap().len());
    }
    assert!(lengths[14] < lengths[15] && lengths[15] == lengths[16], "{lengths:?}");
    for (place, old) in old.iter().enumerate() {
        browser.set_cookie("__Host-login", old);
        browser.visit(&codec, move |session| {
            assert_eq!(session.data().is_some(), place == 0, "{place}");
            Ok(())
        });
    }
}

#[cfg(feature = "fastify")]
#[test]
fn a_deletion_is_marked_under_a_previous_key_if_the_primary_has_become_a_fastify_key() {
    let mut browser = Browser::new();
    let codec = marking(&browser);
    browser.visit(&codec, |session| session.set(SEVEN));
    let old = browser.cookie("__Host-login").unwrap().to_owned();
    // The browser's codecs have key 1.
    codec.replace_keyring(Keyring::fastify(key(9)).with_previous(key(1)).unwrap());
    browser.visit(&codec, |session| {
        session.delete();
        Ok(())
    });
    browser.set_cookie("__Host-login", &old);
    browser.visit(&codec, |session| {
        assert_eq!(session.refused(), Some(DecodeErrorKind::Ended));
        Ok(())
    });
}

#[test]
fn after_a_deletion_an_update_begins_a_session_where_there_is_data_before_anything_is_written() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("user", 7));
    browser.visit(&codec, |session| {
        session.delete();
        session.update_or_default(|entries| entries.insert("flash", "bye").unwrap())
    });
    browser.visit(&codec, |session| {
        assert_eq!(session.get::<String>("flash")?.as_deref(), Some("bye"));
        assert_eq!(session.get::<u32>("user")?, None);
        Ok(())
    });
}

#[test]
fn a_write_that_would_be_expired_at_once_removes_the_cookie() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| session.set(SEVEN));
    let clock = browser.clock.clone();
    let page = browser.visit(&codec, move |session| {
        assert_eq!(session.data(), Some(SEVEN));
        // The handler takes longer than the session may last.
        clock.advance(DAY * 30);
        session.set(EIGHT)
    });
    is_removed(&page);
}

#[test]
fn only_what_ends_a_session_marks_it() {
    let mut browser = Browser::new();
    let codec = browser.builder::<Login>().mark_deletions(true).build().unwrap();
    browser.visit(&codec, |session| session.set(SEVEN));
    let page = browser.visit(&codec, |session| session.set(EIGHT));
    assert_eq!(page.set_cookies().len(), 1, "a write");
    browser.clock.advance(4 * HOUR);
    let page = browser.visit(&codec, |session| {
        assert_eq!(session.data(), Some(EIGHT));
        Ok(())
    });
    assert_eq!(page.set_cookies().len(), 1, "a refresh");
    let page = browser.visit(&codec, |session| {
        session.delete();
        Ok(())
    });
    assert_eq!(page.set_cookies().len(), 2, "a log-out");
}
