//! Sessions and websockets: `cargo run --example websocket`, then open the address that it prints.
//!
//! The session is read at the upgrade, which is an ordinary request with an ordinary cookie. Once the
//! socket is open there are no more headers, so the session can no longer be written. Each message
//! carries its own token, which proves who sent it.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{any, get, post};
use sealed_session::{
    Codec, Current, EncodeError, Key, Keyring, Session, SessionError, SessionKind, SessionLayer,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone)]
struct Login {
    user_id: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

/// A message carries a ticket that proves who sent it. It is a separate kind: a token is bound to its
/// name, so a ticket cannot serve as a login, and a login cannot serve as a ticket.
struct Ticket;

impl SessionKind for Ticket {
    type Data = Login;
    const NAME: &'static str = "ticket";
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keyring = Keyring::new(Key::generate()?);
    let logins = Codec::<Login>::new(keyring.clone())?;
    let tickets =
        Codec::<Ticket>::builder(keyring).idle_timeout(Duration::from_secs(60)).build()?;
    let app = Router::new()
        .route("/", get(page))
        .route("/log-in", post(log_in))
        .route("/ticket", get(ticket))
        .route("/socket", any(socket))
        .with_state(tickets)
        .layer(SessionLayer::new(logins));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn log_in(session: Session<Login>) -> Result<Redirect, SessionError> {
    session.regenerate();
    session.set(Login { user_id: 7 })?;
    Ok(Redirect::to("/"))
}

/// A ticket that can be used for one minute.
async fn ticket(
    State(tickets): State<Codec<Ticket>>,
    Current(login): Current<Login>,
) -> Result<String, SessionError> {
    tickets.encode(&login).map_err(|error: EncodeError| error.into())
}

async fn socket(
    State(tickets): State<Codec<Ticket>>,
    session: Session<Login>,
    Current(login): Current<Login>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // A browser opens a socket for any page. `SameSite` withholds the cookie from other sites, but
    // not from other subdomains of this site.
    if !same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    upgrade.on_upgrade(move |socket| talk(socket, tickets, session, login))
}

async fn talk(
    mut socket: WebSocket,
    tickets: Codec<Ticket>,
    session: Session<Login>,
    login: Login,
) {
    // The response that opened the socket has been sent, so the cookie can no longer be set.
    let refused = match session.set(Login { user_id: 8 }) {
        Ok(()) => "written".to_owned(),
        Err(error) => error.to_string(),
    };
    let greeting = format!("hello, user {} (writing the session now: {refused})", login.user_id);
    if socket.send(Message::text(greeting)).await.is_err() {
        return;
    }
    while let Some(Ok(message)) = socket.recv().await {
        let Message::Text(text) = message else {
            continue;
        };
        // A message is a ticket, a space, and a text.
        let (token, words) = text.split_once(' ').unwrap_or((&text, ""));
        let answer = match tickets.decode(token) {
            Ok(decoded) => format!("user {} says {words}", decoded.data.user_id),
            // The reason is for the log. The sender only learns that the ticket was refused.
            Err(_) => "invalid ticket".to_owned(),
        };
        if socket.send(Message::text(answer)).await.is_err() {
            return;
        }
    }
}

/// Whether the page that opens the socket is from this host. Without `Origin`, the client is not a
/// browser.
fn same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin.is_some_and(|(_, origin)| Some(origin) == host)
}

async fn page(login: Option<Current<Login>>) -> Html<&'static str> {
    Html(if login.is_some() {
        r#"<form id="say"><input id="words" value="good morning"> <button>Say</button></form>
<pre id="log"></pre>
<script>
  const log = (text) => { document.getElementById("log").textContent += text + "\n"; };
  const socket = new WebSocket(`ws://${location.host}/socket`);
  socket.onmessage = (event) => log(event.data);
  socket.onclose = () => log("closed");
  document.getElementById("say").onsubmit = async (event) => {
    event.preventDefault();
    const ticket = await (await fetch("/ticket")).text();
    socket.send(`${ticket} ${document.getElementById("words").value}`);
  };
</script>"#
    } else {
        r#"<form method="post" action="/log-in"><button>Log in as user 7</button></form>"#
    })
}
