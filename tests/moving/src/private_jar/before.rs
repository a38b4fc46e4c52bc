use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum_extra::extract::PrivateCookieJar;
use axum_extra::extract::cookie::{Cookie, Key, SameSite};

fn session(value: String) -> Cookie<'static> {
    Cookie::build(("session", value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .build()
}

// Once the password was checked.
async fn log_in(Path(user_id): Path<u64>, jar: PrivateCookieJar) -> PrivateCookieJar {
    jar.add(session(user_id.to_string()))
}

async fn me(jar: PrivateCookieJar) -> Result<String, StatusCode> {
    let session = jar.get("session").ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(session.value().to_owned())
}

async fn log_out(jar: PrivateCookieJar) -> PrivateCookieJar {
    jar.remove(session(String::new()))
}

pub fn app(key: Key) -> Router {
    Router::new()
        .route("/log-in/{user_id}", post(log_in))
        .route("/me", get(me))
        .route("/log-out", post(log_out))
        .with_state(key)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = Key::try_from(&*std::fs::read("cookie-key")?)?; // 64 bytes
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(key)).await?;
    Ok(())
}
