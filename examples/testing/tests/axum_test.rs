//! With axum-test, which keeps cookies itself where it is told to.

mod support;

use axum::http::StatusCode;
use axum::http::header::COOKIE;
use axum_test::TestServer;
use sealed_session::testing::{SessionChange, TestCookie};
use tested::{Login, app};

use support::codec;

#[tokio::test]
async fn somebody_who_is_logged_in_sees_the_page() {
    let (codec, _) = codec();
    let server = TestServer::new(app(codec.clone()));
    let cookie = TestCookie::new(&codec, Login { user_id: 7 }).header();
    server.get("/me").add_header(COOKIE, cookie).await.assert_text("user 7");
    server.get("/me").await.assert_status(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_log_in_lasts_until_the_log_out() {
    let (codec, _) = codec();
    let server = TestServer::builder().save_cookies().build(app(codec.clone()));

    let response = server.post("/log-in").form(&[("user_id", "7")]).await;
    let set = SessionChange::of(&codec, response.headers()).expect_set();
    assert_eq!(set.data, Login { user_id: 7 });
    server.get("/me").await.assert_text("user 7");

    let response = server.post("/log-out").await;
    SessionChange::of(&codec, response.headers()).assert_removed();
}
