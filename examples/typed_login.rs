//! A typed login: `cargo run --example typed_login`, then open the address that it prints.
//!
//! `log_in` shows what a log-in has to do: begin a new session, and only then write who the user is.

use axum::Router;
use axum::extract::Form;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use sealed_session::{
    Codec, Current, Key, Keyring, Session, SessionError, SessionKind, SessionLayer,
};
use serde::{Deserialize, Serialize};

/// What the session holds, and the name of its cookie.
#[derive(Serialize, Deserialize, Clone)]
struct Login {
    user_id: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

#[derive(Deserialize)]
struct Credentials {
    user_id: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // This key is lost when the process ends, and so are the logins. A real service reads a key that
    // `genkey` has written.
    let keyring = Keyring::new(Key::generate()?);
    let app = Router::new()
        .route("/", get(home))
        .route("/me", get(me))
        .route("/log-in", post(log_in))
        .route("/log-out", post(log_out))
        .layer(SessionLayer::new(Codec::<Login>::new(keyring)?));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// For everybody: `None` means that the visitor is not logged in.
async fn home(login: Option<Current<Login>>) -> Html<String> {
    Html(match login {
        Some(login) => format!(
            "<p>You are user {}. <a href=\"/me\">Your page</a></p>\
             <form method=\"post\" action=\"/log-out\"><button>Log out</button></form>",
            login.user_id
        ),
        None => "<p>You are not logged in. <a href=\"/me\">Your page</a> answers 401.</p>\
             <form method=\"post\" action=\"/log-in\">\
             <label>User number <input name=\"user_id\" type=\"number\" min=\"1\" value=\"7\"></label> \
             <button>Log in</button></form>"
            .to_owned(),
    })
}

/// Only for users: without a session the extractor answers 401.
async fn me(Current(login): Current<Login>) -> String {
    format!("the page of user {}", login.user_id)
}

/// A real service checks a password here, before it changes the session.
async fn log_in(
    session: Session<Login>,
    Form(Credentials { user_id }): Form<Credentials>,
) -> Result<Redirect, SessionError> {
    // Nothing of the old session survives the log-in, neither its data nor its age.
    session.regenerate();
    session.set(Login { user_id })?;
    Ok(Redirect::to("/"))
}

async fn log_out(session: Session<Login>) -> Redirect {
    session.delete();
    Redirect::to("/")
}
