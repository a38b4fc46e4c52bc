//! What the test orders: the time passes, a late answer may go, the key is rotated. So nothing here sleeps,
//! and nothing is late by chance.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::routing::post;
use sealed_session::{Clock as _, TestClock};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::Shared;

#[derive(Clone)]
pub(crate) struct Control {
    clock: TestClock,
    /// A permit for each late answer that may go.
    releases: Arc<Semaphore>,
}

#[derive(Deserialize)]
struct Advance {
    milliseconds: u64,
}

impl Control {
    pub(crate) fn new(clock: TestClock) -> Self {
        Self { clock, releases: Arc::new(Semaphore::new(0)) }
    }

    pub(crate) fn clock(&self) -> TestClock {
        self.clock.clone()
    }

    /// A clock that shows what this one showed so long ago.
    pub(crate) fn clock_behind(&self, by: Duration) -> TestClock {
        let now = self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        TestClock::at(now.saturating_sub(by).as_secs())
    }

    /// Waits until the test lets an answer go.
    pub(crate) async fn released(&self) {
        if let Ok(permit) = self.releases.acquire().await {
            permit.forget();
        }
    }

    pub(crate) fn routes(self, rotate: impl Fn() + Clone + Send + Sync + 'static) -> Router {
        let Self { clock, releases } = self;
        let advance = async move |Query(Advance { milliseconds }): Query<Advance>| {
            clock.advance(Duration::from_millis(milliseconds));
        };
        Router::new()
            .route("/control/advance", post(advance))
            .route("/control/release", post(async move || releases.add_permits(1)))
            .route("/control/rotate", post(async move || rotate()))
    }
}

impl FromRequestParts<Shared> for Control {
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, shared: &Shared) -> Result<Self, Infallible> {
        Ok(shared.control.clone())
    }
}
