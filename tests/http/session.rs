//! What a handler does with its session, and what the next request finds.

use sealed_session::{
    ConfigErrorKind, CookieOptions, Dynamic, Entries, Keyring, SameSite, Session, SessionErrorKind,
    SessionKind, Updated,
};

use crate::support::{Browser, DAY, EIGHT, HOUR, Login, SEVEN, START, at, key, seconds};

#[test]
fn entries_come_back_on_the_next_request() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        assert!(session.is_empty());
        session.insert("count", 1)?;
        session.insert("who", "ann")?;
        assert_eq!(session.get::<u32>("count")?, Some(1));
        Ok(())
    });
    browser.visit(&codec, |session| {
        assert!(!session.is_empty());
        assert_eq!(session.get::<u32>("count")?, Some(1));
        assert_eq!(session.get::<String>("who")?.as_deref(), Some("ann"));
        assert_eq!(session.get::<u32>("other")?, None);
        assert!(session.contains("who") && !session.contains("other"));
        assert_eq!(session.data().unwrap().len(), 2);
        Ok(())
    });
}

#[test]
fn typed_data_comes_back_on_the_next_request() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| {
        assert_eq!(session.data(), None);
        session.set(SEVEN)?;
        assert_eq!(session.data(), Some(SEVEN));
        Ok(())
    });
    browser.visit(&codec, |session| {
        assert_eq!(session.data(), Some(SEVEN));
        assert_eq!(session.data(), Some(SEVEN), "also when it is asked twice");
        assert!(!session.is_empty());
        Ok(())
    });
}

#[test]
fn an_entry_of_another_type_is_an_error_that_does_not_quote_it() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        session.insert("who", "ann")?;
        let error = session.get::<u32>("who").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the session entry `who` could not be deserialized as `u32`",
            "{error:?}"
        );
        assert!(!format!("{error:?}").contains("ann"));
        let error = session.take::<u32>("who").unwrap_err();
        assert!(matches!(error.kind(), SessionErrorKind::EntryType { .. }));
        assert!(session.contains("who"), "it was not taken");
        Ok(())
    });
}

#[test]
fn removing_an_entry_says_whether_it_was_there() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        session.insert("a", 1)?;
        session.insert("b", 2)
    });
    browser.visit(&codec, |session| {
        assert!(!session.remove("c")?);
        assert!(session.remove("a")?);
        assert!(!session.remove("a")?);
        Ok(())
    });
    browser.visit(&codec, |session| {
        assert!(!session.contains("a") && session.contains("b"));
        Ok(())
    });
}

#[test]
fn removing_the_last_entry_removes_the_cookie() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("a", 1));
    let page = browser.visit(&codec, |session| session.remove("a").map(drop));
    page.change(&codec).assert_removed();
    assert_eq!(browser.cookie("session"), None);
}

#[test]
fn taken_data_is_returned_only_once() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("flash", "saved"));
    browser.visit(&codec, |session| {
        assert_eq!(session.take::<String>("flash")?.as_deref(), Some("saved"));
        assert_eq!(session.take::<String>("flash")?, None);
        Ok(())
    });
    browser.visit(&codec, |session| {
        assert_eq!(session.take::<String>("flash")?, None);
        Ok(())
    });
}

#[test]
fn setting_all_entries_replaces_them() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("a", 1));
    browser.visit(&codec, |session| {
        let mut entries = Entries::new();
        entries.insert("b", 2).unwrap();
        session.set(entries)?;
        assert!(!session.contains("a") && session.contains("b"));
        Ok(())
    });
    let page = browser.visit(&codec, |session| session.set(Entries::new()));
    // No entries are no session.
    page.change(&codec).assert_removed();
}

