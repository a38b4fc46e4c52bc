//! What the server is asked and what it answers, a line of JSON each on stdout: which cookies came and which
//! were set, without their values. Scripts and drivers see neither exactly, and no two browsers show it alike.

use std::io::{Write as _, stdout};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::header::{COOKIE, HOST, SET_COOKIE};
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Value, json};

pub(crate) async fn tell(request: Request, next: Next) -> Response {
    static REQUESTS: AtomicU64 = AtomicU64::new(0);

    let id = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let (target, headers) = (target(&request), request.headers());
    say(&json!({
        "event": "request",
        "id": id,
        "method": request.method().as_str(),
        "host": host(&request),
        "target": target,
        "cookies": texts(headers, COOKIE).flat_map(|line| line.split("; ")).map(name).collect::<Vec<_>>(),
    }));
    let response = next.run(request).await;
    say(&json!({
        "event": "response",
        "id": id,
        "target": target,
        "status": response.status().as_u16(),
        "set": texts(response.headers(), SET_COOKIE).map(name).collect::<Vec<_>>(),
    }));
    response
}

/// Writes a line at once.
pub(crate) fn say(value: &Value) {
    let mut out = stdout().lock();
    // If the test is gone, stdin ends the process.
    let _gone = writeln!(out, "{value}").and_then(|()| out.flush());
}

/// Path and query.
fn target(request: &Request) -> String {
    request.uri().path_and_query().map(PathAndQuery::as_str).unwrap_or_default().to_owned()
}

/// HTTP/2 has the host in the target, HTTP/1.1 in a header.
fn host(request: &Request) -> Option<&str> {
    let authority = request.uri().authority().map(Authority::as_str);
    let authority = authority.or_else(|| texts(request.headers(), HOST).next())?;
    authority.split(':').next()
}

fn texts(headers: &HeaderMap, header: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(header).iter().filter_map(|value| value.to_str().ok())
}

fn name(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}
