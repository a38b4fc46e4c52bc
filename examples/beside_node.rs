//! A login shared with Node: `cargo run --example beside_node`, together with this fastify server.
//!
//! ```js
//! // beside.mjs; npm install fastify@5 @fastify/secure-session@8
//! import { readFileSync } from 'node:fs'
//! import Fastify from 'fastify'
//! import secureSession from '@fastify/secure-session'
//!
//! const app = Fastify()
//! app.register(secureSession, {
//!   cookieName: 'session',
//!   key: readFileSync('secret-key'),
//!   expiry: 24 * 60 * 60,
//!   cookie: { path: '/', httpOnly: true, secure: true, sameSite: 'lax' }
//! })
//! app.get('/', ({ session }) => {
//!   const visits = (session.get('visits') ?? 0) + 1
//!   const last = session.get('last') ?? 'nobody'
//!   session.set('visits', visits)
//!   session.set('last', 'Node')
//!   return `Node: visit ${visits}, the last was answered by ${last}\n`
//! })
//! app.post('/log-out', ({ session }) => { session.delete(); return 'Node: logged out\n' })
//! await app.listen({ port: 3001 })
//! ```
//!
//! Both read the same key file, which holds 32 raw bytes. Generate it with `genkey --output secret-key`
//! or with the plugin's own generator. (`KEY_FILE` names another file; `KEY` is the key itself in hex.)
//! Then use one cookie jar for both:
//!
//! ```sh
//! curl -c jar -b jar http://127.0.0.1:3000/           # Rust: visit 1, the last was answered by nobody
//! curl -c jar -b jar http://127.0.0.1:3001/           # Node: visit 2, the last was answered by Rust
//! curl -c jar -b jar http://127.0.0.1:3000/           # Rust: visit 3, the last was answered by Node
//! curl -c jar -b jar -X POST http://127.0.0.1:3000/log-out
//! curl -c jar -b jar http://127.0.0.1:3001/           # Node: visit 1, the last was answered by nobody
//! ```

use axum::Router;
use axum::routing::{get, post};
use sealed_session::{Codec, Dynamic, Key, KeyError, Keyring, Session, SessionError, SessionLayer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // To share sessions, both servers need the same keys, cookie name (`session`, as for a `Dynamic`
    // session), expiry (24 hours, the default here) and path.
    let codec = Codec::<Dynamic>::new(Keyring::fastify(key()?))?;
    let app = Router::new()
        .route("/", get(visit))
        .route("/log-out", post(log_out))
        .layer(SessionLayer::new(codec));

    let port = std::env::var("PORT").ok().map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

fn key() -> Result<Key, KeyError> {
    if std::env::var_os("KEY").is_some() {
        return Key::from_env("KEY");
    }
    Key::from_file(std::env::var_os("KEY_FILE").unwrap_or_else(|| "secret-key".into()))
}

async fn visit(session: Session) -> Result<String, SessionError> {
    let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
    let last = session.get::<String>("last")?.unwrap_or_else(|| "nobody".to_owned());
    session.insert("visits", visits)?;
    session.insert("last", "Rust")?;
    Ok(format!("Rust: visit {visits}, the last was answered by {last}\n"))
}

async fn log_out(session: Session) -> &'static str {
    session.delete();
    "Rust: logged out\n"
}
