//! `Framework`: what the suite needs of a web framework, and the site that it serves.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sealed_session::{
    Codec, CodecBuilder, Key, Keyring, Session, SessionError, SessionKind, Tag, TestClock,
};
use serde::{Deserialize, Serialize};

use crate::server::Server;

/// The second at which the tests' clocks stand at first.
pub(crate) const START: u64 = 1_700_000_000;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Login {
    pub(crate) user_id: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";

    fn tags(login: &Self) -> Vec<Tag> {
        vec![Tag::new("user", login.user_id)]
    }
}

/// Another kind with the same payload.
pub(crate) struct Admin;

impl SessionKind for Admin {
    type Data = Login;
    const NAME: &'static str = "admin";
}

pub(crate) const SEVEN: Login = Login { user_id: 7 };
pub(crate) const EIGHT: Login = Login { user_id: 8 };

pub(crate) fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32]).unwrap()
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn clock() -> TestClock {
    TestClock::at(START)
}

/// A builder for a codec with key 1, on this clock.
pub(crate) fn builder<K: SessionKind>(clock: &TestClock) -> CodecBuilder<K> {
    Codec::builder(Keyring::new(key(1))).clock(clock.clone())
}

pub(crate) fn codec<K: SessionKind>() -> Codec<K> {
    builder(&clock()).build().unwrap()
}

/// What a handler answers.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Text(String),
    /// A stream whose only piece is made when the response's head is on its way.
    Late(Box<dyn FnOnce() -> String + Send>),
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Text(String::new()) }
    }

    pub(crate) fn late(piece: impl FnOnce() -> String + Send + 'static) -> Self {
        Self { body: Body::Late(Box::new(piece)), ..Self::status(200) }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self { body: Body::Text(text), ..Self::status(200) }
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<()> for Reply {
    fn from((): ()) -> Self {
        "".into()
    }
}

pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Reply, SessionError>> + Send>>;
pub(crate) type Handler<K> = Arc<dyn Fn(Session<K>) -> Answer + Send + Sync>;
/// What a middleware does with the session before the handler.
pub(crate) type Work<K> = fn(&Session<K>) -> Result<(), SessionError>;

/// A site on a web framework. Middlewares serve the routes that were added before them.
pub(crate) trait Framework: Default {
    /// The name of what gives requests their session, as the log has it.
    const MIDDLEWARE: &'static str;

    /// A route whose handler takes the session by the framework's extractor, and fails by `?`.
    fn route<K: SessionKind>(self, path: &str, handler: Handler<K>) -> Self;

    /// A route without a session.
    fn plain(self, path: &str, answer: fn() -> Reply) -> Self;

    /// A route an extractor, behind this prefix. They answer with what was extracted, or as they reject.
    ///
    /// | path | extractor |
    /// |---|---|
    /// | `/current`, `/peek` | the data's |
    /// | `/maybe-current`, `/maybe-peek` | the same, optional |
    /// | `/maybe-session` | the session's, optional |
    /// | `/result` | `Current` as a `Result` |
    fn extractors<K: SessionKind<Data = Login>>(self, prefix: &str) -> Self;

    /// A middleware that does this with the session, and fails with its error instead of going on.
    fn before<K: SessionKind>(self, work: Work<K>) -> Self;

    /// A middleware with the extractor `Current`.
    fn only_users<K: SessionKind>(self) -> Self;

    /// A middleware that drops a request which is not answered at once, and answers 504.
    fn impatient(self) -> Self;

    /// A middleware that redirects whoever is rejected for want of a session to `/log-in`.
    fn ask_to_log_in(self) -> Self;

    /// The sessions of a codec.
    fn sessions_with<K: SessionKind>(self, codec: &Codec<K>, keep_writes_on_error: bool) -> Self;

    /// Serves the site on a free port, until the server is dropped.
    fn serve(self) -> Server;

    fn sessions<K: SessionKind>(self, codec: &Codec<K>) -> Self {
        self.sessions_with(codec, false)
    }

    /// The route of a handler that waits for nothing.
    fn at<K: SessionKind, R: Into<Reply>>(
        self,
        path: &str,
        handler: impl Fn(Session<K>) -> Result<R, SessionError> + Send + Sync + 'static,
    ) -> Self {
        self.at_async(path, move |session| ready(handler(session).map(Into::into)))
    }

    fn at_async<K: SessionKind, F>(
        self,
        path: &str,
        handler: impl Fn(Session<K>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Reply, SessionError>> + Send + 'static,
    {
        self.route(path, Arc::new(move |session| Box::pin(handler(session))))
    }
}
