use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_session::storage::CookieSessionStore;
use actix_session::{Session as OldSession, SessionMiddleware};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::Key as OldKey;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorInternalServerError, ErrorUnauthorized};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, Path, ReqData};
use actix_web::{App, Error, HttpMessage, HttpResponse, HttpServer, get, post};
use sealed_session::adapter::{HeaderChange, RequestHead, ResponseHead};
use sealed_session::{
    Codec, Key, Keyring, RevocationError, Revocations, Session, SessionKind, Tag,
};
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
    session: ReqData<Session<Login>>,
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
        && old_logins.count(&login).map_err(ErrorInternalServerError)?
    {
        session.set(login.clone()).map_err(ErrorInternalServerError)?;
        carried = Some((session.id(), login));
    }
    let before = session.peek_data();
    let mut response = next.call(request).await?.map_into_boxed_body();
    // The user may have logged out while this request was handled.
    if let Some((id, login)) = carried
        && session.id() == id
        && !old_logins.count(&login).map_err(ErrorInternalServerError)?
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

/// Gives each request its session, and the response what the session changes.
pub async fn sessions(
    codec: Data<Codec<Login>>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut head = RequestHead::new(request.method().as_str());
    for (name, value) in request.headers() {
        head.header(name.as_str(), value.as_bytes());
    }
    let session = Session::new(Codec::clone(&codec), head);
    request.extensions_mut().insert(session.clone());
    let mut response = next.call(request).await.inspect_err(|_| session.close())?;
    let headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    for change in session.finish(ResponseHead::new(response.status().as_u16(), &headers)) {
        let headers = response.headers_mut();
        match change {
            HeaderChange::Append { name, value } => {
                headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(&value)?);
            }
            HeaderChange::Set { name, value } => {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_bytes(&value)?);
            }
            HeaderChange::Remove { name } => {
                headers.remove(HeaderName::from_static(name));
            }
        }
    }
    Ok(response)
}

// Once the password was checked.
#[post("/log-in/{user_id}")]
async fn log_in(
    user_id: Path<u64>,
    session: ReqData<Session<Login>>,
) -> Result<HttpResponse, Error> {
    session.regenerate();
    session.set(Login { user_id: *user_id }).map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().finish())
}

#[get("/me")]
async fn me(session: ReqData<Session<Login>>) -> Result<String, Error> {
    let login = session.data().ok_or_else(|| ErrorUnauthorized("log in"))?;
    Ok(login.user_id.to_string())
}

#[post("/log-out")]
async fn log_out(session: ReqData<Session<Login>>) -> Result<HttpResponse, Error> {
    Session::clone(&session).end().await.map_err(ErrorInternalServerError)?;
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
    let old_sessions = SessionMiddleware::new(CookieSessionStore::default(), old.key.clone());
    App::new()
        .app_data(Data::new(codec))
        .app_data(Data::new(old))
        .service(log_in)
        .service(me)
        .service(log_out)
        .wrap(from_fn(carry_over)) // the innermost
        .wrap(old_sessions)
        .wrap(from_fn(sessions))
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
