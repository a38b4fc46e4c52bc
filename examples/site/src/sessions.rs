//! What a session holds, how long it lives, and what a log-in does to it.

use std::time::Duration;

use sealed_session::{
    Codec, ConfigError, CookieOptions, Keyring, Session, SessionError, SessionKind, Tag,
};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::cart::Cart;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The session of one browser. It begins with the first thing in the cart, or with a log-in.
///
/// Only the user's number is in it: name and role are read from the database for each request, so that a
/// change of them is in force at once.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Visit {
    /// Who is logged in.
    pub(crate) user: Option<i64>,
    pub(crate) cart: Cart,
}

impl SessionKind for Visit {
    type Data = Self;
    const NAME: &'static str = "visit";

    /// What all sessions of a user have in common, so that they can be ended together.
    fn tags(visit: &Self) -> Vec<Tag> {
        visit.user.map(user_tag).into_iter().collect()
    }
}

pub(crate) fn user_tag(user: i64) -> Tag {
    Tag::new("user", user)
}

pub(crate) fn codec(keyring: Keyring, app: &App) -> Result<Codec<Visit>, ConfigError> {
    Codec::builder(keyring)
        .idle_timeout(8 * HOUR)
        .remember_timeout(30 * DAY)
        .absolute_timeout(90 * DAY)
        .cookie(CookieOptions::host_prefixed())
        .revocations(&app.revocations)
        .clock(app.clock.clone())
        .build()
}

/// A log-in, or a registration. The session gets a new id and a new age, so that whoever knew the old one,
/// or planted it, has gained nothing (session fixation; OWASP ASVS 5.0, 7.2.4). Of its content only the cart
/// comes along.
pub(crate) async fn log_in(
    session: &Session<Visit>,
    user: i64,
    remember: bool,
) -> Result<(), SessionError> {
    match session.data().and_then(|visit| visit.user) {
        Some(owner) if owner == user => return go_on(session, user, remember).await,
        // Somebody forgot to log out. Their cart goes with their session.
        Some(_) => session.end().await?,
        None => {}
    }
    session.regenerate_with(|old| Visit {
        user: Some(user),
        cart: old.map(|visit| visit.cart).unwrap_or_default(),
    })?;
    if remember { session.remember() } else { Ok(()) }
}

/// The user has entered the password once more. A new session goes on with the content of the old one, which
/// ends, also where its cookie was copied to.
pub(crate) async fn confirm(
    session: &Session<Visit>,
    user: i64,
    remember: bool,
) -> Result<(), SessionError> {
    // Whoever logged out meanwhile, in another tab, has ended what would go on here.
    session.verify_now().await?;
    go_on(session, user, remember).await
}

async fn go_on(session: &Session<Visit>, user: i64, remember: bool) -> Result<(), SessionError> {
    let cart = session.data().map(|visit| visit.cart).unwrap_or_default();
    session.end().await?;
    session.regenerate();
    session.set(Visit { user: Some(user), cart })?;
    if remember { session.remember() } else { Ok(()) }
}

/// Whether this session was begun with “remember me”.
pub(crate) fn is_remembered(session: &Session<Visit>) -> bool {
    session.info().is_some_and(|info| info.own_idle_timeout.is_some())
}
