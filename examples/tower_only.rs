//! A session without axum, on any tower service:
//! `cargo run --example tower_only --no-default-features --features tower`.
//!
//! There is no socket. `main` acts as the browser: it sends requests, prints the responses, and sends
//! back the cookie that it received.

use std::convert::Infallible;

use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response, StatusCode};
use sealed_session::{Codec, Key, Keyring, Session, SessionError, SessionKind, SessionLayer};
use serde::{Deserialize, Serialize};
use tower::{Layer as _, ServiceExt as _, service_fn};

#[derive(Serialize, Deserialize, Clone, Default)]
struct Visits {
    count: u32,
}

impl SessionKind for Visits {
    type Data = Self;
    const NAME: &'static str = "visits";
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let codec = Codec::<Visits>::new(Keyring::new(Key::generate()?))?;
    let service = SessionLayer::new(codec).layer(service_fn(handle));

    let mut cookie = None;
    for path in ["/", "/", "/forget", "/"] {
        let mut request = Request::builder().uri(path);
        if let Some(cookie) = &cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = service.clone().oneshot(request.body(())?).await?;

        println!("GET {path} -> {} {}", response.status(), response.body());
        for (name, value) in response.headers() {
            println!("    {name}: {}", value.to_str()?);
        }
        if let Some(set) = response.headers().get(SET_COOKIE) {
            let pair = set.to_str()?.split(';').next().unwrap_or_default();
            // A browser forgets a removed cookie. Here it is enough to check for an empty value.
            cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
    }
    Ok(())
}

async fn handle(request: Request<()>) -> Result<Response<String>, Infallible> {
    // The layer has put the session there, one per kind.
    let body = match request.extensions().get::<Session<Visits>>() {
        Some(session) => visit(request.uri().path(), session),
        None => Ok("the SessionLayer is missing".to_owned()),
    };
    Ok(match body {
        Ok(body) => Response::new(body),
        Err(error) => {
            let mut response = Response::new(error.to_string());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    })
}

fn visit(path: &str, session: &Session<Visits>) -> Result<String, SessionError> {
    if path == "/forget" {
        session.delete();
        return Ok("forgotten".to_owned());
    }
    let count = session.data().unwrap_or_default().count + 1;
    session.set(Visits { count })?;
    Ok(format!("visit {count}"))
}
