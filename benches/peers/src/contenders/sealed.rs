//! The libraries that seal the data into the cookie.
//!
//! The two jars hold text: the session goes through them as JSON, under the attributes that ours
//! sets. Their keys live where their examples put them, in the state or a static.

use std::sync::OnceLock;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::{StatusCode, Uri};

use super::{answer, number, untouched};
use crate::sample::{Sample, visits};

pub(super) fn tower_cookies(len: usize) -> Router {
    use tower_cookies::cookie::SameSite;
    use tower_cookies::{Cookie, CookieManagerLayer, Cookies, Key};

    static KEY: OnceLock<Key> = OnceLock::new();
    fn key() -> &'static Key {
        KEY.get_or_init(|| Key::from(&[7; 64]))
    }
    fn load(cookies: &Cookies) -> Result<Sample, StatusCode> {
        let cookie = cookies.private(key()).get("session").ok_or(StatusCode::UNAUTHORIZED)?;
        serde_json::from_str(cookie.value()).map_err(|_| StatusCode::UNAUTHORIZED)
    }
    fn store(cookies: &Cookies, data: &Sample) -> Result<(), StatusCode> {
        let json = serde_json::to_string(data).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        let cookie = Cookie::build(("session", json))
            .http_only(true)
            .secure(true)
            .same_site(SameSite::Lax)
            .path("/");
        cookies.private(key()).add(cookie.build());
        Ok(())
    }
    async fn read(cookies: Cookies) -> Result<String, StatusCode> {
        Ok(answer(load(&cookies)?.user_id))
    }
    async fn write(cookies: Cookies) -> Result<String, StatusCode> {
        let mut data = load(&cookies)?;
        data.visits = visits();
        store(&cookies, &data)?;
        Ok(answer(data.visits.into()))
    }
    async fn read_visits(cookies: Cookies) -> Result<String, StatusCode> {
        Ok(answer(load(&cookies)?.visits.into()))
    }
    let begin =
        async move |uri: Uri, cookies: Cookies| store(&cookies, &Sample::new(number(&uri), len));
    Router::new()
        .route("/begin", get(begin))
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/visits", get(read_visits))
        .layer(CookieManagerLayer::new())
}

pub(super) fn axum_extra(len: usize) -> Router {
    use axum_extra::extract::PrivateCookieJar;
    use axum_extra::extract::cookie::{Cookie, Key, SameSite};

    type Stored = Result<(PrivateCookieJar, String), StatusCode>;

    fn load(jar: &PrivateCookieJar) -> Result<Sample, StatusCode> {
        let cookie = jar.get("session").ok_or(StatusCode::UNAUTHORIZED)?;
        serde_json::from_str(cookie.value()).map_err(|_| StatusCode::UNAUTHORIZED)
    }
    fn store(jar: PrivateCookieJar, data: &Sample) -> Stored {
        let json = serde_json::to_string(data).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        let cookie = Cookie::build(("session", json))
            .http_only(true)
            .secure(true)
            .same_site(SameSite::Lax)
            .path("/");
        Ok((jar.add(cookie.build()), answer(data.visits.into())))
    }
    async fn read(jar: PrivateCookieJar) -> Result<String, StatusCode> {
        Ok(answer(load(&jar)?.user_id))
    }
    async fn write(jar: PrivateCookieJar) -> Stored {
        let mut data = load(&jar)?;
        data.visits = visits();
        store(jar, &data)
    }
    async fn read_visits(jar: PrivateCookieJar) -> Result<String, StatusCode> {
        Ok(answer(load(&jar)?.visits.into()))
    }
    let begin = async move |uri: Uri, State(_): State<Key>, jar: PrivateCookieJar| {
        store(jar, &Sample::new(number(&uri), len))
    };
    Router::new()
        .route("/begin", get(begin))
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/visits", get(read_visits))
        .with_state(Key::from(&[7; 64]))
}

pub(super) fn seshcookie(len: usize) -> Router {
    use seshcookie::{Session, SessionConfig, SessionKeys, SessionLayer};

    async fn read(session: Session<Sample>) -> Result<String, StatusCode> {
        let data = session.get().await.ok_or(StatusCode::UNAUTHORIZED)?;
        Ok(answer(data.user_id))
    }
    async fn write(session: Session<Sample>) -> String {
        let visits = visits();
        session
            .modify(|data| {
                if let Some(data) = data {
                    data.visits = visits;
                }
            })
            .await;
        answer(visits.into())
    }
    async fn read_visits(session: Session<Sample>) -> Result<String, StatusCode> {
        let data = session.get().await.ok_or(StatusCode::UNAUTHORIZED)?;
        Ok(answer(data.visits.into()))
    }
    let begin = async move |uri: Uri, session: Session<Sample>| {
        session.insert(Sample::new(number(&uri), len)).await;
    };
    let keys = SessionKeys::new(&[7; 32]).expect("a key");
    let layer = SessionLayer::<Sample>::new(keys, SessionConfig::default()).expect("a layer");
    Router::new()
        .route("/begin", get(begin))
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/visits", get(read_visits))
        .layer(layer)
}
