//! sealed-session under load: server and client in processes of their own, over loopback only.
//!
//!     cargo run --release -p under-load                 20,000 requests a part
//!     cargo run --release -p under-load -- --full       a million
//!     … -- --only rotation                    one part: plain, rotation, expiry, directory, hostile or idle
//!
//! The part `directory` runs only where it is named, because it needs the program of
//! `cargo build --release -p sealed-session-cli`.
//!
//! Each part prints its figures, and the program fails at the first fault. It is bounded in requests and
//! in time, and takes its servers with it when it ends.

mod child;
mod client;
mod directory;
mod hostile;
mod idle;
mod server;
mod wire;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use child::{KeyFile, Process, free_port};
use client::{Client, Tally, Traffic};
use directory::Directory;

const CONNECTIONS: u32 = 64;
const USERS: u32 = 1_000;
const DAY: u64 = 24 * 60 * 60;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["server", ..] => server::run(&arguments[1..]).map_err(|error| error.to_string()),
        ["hostile", ..] => {
            runtime().and_then(|runtime| runtime.block_on(hostile::run(&arguments[1..])))
        }
        [] => all(false, None),
        ["--full"] => all(true, None),
        ["--only", part] => all(false, Some(part)),
        ["--full", "--only", part] => all(true, Some(part)),
        _ => Err("usage: under-load [--full] [--only PART]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("FAILED: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
}

/// The part that runs, its sizes, and where it keeps its keys.
struct Plan {
    full: bool,
    directory: PathBuf,
}

impl Drop for Plan {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.directory);
    }
}

fn all(full: bool, only: Option<&str>) -> Result<(), String> {
    let directory = std::env::temp_dir().join(format!("under-load-{}", std::process::id()));
    std::fs::create_dir(&directory).map_err(|error| error.to_string())?;
    let plan = Plan { full, directory };
    let requests = if full { 1_000_000 } else { 20_000 };
    let parts = ["plain", "rotation", "expiry", "directory", "hostile", "idle"];
    if only.is_some_and(|only| !parts.contains(&only)) {
        return Err(format!("the parts are {}", parts.join(", ")));
    }
    let runtime = runtime()?;
    // It needs a program of another package.
    let usual = |part: &str| part != "directory";
    for part in parts.into_iter().filter(|part| only.map_or(usual(part), |only| only == *part)) {
        let limit = Duration::from_secs(if full { 900 } else { 90 });
        let began = Instant::now();
        println!("== {part}");
        let run = async {
            match part {
                "plain" => sessions(&plan, Part::plain(requests)).await,
                "rotation" => sessions(&plan, Part::rotation(requests, full)).await,
                "expiry" => sessions(&plan, Part::expiry()).await,
                "directory" => sessions(&plan, Part::directory(full)).await,
                "hostile" => hostile::part(&plan).await,
                _ => idle::part(&plan).await,
            }
        };
        runtime
            .block_on(async { tokio::time::timeout(limit, run).await })
            .unwrap_or_else(|_| Err(format!("not done after {} s", limit.as_secs())))
            .map_err(|fault| format!("{part}: {fault}"))?;
        println!("   passed in {:.1} s", began.elapsed().as_secs_f64());
    }
    Ok(())
}

/// A part in which users have sessions, and each answer is judged.
struct Part {
    requests: u64,
    /// Least time for all of it, so that a small run also sees keys come and go.
    at_least: Duration,
    idle: u64,
    absolute: u64,
    rotation: Rotation,
    kills: u64,
    replays: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rotation {
    Never,
    /// One server, which is told of a new key each second.
    File,
    /// Two servers that follow a directory, which the tool rotates.
    Directory,
}

impl Part {
    fn plain(requests: u64) -> Self {
        let at_least = Duration::ZERO;
        let (idle, absolute) = (DAY, 30 * DAY);
        let rotation = Rotation::Never;
        Self { requests, at_least, idle, absolute, rotation, kills: 0, replays: false }
    }

    /// A new key every second and `kill -9`, while no session may end. All keys stay, so at the end
    /// every cookie ever issued has to open.
    fn rotation(requests: u64, full: bool) -> Self {
        let at_least = Duration::from_secs(if full { 60 } else { 8 });
        let kills = if full { 20 } else { 3 };
        let (idle, absolute) = (DAY, 30 * DAY);
        let rotation = Rotation::File;
        Self { requests, at_least, idle, absolute, rotation, kills, replays: true }
    }

    /// The same with sessions of seconds, so that both sides of "until it expires" are seen: a key
    /// leaves as soon as what it sealed has expired, and no cookie may notice.
    fn expiry() -> Self {
        let at_least = Duration::from_secs(15);
        let (idle, absolute) = (3, 6);
        let (requests, rotation) = (15_000, Rotation::File);
        Self { requests, at_least, idle, absolute, rotation, kills: 2, replays: true }
    }

    /// Sessions of seconds on two servers that follow a directory. The tool rotates its keys through all of
    /// their life, next, sealing, previous and removed, and is killed as well as the servers.
    fn directory(full: bool) -> Self {
        let at_least = Duration::from_secs(if full { 120 } else { 40 });
        let (idle, absolute) = (3, 6);
        let (requests, rotation) = (100_000, Rotation::Directory);
        let kills = if full { 40 } else { 10 };
        Self { requests, at_least, idle, absolute, rotation, kills, replays: true }
    }
}

/// Where the servers' keys are.
enum Keys {
    File(KeyFile),
    Directory(Directory),
}

async fn sessions(plan: &Plan, part: Part) -> Result<(), String> {
    let (mut keys, source, count) = match part.rotation {
        Rotation::Directory => {
            let directory = Directory::new(&plan.directory)?;
            let path = directory.path();
            (Keys::Directory(directory), path, 2)
        }
        Rotation::Never | Rotation::File => {
            let file = KeyFile::new(&plan.directory, "keys")?;
            let path = file.path();
            (Keys::File(file), path, 1)
        }
    };
    let arguments = [source, part.idle.to_string(), part.absolute.to_string()];
    let (mut ports, mut servers) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let port = free_port()?;
        servers.push(Process::server(port, &arguments)?);
        ports.push(port);
    }

