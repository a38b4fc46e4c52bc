//! The extractors: `Session<K>`, `Current<K>`, `Peek<K>`, and each of them in `Maybe`.

use std::fmt;
use std::future::{Ready, ready};
use std::ops::{Deref, DerefMut};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use sealed_session::adapter::Sessions;
use sealed_session::{DecodeErrorKind, Dynamic, SessionKind, SessionRejection};

use crate::error::{Rejection, log};

/// The session of the request: an extractor, with the methods of [`sealed_session::Session`].
///
/// ```
/// use sealed_session_actix::{Session, SessionError};
///
/// async fn visits(session: Session) -> Result<String, SessionError> {
///     let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
///     session.insert("visits", visits)?;
///     Ok(visits.to_string())
/// }
/// ```
///
/// It is there for each request that has passed a [`SessionMiddleware`](crate::SessionMiddleware) of its kind, also
/// without a cookie, or with a bad one: then it [is empty](sealed_session::Session::is_empty). `Session` alone
/// means `Session<Dynamic>`, which holds entries by name.
///
/// A function that is not a handler takes a `&sealed_session::Session<K>`: give it `&session`.
pub struct Session<K: SessionKind = Dynamic>(
    /// The handle, which knows nothing of actix-web.
    pub sealed_session::Session<K>,
);

impl<K: SessionKind> Session<K> {
    /// The handle, which knows nothing of actix-web: for a task that outlives the request.
    ///
    /// ```
    /// # use sealed_session_actix::Session;
    /// fn handle(session: Session) -> sealed_session::Session {
    ///     session.into_inner()
    /// }
    /// ```
    #[must_use]
    pub fn into_inner(self) -> sealed_session::Session<K> {
        self.0
    }
}

impl<K: SessionKind> Deref for Session<K> {
    type Target = sealed_session::Session<K>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

// Not derived, because that would require the kind to be `Clone` as well.
impl<K: SessionKind> Clone for Session<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: SessionKind> fmt::Debug for Session<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The data of a session that must be there: an extractor that answers 401 Unauthorized if it is not.
/// [`Maybe<Current<K>>`](Maybe) is for everybody.
///
/// ```
/// # use sealed_session::SessionKind;
/// # use sealed_session_actix::{Current, Maybe};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// async fn me(Current(login): Current<Login>) -> String {
///     login.user_id.to_string()
/// }
/// async fn home(Maybe(login): Maybe<Current<Login>>) -> &'static str {
///     if login.is_some() { "in" } else { "out" }
/// }
/// ```
///
/// [`Rejection`] shows how to redirect to the log-in instead.
pub struct Current<K: SessionKind>(
    /// The data at the time when the extractor ran.
    pub K::Data,
);

/// Like [`Current`], but it does not count as activity, so the session is not refreshed. Use it for
/// requests that the user did not cause, such as those of a page that polls.
///
/// ```
/// # use sealed_session::SessionKind;
/// # use sealed_session_actix::Peek;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// async fn unread_messages(Peek(login): Peek<Login>) -> String {
///     format!("messages of user {}", login.user_id)
/// }
/// ```
pub struct Peek<K: SessionKind>(
    /// The data at the time when the extractor ran.
    pub K::Data,
);

/// A session that need not be there: an extractor for [`Session<K>`](Session), [`Current<K>`](Current) and
/// [`Peek<K>`](Peek) that is `None` without a session. What is wrong otherwise is still an error: 500 without a
/// middleware, and 503 while it is not known whether the session was ended.
///
/// ```
/// # use sealed_session::SessionKind;
/// # use sealed_session_actix::{Current, Maybe};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// async fn home(Maybe(login): Maybe<Current<Login>>) -> String {
///     match login {
///         Some(login) => format!("Hello, user {}", login.user_id),
///         None => "Please log in.".to_owned(),
///     }
/// }
/// ```
///
/// # `Option`
///
/// Prefer this to `Option<Current<K>>`. For actix-web an `Option` is `None` whatever is wrong with its extractor. A
/// forgotten middleware then looks like a visitor without a session, although the log has an error; and
/// so does everybody while the store of revocations cannot be reached. `Option<Session<K>>` is never `None`
/// behind the middleware.
#[derive(Clone, Debug)]
pub struct Maybe<T>(
    /// What the extractor found.
    pub Option<T>,
);

impl<T> Deref for Maybe<T> {
    type Target = Option<T>;

    fn deref(&self) -> &Option<T> {
        &self.0
    }
}

impl<T> From<Maybe<T>> for Option<T> {
    fn from(maybe: Maybe<T>) -> Self {
        maybe.0
    }
}

/// What `Current` and `Peek` have in common: they differ in how they read the session.
macro_rules! data_extractor {
    ($extractor:ident, $read:ident) => {
        impl<K: SessionKind> Deref for $extractor<K> {
            type Target = K::Data;

            fn deref(&self) -> &K::Data {
                &self.0
            }
        }

        impl<K: SessionKind> DerefMut for $extractor<K> {
            /// Changes this copy of the data; the session is not changed.
            fn deref_mut(&mut self) -> &mut K::Data {
                &mut self.0
            }
        }

        impl<K: SessionKind<Data: Clone>> Clone for $extractor<K> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<K: SessionKind> fmt::Debug for $extractor<K> {
            /// The kind's name; nothing of the data.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($extractor))
                    .field("kind", &K::NAME)
                    .finish_non_exhaustive()
            }
        }

        impl<K: SessionKind> $extractor<K> {
            fn of(request: &HttpRequest) -> Result<Option<Self>, Rejection> {
                let data = available::<K>(request)?.$read();
                // A kind that has data before anything is written (`Dynamic`) can be empty all the same.
                Ok(data.filter(|data| !K::is_empty(data)).map(Self))
            }
        }

        impl<K: SessionKind> FromRequest for $extractor<K> {
            type Error = Rejection;
            type Future = Ready<Result<Self, Rejection>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let data = Self::of(request);
                ready(data.and_then(|data| data.ok_or(Rejection(SessionRejection::NoSession))))
            }
        }

        impl<K: SessionKind> FromRequest for Maybe<$extractor<K>> {
            type Error = Rejection;
            type Future = Ready<Result<Self, Rejection>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready($extractor::of(request).map(Self))
            }
        }
    };
}

data_extractor!(Current, data);
data_extractor!(Peek, peek_data);

impl<K: SessionKind> FromRequest for Session<K> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(session(request).map(Self))
    }
}

impl<K: SessionKind> FromRequest for Maybe<Session<K>> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let session = available(request);
        ready(session.map(|session| Self(Some(Session(session)).filter(|it| !it.is_empty()))))
    }
}

/// The session, unless it is not known whether it was ended.
fn available<K: SessionKind>(
    request: &HttpRequest,
) -> Result<sealed_session::Session<K>, Rejection> {
    let session = session::<K>(request)?;
    match session.refused() {
        Some(DecodeErrorKind::Unavailable) => Err(Rejection(SessionRejection::Unavailable)),
        _ => Ok(session),
    }
}

/// Logs a mistake here, rather than when it becomes a response: for an `Option` it never does.
fn session<K: SessionKind>(request: &HttpRequest) -> Result<sealed_session::Session<K>, Rejection> {
    let session = match request.extensions().get::<Sessions>() {
        Some(sessions) => sessions.get(),
        None => Sessions::new().get(),
    };
    session.map_err(|rejection| {
        let rejection = Rejection(rejection);
        if rejection.is_mistake() {
            log(&rejection);
        }
        rejection
    })
}
