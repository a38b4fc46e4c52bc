//! The cookies of Node's `@fastify/secure-session`.

use sealed_session::{Dynamic, Keyring, Session};

use crate::browser::Browser;
use crate::framework::{Framework, builder, clock, key};

on_each_framework![
    a_cookie_of_node_is_read_and_written,
    a_site_that_moves_seals_nodes_cookies_anew,
];

fn site<F: Framework>() -> F {
    F::default().at("/", |session: Session| {
        let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
        session.insert("visits", visits)?;
        Ok(visits.to_string())
    })
}

fn a_cookie_of_node_is_read_and_written<F: Framework>() {
    let clock = clock();
    let codec = builder::<Dynamic>(&clock).build().unwrap();
    codec.replace_keyring(Keyring::fastify(key(7)));
    let server = site::<F>().sessions(&codec).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/").is(200, "1");
    let token = browser.cookie("session").unwrap().to_owned();
    assert!(token.contains("%3B"), "the form of Node's: {token}");
    browser.get(&server, "/").is(200, "2");
}

fn a_site_that_moves_seals_nodes_cookies_anew<F: Framework>() {
    let clock = clock();
    let codec = builder::<Dynamic>(&clock).build().unwrap();
    codec.replace_keyring(Keyring::fastify(key(7)));
    let server = site::<F>().at("/unread", |_: Session| Ok(())).sessions(&codec).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/");
    codec.replace_keyring(Keyring::new(key(1)).with_previous_fastify(key(7)).unwrap());
    browser.get(&server, "/unread").set_cookie();
    assert!(!browser.cookie("session").unwrap().contains("%3B"));
    codec.replace_keyring(Keyring::new(key(1)));
    browser.get(&server, "/").is(200, "2");
}
