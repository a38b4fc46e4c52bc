//! One request through the layer, whose handler is a closure.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response};
use sealed_session::{
    Codec, CookieOptions, Key, Keyring, Session, SessionKind, SessionLayer, TestClock,
};
use tower_layer::Layer as _;
use tower_service::Service;

pub(crate) const NOW: u64 = 1_700_000_000;

/// What the response does to the cookie.
#[derive(Debug, PartialEq)]
pub(crate) enum Cookie {
    Untouched,
    Removed,
    Set(String),
}

pub(crate) fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32]).unwrap()
}

pub(crate) fn ring(keys: &[u8]) -> Keyring {
    Keyring::from_keys(keys.iter().map(|byte| key(*byte))).unwrap()
}

/// A codec with key 1 and a clock, that stands at [`NOW`].
pub(crate) fn codec<K: SessionKind>() -> (Codec<K>, TestClock) {
    let clock = TestClock::at(NOW);
    let cookie = CookieOptions::new();
    (Codec::builder(ring(&[1])).cookie(cookie).clock(clock.clone()).build().unwrap(), clock)
}

/// A request with this token. The response begins when the handler returns, whatever its tasks are at.
pub(crate) fn request<K: SessionKind>(
    codec: &Codec<K>,
    token: Option<&str>,
    handler: impl FnOnce(Session<K>),
) -> Cookie {
    let name = codec.cookie_name().to_owned();
    let mut request = Request::new(());
    if let Some(token) = token {
        let cookie = format!("{name}={token}").try_into().unwrap();
        request.headers_mut().insert(COOKIE, cookie);
    }
    let mut service = SessionLayer::new(codec.clone()).layer(Handler(Some(handler), PhantomData));
    let response = pin!(service.call(request));
    let Poll::Ready(Ok(response)) = response.poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("the handler is ready")
    };
    let mut cookies = response.headers().get_all(SET_COOKIE).iter();
    let Some(cookie) = cookies.next() else { return Cookie::Untouched };
    assert!(cookies.next().is_none(), "two cookies");
    let cookie = cookie.to_str().unwrap();
    if cookie.contains("Max-Age=0") {
        return Cookie::Removed;
    }
    let value = cookie.strip_prefix(&name).unwrap().strip_prefix('=').unwrap();
    Cookie::Set(value.split(';').next().unwrap().to_owned())
}

struct Handler<F, K>(Option<F>, PhantomData<fn(K)>);

impl<F: FnOnce(Session<K>), K: SessionKind> Service<Request<()>> for Handler<F, K> {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<()>) -> Self::Future {
        let session = request.extensions_mut().remove::<Session<K>>().unwrap();
        (self.0.take().unwrap())(session);
        ready(Ok(Response::new(())))
    }
}
