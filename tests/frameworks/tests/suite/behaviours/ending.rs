//! Sessions that the server ends, and those of which it does not know whether they were ended.

use std::time::Duration;

use sealed_session::revocation::{
    Appended, AtStart, Batch, Mark, Position, RevocationStore, StoreError, Target, WhenAway,
};
use sealed_session::{Codec, Revocations, Session, Tag, TestClock};

use crate::browser::Browser;
use crate::framework::{EIGHT, Framework, Login, SEVEN, builder, clock};

on_each_framework![
    a_copy_of_an_ended_sessions_cookie_is_refused,
    the_others_end_and_this_one_stays,
    a_session_that_cannot_be_judged_is_a_503,
];

fn codec(clock: &TestClock, revocations: &Revocations) -> Codec<Login> {
    builder(clock).revocations(revocations).build().unwrap()
}

fn site<F: Framework>() -> F {
    F::default()
        .at("/log-in", |session: Session<Login>| session.set(SEVEN))
        .at_async("/end", |session: Session<Login>| async move {
            session.end().await?;
            Ok(().into())
        })
        .at_async("/end-others", |session: Session<Login>| async move {
            session.end_others(&Tag::new("user", 7)).await?;
            Ok(().into())
        })
        .at("/write", |session: Session<Login>| session.set(EIGHT))
        .extractors::<Login>("/login")
}

fn a_copy_of_an_ended_sessions_cookie_is_refused<F: Framework>() {
    let clock = clock();
    let codec = codec(&clock, &Revocations::in_memory_with(clock.clone()));
    let server = site::<F>().sessions(&codec).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/log-in");
    let copy = browser.cookie("login").unwrap().to_owned();
    browser.get(&server, "/end").removes("login");
    let mut thief = Browser::default();
    thief.set_cookie("login", &copy);
    let page = thief.get(&server, "/login/current");
    page.is(401, "no session");
    page.sets_nothing();
}

fn the_others_end_and_this_one_stays<F: Framework>() {
    let clock = clock();
    let codec = codec(&clock, &Revocations::in_memory_with(clock.clone()));
    let server = site::<F>().sessions(&codec).serve();
    let (mut here, mut there) = (Browser::default(), Browser::default());
    here.get(&server, "/log-in");
    there.get(&server, "/log-in");
    assert_eq!(here.get(&server, "/end-others").status, 200);
    here.get(&server, "/login/current").is(200, "7");
    there.get(&server, "/login/current").is(401, "no session");
}

/// A store that cannot be reached.
struct Away;

impl RevocationStore for Away {
    async fn append(&self, _: &[Target], _: u64, _: u64) -> Result<Appended, StoreError> {
        Err("away".into())
    }

    async fn publish(&self, _: &[Mark]) -> Result<(), StoreError> {
        Err("away".into())
    }

    async fn read(&self, _: Option<&Position>, _: Duration) -> Result<Batch, StoreError> {
        Err("away".into())
    }

    async fn heartbeat(&self) -> Result<(), StoreError> {
        Err("away".into())
    }
}

fn a_session_that_cannot_be_judged_is_a_503<F: Framework>() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let opened = Revocations::open(Away, WhenAway::KeepServing, AtStart::Refuse);
    let revocations = runtime.block_on(opened).unwrap();
    let server = site::<F>().sessions(&codec(&clock(), &revocations)).serve();
    let mut browser = Browser::default();
    let token = builder::<Login>(&clock()).build().unwrap().encode(SEVEN).unwrap();
    browser.set_cookie("login", &token);
    let paths = ["/login/current", "/login/peek", "/login/maybe-current", "/login/maybe-session"];
    for path in paths.into_iter().chain(["/write", "/end"]) {
        let page = browser.get(&server, path);
        assert_eq!(page.status, 503, "{path}");
        page.sets_nothing();
        let [retry] = page.all("retry-after")[..] else { panic!("{page:?}") };
        assert!((2..=10).contains(&retry.parse().unwrap()), "{retry}");
    }
    browser.get(&server, "/login/result").is(200, "Err(Unavailable)");
}
