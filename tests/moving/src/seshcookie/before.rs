use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use seshcookie::{BuildError, Session, SessionConfig, SessionKeys, SessionLayer};

#[derive(Serialize, Deserialize, Clone)]
struct User {
    id: u64,
}

// Once the password was checked.
async fn log_in(Path(id): Path<u64>, session: Session<User>) {
    session.insert(User { id }).await;
}

async fn me(session: Session<User>) -> Result<String, StatusCode> {
    let user = session.get().await.ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(user.id.to_string())
}

async fn log_out(session: Session<User>) {
    session.clear().await;
}

pub fn app(keys: SessionKeys) -> Result<Router, BuildError> {
    let layer = SessionLayer::<User>::new(keys, SessionConfig::default())?;
    Ok(Router::new()
        .route("/log-in/{user_id}", post(log_in))
        .route("/me", get(me))
        .route("/log-out", post(log_out))
        .layer(layer))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys = SessionKeys::new(&std::fs::read("cookie-key")?)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(keys)?).await?;
    Ok(())
}
