//! Every staple, through the whole router, as a browser with a cookie jar uses it; and the attacks.

mod browser;
mod cart;
mod csrf;
mod flash;
mod log_in;
mod pages;
mod register;
mod roles;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sealed_session::{Codec, Key, Keyring, Revocations, TestClock, TokenInfo};

use self::browser::{Browser, SESSION};
use crate::App;
use crate::accounts::Accounts;
use crate::sessions::{self, Visit};

const PASSWORD: &str = "three wax candles";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A site without accounts, in memory.
struct Site {
    app: App,
    sessions: Codec<Visit>,
    router: Router,
    clock: TestClock,
}

impl Site {
    fn new() -> Self {
        let clock = TestClock::at(1_700_000_000);
        let app = App {
            accounts: Accounts::open(":memory:").unwrap(),
            revocations: Revocations::in_memory_with(clock.clone()),
            clock: Arc::new(clock.clone()),
        };
        let keyring = Keyring::new(Key::generate().unwrap());
        let sessions = sessions::codec(keyring.clone(), &app).unwrap();
        let router = crate::site(app.clone(), keyring).unwrap();
        Self { app, sessions, router, clock }
    }

    /// The session in this browser's cookie.
    fn session(&self, browser: &Browser) -> TokenInfo {
        self.sessions.decode(browser.jar.get(SESSION).unwrap()).unwrap().info
    }

    fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    /// A browser that has registered under this name, and is logged in.
    async fn registered(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.post("/register", &[("name", name), ("password", PASSWORD)]).await;
        assert_eq!(answer.location(), Some("/"), "{}", answer.body);
        browser
    }

    /// Another browser of somebody who has an account.
    async fn logged_in(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        browser.log_in(name, PASSWORD).await;
        browser
    }
}
