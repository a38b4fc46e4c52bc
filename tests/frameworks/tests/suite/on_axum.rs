//! The site on axum.

use std::fmt::Debug;

use axum::Router;
use axum::body::Body as AxumBody;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::any;
use futures_util::{FutureExt as _, stream};
use sealed_session::{
    Codec, Current, Peek, Session, SessionError, SessionKind, SessionLayer, SessionRejection,
};

use crate::framework::{Body, Framework, Handler, Login, Reply, Work};
use crate::server::Server;

#[derive(Default)]
pub(crate) struct Axum(Router);

fn respond(reply: Reply) -> Response {
    let mut response = match reply.body {
        Body::Text(text) => text.into_response(),
        Body::Late(piece) => {
            let pieces = stream::once(async move { Ok::<_, SessionError>(piece()) });
            AxumBody::from_stream(pieces).into_response()
        }
    };
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
    for (name, value) in reply.headers {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        response.headers_mut().append(name, value);
    }
    response
}

fn show(found: impl Debug) -> String {
    format!("{found:?}")
}

impl Framework for Axum {
    const MIDDLEWARE: &'static str = "SessionLayer";

    fn route<K: SessionKind>(self, path: &str, handler: Handler<K>) -> Self {
        Self(self.0.route(path, any(async move |session| handler(session).await.map(respond))))
    }

    fn plain(self, path: &str, answer: fn() -> Reply) -> Self {
        Self(self.0.route(path, any(move || async move { respond(answer()) })))
    }

    fn extractors<K: SessionKind<Data = Login>>(self, prefix: &str) -> Self {
        async fn current<K: SessionKind<Data = Login>>(it: Current<K>) -> String {
            show(it.user_id)
        }
        async fn peek<K: SessionKind<Data = Login>>(it: Peek<K>) -> String {
            show(it.user_id)
        }
        async fn maybe_current<K: SessionKind<Data = Login>>(it: Option<Current<K>>) -> String {
            show(it.map(|it| it.user_id))
        }
        async fn maybe_peek<K: SessionKind<Data = Login>>(it: Option<Peek<K>>) -> String {
            show(it.map(|it| it.user_id))
        }
        async fn maybe_session<K: SessionKind>(it: Option<Session<K>>) -> String {
            show(it.is_some())
        }
        async fn result<K: SessionKind<Data = Login>>(
            it: Result<Current<K>, SessionRejection>,
        ) -> String {
            show(it.map(|it| it.user_id))
        }
        let routes = Router::new()
            .route("/current", any(current::<K>))
            .route("/peek", any(peek::<K>))
            .route("/maybe-current", any(maybe_current::<K>))
            .route("/maybe-peek", any(maybe_peek::<K>))
            .route("/maybe-session", any(maybe_session::<K>))
            .route("/result", any(result::<K>));
        Self(self.0.nest(prefix, routes))
    }

    fn before<K: SessionKind>(self, work: Work<K>) -> Self {
        let middleware = move |session: Session<K>, request, next: Next| async move {
            work(&session)?;
            Ok::<_, SessionError>(next.run(request).await)
        };
        Self(self.0.layer(from_fn(middleware)))
    }

    fn only_users<K: SessionKind>(self) -> Self {
        let layer = from_fn(async |_: Current<K>, request, next: Next| next.run(request).await);
        Self(self.0.layer(layer))
    }

    fn impatient(self) -> Self {
        Self(self.0.layer(from_fn(async |request: Request, next: Next| {
            // What is not ready is dropped.
            let response = next.run(request).now_or_never();
            response.unwrap_or_else(|| StatusCode::GATEWAY_TIMEOUT.into_response())
        })))
    }

    fn ask_to_log_in(self) -> Self {
        Self(self.0.layer(from_fn(async |request: Request, next: Next| {
            let response = next.run(request).await;
            match response.extensions().get::<SessionRejection>() {
                Some(SessionRejection::NoSession) => Redirect::to("/log-in").into_response(),
                _ => response,
            }
        })))
    }

    fn sessions_with<K: SessionKind>(self, codec: &Codec<K>, keep_writes_on_error: bool) -> Self {
        let layer = SessionLayer::new(codec.clone());
        Self(self.0.layer(layer.keep_writes_on_error(keep_writes_on_error)))
    }

    fn serve(self) -> Server {
        Server::start(move |listener, log, started| {
            let _log = tracing::subscriber::set_default(log);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let (stop, stopped) = tokio::sync::oneshot::channel();
                started(Box::new(move || {
                    let _ = stop.send(());
                }));
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    _ = async { axum::serve(listener, self.0).await } => {}
                    _ = stopped => {}
                }
            });
        })
    }
}