#[test]
fn nothing_of_a_session_survives_its_regeneration() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| {
        session.set(SEVEN)?;
        session.set_idle_timeout(2 * DAY)
    });
    browser.clock.advance(HOUR);
    browser.visit(&codec, |session| {
        session.regenerate();
        assert!(session.is_empty() && session.data().is_none() && session.info().is_none());
        session.set(SEVEN)
    });
    browser.visit(&codec, |session| {
        let info = session.info().unwrap();
        assert_eq!(info.created_at, Some(at(START + 3600)));
        assert_eq!(info.own_idle_timeout, None);
        Ok(())
    });
    let page = browser.visit(&codec, |session| {
        session.regenerate();
        Ok(())
    });
    // Nothing was written afterwards.
    page.change(&codec).assert_removed();
}

#[test]
fn regeneration_keeps_the_entries_it_is_told_to() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        session.insert("language", "de")?;
        session.insert("role", "guest")
    });
    browser.clock.advance(HOUR);
    browser.visit(&codec, |session| {
        session.regenerate_keeping(&["language", "cart"])?;
        assert!(session.contains("language") && !session.contains("role"));
        Ok(())
    });
    browser.visit(&codec, |session| {
        assert_eq!(session.get::<String>("language")?.as_deref(), Some("de"));
        assert_eq!(session.data().unwrap().len(), 1);
        assert_eq!(session.info().unwrap().created_at, Some(at(START + 3600)));
        Ok(())
    });
}

#[test]
fn a_session_knows_its_times_and_its_key() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| {
        assert!(session.info().is_none());
        session.set(SEVEN)
    });
    browser.clock.advance(HOUR);
    browser.visit(&codec, |session| session.set(EIGHT));
    browser.visit(&codec, |session| {
        let info = session.info().unwrap();
        assert_eq!(info.created_at, Some(at(START)), "a write keeps the age");
        assert_eq!(info.refreshed_at, at(START + 3600), "and refreshes");
        assert_eq!(info.expires_at, at(START + 3600 + 86_400));
        assert_eq!(info.own_idle_timeout, None);
        assert_eq!(info.key_index, 0);
        session.delete();
        assert!(session.info().is_none());
        Ok(())
    });
}

#[test]
fn touching_refreshes_before_it_is_due_and_writes_nothing_without_a_session() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    let page = browser.visit(&codec, |session| session.touch());
    assert!(page.set_cookies().is_empty());
    browser.visit(&codec, |session| session.set(SEVEN));
    browser.clock.advance(seconds(1));
    browser.visit(&codec, |session| session.touch()).set_cookie();
    browser.visit(&codec, |session| {
        assert_eq!(session.info().unwrap().refreshed_at, at(START + 1));
        Ok(())
    });
}

#[test]
fn a_per_session_idle_timeout_is_checked() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| {
        session.set(SEVEN)?;
        for wrong in [seconds(0), HOUR / 7_000_000, seconds(1 << 31)] {
            let error = session.set_idle_timeout(wrong).unwrap_err();
            let timeout =
                matches!(error.kind(), SessionErrorKind::Config(ConfigErrorKind::Timeout { .. }));
            assert!(timeout, "{error:?}");
        }
        let too_long = 30 * DAY + seconds(1);
        let error = session.set_idle_timeout(too_long).unwrap_err();
        let beyond = matches!(
            error.kind(),
            SessionErrorKind::Config(ConfigErrorKind::IdleBeyondAbsolute { .. })
        );
        assert!(beyond, "{error:?}");
        session.set_idle_timeout(30 * DAY)
    });
    browser.visit(&codec, |session| {
        assert_eq!(session.info().unwrap().own_idle_timeout, Some(30 * DAY));
        Ok(())
    });
}

#[test]
fn cookie_options_apply_to_one_response_and_alone_write_nothing() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    let page = browser.visit(&codec, |session| {
        session.set_cookie_options(session.cookie_options().max_age(HOUR))?;
        session.set(SEVEN)
    });
    assert_eq!(page.max_age(), Some(3600));
    let page = browser.visit(&codec, |session| session.set(EIGHT));
    assert_eq!(page.max_age(), None);
    let page = browser.visit(&codec, |session| {
        session.set_cookie_options(session.cookie_options().max_age(HOUR))
    });
    assert!(page.set_cookies().is_empty() && page.all("vary").is_empty());
}

