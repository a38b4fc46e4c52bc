//! A demo for the browser: `cargo run --example demo`, then open the address that it prints.
//!
//! Log in, count visits, keep preferences in a second session, rotate the key, and look at the
//! cookie of the request. Clients that do not ask for HTML, such as curl, get the same page as text.
//! `PORT` and `KEY_FILE` change the port and the key file.

mod anatomy;
mod handlers;
mod html;
mod keys;
mod page;
mod plain;
mod reply;
mod sessions;
mod time;

use std::env::{self, VarError};
use std::error::Error;
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use sealed_session::SessionLayer;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::keys::KeyFile;
use crate::reply::Failure;
use crate::sessions::App;

const DEFAULT_PORT: u16 = 3000;
/// Different from the name that the README uses for a service's own key.
const DEFAULT_KEY_FILE: &str = "demo-key";
/// How long open requests may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", reply::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let port = port()?;
    // The port comes first, so that no key file is created if the port is in use.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        let what = format!("cannot listen on 127.0.0.1:{port} (PORT chooses another port)");
        Failure::new(what, error)
    })?;
    let address = listener.local_addr()?;
    let keys = KeyFile::open(key_file().into())?;
    let origin = keys.origin();
    let app = Arc::new(App::new(keys, address)?);

    println!("key file: {origin}");
    println!("open http://{address}/ in a browser, or: curl http://{address}/");
    println!("press Ctrl-C to stop");

    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, routes(app)).with_graceful_shutdown(async {
        // If the program cannot listen for Ctrl-C, it ends the process as usual.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        drop(stop);
    });
    tokio::select! {
        served = server => served?,
        () = async { let _ = stopped.await; tokio::time::sleep(GRACE).await } => {}
    }
    println!("stopped");
    Ok(())
}

/// Everything that uses a session is below both layers. The style sheet and the icon are not, because
/// they are the same for everybody.
fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(handlers::home))
        .route("/login", get(handlers::logged_in).post(handlers::log_in))
        .route("/logout", post(handlers::log_out))
        .route("/preferences", post(handlers::set_preferences))
        .route("/rotate", post(handlers::rotate))
        .layer(SessionLayer::new(app.logins.clone()))
        .layer(SessionLayer::new(app.preferences.clone()))
        .route("/style.css", get(page::style))
        .route("/icon.svg", get(page::icon))
        .fallback(handlers::not_found)
        .method_not_allowed_fallback(handlers::wrong_method)
        .layer(middleware::from_fn(reply::own_forms_only))
        .layer(middleware::from_fn_with_state(app.clone(), reply::finish))
        .with_state(app)
}

fn port() -> Result<u16, Failure> {
    match env::var("PORT") {
        Ok(text) => text
            .parse()
            .map_err(|error| Failure::new(format!("PORT is {text:?}, which is not a port"), error)),
        Err(VarError::NotPresent) => Ok(DEFAULT_PORT),
        Err(error) => Err(Failure::new("PORT cannot be read".to_owned(), error)),
    }
}

fn key_file() -> OsString {
    env::var_os("KEY_FILE")
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| DEFAULT_KEY_FILE.into())
}
