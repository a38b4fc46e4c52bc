//! With `tower::ServiceExt::oneshot`: no socket, no client. Several requests go through a `CookieJar`.

mod support;

use axum::body::Body;
use axum::http::header::COOKIE;
use axum::http::{Request, StatusCode};
use sealed_session::testing::{CookieJar, SessionChange, TestCookie};
use tested::{Login, app};
use tower::ServiceExt as _;

use support::{DAY, codec};

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn somebody_who_is_logged_in_sees_the_page() -> Result {
    let (codec, _) = codec();
    let cookie = TestCookie::new(&codec, Login { user_id: 7 }).header();
    let request = Request::get("/me").header(COOKIE, cookie).body(Body::empty())?;
    let response = app(codec.clone()).oneshot(request).await?;
    assert_eq!(response.status(), StatusCode::OK);
    SessionChange::of(&codec, response.headers()).assert_kept();
    Ok(())
}

#[tokio::test]
async fn an_expired_session_is_as_good_as_none() -> Result {
    let (codec, _) = codec();
    let cookie = TestCookie::new(&codec, Login { user_id: 7 }).expired().header();
    let request = Request::get("/me").header(COOKIE, cookie).body(Body::empty())?;
    let response = app(codec).oneshot(request).await?;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn logging_in_begins_a_session_that_may_be_remembered() -> Result {
    let (codec, _) = codec();
    for (form, max_age) in [("user_id=7", None), ("user_id=7&remember=on", Some(30 * DAY))] {
        let request = Request::post("/log-in").header(FORM.0, FORM.1).body(Body::from(form))?;
        let response = app(codec.clone()).oneshot(request).await?;
        let set = SessionChange::of(&codec, response.headers()).expect_set();
        assert_eq!(set.data, Login { user_id: 7 });
        assert_eq!(set.attributes.max_age, max_age);
        assert!(set.attributes.secure && set.attributes.http_only);
    }
    Ok(())
}

#[tokio::test]
async fn a_remembered_user_is_still_there_when_the_browser_opens_again() -> Result {
    let (codec, clock) = codec();
    let app = app(codec);
    let mut jar = CookieJar::new().clock(clock.clone());
    let status = async |jar: &mut CookieJar, path: &str| {
        let request = Request::get(path).body(Body::empty())?;
        Ok::<_, Box<dyn std::error::Error>>(jar.call(&app, request).await?.status())
    };
    for (form, then) in
        [("user_id=7", StatusCode::UNAUTHORIZED), ("user_id=7&remember=on", StatusCode::OK)]
    {
        let request = Request::post("/log-in").header(FORM.0, FORM.1).body(Body::from(form))?;
        jar.call(&app, request).await?;
        assert_eq!(status(&mut jar, "/me").await?, StatusCode::OK);
        jar.close_browser();
        assert_eq!(status(&mut jar, "/me").await?, then);
    }
    clock.advance(31 * DAY);
    assert_eq!(status(&mut jar, "/me").await?, StatusCode::UNAUTHORIZED);
    Ok(())
}