#[test]
fn cookie_options_for_one_response_begin_with_those_of_the_codec() {
    let mut browser = Browser::new();
    let strict = CookieOptions::host_prefixed().same_site(SameSite::Strict);
    let codec = browser.builder::<Login>().cookie(strict).build().unwrap();
    let page = browser.visit(&codec, |session| {
        session.set_cookie_options(session.cookie_options().max_age(HOUR))?;
        session.set(SEVEN)
    });
    assert!(page.set_cookie().starts_with("__Host-login="));
    assert!(page.set_cookie().contains("; SameSite=Strict"));
    assert_eq!(page.max_age(), Some(3600));
}

#[test]
fn cookie_options_for_one_response_are_those_of_its_removal() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| session.set(SEVEN));
    let page = browser.visit(&codec, move |session| {
        session.delete();
        session.set_cookie_options(session.cookie_options().same_site(SameSite::Strict))
    });
    assert!(page.set_cookie().contains("SameSite=Strict; "), "{}", page.set_cookie());
    page.change(&codec).assert_removed();
}

#[test]
fn clones_of_a_handle_are_the_same_session() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        let clone = session.clone();
        std::thread::scope(|scope| scope.spawn(|| clone.insert("a", 1)).join().unwrap())?;
        assert_eq!(session.get::<u32>("a")?, Some(1));
        Ok(())
    });
}

const _: () = {
    const fn shared_between_tasks<T: Clone + Send + Sync + 'static>() {}
    shared_between_tasks::<Session>();
    shared_between_tasks::<Session<Login>>();
};

#[test]
fn debug_shows_nothing_of_a_session() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        session.insert("who", "ann")?;
        let shown = format!("{session:?} {:?}", session.data());
        assert!(shown.contains("session") && !shown.contains("who") && !shown.contains("ann"));
        Ok(())
    });
}

#[test]
fn a_session_has_one_id_until_it_is_regenerated() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let page = browser.visit(&codec, |session| {
        assert_eq!((session.id(), session.len()), (None, 0));
        session.insert("a", 1)?;
        assert!(session.id().is_some());
        session.insert("b", 1)?;
        assert_eq!(session.len(), 2);
        Ok(())
    });
    let id = page.change(&codec).expect_set().info.id;
    assert!(id.is_some());
    let page = browser.visit(&codec, move |session| {
        assert_eq!(session.id(), id);
        session.regenerate_keeping(&["a"])?;
        assert!(session.id().is_some_and(|new| Some(new) != id));
        Ok(())
    });
    assert_ne!(page.change(&codec).expect_set().info.id, id);
}

#[test]
fn updated_says_whether_the_closure_ran() {
    assert!(Updated::Done(()).is_done() && !Updated::<()>::NoSession.is_done());
}

#[cfg(feature = "fastify")]
#[test]
fn what_the_new_keys_cannot_carry_leaves_the_old_cookie_where_it_is() {
    /// No object, so that a token of Node's cannot hold it.
    enum Numbers {}
    impl SessionKind for Numbers {
        type Data = Vec<u32>;
        const NAME: &'static str = "numbers";
    }
    let mut browser = Browser::new();
    let codec = browser.codec::<Numbers>();
    browser.visit(&codec, |session| session.set(vec![1]));
    let keys = codec.clone();
    let visit = || {
        browser.visit(&codec, move |session| {
            session.set(vec![2])?;
            keys.replace_keyring(Keyring::fastify(key(9)));
            Ok(())
        })
    };
    #[cfg(feature = "tracing")]
    let page = {
        let (page, log) = crate::support::log::log_of(visit);
        assert!(log.contains("ERROR") && log.contains("session not sealed"), "{log}");
        page
    };
    #[cfg(not(feature = "tracing"))]
    let page = visit();
    assert_eq!(page.set_cookies().len(), 0);
}
