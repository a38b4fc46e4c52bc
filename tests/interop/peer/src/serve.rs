//! The server: `POST /op` as `../node/server.mjs` has it, `POST /clock`, and `POST /ring`, which
//! replaces a session's keyring while the server runs.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use sealed_session::{Codec, Dynamic, Session, SessionError, SessionKind, SessionLayer, TestClock};
use serde::Deserialize;

use crate::Result;
use crate::config::SessionConfig;
use crate::ops::{Handle, Named, Op, Request as OpRequest};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Config {
    #[serde(default)]
    port: u16,
    sessions: Vec<SessionConfig>,
    now: Option<f64>,
    #[serde(default)]
    exit_with_stdin: bool,
}

#[derive(Deserialize)]
struct ClockRequest {
    now: f64,
}

struct Server {
    clock: TestClock,
    slots: Vec<(String, Slot)>,
}

type Replace = Box<dyn Fn(&SessionConfig) -> Result<()> + Send + Sync>;

/// A session's name stands for one of the kinds.
struct Slot {
    find: fn(&Extensions) -> Option<Box<dyn Handle + Send + Sync>>,
    replace: Replace,
}

pub(crate) fn run(config: &Config) -> Result<()> {
    if config.exit_with_stdin {
        std::thread::spawn(|| {
            let _closed = std::io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(0);
        });
    }
    let clock = TestClock::at(config.now.unwrap_or_default() as u64);
    let mut routes = Router::new().route("/op", post(op)).route("/ring", post(ring));
    let mut slots = Vec::new();
    for (place, session) in config.sessions.iter().enumerate() {
        let slot;
        (routes, slot) = match place {
            0 => add::<Dynamic>(routes, session, &clock)?,
            1 => add::<Named<1>>(routes, session, &clock)?,
            2 => add::<Named<2>>(routes, session, &clock)?,
            3 => add::<Named<3>>(routes, session, &clock)?,
            _ => return Err("more sessions than kinds".into()),
        };
        slots.push((session.name().to_owned(), slot));
    }
    let server = Arc::new(Server { clock, slots });
    let app = routes.route("/clock", post(set_clock)).with_state(server);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", config.port)).await?;
        println!("listening {}", listener.local_addr()?.port());
        axum::serve(listener, app).await?;
        Ok(())
    })
}

fn add<K: SessionKind>(
    routes: Router<Arc<Server>>,
    config: &SessionConfig,
    clock: &TestClock,
) -> Result<(Router<Arc<Server>>, Slot)>
where
    Session<K>: Handle,
{
    let codec: Codec<K> = config.codec(clock)?;
    let routes = routes.layer(SessionLayer::new(codec.clone()));
    let replace = Box::new(move |config: &SessionConfig| {
        codec.replace_keyring(config.keyring()?);
        Ok(())
    });
    let find = |extensions: &Extensions| {
        extensions.get::<Session<K>>().map(|session| Box::new(session.clone()) as Box<_>)
    };
    Ok((routes, Slot { find, replace }))
}

async fn op(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, 1 << 20).await {
        Ok(body) => body,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    match run_ops(&server, &parts.extensions, &body) {
        Ok(answer) => answer.into_response(),
        Err(error) => match error.downcast::<SessionError>() {
            Ok(error) => {
                (StatusCode::UNPROCESSABLE_ENTITY, format!("{:?}", error.kind())).into_response()
            }
            Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        },
    }
}

fn run_ops(server: &Server, extensions: &Extensions, body: &[u8]) -> Result<String> {
    let request: OpRequest = serde_json::from_slice(body)?;
    let one = |name: &str, ops: &[Op]| {
        let slot = server.slots.iter().find(|(known, _)| known == name);
        let handle = slot.and_then(|(_, slot)| (slot.find)(extensions));
        handle.ok_or_else(|| format!("no such session: {name}"))?.run(ops)
    };
    let Some(sessions) = request.sessions else {
        let name = request.session.as_deref().unwrap_or("session");
        return Ok(serde_json::to_string(&one(name, &request.ops)?)?);
    };
    let answers = sessions
        .iter()
        .map(|(name, ops)| Ok((name, one(name, ops)?)))
        .collect::<Result<HashMap<_, _>>>()?;
    Ok(serde_json::to_string(&HashMap::from([("sessions", answers)]))?)
}

async fn set_clock(State(server): State<Arc<Server>>, body: String) -> StatusCode {
    match serde_json::from_str::<ClockRequest>(&body) {
        // As a system clock would be read: whole seconds.
        Ok(request) => server.clock.set(request.now as u64),
        Err(_) => return StatusCode::BAD_REQUEST,
    }
    StatusCode::OK
}

async fn ring(State(server): State<Arc<Server>>, body: String) -> Response {
    let replace = || -> Result<()> {
        let config: SessionConfig = serde_json::from_str(&body)?;
        let slot = server.slots.iter().find(|(name, _)| name == config.name());
        (slot.ok_or("no such session")?.1.replace)(&config)
    };
    match replace() {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}
