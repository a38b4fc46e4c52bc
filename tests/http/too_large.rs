//! Too large is an error in the handler, before any header leaves.

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use sealed_session::{
    Codec, Dynamic, EncodeErrorKind, Session, SessionError, SessionErrorKind, SessionLayer,
};

use crate::support::Browser;
use crate::support::server::Server;

#[test]
fn eleven_kilobytes_are_an_error_in_the_handler() {
    let mut browser = Browser::new();
    let app = Router::new()
        .route(
            "/error",
            get(|session: Session| async move { session.insert("text", "x".repeat(11_000)) }),
        )
        .route(
            "/fallback",
            get(|session: Session| async move {
                match session.insert("text", "x".repeat(11_000)) {
                    Ok(()) => "kept",
                    Err(_) => "that was too much",
                }
            }),
        )
        .layer(SessionLayer::new(browser.codec::<Dynamic>()));
    let server = Server::start(app);
    let page = browser.fetch(&server, "GET /error", "");
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(page.body, "the session could not be used");
    assert!(page.set_cookies().is_empty());
    let page = browser.fetch(&server, "GET /fallback", "");
    assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "that was too much"));
    assert!(page.set_cookies().is_empty());
}

#[test]
fn a_write_that_is_too_large_reports_its_size_and_changes_nothing() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("a", 1));
    browser.visit(&codec, |session| {
        session.insert("a", "x".repeat(2986))?;
        let error = session.insert("a", "x".repeat(2987)).unwrap_err();
        let SessionErrorKind::Encode(EncodeErrorKind::TooLarge(size)) = error.kind() else {
            panic!("{error:?}");
        };
        assert_eq!((size.size, size.limit, size.json), (4097, 4096, 2995));
        assert_eq!(size.entry, Some(("a".to_owned(), 2989)));
        let error = session.insert("b", 1).unwrap_err();
        let SessionErrorKind::Encode(EncodeErrorKind::TooLarge(size)) = error.kind() else {
            panic!("{error:?}");
        };
        assert_eq!(size.entry, Some(("b".to_owned(), 1)));
        assert!(session.update(|entries| entries.insert("b", 1)).is_err());
        Ok(())
    });
    let token = browser.cookie("session").unwrap();
    assert!("session".len() + token.len() <= 4096);
    browser.visit(&codec, |session| {
        assert_eq!(session.get::<String>("a")?.unwrap().len(), 2986);
        assert!(!session.contains("b"));
        Ok(())
    });
}

/// What a write of so many bytes is told in a request that brings another cookie of so many bytes.
fn told(
    codec: &Codec<Dynamic>,
    browser: &mut Browser,
    others: &[usize],
    bytes: usize,
) -> Result<(), SessionError> {
    for (place, bytes) in others.iter().enumerate() {
        browser.set_cookie(&format!("other{place}"), &"x".repeat(*bytes));
    }
    let (tell, told) = std::sync::mpsc::channel();
    browser.visit(codec, move |session| {
        tell.send(session.insert("a", "x".repeat(bytes))).unwrap();
        Ok(())
    });
    told.recv().unwrap()
}

#[test]
fn all_cookies_of_the_site_together_are_at_most_7500_bytes() {
    // `session=` and the sealed value of {"a":"x…"}, and `other0=`, `other1=` and `; ` twice.
    let value = |json: usize| (72 + json + "{\"a\":\"\"}".len()) * 4;
    let ours = |json: usize| "session=".len() + value(json).div_ceil(3);
    let first = 3900;
    let rest = 7500 - ours(1000) - "other0=; other1=; ".len() - first;
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    told(&codec, &mut browser, &[first, rest], 1000).unwrap();
    let error = told(&codec, &mut browser, &[first, rest + 1], 1000).map(drop);
    // The cookie that came makes room for its successor; what is longer does not fit.
    error.expect("as long as what came");
    let error = told(&codec, &mut browser, &[first, rest + 1], 1003).unwrap_err();
    let SessionErrorKind::CookieHeaderTooLarge { size, limit, cookies, .. } = error.kind() else {
        panic!("{error:?}");
    };
    assert_eq!((*size, *limit), (7505, 7500));
    assert_eq!(cookies[0], ("other0".to_owned(), 6 + first));
    assert!(cookies.contains(&("session".to_owned(), ours(1003) - 1)), "{cookies:?}");
    let text = error.to_string();
    assert!(text.contains("7505") && text.contains("\"other0\" with 3906"), "{text}");
    assert!(text.contains("cookies are \"other0\" with 3906, \""), "{text}");
    // Nor does one byte more where there is no predecessor.
    let mut fresh = Browser::new();
    let codec = fresh.codec::<Dynamic>();
    told(&codec, &mut fresh, &[first, rest + 1], 1000).unwrap_err();
    told(&codec, &mut fresh, &[first, rest], 1000).unwrap();
}

