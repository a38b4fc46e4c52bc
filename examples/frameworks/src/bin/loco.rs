//! loco: `cargo run -p frameworks --no-default-features --features loco --bin loco`.
//!
//! Its controllers are axum's handlers, so they take axum's extractors; the hook `after_routes` adds the layer.

use std::path::Path;

use axum::Router;
use loco_rs::Result;
use loco_rs::app::{AppContext, Hooks};
use loco_rs::bgworker::Queue;
use loco_rs::boot::{BootResult, ServeParams, StartMode, create_app, start};
use loco_rs::config::Config;
use loco_rs::controller::{AppRoutes, Routes};
use loco_rs::environment::Environment;
use loco_rs::prelude::{async_trait, get};
use loco_rs::task::Tasks;
use sealed_session::{Codec, Dynamic, Key, Keyring, Session, SessionError, SessionLayer};

struct App;

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        env!("CARGO_BIN_NAME")
    }

    fn routes(_: &AppContext) -> AppRoutes {
        AppRoutes::empty().add_route(Routes::new().add("/", get(visits)))
    }

    async fn after_routes(router: Router, _: &AppContext) -> Result<Router> {
        let key = Key::generate().map_err(loco_rs::Error::wrap)?;
        let codec = Codec::<Dynamic>::new(Keyring::new(key)).map_err(loco_rs::Error::wrap)?;
        Ok(router.layer(SessionLayer::new(codec)))
    }

    async fn boot(mode: StartMode, at: &Environment, config: Config) -> Result<BootResult> {
        create_app::<Self>(mode, at, config).await
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> {
        Ok(())
    }

    fn register_tasks(_: &mut Tasks) {}
}

async fn visits(session: Session) -> Result<String, SessionError> {
    let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(visits.to_string())
}

/// loco's own main function is behind its feature `cli`, which brings a database.
async fn boot() -> Result<BootResult> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let config = Environment::Development.load_from_folder(&folder)?;
    App::boot(StartMode::ServerOnly, &Environment::Development, config).await
}

#[tokio::main]
async fn main() -> Result<()> {
    let boot = boot().await?;
    let server = &boot.app_context.config.server;
    let serve = ServeParams { port: server.port, binding: server.binding.clone() };
    start::<App>(boot, serve, true).await
}

#[cfg(test)]
#[tokio::test]
async fn the_second_visit_is_counted() -> Result<(), Box<dyn std::error::Error>> {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    let app = boot().await?.router.expect("a router");
    let first = app.clone().oneshot(Request::new(Body::empty())).await?;
    let cookie = &first.headers()["set-cookie"];
    let second = Request::get("/").header("cookie", cookie).body(Body::empty())?;
    assert_eq!(app.oneshot(second).await?.into_body().collect().await?.to_bytes(), "2");
    Ok(())
}
