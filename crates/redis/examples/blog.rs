//! A small blog: log in, write, log out, log out everywhere. The sessions are in the browsers; Redis keeps
//! which of them have ended, and where everybody is logged in.
//!
//! ```sh
//! redis-server &
//! cargo run -p sealed-session-redis --example blog --features registry
//!
//! curl -c jar -d 'name=ada&password=engine' localhost:3000/log-in
//! curl -b jar localhost:3000/me
//! curl -b jar -d 'text=Hello' localhost:3000/posts
//! curl localhost:3000/
//! cp jar old-jar
//! curl -b jar -c jar -X POST localhost:3000/log-out     # or /log-out-everywhere
//! curl -b old-jar localhost:3000/me                     # 401: the old cookie has ended
//! ```
//!
//! `PORT` is another port, and `REDIS_URL` the address of another Redis. Several of them with one Redis and one
//! `BLOG_KEY`, a file that `genkey` has written, are one blog but for the posts.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sealed_session::registry::{Recording, Registry};
use sealed_session::revocation::{AtStart, WhenAway};
use sealed_session::{
    Codec, Current, Key, Keyring, Revocations, Session, SessionError, SessionKind, SessionLayer,
    Tag,
};
use sealed_session_redis::{RedisStore, Replicas};
use serde::{Deserialize, Serialize};

/// What the session holds. `login` is also the name of its cookie.
#[derive(Serialize, Deserialize, Clone)]
struct Login {
    name: String,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";

    fn tags(login: &Self) -> Vec<Tag> {
        vec![login.tag()]
    }
}

impl Login {
    /// What all sessions of this author have in common.
    fn tag(&self) -> Tag {
        Tag::new("author", &self.name)
    }
}

#[derive(Clone)]
struct Blog {
    registry: Registry,
    posts: Arc<Mutex<Vec<String>>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1/".to_owned());
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let key = match std::env::var("BLOG_KEY") {
        Ok(file) => Key::from_file(file)?,
        // It is lost with the process, and so are the logins.
        Err(_) => Key::generate()?,
    };

    let store = RedisStore::node(url, Replicas(0)).prefix("blog").build()?;
    let at_start = AtStart::Wait(Duration::from_secs(10));
    let revocations = Revocations::open(store.clone(), WhenAway::KeepServing, at_start).await?;
    let registry = Registry::new(store, &key, &revocations, Recording::BestEffort);
    let logins = Codec::<Login>::builder(Keyring::new(key))
        .revocations(&revocations)
        .registry(&registry)
        .build()?;

    let app = Router::new()
        .route("/", get(posts))
        .route("/log-in", post(log_in))
        .route("/me", get(me))
        .route("/posts", post(write))
        .route("/log-out", post(log_out))
        .route("/log-out-everywhere", post(log_out_everywhere))
        .layer(SessionLayer::new(logins))
        .with_state(Blog { registry, posts: Arc::default() });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// For everybody.
async fn posts(State(blog): State<Blog>) -> String {
    blog.posts.lock().unwrap_or_else(PoisonError::into_inner).concat()
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

async fn log_in(
    State(blog): State<Blog>,
    session: Session<Login>,
    headers: HeaderMap,
    Form(Credentials { name, password }): Form<Credentials>,
) -> Result<Response, SessionError> {
    // A real blog has a table of users, and compares hashes.
    if !matches!((&*name, &*password), ("ada", "engine") | ("grace", "compiler")) {
        return Ok((StatusCode::FORBIDDEN, "wrong name or password\n").into_response());
    }
    // Nothing of the old session survives, neither its data nor its age.
    session.regenerate();
    session.set(Login { name })?;
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    blog.registry.record(&session, agent.unwrap_or("unknown")).keep_at_most(20).await?;
    Ok("welcome\n".into_response())
}

/// Only for authors: without a session, `Current` answers 401.
async fn me(
    State(blog): State<Blog>,
    session: Session<Login>,
    Current(login): Current<Login>,
) -> Result<String, SessionError> {
    let mut text = format!("{}, logged in with:\n", login.name);
    for entry in blog.registry.list(&login.tag()).this(session.id()).await?.entries {
        let this = if entry.is_this { " (this one)" } else { "" };
        text.push_str(&format!("- {}{this}\n", entry.label));
    }
    Ok(text)
}

#[derive(Deserialize)]
struct Post {
    text: String,
}

async fn write(
    State(blog): State<Blog>,
    Current(login): Current<Login>,
    Form(post): Form<Post>,
) -> (StatusCode, &'static str) {
    let line = format!("{}: {}\n", login.name, post.text);
    blog.posts.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    (StatusCode::CREATED, "written\n")
}

/// Ends this session: a copy of its cookie does not open any more either.
async fn log_out(
    State(blog): State<Blog>,
    session: Session<Login>,
) -> Result<&'static str, SessionError> {
    if let (Some(login), Some(id)) = (session.data(), session.id()) {
        blog.registry.end(&login.tag(), id).await?;
    }
    session.end().await?;
    Ok("goodbye\n")
}

/// Ends all sessions of the author, on all devices.
async fn log_out_everywhere(
    State(blog): State<Blog>,
    session: Session<Login>,
    Current(login): Current<Login>,
) -> Result<&'static str, SessionError> {
    blog.registry.end_all(&login.tag()).await?;
    session.delete();
    Ok("goodbye everywhere\n")
}
