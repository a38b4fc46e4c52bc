//! Programs of actix-web, as a browser meets them.

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::{Error, test};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};

use crate::browser::Answer;

/// Asks a service of actix-web, whose types are those of an older `http`.
pub(crate) async fn call<S, B>(service: &S, request: Request<Body>) -> Answer
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let (parts, _) = request.into_parts();
    let mut test = test::TestRequest::with_uri(&parts.uri.to_string())
        .method(parts.method.as_str().parse().expect("a method"));
    for (name, value) in &parts.headers {
        test = test.append_header((name.as_str(), value.as_bytes()));
    }
    let response = match service.call(test.to_request()).await {
        Ok(response) => response.map_into_boxed_body().into_parts().1,
        Err(error) => error.error_response(),
    };
    let status = StatusCode::from_u16(response.status().as_u16()).expect("a status");
    let mut headers = HeaderMap::new();
    for (name, value) in response.headers() {
        let name: HeaderName = name.as_str().parse().expect("a name");
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    let body = actix_web::body::to_bytes(response.into_body()).await;
    let body = body.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Answer { status, body: body.unwrap_or_default(), headers }
}
