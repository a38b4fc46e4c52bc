//! Logins from end to end: a browser with a cookie jar, the site and the provider, over loopback.

mod browser;

use std::time::Duration;

use oauth_example::provider::{self, Registered};
use oauth_example::site;
use oauth2::reqwest::StatusCode;
use oauth2::url::Url;
use sealed_session::{Key, Keyring, OAuthCookies, TestClock};
use tokio::net::TcpListener;

use crate::browser::{Browser, Page};

/// The site and the provider, which run until the test ends.
struct World {
    site: String,
    clock: TestClock,
}

impl World {
    async fn begin() -> Self {
        let for_site = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let for_provider = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let site = format!("http://{}", for_site.local_addr().unwrap());
        let provider = format!("http://localhost:{}", for_provider.local_addr().unwrap().port());
        let registered = Registered {
            client_id: "the-site".to_owned(),
            client_secret: provider::random(),
            redirect_uri: format!("{site}/auth/callback"),
        };
        let clock = TestClock::at(1_700_000_000);
        let keyring = Keyring::new(Key::generate().unwrap());
        let logins = OAuthCookies::builder(keyring.clone()).clock(clock.clone()).build().unwrap();
        let app = site::router(keyring, logins, &registered, &provider).unwrap();
        tokio::spawn(axum::serve(for_site, app).into_future());
        tokio::spawn(axum::serve(for_provider, provider::router(registered)).into_future());
        Self { site, clock }
    }

    fn browser(&self) -> Browser {
        Browser::at(&self.site)
    }
}

/// Begins a login, and returns the provider's page.
async fn start(browser: &mut Browser, next: &str) -> Url {
    let page = browser.open(&format!("/auth/start?next={next}")).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    page.location.unwrap()
}

/// Begins a login, logs in at the provider, and returns the callback.
async fn callback(browser: &mut Browser) -> Url {
    let provider = start(browser, "/").await;
    browser.answer(provider, "user-7").await
}

#[track_caller]
fn assert_logged_in(page: &Page) {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
}

#[track_caller]
fn assert_refused(page: &Page, browser: &Browser) {
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
    assert!(browser.names("/").is_empty(), "a refused callback opens no session");
}

fn with(url: &Url, name: &str, value: &str) -> Url {
    let pairs: Vec<_> = url.query_pairs().filter(|pair| pair.0 != name).collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(pairs).append_pair(name, value);
    changed
}

fn value(url: &Url, name: &str) -> String {
    url.query_pairs().find(|pair| pair.0 == name).unwrap().1.into_owned()
}

#[tokio::test]
async fn a_user_logs_in_and_comes_back_to_the_page_that_asked() {
    let world = World::begin().await;
    let mut browser = world.browser();
    let to_start = browser.open("/orders").await.location.unwrap();
    let provider = browser.follow(to_start).await.location.unwrap();
    assert!(browser.follow(provider.clone()).await.body.contains("As user 7"));
    assert_eq!(browser.names("/auth/callback").len(), 1);
    assert!(browser.names("/orders").is_empty(), "no other request carries the login");

    let callback = browser.answer(provider, "user-7").await;
    let back = browser.follow(callback).await;
    assert_logged_in(&back);
    assert_eq!(browser.names("/auth/callback"), ["login"]);
    let page = browser.follow(back.location.unwrap()).await;
    assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "the orders of user-7"));
}

#[tokio::test]
async fn a_user_who_cancels_is_not_logged_in_and_can_try_again() {
    let world = World::begin().await;
    let mut browser = world.browser();
    let provider = start(&mut browser, "/").await;
    let cancelled = browser.answer(provider, "").await;
    assert_eq!(value(&cancelled, "error"), "access_denied");
    assert_eq!(browser.follow(cancelled).await.status, StatusCode::FORBIDDEN);
    assert!(browser.names("/auth/callback").is_empty(), "neither a session nor a login is left");

    let callback = callback(&mut browser).await;
    assert_logged_in(&browser.follow(callback).await);
}

#[tokio::test]
async fn a_stolen_callback_is_refused_in_another_browser() {
    let world = World::begin().await;
    let stolen = callback(&mut world.browser()).await;
    let mut other = world.browser();
    assert_refused(&other.follow(stolen.clone()).await, &other);

    // Also in one that has begun a login itself.
    callback(&mut other).await;
    assert_refused(&other.follow(stolen).await, &other);
}

