//! A provider that lets anybody in as whom they like. It checks what a provider has to check: the
//! redirect URI, the client's secret, PKCE, and that a code is used once. It runs on loopback only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier};
use serde::{Deserialize, Serialize};

/// What the provider knows of the site.
#[derive(Clone)]
pub struct Registered {
    /// The public name of the site.
    pub client_id: String,
    /// What shows that a request for a token comes from the site: letters, digits, `-` or `_`.
    pub client_secret: String,
    /// The only address that users are sent back to.
    pub redirect_uri: String,
}

struct Provider {
    registered: Registered,
    codes: Mutex<HashMap<String, Code>>,
    /// The user of each access token.
    tokens: Mutex<HashMap<String, String>>,
}

/// What a code stands for.
struct Code {
    user: String,
    challenge: String,
}

/// The provider's routes.
pub fn router(registered: Registered) -> Router {
    let provider = Provider { registered, codes: Mutex::default(), tokens: Mutex::default() };
    Router::new()
        .route("/authorize", get(ask).post(answer))
        .route("/token", post(token))
        .route("/user-info", get(user_info))
        .with_state(Arc::new(provider))
}

/// The site's request, which the page repeats in its form.
#[derive(Deserialize)]
struct Request {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
}

impl Request {
    /// A user is sent back only to an address that the site has registered (RFC 9700, section 4.1.3).
    fn is_of(&self, registered: &Registered) -> bool {
        self.response_type == "code"
            && self.client_id == registered.client_id
            && self.redirect_uri == registered.redirect_uri
            && self.code_challenge_method == "S256"
    }
}

/// The page that asks the user.
async fn ask(
    State(provider): State<Arc<Provider>>,
    Query(request): Query<Request>,
) -> Result<Html<String>, StatusCode> {
    if !request.is_of(&provider.registered) {
        return Err(StatusCode::BAD_REQUEST);
    }
    // The form goes to the address of the page, whose query has the request.
    let button =
        |user: &str, label| format!("<button name=\"user\" value=\"{user}\">{label}</button> ");
    Ok(Html(format!(
        "<p>Do you want to log in at {}?</p><form method=\"post\">{}{}{}</form>",
        provider.registered.client_id,
        button("user-7", "As user 7"),
        button("user-8", "As user 8"),
        button("", "Cancel"),
    )))
}

#[derive(Deserialize)]
struct Answer {
    /// Empty if the user has cancelled.
    user: String,
}

async fn answer(
    State(provider): State<Arc<Provider>>,
    Query(request): Query<Request>,
    Form(Answer { user }): Form<Answer>,
) -> Result<Redirect, StatusCode> {
    if !request.is_of(&provider.registered) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let answer = if user.is_empty() {
        ("error", "access_denied".to_owned())
    } else {
        let code = random();
        let stands_for = Code { user, challenge: request.code_challenge };
        lock(&provider.codes).insert(code.clone(), stands_for);
        ("code", code)
    };
    let mut url =
        oauth2::url::Url::parse(&request.redirect_uri).map_err(|_| StatusCode::BAD_REQUEST)?;
    url.query_pairs_mut().append_pair(answer.0, &answer.1).append_pair("state", &request.state);
    Ok(Redirect::to(url.as_str()))
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    code: String,
    redirect_uri: String,
    #[serde(default)]
    code_verifier: String,
}

#[derive(Serialize)]
struct Token {
    access_token: String,
    token_type: &'static str,
}

/// Gives the site a token for a code.
async fn token(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Response {
    let Registered { client_id, client_secret, redirect_uri } = &provider.registered;
    let credentials = BASE64_STANDARD.encode(format!("{client_id}:{client_secret}"));
    if authorization(&headers, "Basic ") != Some(&credentials) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    if request.grant_type != "authorization_code" {
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    // A code is used up even if the rest is wrong (RFC 6749, section 4.1.2).
    let code = lock(&provider.codes).remove(&request.code);
    let verifier = PkceCodeVerifier::new(request.code_verifier);
    let is_verified = |code: &Code| {
        request.redirect_uri == *redirect_uri
            && PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str() == code.challenge
    };
    let Some(code) = code.filter(is_verified) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let access_token = random();
    lock(&provider.tokens).insert(access_token.clone(), code.user);
    Json(Token { access_token, token_type: "bearer" }).into_response()
}

async fn user_info(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
) -> Result<String, StatusCode> {
    let token = authorization(&headers, "Bearer ").ok_or(StatusCode::UNAUTHORIZED)?;
    lock(&provider.tokens).get(token).cloned().ok_or(StatusCode::UNAUTHORIZED)
}

/// What follows the scheme in the header `Authorization`.
fn authorization<'h>(headers: &'h HeaderMap, scheme: &str) -> Option<&'h str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix(scheme)
}

/// RFC 6749, section 5.2.
fn refuse(status: StatusCode, error: &'static str) -> Response {
    (status, Json(HashMap::from([("error", error)]))).into_response()
}

/// 128 random bits as text.
#[must_use]
pub fn random() -> String {
    CsrfToken::new_random().into_secret()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
