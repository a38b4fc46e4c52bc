//! The site on actix-web.

use std::fmt::Debug;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::ErrorGatewayTimeout;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::middleware::{ErrorHandlerResponse, ErrorHandlers, Next, from_fn};
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{App, Error, HttpResponse, HttpServer};
use futures_util::{FutureExt as _, stream};
use sealed_session::{Codec, SessionKind, SessionRejection};
use sealed_session_actix::{
    Current, Maybe, Peek, Rejection, Session, SessionError, SessionMiddleware,
};

use crate::framework::{Body, Framework, Handler, Login, Reply, Work};
use crate::server::Server;

/// Makes the site, once for each worker. Each middleware makes it a scope, as otherwise each would make it another
/// type.
#[derive(Clone)]
pub(crate) struct Actix(Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>);

impl Default for Actix {
    fn default() -> Self {
        Self(Arc::new(|_| ()))
    }
}

impl Actix {
    fn add(self, more: impl Fn(&mut ServiceConfig) + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |site| {
            (self.0)(site);
            more(site);
        }))
    }

    fn wrap(self, outer: impl Fn(&Self, &mut ServiceConfig) + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |site| outer(&self, site)))
    }
}

fn respond(reply: Reply) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(reply.status).unwrap());
    for header in reply.headers {
        response.append_header(header);
    }
    match reply.body {
        Body::Text(text) => response.body(text),
        Body::Late(piece) => {
            response.streaming(stream::once(async move { Ok::<_, Error>(Bytes::from(piece())) }))
        }
    }
}

fn show(found: impl Debug) -> String {
    format!("{found:?}")
}

impl Framework for Actix {
    const MIDDLEWARE: &'static str = "SessionMiddleware";

    fn route<K: SessionKind>(self, path: &str, handler: Handler<K>) -> Self {
        let path = path.to_owned();
        self.add(move |site| {
            let handler = handler.clone();
            let handler = move |session: Session<K>| {
                let answer = handler(session.into_inner());
                async { answer.await.map(respond).map_err(SessionError::from) }
            };
            site.route(&path, web::to(handler));
        })
    }

    fn plain(self, path: &str, answer: fn() -> Reply) -> Self {
        let path = path.to_owned();
        self.add(move |site| {
            site.route(&path, web::to(move || async move { respond(answer()) }));
        })
    }

    fn extractors<K: SessionKind<Data = Login>>(self, prefix: &str) -> Self {
        async fn current<K: SessionKind<Data = Login>>(it: Current<K>) -> String {
            show(it.user_id)
        }
        async fn peek<K: SessionKind<Data = Login>>(it: Peek<K>) -> String {
            show(it.user_id)
        }
        async fn maybe_current<K: SessionKind<Data = Login>>(
            Maybe(it): Maybe<Current<K>>,
        ) -> String {
            show(it.map(|it| it.user_id))
        }
        async fn maybe_peek<K: SessionKind<Data = Login>>(Maybe(it): Maybe<Peek<K>>) -> String {
            show(it.map(|it| it.user_id))
        }
        async fn maybe_session<K: SessionKind>(it: Maybe<Session<K>>) -> String {
            show(it.is_some())
        }
        async fn result<K: SessionKind<Data = Login>>(it: Result<Current<K>, Rejection>) -> String {
            show(it.map(|it| it.user_id).map_err(|rejection| rejection.0))
        }
        let prefix = prefix.to_owned();
        self.add(move |site| {
            let routes = web::scope(&prefix)
                .route("/current", web::to(current::<K>))
                .route("/peek", web::to(peek::<K>))
                .route("/maybe-current", web::to(maybe_current::<K>))
                .route("/maybe-peek", web::to(maybe_peek::<K>))
                .route("/maybe-session", web::to(maybe_session::<K>))
                .route("/result", web::to(result::<K>));
            site.service(routes);
        })
    }

    fn before<K: SessionKind>(self, work: Work<K>) -> Self {
        async fn run<K: SessionKind>(
            session: Session<K>,
            work: Work<K>,
            request: ServiceRequest,
            next: Next<impl MessageBody>,
        ) -> Result<ServiceResponse<impl MessageBody>, Error> {
            work(&session).map_err(SessionError::from)?;
            next.call(request).await
        }
        self.wrap(move |inner, site| {
            let middleware = from_fn(move |session, request, next: Next<BoxBody>| {
                run::<K>(session, work, request, next)
            });
            site.service(web::scope("").wrap(middleware).configure(|site| (inner.0)(site)));
        })
    }

    fn only_users<K: SessionKind>(self) -> Self {
        async fn run<K: SessionKind>(
            _: Current<K>,
            request: ServiceRequest,
            next: Next<impl MessageBody>,
        ) -> Result<ServiceResponse<impl MessageBody>, Error> {
            next.call(request).await
        }
        self.wrap(move |inner, site| {
            let middleware = from_fn(run::<K>);
            site.service(web::scope("").wrap(middleware).configure(|site| (inner.0)(site)));
        })
    }

    fn impatient(self) -> Self {
        async fn run(
            request: ServiceRequest,
            next: Next<impl MessageBody>,
        ) -> Result<ServiceResponse<impl MessageBody>, Error> {
            // What is not ready is dropped.
            let response = next.call(request).now_or_never();
            response.unwrap_or_else(|| Err(ErrorGatewayTimeout("")))
        }
        self.wrap(|inner, site| {
            site.service(web::scope("").wrap(from_fn(run)).configure(|site| (inner.0)(site)));
        })
    }

    fn ask_to_log_in(self) -> Self {
        fn ask<B>(response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
            let error = response.response().error();
            let rejection = error.and_then(|error| error.as_error::<Rejection>());
            Ok(ErrorHandlerResponse::Response(match rejection {
                Some(Rejection(SessionRejection::NoSession)) => {
                    let (request, _) = response.into_parts();
                    let mut redirect = HttpResponse::SeeOther();
                    let redirect = redirect.insert_header((LOCATION, "/log-in")).finish();
                    ServiceResponse::new(request, redirect).map_into_right_body()
                }
                _ => response.map_into_left_body(),
            }))
        }
        self.wrap(|inner, site| {
            let middleware = ErrorHandlers::new().handler(StatusCode::UNAUTHORIZED, ask);
            site.service(web::scope("").wrap(middleware).configure(|site| (inner.0)(site)));
        })
    }

    fn sessions_with<K: SessionKind>(self, codec: &Codec<K>, keep_writes_on_error: bool) -> Self {
        let middleware = SessionMiddleware::new(codec.clone());
        let middleware = middleware.keep_writes_on_error(keep_writes_on_error);
        self.wrap(move |inner, site| {
            let scope = web::scope("").wrap(middleware.clone());
            site.service(scope.configure(|site| (inner.0)(site)));
        })
    }

    fn serve(self) -> Server {
        Server::start(move |listener, log, started| {
            actix_web::rt::System::new().block_on(async move {
                let make = move || {
                    // This is a worker's thread.
                    std::mem::forget(tracing::subscriber::set_default(log.clone()));
                    App::new().configure(|site| (self.0)(site))
                };
                let server = HttpServer::new(make).workers(1).disable_signals();
                let server = server.listen(listener).unwrap().run();
                let handle = server.handle();
                started(Box::new(move || drop(handle.stop(false))));
                server.await.unwrap();
            });
        })
    }
}
