//! poem: `cargo run -p frameworks --no-default-features --features poem --bin poem`.
//!
//! poem's own bridge to tower takes only layers for its own requests. But `SessionLayer` serves requests with any
//! body: here with none, beside poem's.

use std::sync::Arc;

use poem::http::{self, StatusCode};
use poem::listener::TcpListener;
use poem::web::Data;
use poem::{Endpoint, EndpointExt as _, Error, Request, Response, Route, Server, get, handler};
use sealed_session::{
    Codec, Dynamic, Key, Keyring, Session, SessionError, SessionKind, SessionLayer,
};
use tower::{Layer as _, ServiceExt as _, service_fn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("http://127.0.0.1:3000");
    Server::new(TcpListener::bind("127.0.0.1:3000")).run(app()?).await?;
    Ok(())
}

fn app() -> Result<impl Endpoint<Output = Response>, Box<dyn std::error::Error>> {
    let sessions = SessionLayer::new(Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?);
    let routes = Route::new().at("/", get(visits));
    Ok(routes.around(move |next, request| with_session(sessions.clone(), next, request)))
}

#[handler]
fn visits(session: Data<&Session>) -> poem::Result<String> {
    let visits = session.get::<u32>("visits").map_err(failed)?.unwrap_or(0) + 1;
    session.insert("visits", visits).map_err(failed)?;
    Ok(visits.to_string())
}

fn failed(error: SessionError) -> Error {
    Error::from_status(StatusCode::from_u16(error.status()).unwrap_or_default())
}

async fn with_session<K: SessionKind>(
    sessions: SessionLayer<K>,
    next: Arc<impl Endpoint + 'static>,
    mut request: Request,
) -> poem::Result<Response> {
    let mut head = http::Request::new(());
    *head.method_mut() = request.method().clone();
    *head.headers_mut() = request.headers().clone();
    *head.extensions_mut() = std::mem::take(request.extensions_mut());
    let service = service_fn(move |head: http::Request<()>| {
        let (next, mut request) = (next.clone(), std::mem::take(&mut request));
        *request.extensions_mut() = head.into_parts().0.extensions;
        // An error becomes its response first, so that a log-out before it is not lost.
        async move { Ok::<http::Response<_>, Error>(next.get_response(request).await.into()) }
    });
    Ok(sessions.layer(service).oneshot(head).await?.into())
}

#[cfg(test)]
#[tokio::test]
async fn the_second_visit_is_counted() -> Result<(), Box<dyn std::error::Error>> {
    let app = app()?;
    let first = app.call(Request::default()).await?;
    let cookie = first.header("set-cookie").expect("a cookie");
    let second = app.call(Request::builder().header("cookie", cookie).finish()).await?;
    assert_eq!(second.into_body().into_string().await?, "2");
    Ok(())
}
