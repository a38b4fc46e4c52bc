//! hyper, without a framework: `cargo run -p frameworks --no-default-features --features hyper --bin hyper`.
//!
//! `SessionLayer` is a layer of tower; hyper-util serves what it wraps. (`examples/tower_only.rs` needs no socket.)

use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use sealed_session::{Codec, Dynamic, Key, Keyring, Session, SessionError, SessionLayer};
use tokio::net::TcpListener;
use tower::{Layer as _, service_fn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    let service = SessionLayer::new(codec).layer(service_fn(visits));
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn visits<B>(request: Request<B>) -> Result<Response<String>, Infallible> {
    // The layer has put the session there, one for each kind.
    let Some(session) = request.extensions().get::<Session>() else {
        return Ok(failed(StatusCode::INTERNAL_SERVER_ERROR));
    };
    Ok(match count(session) {
        Ok(visits) => Response::new(visits.to_string()),
        Err(error) => failed(StatusCode::from_u16(error.status()).unwrap_or_default()),
    })
}

fn count(session: &Session) -> Result<u32, SessionError> {
    let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(visits)
}

fn failed(status: StatusCode) -> Response<String> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

#[cfg(test)]
#[tokio::test]
async fn the_second_visit_is_counted() -> Result<(), Box<dyn std::error::Error>> {
    use tower::ServiceExt as _;

    let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    let service = SessionLayer::new(codec).layer(service_fn(visits));
    let first = service.clone().oneshot(Request::new(())).await?;
    let second = Request::builder().header("cookie", &first.headers()["set-cookie"]).body(())?;
    assert_eq!(service.oneshot(second).await?.body(), "2");
    Ok(())
}