#[tokio::test]
async fn a_callback_is_refused_the_second_time() {
    let world = World::begin().await;
    let mut browser = world.browser();
    let callback = callback(&mut browser).await;
    let copy = browser.clone();
    assert_logged_in(&browser.follow(callback.clone()).await);
    assert_eq!(browser.follow(callback.clone()).await.status, StatusCode::BAD_REQUEST);

    // With a copy of the cookie it is the provider that refuses the code.
    let mut copy = copy;
    assert_eq!(copy.follow(callback).await.status, StatusCode::BAD_GATEWAY);
    assert!(copy.names("/").is_empty());
}

#[tokio::test]
async fn a_callback_with_another_state_is_refused() {
    let world = World::begin().await;
    let mut browser = world.browser();
    let callback = callback(&mut browser).await;
    for state in ["", "a-state-that-somebody-made-up"] {
        assert_refused(&browser.follow(with(&callback, "state", state)).await, &browser);
    }
    assert_logged_in(&browser.follow(callback).await);
}

#[tokio::test]
async fn a_code_that_was_injected_is_refused_by_the_provider() {
    let world = World::begin().await;
    let stolen = callback(&mut world.browser()).await;
    let mut attacker = world.browser();
    let own = callback(&mut attacker).await;
    let injected = with(&own, "code", &value(&stolen, "code"));
    // The verifier in the attacker's cookie does not fit (RFC 9700, section 4.5.3.1).
    assert_eq!(attacker.follow(injected).await.status, StatusCode::BAD_GATEWAY);
    assert!(attacker.names("/").is_empty());
}

#[tokio::test]
async fn a_login_that_takes_ten_minutes_is_refused() {
    let world = World::begin().await;
    let mut browser = world.browser();
    let callback = callback(&mut browser).await;
    world.clock.advance(Duration::from_secs(600));
    assert_refused(&browser.follow(callback).await, &browser);
    assert!(browser.names("/auth/callback").is_empty());
}

#[tokio::test]
async fn of_five_parallel_logins_the_oldest_goes() {
    let world = World::begin().await;
    let mut browser = world.browser();
    let mut callbacks = Vec::new();
    for _ in 0..5 {
        callbacks.push(callback(&mut browser).await);
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(browser.names("/auth/callback").len(), 4);
    let oldest = callbacks.remove(0);
    assert_refused(&browser.follow(oldest).await, &browser);
    for callback in callbacks {
        assert_logged_in(&browser.follow(callback).await);
    }
}

#[tokio::test]
async fn planted_junk_goes_before_a_users_login() {
    let world = World::begin().await;
    let mut browser = world.browser();
    let first = callback(&mut browser).await;
    for digits in 0..10 {
        browser.plant(&format!("__Secure-oauth-{digits:08x}"), "planted", "/auth");
    }
    let second = callback(&mut browser).await;
    assert_eq!(browser.names("/auth/callback").len(), 2);
    assert_logged_in(&browser.follow(first).await);
    assert_logged_in(&browser.follow(second).await);
}

#[tokio::test]
async fn junk_that_cannot_be_removed_disturbs_no_login() {
    let world = World::begin().await;
    let mut browser = world.browser();
    // Another path, or a sibling subdomain's Domain: the site's removal names another cookie.
    for digits in 0..10 {
        browser.plant(&format!("__Secure-oauth-{digits:08x}"), "planted", "/auth/start");
        browser.plant(&format!("__Secure-oauth-{digits:08x}"), "planted", "/");
    }
    let callback = callback(&mut browser).await;
    assert_logged_in(&browser.follow(callback).await);
}

#[tokio::test]
async fn a_next_on_another_site_is_refused() {
    let world = World::begin().await;
    let mut browser = world.browser();
    for next in ["https://evil.example", "//evil.example", "/%5cevil.example", "/%09/evil.example"]
    {
        let page = browser.open(&format!("/auth/start?next={next}")).await;
        assert_refused(&page, &browser);
        assert!(page.location.is_none() && browser.names("/auth/start").is_empty());
    }
}
