use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tower_sessions::session::Error;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, SessionStore};

fn failed(_: Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

// Once the password was checked.
async fn log_in(Path(user_id): Path<u64>, session: Session) -> Result<(), StatusCode> {
    session.cycle_id().await.map_err(failed)?;
    session.insert("user_id", user_id).await.map_err(failed)
}

async fn me(session: Session) -> Result<String, StatusCode> {
    let user_id = session.get::<u64>("user_id").await.map_err(failed)?;
    Ok(user_id.ok_or(StatusCode::UNAUTHORIZED)?.to_string())
}

async fn log_out(session: Session) -> Result<(), StatusCode> {
    session.flush().await.map_err(failed)
}

pub fn app(store: impl SessionStore + Clone) -> Router {
    Router::new()
        .route("/log-in/{user_id}", post(log_in))
        .route("/me", get(me))
        .route("/log-out", post(log_out))
        .layer(SessionManagerLayer::new(store))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = MemoryStore::default(); // or your store
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(store)).await?;
    Ok(())
}
