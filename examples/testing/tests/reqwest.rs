//! With reqwest, against a server on a socket. Its cookie store sends `Secure` cookies to a loopback
//! address, as browsers do.

mod support;

use reqwest::header::COOKIE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use sealed_session::Codec;
use sealed_session::testing::{SessionChange, TestCookie};
use tested::{Login, app};

use support::codec;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Serves the application until the test ends.
async fn serve(codec: &Codec<Login>) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = app(codec.clone());
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(url)
}

#[tokio::test]
async fn somebody_who_is_logged_in_sees_the_page() -> Result {
    let (codec, _) = codec();
    let url = serve(&codec).await?;
    let cookie = TestCookie::new(&codec, Login { user_id: 7 }).header();
    let response = Client::new().get(format!("{url}/me")).header(COOKIE, cookie).send().await?;
    assert_eq!(response.text().await?, "user 7");
    Ok(())
}

#[tokio::test]
async fn a_log_in_lasts_until_the_log_out() -> Result {
    let (codec, _) = codec();
    let url = serve(&codec).await?;
    // A redirect that is followed would hide the response that sets the cookie.
    let client = Client::builder().cookie_store(true).redirect(Policy::none()).build()?;

    let response = client.post(format!("{url}/log-in")).form(&[("user_id", "7")]).send().await?;
    let set = SessionChange::of(&codec, response.headers()).expect_set();
    assert_eq!(set.data, Login { user_id: 7 });
    assert_eq!(client.get(format!("{url}/me")).send().await?.text().await?, "user 7");

    let response = client.post(format!("{url}/log-out")).send().await?;
    SessionChange::of(&codec, response.headers()).assert_removed();
    let status = client.get(format!("{url}/me")).send().await?.status();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    Ok(())
}
