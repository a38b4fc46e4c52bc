//! The axum extractors, and what is answered where a layer is forgotten or doubled.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::header::VARY;
use http::{Request, StatusCode};
use sealed_session::{
    Codec, CookieOptions, Current, Dynamic, Session, SessionError, SessionKind, SessionLayer,
};

use tower::ServiceExt as _;

use crate::support::log::log_of;
use crate::support::{Admin, Browser, Login, Page, SEVEN};

async fn log_in(session: Session<Login>) -> Result<(), SessionError> {
    session.regenerate();
    session.set(SEVEN)
}

async fn promote(session: Session<Admin>) -> Result<(), SessionError> {
    session.set(Login { user_id: 1 })
}

async fn me(Current(login): Current<Login>) -> String {
    login.user_id.to_string()
}

async fn admin(admin: Current<Admin>) -> String {
    admin.user_id.to_string()
}

async fn home(login: Option<Current<Login>>) -> &'static str {
    if login.is_some() { "in" } else { "out" }
}

async fn handle(session: Option<Session<Login>>) -> &'static str {
    if session.is_some() { "in" } else { "out" }
}

async fn log_out(session: Session<Login>) {
    session.delete();
}

fn routes() -> Router {
    Router::new()
        .route("/log-in", get(log_in))
        .route("/log-out", get(log_out))
        .route("/promote", get(promote))
        .route("/me", get(me))
        .route("/admin", get(admin))
        .route("/home", get(home))
        .route("/handle", get(handle))
        .route("/nothing", get(|| async { "nothing" }))
}

fn layer<K: SessionKind>(browser: &Browser) -> SessionLayer<K> {
    SessionLayer::new(browser.codec())
}

fn named<K: SessionKind>(browser: &Browser, name: &'static str) -> SessionLayer<K> {
    let options = CookieOptions::new().name(name);
    SessionLayer::new(browser.builder().cookie(options).build().unwrap())
}

/// The body of a mistake in the set-up: the log says which, and names the types.
const UNUSABLE: &str = "the session could not be used: see the server's log";

#[track_caller]
fn answers(page: &Page, status: u16, body: &str) {
    assert_eq!((page.status.as_u16(), page.body.as_str()), (status, body));
}

#[test]
fn current_is_the_data_and_401_without_it() {
    let mut browser = Browser::new();
    let app = routes().layer(layer::<Login>(&browser));
    let page = browser.get(&app, "/me");
    answers(&page, 401, "no session");
    assert!(page.set_cookies().is_empty());
    assert_eq!(page.all(VARY), ["Cookie"]);
    browser.get(&app, "/log-in");
    answers(&browser.get(&app, "/me"), 200, "7");
    browser.get(&app, "/log-out");
    answers(&browser.get(&app, "/me"), 401, "no session");
}

#[test]
fn an_option_is_none_without_a_session() {
    let mut browser = Browser::new();
    let app = routes().layer(layer::<Login>(&browser));
    for path in ["/home", "/handle"] {
        answers(&browser.get(&app, path), 200, "out");
    }
    browser.set_cookie("login", "junk");
    for path in ["/home", "/handle"] {
        answers(&browser.get(&app, path), 200, "out");
    }
    browser.get(&app, "/log-in");
    for path in ["/home", "/handle"] {
        answers(&browser.get(&app, path), 200, "in");
    }
}

#[test]
fn current_of_a_session_without_entries_is_none() {
    let mut browser = Browser::new();
    let app = Router::new()
        .route("/", get(|entries: Current<Dynamic>| async move { entries.len().to_string() }))
        .route("/write", get(|session: Session| async move { session.insert("a", 1) }))
        .layer(layer::<Dynamic>(&browser));
    answers(&browser.get(&app, "/"), 401, "no session");
    browser.get(&app, "/write");
    answers(&browser.get(&app, "/"), 200, "1");
}

#[test]
fn a_forgotten_layer_is_a_500_that_names_it() {
    let mut browser = Browser::new();
    let app = routes();
    for path in ["/me", "/home", "/handle", "/log-in", "/log-out"] {
        let (page, log) = log_of(|| browser.get(&app, path));
        answers(&page, 500, UNUSABLE);
        let text = "no SessionLayer for `http::support::Login` on this route: add \
                    `.layer(SessionLayer::new(Codec::<Login>::new(keyring)?))` after its routes";
        assert!(log.contains(text), "{log}");
    }
    answers(&browser.get(&app, "/nothing"), 200, "nothing");
}

