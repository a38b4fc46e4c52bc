use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_session::storage::CookieSessionStore;
use actix_session::{Session as OldSession, SessionMiddleware as OldMiddleware};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::Key as OldKey;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::error::ErrorServiceUnavailable;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, Path};
use actix_web::{App, Error, HttpResponse, HttpServer, get, post};
use sealed_session::{Codec, Key, Keyring, RevocationError, Revocations, SessionKind, Tag};
use sealed_session_actix::{Current, Session, SessionError, SessionMiddleware};
use serde::{Deserialize, Serialize};

/// From then on old cookies are ignored: 1 January 2027 (`date -u -d 2027-01-01 +%s`).
const OLD_COOKIES_END: Duration = Duration::from_secs(1_798_761_600);

#[derive(Serialize, Deserialize, Clone)]
pub struct Login {
    user_id: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login"; // not the name of the old cookie

    fn tags(login: &Self) -> Vec<Tag> {
        vec![Tag::new("user", login.user_id)]
    }
}

impl Login {
    /// Has a mark as soon as the user has logged out anywhere.
    fn old_cookies(&self) -> Tag {
        Tag::new("old cookies", self.user_id)
    }
}

/// The logins from before the move.
#[derive(Clone)]
pub struct OldLogins {
    pub key: OldKey,
    /// When they are ignored.
    pub end: SystemTime,
    pub revocations: Revocations,
}

impl OldLogins {
    /// Whether old cookies of this user still count: not after the end, and not after the user has
    /// logged out, was banned or has a new password since the move. It does not matter who kept a copy.
    fn count(&self, login: &Login) -> Result<bool, RevocationError> {
        let ended = self.revocations.has_mark(&Tag::new("user", login.user_id))?
            || self.revocations.has_mark(&login.old_cookies())?;
        Ok(!ended && SystemTime::now() < self.end)
    }
}

/// Makes a session of an old cookie, and removes that; also at the log-out.
pub async fn carry_over(
    old_logins: Data<OldLogins>,
    old: OldSession,
    session: Session<Login>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let came = !old.entries().is_empty();
    let mut carried = None;
    // A session of ours wins. One that was refused has expired or was ended: the old cookie must not
    // undo that.
    if session.is_empty()
        && session.refused().is_none()
        && let Some(login) = old.get("user_id")?.map(|user_id| Login { user_id })
        && old_logins.count(&login).map_err(ErrorServiceUnavailable)?
    {
        session.set(login.clone()).map_err(SessionError::from)?;
        carried = Some((session.id(), login));
    }
    let before = session.peek_data();
    let mut response = next.call(request).await?.map_into_boxed_body();
    // The user may have logged out while this request was handled.
    if let Some((id, login)) = carried
        && session.id() == id
        && !old_logins.count(&login).map_err(ErrorServiceUnavailable)?
    {
        session.delete();
    }
    let logged_out = before.filter(|_| session.is_empty());
    if let Some(login) = &logged_out
        && old_logins.revocations.end_all(&login.old_cookies()).await.is_err()
    {
        response = response.into_response(HttpResponse::ServiceUnavailable().finish());
    }
    // A response that failed does not carry our cookie, so the old one has to stay.
    let status = response.status();
    let failed = status.is_server_error() || status.as_u16() == 408;
    if logged_out.is_some() || (came && !failed) {
        old.purge();
    }
    Ok(response)
}

// Once the password was checked.
#[post("/log-in/{user_id}")]
async fn log_in(user_id: Path<u64>, session: Session<Login>) -> Result<HttpResponse, SessionError> {
    session.regenerate();
    session.set(Login { user_id: *user_id })?;
    Ok(HttpResponse::Ok().finish())
}

#[get("/me")]
async fn me(Current(login): Current<Login>) -> String {
    login.user_id.to_string()
}

#[post("/log-out")]
async fn log_out(session: Session<Login>) -> Result<HttpResponse, SessionError> {
    session.end().await?;
    Ok(HttpResponse::Ok().finish())
}

pub fn app(
    codec: Codec<Login>,
    old: OldLogins,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let old_sessions = OldMiddleware::new(CookieSessionStore::default(), old.key.clone());
    App::new()
        .app_data(Data::new(old))
        .service(log_in)
        .service(me)
        .service(log_out)
        .wrap(from_fn(carry_over)) // the innermost
        .wrap(old_sessions)
        .wrap(SessionMiddleware::new(codec))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let old = OldLogins {
        key: OldKey::from(&std::fs::read("cookie-key")?),
        end: UNIX_EPOCH + OLD_COOKIES_END,
        revocations: Revocations::in_memory(), // or a store, see below
    };
    let codec = Codec::<Login>::builder(Keyring::new(Key::from_file("secret-key")?))
        .revocations(&old.revocations)
        .build()?;
    HttpServer::new(move || app(codec.clone(), old.clone())).bind("127.0.0.1:3000")?.run().await?;
    Ok(())
}