#[test]
fn the_total_is_a_setting_and_existing_cookies_may_stay() {
    let mut browser = Browser::new();
    let codec = browser.builder::<Dynamic>().max_cookie_header(1000).build().unwrap();
    assert!(told(&codec, &mut browser, &[600], 300).is_err());
    told(&codec, &mut browser, &[600], 100).unwrap();
    // Another part of the site has set more meanwhile: a write that is no longer goes on.
    told(&codec, &mut browser, &[3000], 100).unwrap();
    told(&codec, &mut browser, &[3000], 50).unwrap();
    assert!(told(&codec, &mut browser, &[3000], 200).is_err());
    let wide = browser.builder::<Dynamic>().max_cookie_header(20_000).build().unwrap();
    told(&wide, &mut browser, &[4000, 4000, 4000], 2000).unwrap();
}

#[test]
fn the_writes_of_all_sessions_of_one_request_count_together() {
    let mut browser = Browser::new();
    let dynamic = SessionLayer::new(browser.codec::<Dynamic>());
    let names = SessionLayer::new(browser.codec::<Name>());
    let handler = |session: Session, name: Session<Name>| async move {
        session.insert("a", "x".repeat(2900))?;
        let error = name.set(Name("x".repeat(2900))).unwrap_err();
        let SessionErrorKind::CookieHeaderTooLarge { cookies, .. } = error.kind() else {
            panic!("{error}");
        };
        assert_eq!(cookies.len(), 2);
        // The other one gives its room back.
        session.insert("a", "x".repeat(100))?;
        name.set(Name("x".repeat(2900)))?;
        assert!(session.insert("a", "x".repeat(2900)).is_err());
        name.delete();
        session.insert("a", "x".repeat(2900))
    };
    for app in [
        Router::new().route("/", get(handler)).layer(dynamic.clone()).layer(names.clone()),
        Router::new().route("/", get(handler)).layer(names).layer(dynamic),
    ] {
        let page = browser.get(&app, "/");
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    }
}

#[test]
fn the_cookie_of_a_session_that_is_not_written_counts_with_that_of_another() {
    let mut browser = Browser::new();
    let names = browser.codec::<Name>();
    browser.visit(&names, |name| name.set(Name("x".repeat(2900))));
    let handler = |session: Session, _name: Session<Name>| async move {
        session.insert("a", "x".repeat(2000))?;
        session.insert("a", "x".repeat(2900)).unwrap_err();
        Ok::<_, SessionError>(())
    };
    let dynamic = SessionLayer::new(browser.codec::<Dynamic>());
    let layers = Router::new().route("/", get(handler)).layer(dynamic);
    let page = browser.get(&layers.layer(SessionLayer::new(names)), "/");
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
}

#[test]
fn a_cookie_that_the_request_removes_counts_for_nothing() {
    let mut browser = Browser::new();
    let dynamic = browser.builder::<Dynamic>().max_cookie_header(2000).build().unwrap();
    let names = SessionLayer::new(browser.codec::<Name>());
    let handler = |session: Session, name: Session<Name>| async move {
        name.set(Name("x".to_owned()))?;
        name.delete();
        let error = session.insert("a", "x".repeat(2000)).unwrap_err();
        let SessionErrorKind::CookieHeaderTooLarge { cookies, .. } = error.kind() else {
            panic!("{error}");
        };
        assert_eq!(cookies.len(), 1, "{cookies:?}");
        Ok::<_, SessionError>(())
    };
    let layers = Router::new().route("/", get(handler)).layer(SessionLayer::new(dynamic));
    let page = browser.get(&layers.layer(names), "/");
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Name(String);

impl sealed_session::SessionKind for Name {
    type Data = Self;
    const NAME: &'static str = "name";
}

/// Writes its own session before the inner layer has put the other one beside it.
#[test]
fn a_write_between_two_layers_counts_as_well() {
    let mut browser = Browser::new();
    let outer = SessionLayer::new(browser.codec::<Dynamic>());
    let inner = SessionLayer::new(browser.codec::<Name>());
    let early = axum::middleware::from_fn(
        |session: Session, request: axum::extract::Request, next: axum::middleware::Next| async move {
            session.insert("a", "x".repeat(2900)).unwrap();
            next.run(request).await
        },
    );
    let handler = |name: Session<Name>| async move {
        let error = name.set(Name("x".repeat(2900))).unwrap_err();
        assert!(
            matches!(error.kind(), SessionErrorKind::CookieHeaderTooLarge { cookies, .. } if cookies.len() == 2),
            "{error}"
        );
    };
    let app = Router::new().route("/", get(handler)).layer(inner).layer(early).layer(outer);
    let page = browser.get(&app, "/");
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
}

/// A browser sends a cookie that has no name as its value alone, which may be another program's secret.
#[test]
fn the_value_of_a_cookie_without_a_name_is_not_in_the_error() {
    let browser = Browser::new();
    let codec = browser.builder::<Dynamic>().max_cookie_header(300).build().unwrap();
    let handler = |session: Session| async move {
        session.insert("a", "x".repeat(300)).unwrap_err().to_string()
    };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(codec));
    let request = http::Request::get("/").header("cookie", "hunter2; b=2");
    let page = browser.send_plain(&app, request.body(axum::body::Body::empty()).unwrap());
    assert!(page.body.contains("Cookie") && !page.body.contains("hunter2"), "{}", page.body);
}
