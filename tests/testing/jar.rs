//! The cookies of a browser: what it keeps, for how long, and where it sends them.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use http::{Request, Response};
use sealed_session::TestClock;
use sealed_session::testing::{CookieJar, TestCookie};
use tower::Service;

use super::panic_of;
use super::support::{Login, SEVEN, START, codec_at, seconds};

fn jar_with(lines: &[&str]) -> CookieJar {
    let mut jar = CookieJar::new().clock(TestClock::at(START));
    lines.iter().for_each(|line| jar.keep("/", line));
    jar
}

#[test]
fn a_cookie_of_the_same_name_domain_and_path_is_replaced_at_its_place() {
    let jar = jar_with(&["a=1; Path=/", "b=1; Path=/", "a=2; Path=/"]);
    assert_eq!(jar.header("/").as_deref(), Some("a=2; b=1"));
    for other in ["a=2; Path=/x", "a=2; Path=/; Domain=example.org", "a=2; Path=/; Partitioned"] {
        let jar = jar_with(&["a=1; Path=/", other]);
        assert_eq!(jar.header("/x").unwrap().matches("a=").count(), 2, "{other}");
        assert_eq!(jar.get("a"), Some("1"));
    }
}

#[test]
fn a_cookie_is_removed_by_one_that_is_over() {
    for gone in [
        "a=; Path=/; Max-Age=0",
        "a=; Path=/; Max-Age=-7",
        "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ] {
        let jar = jar_with(&["a=1; Path=/", "b=1; Path=/", gone]);
        assert_eq!(jar.header("/").as_deref(), Some("b=1"), "{gone}");
    }
    let elsewhere = jar_with(&["a=1; Path=/", "a=; Path=/x; Max-Age=0"]);
    assert_eq!(elsewhere.get("a"), Some("1"));
}

#[test]
fn a_cookie_lasts_as_long_as_it_says_by_the_jars_clock() {
    let clock = TestClock::at(START);
    let mut jar = CookieJar::new().clock(clock.clone());
    // START is 14 November 2023, 22:13:20.
    jar.keep("/", "a=1; Path=/; Max-Age=60");
    jar.keep("/", "b=1; Path=/; Expires=Tue, 14 Nov 2023 22:13:50 GMT");
    jar.keep("/", "c=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    jar.keep("/", "d=1; Path=/");
    clock.advance(seconds(29));
    assert_eq!(jar.header("/").as_deref(), Some("a=1; b=1; c=1; d=1"));
    clock.advance(seconds(1));
    assert_eq!(jar.header("/").as_deref(), Some("a=1; c=1; d=1"));
    clock.advance(seconds(30));
    assert_eq!(jar.header("/").as_deref(), Some("d=1"));
    jar.close_browser();
    assert_eq!(jar.header("/"), None);
}

#[test]
fn a_cookie_is_sent_to_its_path_and_below_the_longest_path_first() {
    let jar = jar_with(&["a=1; Path=/", "b=1; Path=/shop", "c=1; Path=/shop/"]);
    for (path, cookies) in [
        ("/", "a=1"),
        ("/shopping", "a=1"),
        ("/shop", "b=1; a=1"),
        ("/shop/", "c=1; b=1; a=1"),
        ("/shop/cart", "c=1; b=1; a=1"),
    ] {
        assert_eq!(jar.header(path).as_deref(), Some(cookies), "{path}");
    }
}

#[test]
fn a_cookie_without_a_path_belongs_to_the_folder_of_its_request() {
    for (request, path) in
        [("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a"), ("/a/b/c", "/a/b"), ("*", "/")]
    {
        for line in ["x=1", "x=1; Path=", "x=1; Path=relative"] {
            let mut jar = CookieJar::new();
            jar.keep(request, line);
            assert_eq!(jar.header(path).as_deref(), Some("x=1"), "{request} {line}");
            assert_eq!(jar.header("/other").is_some(), path == "/", "{request} {line}");
        }
    }
}

#[test]
fn what_is_no_cookie_changes_nothing() {
    let jar = jar_with(&["", ";", "a", "=1; Path=/", "a=1\r\nb=2; Path=/", "a=\x7f; Path=/"]);
    assert_eq!(jar.header("/"), None);
}

#[test]
fn a_cookie_that_no_browser_keeps_fails_the_test() {
    let line = |len| format!("a={}; Path=/", "x".repeat(len));
    let mut jar = jar_with(&[&line(4095)]);
    let text = panic_of(|| jar.keep("/", line(4096)));
    assert_eq!(text, "the cookie `a` has 4097 bytes; browsers keep at most 4096");
}

#[test]
fn a_made_up_session_can_be_put_into_it() {
    let codec = codec_at::<Login>(&[1], START);
    let mut jar = jar_with(&[]);
    jar.add(TestCookie::new(&codec, SEVEN));
    assert_eq!(codec.decode(jar.get("login").unwrap()).unwrap().data, SEVEN);
}

#[test]
fn its_debug_has_names_and_no_values() {
    let jar = jar_with(&["a=secret; Path=/"]);
    assert_eq!(format!("{jar:?}"), r#"CookieJar { names: ["a"], .. }"#);
}

/// Answers with the cookies that it got, and sets those of its path. It must be ready before it is called.
#[derive(Clone)]
struct Echo {
    ready: bool,
}

impl Service<Request<()>> for Echo {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        assert!(self.ready);
        let cookies = request.headers().get_all("cookie").iter().map(|line| line.to_str().unwrap());
        let cookies = cookies.collect::<Vec<_>>().join(" | ");
        let response =
            Response::builder().header("set-cookie", "a=1; Path=/").header("set-cookie", "b=1");
        ready(Ok(response.body(cookies).unwrap()))
    }
}

#[tokio::test]
async fn a_call_sends_the_cookies_and_keeps_those_of_the_response() {
    let mut jar = CookieJar::new();
    let app = Echo { ready: false };
    let mut get = async |path: &str, cookies: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(line) = cookies {
            request = request.header("cookie", line);
        }
        jar.call(&app, request.body(()).unwrap()).await.unwrap().into_body()
    };
    assert_eq!(get("/shop/cart?item=1", None).await, "");
    assert_eq!(get("/shop/cart", None).await, "b=1; a=1");
    assert_eq!(get("/", None).await, "a=1");
    assert_eq!(get("/", Some("mine=1")).await, "mine=1; a=1; b=1");
}
