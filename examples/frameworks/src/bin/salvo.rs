//! salvo: `cargo run -p frameworks --no-default-features --features salvo --bin salvo`.
//!
//! salvo's `compat` makes a hoop of a layer for tower.

use salvo::http::{ReqBody, StatusCode, StatusError};
use salvo::prelude::*;
use sealed_session::{Codec, Dynamic, Key, Keyring, Session, SessionError, SessionLayer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("http://127.0.0.1:3000");
    let acceptor = TcpListener::new("127.0.0.1:3000").bind().await;
    Server::new(acceptor).serve(app()?).await;
    Ok(())
}

fn app() -> Result<Router, Box<dyn std::error::Error>> {
    let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    Ok(Router::new().hoop(SessionLayer::new(codec).compat::<ReqBody>()).get(home))
}

#[handler]
async fn home(request: &mut Request) -> Result<String, StatusError> {
    let session = request.extensions().get::<Session>();
    let session = session.ok_or_else(StatusError::internal_server_error)?;
    Ok(count(session).map_err(failed)?.to_string())
}

fn count(session: &Session) -> Result<u32, SessionError> {
    let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(visits)
}

fn failed(error: SessionError) -> StatusError {
    let status = StatusCode::from_u16(error.status()).ok().and_then(StatusError::from_code);
    status.unwrap_or_else(StatusError::internal_server_error)
}

#[cfg(test)]
#[tokio::test]
async fn the_second_visit_is_counted() -> Result<(), Box<dyn std::error::Error>> {
    use http_body_util::BodyExt as _;
    use salvo::conn::SocketAddr::Unknown;
    use salvo::http::uri::Scheme;

    let service = Service::new(app()?).hyper_handler(Unknown, Unknown, Scheme::HTTP, None, None);
    let first = service.handle(Request::new()).await;
    let mut second = Request::new();
    second.headers_mut().insert("cookie", first.headers()["set-cookie"].clone());
    let body = service.handle(second).await.take_body().collect().await?.to_bytes();
    assert_eq!(body, "2");
    Ok(())
}
