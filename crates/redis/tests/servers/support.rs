//! Redis servers on loopback, each in a directory of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use redis::{Client, Value};
use sealed_session::revocation::{
    AtStart, Batch, Mark, Position, RevocationStore, ShortId, Target, WhenAway,
};
use sealed_session::{Codec, Key, Keyring, Revocations, SessionKind, Tag};
use sealed_session_redis::{ErrorKind, RedisStore, RedisStoreError};
use serde::{Deserialize, Serialize};

pub(crate) type Any = Result<(), Box<dyn std::error::Error>>;

/// A server, which is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    arguments: Vec<String>,
    pub(crate) directory: PathBuf,
}

pub(crate) fn free_port() -> u16 {
    // A cluster also uses the port 10,000 above.
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if port < 50_000 {
            return port;
        }
    }
}

pub(crate) fn new_directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("sealed-session-redis-{}-{count}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_at(free_port(), arguments)
    }

    pub(crate) fn start_at(port: u16, arguments: &[&str]) -> Self {
        let directory = new_directory();
        let mut all = vec!["--port".to_owned(), port.to_string()];
        all.extend(["--save", "", "--dir"].map(str::to_owned));
        all.push(directory.display().to_string());
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let mut server = Self { child: spawn(&all, &directory), port, arguments: all, directory };
        server.wait_until_ready();
        server
    }

    pub(crate) fn sentinel(primary: u16, quorum: u32) -> Self {
        let (port, directory) = (free_port(), new_directory());
        let file = directory.join("sentinel.conf");
        let text = format!(
            "port {port}\ndir {}\nsentinel monitor shop 127.0.0.1 {primary} {quorum}\n\
             sentinel down-after-milliseconds shop 1000\nsentinel failover-timeout shop 3000\n",
            directory.display()
        );
        std::fs::write(&file, text).unwrap();
        let all = vec![file.display().to_string(), "--sentinel".to_owned()];
        let mut server = Self { child: spawn(&all, &directory), port, arguments: all, directory };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&mut self) {
        until(Duration::from_secs(20), "the server to answer", || {
            std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
        // Any other answer will do: from a sentinel it is an error.
        until(Duration::from_secs(20), "the server to load its file", || {
            let answer = self.try_ask(&["GET", "any"]);
            !answer.is_err_and(|error| error.code() == Some("LOADING"))
        });
        std::thread::sleep(Duration::from_millis(100));
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn ask(&self, command: &[&str]) -> Value {
        self.try_ask(command).unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    pub(crate) fn try_ask(&self, command: &[&str]) -> redis::RedisResult<Value> {
        let mut connection =
            Client::open(self.url())?.get_connection_with_timeout(Duration::from_secs(2))?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut all = redis::cmd(command[0]);
        command[1..].iter().for_each(|argument| {
            all.arg(argument);
        });
        all.query(&mut connection)
    }

    pub(crate) fn text(&self, command: &[&str]) -> String {
        match self.try_ask(command) {
            Ok(Value::BulkString(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            other => format!("{other:?}"),
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    pub(crate) fn stall(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.arguments, &self.directory);
        self.wait_until_ready();
    }

    /// A replica that has all that its primary has.
    pub(crate) fn replica_of(primary: &Self, arguments: &[&str]) -> Self {
        let port = primary.port.to_string();
        let all = [arguments, &["--replicaof", "127.0.0.1", &port]].concat();
        let replica = Self::start(&all);
        until(Duration::from_secs(20), "the replica", || {
            replica.text(&["INFO", "replication"]).contains("master_link_status:up")
        });
        replica
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn spawn(arguments: &[String], directory: &Path) -> Child {
    let log = std::fs::File::create(directory.join("log")).unwrap();
    let mut command = Command::new("redis-server");
    command.args(arguments).stdout(log).stderr(Stdio::null()).stdin(Stdio::null());
    command.spawn().expect("redis-server is installed: tests/run does that")
}

#[track_caller]
pub(crate) fn until(limit: Duration, what: &str, mut done: impl FnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < limit, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    begin.elapsed()
}

pub(crate) async fn eventually(
    limit: Duration,
    what: &str,
    mut done: impl FnMut() -> bool,
) -> Duration {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < limit, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    begin.elapsed()
}

/// A figure that `tests/run` repeats at its end.
pub(crate) fn figure(name: &str, value: impl std::fmt::Display) {
    println!("\nFIGURE {name}: {value}");
}

pub(crate) fn figures(name: &str, mut times: Vec<Duration>) -> Duration {
    times.sort();
    let [p50, p99] = [50, 99].map(|part| times[times.len() * part / 100]);
    figure(name, format!("p50 {p50:.2?}, p99 {p99:.2?}, of {}", times.len()));
    p99
}

pub(crate) fn id(number: u64) -> Target {
    Target::Session(ShortId::from_bytes(number.to_be_bytes()))
}

/// In 30 days.
pub(crate) fn later() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_secs() + 30 * 24 * 60 * 60
}

pub(crate) fn kind(error: &(dyn std::error::Error + 'static)) -> ErrorKind {
    error.downcast_ref::<RedisStoreError>().expect("an error of the store").kind()
}

/// Everything that is in the store, and the position at its end.
pub(crate) async fn read_all(
    store: &RedisStore,
) -> Result<(Vec<Mark>, Position), Box<dyn std::error::Error + Send + Sync>> {
    let (mut marks, mut position) = (Vec::new(), None);
    loop {
        let Batch { marks: more, position: at, complete } =
            store.read(position.as_ref(), Duration::ZERO).await?;
        marks.extend(more);
        position = Some(at.clone());
        if complete {
            return Ok((marks, at));
        }
    }
}

#[derive(Serialize, Deserialize, Clone)]
pub(crate) struct Login {
    pub(crate) user: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";

    fn tags(login: &Self) -> Vec<Tag> {
        vec![Tag::new("user", login.user)]
    }
}

/// An application server.
pub(crate) struct App {
    pub(crate) revocations: Revocations,
    pub(crate) codec: Codec<Login>,
}

impl App {
    pub(crate) async fn open(store: RedisStore, key: &Key) -> Self {
        let revocations = Revocations::builder(
            store,
            WhenAway::KeepServing,
            AtStart::Wait(Duration::from_secs(10)),
        )
        .heartbeat(Duration::from_millis(500))
        .open()
        .await
        .unwrap();
        let codec = Codec::<Login>::builder(Keyring::new(key.clone()))
            .revocations(&revocations)
            .build()
            .unwrap();
        Self { revocations, codec }
    }

    pub(crate) fn is_open(&self, token: &str) -> bool {
        self.codec.decode(token).is_ok()
    }
}

/// Passes bytes on, until it is told to swallow them.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    swallows: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let swallows = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let flag = swallows.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let Ok(server) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await else {
                    continue;
                };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(pass_on(from_client, to_server, flag.clone()));
                tokio::spawn(pass_on(from_server, to_client, flag.clone()));
            }
        });
        Self { port: own, swallows }
    }

    pub(crate) fn swallow(&self, yes: bool) {
        self.swallows.store(yes, Ordering::Relaxed);
    }
}

async fn pass_on(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    swallows: std::sync::Arc<std::sync::atomic::AtomicBool>,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if !swallows.load(Ordering::Relaxed) && to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
