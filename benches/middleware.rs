//! A session through an axum router, without a socket: `cargo bench --bench middleware`.
//!
//! `no layer` is the floor: the difference to it is what a session costs.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderValue, Request, Response};
use axum::routing::get;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use sealed_session::{
    Clock, Codec, Current, Dynamic, Entries, Key, Keyring, Session, SessionError, SessionKind,
    SessionLayer, SystemClock, TestClock,
};
use serde::{Deserialize, Serialize};
use tower::Service;

const SESSIONS: u64 = 64;

#[derive(Serialize, Deserialize, Clone)]
struct Login {
    user_id: u64,
    name: String,
    visits: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

fn request(cookies: &[HeaderValue], i: usize) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    if let Some(cookie) = cookies.get(i) {
        request.headers_mut().insert(COOKIE, cookie.clone());
    }
    request
}

async fn untouched() -> String {
    black_box(1_234_567_u64).to_string()
}

async fn read(session: Session) -> Result<String, SessionError> {
    Ok(session.get::<u64>("user_id")?.unwrap_or_default().to_string())
}

async fn write(session: Session) -> Result<String, SessionError> {
    let visits = session.get::<u64>("visits")?.unwrap_or_default() + 1;
    session.insert("visits", visits)?;
    Ok(visits.to_string())
}

async fn read_typed(login: Option<Current<Login>>) -> String {
    login.map_or(0, |login| login.user_id).to_string()
}

async fn write_typed(session: Session<Login>) -> Result<String, SessionError> {
    let visits = session.update(|login| {
        login.visits += 1;
        login.visits
    })?;
    Ok(visits.done().unwrap_or_default().to_string())
}

/// A router as `axum::serve` would call it, and cookies for it.
struct App {
    router: Router,
    cookies: Vec<HeaderValue>,
}

impl App {
    fn new(routes: Router) -> Self {
        // Otherwise every request builds the layers anew.
        Self { router: routes.with_state(()), cookies: Vec::new() }
    }

    /// With sessions that were sealed so long ago.
    fn with_layer<K: SessionKind>(routes: Router, age: Duration, data: fn(u64) -> K::Data) -> Self {
        let keyring = Keyring::new(Key::from_bytes([7; 32]).expect("a key"));
        let now = SystemClock.now().duration_since(UNIX_EPOCH).expect("after 1970");
        let clock = TestClock::at(now.as_secs());
        clock.go_back(age);
        let sealer = Codec::<K>::builder(keyring.clone()).clock(clock).build().expect("a codec");
        let cookies = (0..SESSIONS)
            .map(|i| {
                let token = sealer.encode(data(i)).expect("it fits");
                format!("{}={token}", sealer.cookie_name()).try_into().expect("a header")
            })
            .collect();
        let layer = SessionLayer::new(Codec::<K>::new(keyring).expect("a codec"));
        Self { cookies, ..Self::new(routes.layer(layer)) }
    }

    fn without_cookies(self) -> Self {
        Self { cookies: Vec::new(), ..self }
    }

    fn call(&mut self, request: Request<Body>) -> Response<Body> {
        let future = std::pin::pin!(self.router.call(request));
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) => response,
            Poll::Ready(Err(error)) => match error {},
            Poll::Pending => panic!("nothing here waits"),
        }
    }
}

fn login(i: u64) -> Login {
    Login { user_id: 1_000_000 + i, name: "Ada Lovelace".to_owned(), visits: 1_000 + i }
}

fn entries(i: u64) -> Entries {
    let mut entries = Entries::new();
    let login = login(i);
    entries.insert("user_id", login.user_id).expect("a number");
    entries.insert("name", &login.name).expect("a text");
    entries.insert("visits", login.visits).expect("a number");
    entries
}

fn requests(criterion: &mut Criterion) {
    const FRESH: Duration = Duration::ZERO;
    // More than a tenth of the idle timeout of a day.
    const DUE: Duration = Duration::from_secs(3 * 60 * 60);

    let routes = || Router::new().route("/", get(untouched));
    let dynamic = |routes: Router, age| App::with_layer::<Dynamic>(routes, age, entries);
    let typed = |routes: Router| App::with_layer::<Login>(routes, FRESH, login);
    let of = |handler| Router::new().route("/", handler);

    let mut group = criterion.benchmark_group("request");
    let mut run = |name: &str, sets_cookie: bool, mut app: App| {
        let response = app.call(request(&app.cookies, 0));
        assert!(response.status().is_success(), "{name}");
        assert_eq!(response.headers().contains_key(SET_COOKIE), sets_cookie, "{name}");
        let mut turn = (0..SESSIONS as usize).cycle();
        group.bench_function(name, |b| {
            let cookies = app.cookies.clone();
            b.iter_batched(
                || request(&cookies, turn.next().expect("a cycle")),
                |request| app.call(request),
                BatchSize::SmallInput,
            );
        });
    };
    run("no layer", false, App::new(routes()));
    run("session not asked for", false, dynamic(routes(), FRESH));
    run("read", false, dynamic(of(get(read)), FRESH));
    run("read, typed", false, typed(of(get(read_typed))));
    run("read, refresh due", true, dynamic(of(get(read)), DUE));
    run("write", true, dynamic(of(get(write)), FRESH));
    run("write, typed", true, typed(of(get(write_typed))));
    run("read without a cookie", false, dynamic(of(get(read)), FRESH).without_cookies());
    run("write without a cookie", true, dynamic(of(get(write)), FRESH).without_cookies());
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = requests
}
criterion_main!(benches);