    let requests = part.requests.div_ceil(CONNECTIONS.into());
    let traffic = Arc::new(Traffic {
        ports: ports.clone(),
        requests,
        pace: part.at_least / u32::try_from(requests).unwrap_or(u32::MAX),
        idle: part.idle,
        absolute: part.absolute,
        replays: part.replays,
        outages: part.kills > 0,
        done: AtomicU64::new(0),
        broken_off: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..CONNECTIONS {
        let users = (0..USERS).filter(|user| user % CONNECTIONS == connection).collect();
        let mut client = Client::new(traffic.clone(), users);
        tasks.spawn(async move {
            let worked = client.work().await;
            (client, worked)
        });
    }

    // Keys are changed and servers killed meanwhile, and joining waits for nobody.
    let total = requests * u64::from(CONNECTIONS);
    let (mut kills, mut rotations) = (0, 0);
    let mut random = client::Random::new(1);
    let mut beat = tokio::time::interval(Duration::from_millis(10));
    let mut next_key = Instant::now() + Duration::from_secs(1);
    let mut clients = Vec::new();
    while clients.len() < CONNECTIONS as usize {
        tokio::select! {
            joined = tasks.join_next() => {
                let Some(joined) = joined else { break };
                let (client, worked) = joined.map_err(|error| error.to_string())?;
                worked.inspect_err(|_| traffic.stop.store(true, Relaxed))?;
                clients.push(client);
            }
            _ = beat.tick() => {
                match &mut keys {
                    Keys::File(_) if part.rotation == Rotation::Never => {}
                    Keys::File(keys) if Instant::now() >= next_key => {
                        // Two seconds on top of the longest life: the server may take a key up late.
                        keys.rotate(part.absolute + 2)?;
                        servers[0].tell("new keys")?;
                        rotations += 1;
                        next_key += Duration::from_secs(1);
                    }
                    Keys::File(_) => {}
                    Keys::Directory(keys) => keys.beat(|below| random.below(below as usize) as u64)?,
                }
                let due = total * (kills + 1) / (part.kills + 1);
                if kills < part.kills && traffic.done.load(Relaxed) >= due {
                    let server = random.below(servers.len());
                    servers[server].kill();
                    servers[server] = Process::server(ports[server], &arguments)?;
                    kills += 1;
                }
            }
        }
    }
    let worked = began.elapsed();
    if kills < part.kills {
        return Err(format!("only {kills} kills"));
    }

    let mut tally = Tally::default();
    for client in &clients {
        tally.add(client.tally);
    }
    println!(
        "   {total} requests, {CONNECTIONS} connections, {USERS} users, {:.1} s ({:.0}/s): \
         {} log-ins, {} writes, {} reads, {} replays",
        worked.as_secs_f64(),
        total as f64 / worked.as_secs_f64(),
        tally.log_ins,
        tally.writes,
        tally.reads,
        tally.replays
    );
    if kills > 0 {
        let broken_off = traffic.broken_off.load(Relaxed);
        println!(
            "   {kills} kill -9 of a server ({broken_off} requests broken off and sent again)"
        );
    }
    match &keys {
        Keys::File(keys) if rotations > 0 => {
            println!("   {rotations} rotations, up to {} keys", keys.most());
        }
        Keys::File(_) => {}
        Keys::Directory(keys) => {
            let (made, removed, most) = keys.life()?;
            println!(
                "   {} runs of the tool, {} of them killed: {made} keys made, {removed} removed, up to {most} at once",
                keys.runs, keys.kills
            );
            if removed < 3 || keys.kills < 10 {
                return Err("the part did not see enough keys go, or runs killed".into());
            }
        }
    }

    let mut sweeps = tokio::task::JoinSet::new();
    for mut client in clients {
        sweeps.spawn(async move {
            let issued = client.tally.issued;
            client.tally = Tally::default();
            let swept = client.sweep().await;
            (issued, client.tally, swept)
        });
    }
    let (mut issued, mut swept) = (0, Tally::default());
    while let Some(joined) = sweeps.join_next().await {
        let (count, tally, done) = joined.map_err(|error| error.to_string())?;
        done?;
        issued += count;
        swept.add(tally);
    }
    println!(
        "   every cookie ever issued, shown once more: {issued}, of which {} opened and {} had \
         expired",
        swept.swept_open, swept.swept_refused
    );
    println!("   no wrong user, no wrong count, no 5xx, nobody logged out early");
    if part.idle == DAY && swept.swept_refused + tally.expired > 0 {
        return Err("something expired in a day's session".into());
    }
    if part.idle < DAY && (tally.expired == 0 || swept.swept_open == 0) {
        return Err("the part did not see both sides of an expiry".into());
    }
    Ok(())
}

/// The value of the session's cookie after a log-in.
async fn logged_in(connection: &mut wire::Connection, user: u32) -> Result<String, String> {
    let answer = connection.ask(&format!("POST /login/{user}"), None).await;
    let answer = answer.map_err(|error| error.to_string())?;
    answer.cookie.ok_or_else(|| "a log-in without a cookie".to_owned())
}

/// A server with sessions of a day under one key.
fn day_server(directory: &Path, port: u16) -> Result<Process, String> {
    let keys = KeyFile::new(directory, "day-keys")?;
    Process::server(port, &[keys.path(), DAY.to_string(), DAY.to_string()])
}