#[test]
fn a_forgotten_layer_names_the_layers_that_are_there() {
    let mut browser = Browser::new();
    let app = routes().layer(layer::<Login>(&browser)).layer(named::<Dynamic>(&browser, "prefs"));
    let (page, log) = log_of(|| browser.get(&app, "/admin"));
    answers(&page, 500, UNUSABLE);
    assert!(log.contains("Codec::<Admin>::new"), "{log}");
    assert!(log.contains("(there are layers for the cookies login, prefs)"), "{log}");
}

#[test]
fn a_layer_added_before_the_routes_counts_as_missing() {
    let mut browser = Browser::new();
    let app = Router::new().layer(layer::<Login>(&browser)).merge(routes());
    assert_eq!(browser.get(&app, "/me").status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn kinds_with_the_same_data_type_work_side_by_side() {
    let mut browser = Browser::new();
    let app = routes().layer(layer::<Login>(&browser)).layer(layer::<Admin>(&browser));
    browser.get(&app, "/log-in");
    answers(&browser.get(&app, "/me"), 200, "7");
    answers(&browser.get(&app, "/admin"), 401, "no session");
    browser.get(&app, "/promote");
    answers(&browser.get(&app, "/admin"), 200, "1");
    browser.get(&app, "/log-out");
    answers(&browser.get(&app, "/me"), 401, "no session");
    answers(&browser.get(&app, "/admin"), 200, "1");
}

#[test]
fn two_layers_of_one_cookie_name_are_a_500_that_names_it() {
    let mut browser = Browser::new();
    let doubled = [
        routes().layer(layer::<Login>(&browser)).layer(layer::<Login>(&browser)),
        routes().layer(layer::<Login>(&browser)).layer(named::<Admin>(&browser, "login")),
        routes()
            .layer(named::<Admin>(&browser, "login"))
            .layer(layer::<Dynamic>(&browser))
            .layer(layer::<Login>(&browser)),
    ];
    for app in doubled {
        for path in ["/me", "/home", "/handle", "/log-in", "/admin"] {
            let (page, log) = log_of(|| browser.get(&app, path));
            answers(&page, 500, UNUSABLE);
            let text = "two session layers serve the cookie `login` on this route: remove one, or \
                        give one kind another name with `CookieOptions::name`";
            assert!(log.contains(text), "{log}");
            assert!(page.set_cookies().is_empty());
        }
        answers(&browser.get(&app, "/nothing"), 200, "nothing");
    }
}

#[test]
fn two_layers_of_one_kind_are_a_500_that_names_it() {
    let mut browser = Browser::new();
    let app = routes().layer(layer::<Login>(&browser)).layer(named::<Login>(&browser, "other"));
    let (page, log) = log_of(|| browser.get(&app, "/me"));
    answers(&page, 500, UNUSABLE);
    assert!(log.contains("two session layers serve the kind"), "{log}");
    assert!(log.contains("Login`"), "{log}");
}

#[test]
fn layers_of_one_cookie_name_on_different_routes_do_not_conflict() {
    let mut browser = Browser::new();
    let codec: Codec<Login> = browser.codec();
    let part =
        |path: &str| Router::new().route(path, get(home)).layer(SessionLayer::new(codec.clone()));
    let app = part("/a").merge(part("/b"));
    answers(&browser.get(&app, "/a"), 200, "out");
    answers(&browser.get(&app, "/b"), 200, "out");
}

#[cfg(feature = "tracing")]
#[test]
fn two_layers_of_one_cookie_name_are_logged_as_an_error_also_if_nobody_looks() {
    let mut browser = Browser::new();
    let app = routes().layer(layer::<Login>(&browser)).layer(named::<Admin>(&browser, "login"));
    let (_, log) = log_of(|| browser.get(&app, "/nothing"));
    let line = log.lines().find(|line| line.starts_with("ERROR")).unwrap();
    assert!(line.contains("two session layers") && line.contains("`login`"), "{line}");
}

#[cfg(feature = "tracing")]
#[test]
fn a_forgotten_layer_is_logged_as_an_error() {
    let mut browser = Browser::new();
    let (_, log) = log_of(|| browser.get(&routes(), "/me"));
    let line = log.lines().find(|line| line.starts_with("ERROR")).unwrap();
    assert!(line.contains("no SessionLayer for"), "{line}");
}

#[test]
fn a_session_passed_to_another_router_causes_no_conflict() {
    let mut browser = Browser::new();
    let inner = routes().layer(layer::<Login>(&browser));
    let outer = async move |session: Session<Login>| {
        let request = Request::get("/me").extension(session).body(Body::empty()).unwrap();
        inner.oneshot(request).await.unwrap().status().to_string()
    };
    let app = Router::new().route("/", get(outer)).layer(layer::<Login>(&browser));
    answers(&browser.get(&app, "/"), 200, "401 Unauthorized");
}
