//! Log out everywhere, as the guide's page “Expiry” teaches it: a generation number in the session,
//! compared with the user's record at each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::request::Parts;
use http::{Request, StatusCode};
use sealed_session::{Codec, Current, Session, SessionError, SessionKind, SessionLayer};
use serde::{Deserialize, Serialize};

use crate::support::{Browser, START, codec_at};

const ANN: u64 = 7;
const BOB: u64 = 8;

#[derive(Serialize, Deserialize, Clone)]
struct Login {
    user_id: u64,
    generation: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

/// The users' records, which all servers share.
#[derive(Clone, Default)]
struct Users(Arc<Mutex<HashMap<u64, u64>>>);

impl Users {
    fn generation(&self, user_id: u64) -> u64 {
        *self.0.lock().unwrap().entry(user_id).or_default()
    }

    fn next_generation(&self, user_id: u64) -> u64 {
        let mut users = self.0.lock().unwrap();
        let generation = users.entry(user_id).or_default();
        *generation += 1;
        *generation
    }
}

/// The user, if the session is of the user's present generation.
struct User(u64);

impl FromRequestParts<Users> for User {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, users: &Users) -> Result<Self, Response> {
        let Current(login) = Current::<Login>::from_request_parts(parts, users)
            .await
            .map_err(IntoResponse::into_response)?;
        if users.generation(login.user_id) == login.generation {
            Ok(Self(login.user_id))
        } else {
            Err(StatusCode::UNAUTHORIZED.into_response())
        }
    }
}

async fn me(User(user_id): User) -> String {
    user_id.to_string()
}

async fn log_in(users: &Users, session: Session<Login>, user_id: u64) -> Result<(), SessionError> {
    session.regenerate();
    session.set(Login { user_id, generation: users.generation(user_id) })
}

async fn log_out_elsewhere(
    State(users): State<Users>,
    User(user_id): User,
    session: Session<Login>,
) -> Result<(), SessionError> {
    let generation = users.next_generation(user_id);
    session.regenerate();
    session.set(Login { user_id, generation })
}

async fn log_out_everywhere(
    State(users): State<Users>,
    User(user_id): User,
    session: Session<Login>,
) {
    users.next_generation(user_id);
    session.delete();
}

fn codec(seconds_ahead: i64) -> Codec<Login> {
    let now = START.checked_add_signed(seconds_ahead).unwrap();
    codec_at(&[1], now)
}

/// A server whose clock stands still, so many seconds ahead of the others.
fn server(users: &Users, seconds_ahead: i64) -> Router {
    let ann = |State(users), session| async move { log_in(&users, session, ANN).await };
    let bob = |State(users), session| async move { log_in(&users, session, BOB).await };
    Router::new()
        .route("/me", get(me))
        .route("/ann/log-in", post(ann))
        .route("/bob/log-in", post(bob))
        .route("/log-out-elsewhere", post(log_out_elsewhere))
        .route("/log-out-everywhere", post(log_out_everywhere))
        .layer(SessionLayer::new(codec(seconds_ahead)))
        .with_state(users.clone())
}

#[track_caller]
fn submit(browser: &mut Browser, server: &Router, path: &str) {
    let page = browser.send(server, Request::post(path).body(Body::empty()).unwrap());
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
}

fn logged_in(server: &Router, who: &str) -> Browser {
    let mut browser = Browser::new();
    submit(&mut browser, server, &format!("/{who}/log-in"));
    browser
}

/// Another browser, with a copy of the cookie.
fn copy_of(browser: &Browser) -> Browser {
    let mut copy = Browser::new();
    copy.set_cookie("login", browser.cookie("login").unwrap());
    copy
}

fn is_let_in(browser: &mut Browser, server: &Router) -> bool {
    let status = browser.get(server, "/me").status;
    assert!([StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&status), "{status}");
    status == StatusCode::OK
}

#[test]
fn a_thiefs_copy_ends_at_once() {
    let users = Users::default();
    let server = server(&users, 0);
    let mut ann = logged_in(&server, "ann");
    let mut thief = copy_of(&ann);
    assert!(is_let_in(&mut thief, &server));
    submit(&mut ann, &server, "/log-out-everywhere");
    assert!(!is_let_in(&mut thief, &server));
    assert!(!is_let_in(&mut ann, &server));
}

#[test]
fn the_users_own_new_session_goes_on_in_the_same_second() {
    let users = Users::default();
    let server = server(&users, 0);
    let mut ann = logged_in(&server, "ann");
    let mut thief = copy_of(&ann);
    submit(&mut ann, &server, "/log-out-elsewhere");
    assert!(is_let_in(&mut ann, &server));
    assert!(!is_let_in(&mut thief, &server));
}

#[test]
fn a_log_in_in_the_same_second_counts_only_if_it_comes_later() {
    let users = Users::default();
    let server = server(&users, 0);
    let mut ann = logged_in(&server, "ann");
    let mut before = logged_in(&server, "ann");
    submit(&mut ann, &server, "/log-out-everywhere");
    let mut after = logged_in(&server, "ann");
    assert!(!is_let_in(&mut before, &server));
    assert!(is_let_in(&mut after, &server));
}

#[test]
fn the_servers_clocks_may_differ() {
    for ahead in [-50, 50] {
        let users = Users::default();
        let (one, other) = (server(&users, 0), server(&users, ahead));
        let mut ann = logged_in(&one, "ann");
        let mut thief = copy_of(&ann);
        assert!(is_let_in(&mut thief, &other), "{ahead}");
        submit(&mut ann, &other, "/log-out-elsewhere");
        for server in [&one, &other] {
            assert!(is_let_in(&mut ann, server), "{ahead}");
            assert!(!is_let_in(&mut thief, server), "{ahead}");
        }
    }
}

#[test]
fn a_log_in_that_read_the_old_number_does_not_count() {
    let users = Users::default();
    let server = server(&users, 0);
    let mut ann = logged_in(&server, "ann");
    // It has read the record, and is still on its way to the browser.
    let login = Login { user_id: ANN, generation: users.generation(ANN) };
    submit(&mut ann, &server, "/log-out-everywhere");
    let mut late = Browser::new();
    late.set_cookie("login", &codec(0).encode(&login).unwrap());
    assert!(!is_let_in(&mut late, &server));
}

#[test]
fn other_users_stay() {
    let users = Users::default();
    let server = server(&users, 0);
    let (mut ann, mut bob) = (logged_in(&server, "ann"), logged_in(&server, "bob"));
    submit(&mut ann, &server, "/log-out-everywhere");
    assert!(!is_let_in(&mut ann, &server));
    assert!(is_let_in(&mut bob, &server));
}
