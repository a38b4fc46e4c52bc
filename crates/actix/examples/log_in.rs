//! A log-in: `cargo run -p sealed-session-actix --example log_in`, then open the address that it prints.
//!
//! Who is not logged in and asks for `/me` is sent to the start page, by one function for all routes.

use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::middleware::{ErrorHandlerResponse, ErrorHandlers};
use actix_web::web::{Form, Html, get, post};
use actix_web::{App, HttpResponse, HttpServer};
use sealed_session::{Codec, Key, Keyring, SessionKind, SessionRejection};
use sealed_session_actix::{Current, Maybe, Rejection, Session, SessionError, SessionMiddleware};
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

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // This key is lost when the process ends, and so are the logins. A real service reads a key that
    // `genkey` has written.
    let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
    let server = HttpServer::new(move || {
        App::new()
            .route("/", get().to(home))
            .route("/me", get().to(me))
            .route("/log-in", post().to(log_in))
            .route("/log-out", post().to(log_out))
            .wrap(ErrorHandlers::new().handler(StatusCode::UNAUTHORIZED, ask_to_log_in))
            .wrap(SessionMiddleware::new(codec.clone()))
    })
    .bind("127.0.0.1:3000")?;
    println!("http://{}", server.addrs()[0]);
    server.run().await?;
    Ok(())
}

/// For everybody: `None` means that the visitor is not logged in.
async fn home(Maybe(login): Maybe<Current<Login>>) -> Html {
    Html::new(match login {
        Some(login) => format!(
            "<p>You are user {}. <a href=\"/me\">Your page</a></p>\
             <form method=\"post\" action=\"/log-out\"><button>Log out</button></form>",
            login.user_id
        ),
        None => "<p>You are not logged in. <a href=\"/me\">A page for users</a> sends you back here.</p>\
             <form method=\"post\" action=\"/log-in\">\
             <label>User number <input name=\"user_id\" type=\"number\" min=\"1\" value=\"7\"></label> \
             <button>Log in</button></form>"
            .to_owned(),
    })
}

/// Only for users: without a session the extractor fails.
async fn me(Current(login): Current<Login>) -> String {
    format!("the page of user {}", login.user_id)
}

/// A real service checks a password here, before it changes the session.
async fn log_in(
    session: Session<Login>,
    Form(Credentials { user_id }): Form<Credentials>,
) -> Result<HttpResponse, SessionError> {
    // Nothing of the old session survives the log-in, neither its data nor its age.
    session.regenerate();
    session.set(Login { user_id })?;
    Ok(to_start())
}

async fn log_out(session: Session<Login>) -> HttpResponse {
    session.delete();
    to_start()
}

fn to_start() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, "/")).finish()
}

fn ask_to_log_in<B>(response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
    let error = response.response().error();
    let rejection = error.and_then(|error| error.as_error::<Rejection>());
    Ok(ErrorHandlerResponse::Response(match rejection {
        Some(Rejection(SessionRejection::NoSession)) => {
            let (request, _) = response.into_parts();
            ServiceResponse::new(request, to_start()).map_into_right_body()
        }
        _ => response.map_into_left_body(),
    }))
}
