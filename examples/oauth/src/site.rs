//! The site. `start` and `callback` are what a login at a provider consists of.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{COOKIE, HeaderMap, SET_COOKIE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _, TokenUrl, reqwest,
};
use sealed_session::{
    Codec, Current, Keyring, OAuthCookies, OAuthError, OAuthLogin, Session, SessionError,
    SessionKind, SessionLayer,
};
use serde::{Deserialize, Serialize};

use crate::provider::Registered;

/// The site's own name for the provider.
const PROVIDER: &str = "example";

/// What the session holds, and the name of its cookie.
#[derive(Serialize, Deserialize, Clone)]
struct Login {
    /// The user's name at the provider.
    user: String,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

struct Site {
    client: Client,
    logins: OAuthCookies,
    http: reqwest::Client,
    user_info: String,
}

/// The site's routes. `registered` is what the provider knows of it, and `provider` its origin.
///
/// # Errors
///
/// An error if a URL or the settings of the session are wrong.
pub fn router(
    keyring: Keyring,
    logins: OAuthCookies,
    registered: &Registered,
    provider: &str,
) -> Result<Router, Box<dyn std::error::Error>> {
    let client = BasicClient::new(ClientId::new(registered.client_id.clone()))
        .set_client_secret(ClientSecret::new(registered.client_secret.clone()))
        .set_auth_uri(AuthUrl::new(format!("{provider}/authorize"))?)
        .set_token_uri(TokenUrl::new(format!("{provider}/token"))?)
        .set_redirect_uri(RedirectUrl::new(registered.redirect_uri.clone())?);
    // A provider has no reason to redirect the site's own requests, and could lead them astray.
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let user_info = format!("{provider}/user-info");
    Ok(Router::new()
        .route("/", get(home))
        .route("/orders", get(orders))
        .route("/auth/start", get(start))
        .route("/auth/callback", get(callback))
        .route("/log-out", post(log_out))
        .layer(SessionLayer::new(Codec::<Login>::new(keyring)?))
        .with_state(Arc::new(Site { client, logins, http, user_info })))
}

async fn home(login: Option<Current<Login>>) -> Html<String> {
    Html(match login {
        Some(Current(login)) => format!(
            "<p>You are {}. <a href=\"/orders\">Your orders</a></p>\
             <form method=\"post\" action=\"/log-out\"><button>Log out</button></form>",
            login.user
        ),
        None => "<p>You are not logged in. <a href=\"/orders\">Your orders</a> asks you to.</p>"
            .to_owned(),
    })
}

/// Only for users: everybody else logs in first, and comes back.
async fn orders(login: Option<Current<Login>>) -> Response {
    match login {
        Some(Current(login)) => format!("the orders of {}", login.user).into_response(),
        None => Redirect::to("/auth/start?next=/orders").into_response(),
    }
}

#[derive(Deserialize)]
struct Start {
    #[serde(default = "root")]
    next: String,
}

fn root() -> String {
    "/".to_owned()
}

/// Sends the user to the provider.
async fn start(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    Query(Start { next }): Query<Start>,
) -> Result<impl IntoResponse, Problem> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let login = OAuthLogin::new(PROVIDER, verifier.secret()).with_next(next);
    let started = site.logins.start(headers.get_all(COOKIE), login)?;
    let (url, _) = site
        .client
        .authorize_url(|| CsrfToken::new(started.state))
        .add_scope(Scope::new("profile".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    Ok((append(started.set_cookies), Redirect::to(url.as_str())))
}

/// With what the provider sends the user back: a code, or an error.
#[derive(Deserialize)]
struct Callback {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// The provider has sent the user back.
async fn callback(
    State(site): State<Arc<Site>>,
    session: Session<Login>,
    headers: HeaderMap,
    Query(callback): Query<Callback>,
) -> impl IntoResponse {
    let finished = site.logins.finish(headers.get_all(COOKIE), PROVIDER, &callback.state);
    let answer = log_in(&site, &session, finished.login, callback).await;
    // Also if the login failed.
    (append(finished.set_cookies), answer)
}

async fn log_in(
    site: &Site,
    session: &Session<Login>,
    login: Result<OAuthLogin, OAuthError>,
    callback: Callback,
) -> Result<Redirect, Problem> {
    // First of all: until here, nothing of the callback can be believed.
    let login = login?;
    let Callback { code: Some(code), error: None, .. } = callback else {
        return Err(Problem::Cancelled);
    };
    let verifier = PkceCodeVerifier::new(login.pkce_verifier().to_owned());
    let token = site
        .client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(verifier)
        .request_async(&site.http)
        .await
        .map_err(Problem::provider)?;
    let answer = site
        .http
        .get(&site.user_info)
        .bearer_auth(token.access_token().secret())
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(Problem::provider)?;
    let user = answer.text().await.map_err(Problem::provider)?;

    // Nothing of the old session survives the log-in.
    session.regenerate();
    session.set(Login { user })?;
    Ok(Redirect::to(login.next()))
}

async fn log_out(session: Session<Login>) -> Redirect {
    session.delete();
    Redirect::to("/")
}

fn append(
    set_cookies: Vec<String>,
) -> AppendHeaders<impl IntoIterator<Item = (HeaderName, String)>> {
    AppendHeaders(set_cookies.into_iter().map(|line| (SET_COOKIE, line)))
}

/// Why nobody was logged in. The user is told little; the rest is for the log.
enum Problem {
    Refused(OAuthError),
    Cancelled,
    Provider(String),
    Session(SessionError),
}

impl Problem {
    fn provider(error: impl fmt::Display) -> Self {
        Self::Provider(error.to_string())
    }
}

impl From<OAuthError> for Problem {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error)
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, log) = match self {
            Self::Refused(error) => (StatusCode::BAD_REQUEST, format!("{error:?}")),
            Self::Cancelled => (StatusCode::FORBIDDEN, "cancelled at the provider".to_owned()),
            Self::Provider(error) => (StatusCode::BAD_GATEWAY, error),
            Self::Session(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}")),
        };
        eprintln!("no log-in: {log}");
        let page = "<p>You were not logged in. <a href=\"/auth/start\">Try again</a></p>";
        (status, Html(page)).into_response()
    }
}
