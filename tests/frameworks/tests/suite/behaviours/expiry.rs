//! When a cookie that no handler wrote is sent: refreshes and rotations.

use sealed_session::{Codec, Keyring, Session, TestClock};

use crate::browser::Browser;
use crate::framework::{Framework, Login, SEVEN, builder, clock, key, seconds};
use crate::server::Server;

on_each_framework![
    a_read_refreshes_after_a_tenth_of_the_idle_timeout,
    what_does_not_count_as_reading_does_not_refresh,
    an_expired_session_is_empty,
    a_slow_response_refreshes_only_a_navigation_of_a_session_that_soon_ends,
    a_rotation_seals_anew_although_the_handler_does_not_look,
    a_refresh_keeps_what_the_session_is,
];

/// A browser with a session of 1000 seconds.
struct Visit {
    clock: TestClock,
    codec: Codec<Login>,
    server: Server,
    browser: Browser,
}

fn logged_in<F: Framework>() -> Visit {
    let clock = clock();
    let codec = builder::<Login>(&clock).idle_timeout(seconds(1000)).build().unwrap();
    let its_clock = clock.clone();
    let server = F::default()
        .at("/log-in", |session: Session<Login>| session.set(SEVEN))
        .at("/who", |session: Session<Login>| Ok(format!("{:?}", session.data())))
        .at("/peek", |session: Session<Login>| Ok(format!("{:?}", session.peek_data())))
        .at("/slow", move |session: Session<Login>| {
            assert!(session.data().is_some());
            its_clock.advance(seconds(2));
            Ok(())
        })
        .at("/unread", |_: Session<Login>| Ok(()))
        .sessions(&codec)
        .serve();
    let mut browser = Browser::default();
    browser.get(&server, "/log-in");
    Visit { clock, codec, server, browser }
}

fn a_read_refreshes_after_a_tenth_of_the_idle_timeout<F: Framework>() {
    let Visit { clock, server, mut browser, .. } = logged_in::<F>();
    clock.advance(seconds(99));
    browser.get(&server, "/who").sets_nothing();
    clock.advance(seconds(1));
    let page = browser.get(&server, "/who");
    page.set_cookie();
    assert_eq!(page.all("cache-control"), ["no-store"]);
    clock.advance(seconds(99));
    browser.get(&server, "/who").sets_nothing();
}

fn what_does_not_count_as_reading_does_not_refresh<F: Framework>() {
    let Visit { clock, server, mut browser, .. } = logged_in::<F>();
    clock.advance(seconds(999));
    let page = browser.get(&server, "/peek");
    page.is(200, "Some(Login { user_id: 7 })");
    page.sets_nothing();
    browser.get(&server, "/unread").sets_nothing();
}

fn an_expired_session_is_empty<F: Framework>() {
    let Visit { clock, server, mut browser, .. } = logged_in::<F>();
    clock.advance(seconds(1000));
    let page = browser.get(&server, "/who");
    page.is(200, "None");
    page.sets_nothing();
}

fn a_slow_response_refreshes_only_a_navigation_of_a_session_that_soon_ends<F: Framework>() {
    for (used, mode, sent) in [
        (400, "navigate", false),
        (600, "cors", false),
        (600, "navigate", true),
        (800, "cors", true),
    ] {
        let Visit { clock, server, mut browser, .. } = logged_in::<F>();
        clock.advance(seconds(used));
        let page = browser.send(&server, "GET", "/slow", &[("Sec-Fetch-Mode", mode)]);
        assert_eq!(page.set_cookies().len(), usize::from(sent), "{used} {mode}");
    }
}

fn a_rotation_seals_anew_although_the_handler_does_not_look<F: Framework>() {
    let Visit { codec, server, mut browser, .. } = logged_in::<F>();
    let both = Keyring::new(key(2)).with_previous(key(1)).unwrap();
    codec.replace_keyring(both);
    browser.get(&server, "/unread").set_cookie();
    browser.get(&server, "/unread").sets_nothing();
    codec.replace_keyring(Keyring::new(key(2)));
    browser.get(&server, "/who").is(200, "Some(Login { user_id: 7 })");
}

fn a_refresh_keeps_what_the_session_is<F: Framework>() {
    let Visit { clock, codec, server, mut browser } = logged_in::<F>();
    let info = |browser: &Browser| codec.decode(browser.cookie("login").unwrap()).unwrap().info;
    let first = info(&browser);
    clock.advance(seconds(500));
    browser.get(&server, "/who").set_cookie();
    let second = info(&browser);
    assert_eq!((second.id, second.created_at), (first.id, first.created_at));
    assert_eq!(second.refreshed_at, first.refreshed_at + seconds(500));
}
