//! The server, in a process of its own: log in, count, say who. Takes new keys when told on stdin, and
//! ends when stdin does, so that none outlives the program that started it.

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::io::BufRead as _;
use std::net::Ipv4Addr;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use axum::http::{HeaderName, StatusCode};
use axum::routing::{get, post};
use sealed_session::{
    Codec, Current, Key, KeyDirectory, Keyring, Session, SessionError, SessionKind, SessionLayer,
};
use serde::{Deserialize, Serialize};
use tower_layer::Layer;
use tower_service::Service;

/// What the server has allocated and not freed. Resident pages would tell the same less exactly.
static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed to the system's allocator as it came; the counter changes nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Block) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Block) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Serialize, Deserialize, Clone)]
struct Login {
    user: u32,
    count: u32,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

/// `server PORT KEYS IDLE ABSOLUTE` with a file or a directory of keys, or to compare with it, without any session, `server
/// PORT bare` and, with a layer that does nothing, `server PORT layered`.
pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let number = |place: usize| arguments.get(place).and_then(|text| text.parse::<u64>().ok());
    let port = number(0).and_then(|port| u16::try_from(port).ok()).ok_or("which port?")?;
    let keys = arguments.get(1).ok_or("which keys?")?.clone();
    let mut app = Router::new().route("/memory", get(memory));
    if keys == "bare" || keys == "layered" {
        app = app
            .route("/login/{user}", post(bare_write))
            .route("/count", post(bare_write))
            .route("/who", get(bare_read));
        if keys == "layered" {
            app = app.layer(NoLayer(Arc::new(())));
        }
        watch(|| Ok(()));
    } else {
        let seconds = |place| number(place).map(Duration::from_secs).ok_or("which timeouts?");
        let directory = std::path::Path::new(&keys).is_dir();
        let keyring = if directory { follow(&keys)? } else { read_keys(&keys)? };
        let codec = Codec::<Login>::builder(keyring)
            .idle_timeout(seconds(2)?)
            .absolute_timeout(seconds(3)?)
            .build()?;
        app = app
            .route("/login/{user}", post(log_in))
            .route("/count", post(count))
            .route("/who", get(who))
            .layer(SessionLayer::new(codec.clone()));
        watch(move || {
            if !directory {
                codec.replace_keyring(read_keys(&keys)?);
            }
            Ok(())
        });
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(
        async {
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            println!("listening");
            axum::serve(listener, app).await?;
            Ok(())
        },
    )
}

/// Each line on stdin: new keys. The end of stdin: the end.
fn watch(reload: impl Fn() -> Result<(), Box<dyn std::error::Error>> + Send + 'static) {
    std::thread::spawn(move || {
        for _line in std::io::stdin().lock().lines() {
            if let Err(error) = reload() {
                eprintln!("server: {error}");
                exit(1);
            }
        }
        exit(0);
    });
}

/// A key in hex on each line, the primary first.
fn read_keys(path: &str) -> Result<Keyring, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(path)?;
    let mut keys = text.lines().map(Key::from_hex);
    let primary = keys.next().ok_or("no keys")??;
    keys.try_fold(Keyring::new(primary), |ring, key| Ok(ring.with_previous(key?)?))
}

/// The keys of a directory that change every two seconds.
fn follow(path: &str) -> Result<Keyring, Box<dyn std::error::Error>> {
    let keys = KeyDirectory::builder(path)
        .look_every(Duration::from_millis(100))
        .settle(Duration::from_millis(400))
        .stale(Duration::from_millis(500))
        .open()?;
    Ok(keys.keyring())
}

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs())
}

/// When the session began, in seconds since the Unix epoch; 0 without one.
fn began(session: &Session<Login>) -> u64 {
    let created_at = session.info().and_then(|info| info.created_at);
    let since = created_at.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}

/// Whose session it is, what it has counted, when it began, and the server's time.
fn say(login: &Login, created_at: u64) -> String {
    format!("{} {} {created_at} {}", login.user, login.count, now())
}

async fn log_in(session: Session<Login>, Path(user): Path<u32>) -> Result<String, SessionError> {
    let login = Login { user, count: 0 };
    session.regenerate();
    session.set(login.clone())?;
    Ok(say(&login, now()))
}

async fn count(session: Session<Login>) -> Result<Result<String, StatusCode>, SessionError> {
    let created_at = began(&session);
    let counted = session.update(|login| {
        login.count += 1;
        login.clone()
    })?;
    Ok(counted.done().map(|login| say(&login, created_at)).ok_or(StatusCode::UNAUTHORIZED))
}

async fn who(session: Session<Login>, Current(login): Current<Login>) -> String {
    say(&login, began(&session))
}

/// As long an answer as the others', with the headers that the layer adds: where the session is written,
const WRITTEN: [(HeaderName, &str); 3] = [
    (
        SET_COOKIE,
        "login=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA; HttpOnly; SameSite=Lax; Secure; Path=/",
    ),
    (CACHE_CONTROL, "no-store"),
    (VARY, "Cookie"),
];

async fn bare_write() -> ([(HeaderName, &'static str); 3], &'static str) {
    (WRITTEN, "7 0 1700000000 1700000000")
}

/// and where it is read.
async fn bare_read() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(VARY, "Cookie")], "7 0 1700000000 1700000000")
}

/// A layer as large as a session's, which is one pointer, that does nothing.
#[derive(Clone)]
struct NoLayer(Arc<()>);

#[derive(Clone)]
struct NoService<S> {
    inner: S,
    _shared: Arc<()>,
}

impl<S> Layer<S> for NoLayer {
    type Service = NoService<S>;

    fn layer(&self, inner: S) -> NoService<S> {
        NoService { inner, _shared: self.0.clone() }
    }
}

impl<S: Service<R>, R> Service<R> for NoService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner.call(request)
    }
}

async fn memory() -> String {
    LIVE.load(Relaxed).to_string()
}
