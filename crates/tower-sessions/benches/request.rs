//! What a request costs with tower-sessions' `Session` over a sealed cookie, beside the plain `Session`.
//!
//!     cargo bench -p sealed-session-tower-sessions --features v0_14 --bench request
#![allow(missing_docs, reason = "criterion's macro makes a function without any")]

use std::convert::Infallible;
use std::hint::black_box;

use axum::body::Body;
use criterion::{Criterion, criterion_group, criterion_main};
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response};
use sealed_session::{Codec, Dynamic, Key, Keyring, SessionLayer};
use sealed_session_tower_sessions::TowerSession;
use sealed_session_tower_sessions::v0_14::SealedSessionLayer;
use sealed_session_tower_sessions::v0_14::tower_sessions_core::Session;
use tower::{Layer, Service, service_fn};

type Plain = sealed_session::Session<Dynamic>;

async fn plain(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let session = request.extensions().get::<Plain>().expect("a layer");
    match request.uri().path() {
        "/read" => drop(black_box(session.get::<u64>("user").expect("it reads"))),
        "/write" => session.insert("page", request.uri().path().len()).expect("it writes"),
        "/begin" => {
            session.insert("user", 7).expect("it writes");
            session.insert("name", "a name of some length, and more").expect("it writes");
        }
        _ => {}
    }
    Ok(Response::new(Body::empty()))
}

async fn tower(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let session = request.extensions().get::<Session>().expect("a layer");
    match request.uri().path() {
        "/read" => drop(black_box(session.get::<u64>("user").await.expect("it reads"))),
        "/write" => {
            session.insert("page", request.uri().path().len()).await.expect("it writes");
        }
        "/begin" => {
            session.insert("user", 7).await.expect("it writes");
            session.insert("name", "a name of some length, and more").await.expect("it writes");
        }
        _ => {}
    }
    Ok(Response::new(Body::empty()))
}

fn requests<S>(criterion: &mut Criterion, name: &str, mut service: S)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let request = |path: &str| Request::builder().uri(path.to_owned());
    let begun = runtime
        .block_on(service.call(request("/begin").body(Body::empty()).expect("a request")))
        .expect("a response");
    let cookie = begun.headers()[SET_COOKIE].to_str().expect("text");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let mut group = criterion.benchmark_group(name);
    for (case, path, comes) in [
        ("no cookie, not used", "/", false),
        ("cookie, not used", "/", true),
        ("cookie, read", "/read", true),
        ("cookie, written", "/write", true),
    ] {
        group.bench_function(case, |bencher| {
            bencher.iter(|| {
                let mut request = request(path);
                if comes {
                    request = request.header(COOKIE, &cookie);
                }
                let request = request.body(Body::empty()).expect("a request");
                runtime.block_on(service.call(request)).expect("a response")
            });
        });
    }
    group.finish();
}

fn compare(criterion: &mut Criterion) {
    let ring = Keyring::new(Key::generate().expect("randomness"));
    let codec = Codec::<Dynamic>::new(ring.clone()).expect("a codec");
    requests(criterion, "plain", SessionLayer::new(codec).layer(service_fn(plain)));
    let codec = Codec::<TowerSession>::new(ring).expect("a codec");
    requests(criterion, "tower-sessions", SealedSessionLayer::new(codec).layer(service_fn(tower)));
}

criterion_group!(benches, compare);
criterion_main!(benches);
