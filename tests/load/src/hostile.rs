//! Half the traffic forged or 64 kB, and what the other half notices.
//!
//! Quiet and attacked rounds take turns, with as many connections and as many requests a second; in the
//! attacked ones half of the connections are an attacker's, in a third process.

use std::time::{Duration, Instant};

use crate::child::{Process, free_port};
use crate::wire::Connection;
use crate::{Plan, day_server, logged_in};

const CONNECTIONS: u32 = 64;
/// Requests a second of all connections together: the machine is busy, not drowned.
const RATE: u32 = 2_000;
/// Many short rounds, so that what else the machine does meets both kinds alike.
const ROUNDS: usize = 10;
const ATTEMPTS: usize = 3;
const KINDS: u32 = 4;
const NAMES: [&str; KINDS as usize] =
    ["forged", "four forged of 4 kB", "one cookie of 64 kB", "1,000 cookies in 64 kB"];

pub(crate) async fn part(plan: &Plan) -> Result<(), String> {
    let total = if plan.full { 200_000 } else { 20_000 };
    // A round of 64 honest connections, and one of 32.
    let each = total / (2 * ROUNDS as u32) / CONNECTIONS;
    let port = free_port()?;
    let _server = day_server(&plan.directory, port)?;
    let cookie = logged_in(&mut Connection::new(port), 1).await?;
    let pace = Duration::from_secs(1) * CONNECTIONS / RATE;

    honest(port, CONNECTIONS, each, pace).await?; // warms up
    for (kind, name) in NAMES.iter().enumerate() {
        let request = request(kind as u32, &cookie);
        let mut connection = Connection::new(port);
        let mut took = Vec::new();
        for _ in 0..200 {
            let began = Instant::now();
            let answer = connection.exchange(&request).await.map_err(|error| error.to_string())?;
            took.push(began.elapsed());
            if answer.status != 401 {
                return Err(format!("{name}: {} {}", answer.status, answer.body));
            }
        }
        println!("   alone, {name}: p50 {:?}", percentile(&took, 50));
    }
    // Something else on the machine can spoil a measurement; a fault of ours spoils each.
    for _ in 0..ATTEMPTS {
        if ratio(port, &cookie, each, pace).await? <= 2.0 {
            return Ok(());
        }
    }
    Err("the honest half's p99 is more than twice the quiet p99".into())
}

/// The attacked rounds' p99 in that of the quiet ones.
async fn ratio(port: u16, cookie: &str, each: u32, pace: Duration) -> Result<f64, String> {
    let (mut quiet, mut attacked) = (Vec::new(), Vec::new());
    let mut answered = 0;
    for _ in 0..ROUNDS {
        quiet.push(honest(port, CONNECTIONS, each, pace).await?);
        let arguments =
            ["hostile", &port.to_string(), &each.to_string(), cookie].map(str::to_owned);
        let mut hostile = Process::start(&arguments)?;
        attacked.push(honest(port, CONNECTIONS / 2, each, pace).await?);
        let said = hostile.rest()?;
        answered += said.trim().parse::<u32>().map_err(|_| "the hostile client saw a fault")?;
    }
    println!(
        "   {} honest and {answered} hostile requests, {RATE}/s over {CONNECTIONS} connections, \
         {ROUNDS} rounds of each kind",
        (quiet.iter().chain(&attacked)).map(Vec::len).sum::<usize>()
    );
    let middle = |rounds: &[Vec<Duration>]| {
        let mut each: Vec<_> = rounds.iter().map(|round| percentile(round, 99)).collect();
        each.sort();
        each[ROUNDS / 2]
    };
    let half = |rounds: &[Vec<Duration>]| percentile(&rounds.concat(), 50);
    let (before, under) = (middle(&quiet), middle(&attacked));
    let ratio = under.as_secs_f64() / before.as_secs_f64();
    println!(
        "   quiet: p50 {:?}, p99 {before:?}; attacked: p50 {:?}, p99 {under:?} (p99: the middle of \
         the rounds); ratio {ratio:.2}",
        half(&quiet),
        half(&attacked),
    );
    Ok(ratio)
}

/// How long each request of a round took. One in four writes.
async fn honest(
    port: u16,
    connections: u32,
    each: u32,
    pace: Duration,
) -> Result<Vec<Duration>, String> {
    let mut tasks = tokio::task::JoinSet::new();
    for user in 0..connections {
        tasks.spawn(async move {
            let mut connection = Connection::new(port);
            let mut cookie = logged_in(&mut connection, user).await?;
            // Spread over the beat, so that they do not all come at once.
            let first = tokio::time::Instant::now() + pace * user / connections;
            let mut ticks = tokio::time::interval_at(first, pace);
            let mut took = Vec::with_capacity(each as usize);
            for turn in 0..each {
                ticks.tick().await;
                let line = if turn % 4 == 0 { "POST /count" } else { "GET /who" };
                let began = Instant::now();
                let answer = connection.ask(line, Some(&cookie)).await;
                took.push(began.elapsed());
                let answer = answer.map_err(|error| error.to_string())?;
                if answer.status != 200 || !answer.body.starts_with(&format!("{user} ")) {
                    return Err(format!("user {user}: {} {}", answer.status, answer.body));
                }
                cookie = answer.cookie.unwrap_or(cookie);
            }
            Ok(took)
        });
    }
    let mut all = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        all.extend(joined.map_err(|error| error.to_string())??);
    }
    Ok(all)
}

fn percentile(all: &[Duration], percent: usize) -> Duration {
    let mut all = all.to_vec();
    all.sort_unstable();
    all[(all.len() * percent / 100).min(all.len() - 1)]
}

/// `hostile PORT REQUESTS COOKIE`: the other half. Prints how many requests were refused; none may be
/// anything else.
pub(crate) async fn run(arguments: &[String]) -> Result<(), String> {
    let [port, each, cookie] = arguments else {
        return Err("usage: hostile PORT EACH COOKIE".into());
    };
    let port: u16 = port.parse().map_err(|_| "which port?")?;
    let each: u32 = each.parse().map_err(|_| "how many?")?;
    let requests: Vec<_> = (0..KINDS).map(|kind| request(kind, cookie)).collect();
    let connections = CONNECTIONS / 2;
    let pace = Duration::from_secs(1) * CONNECTIONS / RATE;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..connections {
        let requests = requests.clone();
        tasks.spawn(async move {
            let mut connection = Connection::new(port);
            let first = tokio::time::Instant::now() + pace * number / connections;
            let mut ticks = tokio::time::interval_at(first, pace);
            for turn in 0..each {
                ticks.tick().await;
                let request = &requests[((number + turn) % KINDS) as usize];
                match connection.exchange(request).await {
                    Ok(answer) if answer.status == 401 => {}
                    Ok(answer) => {
                        return Err(format!("hostile: {} {}", answer.status, answer.body));
                    }
                    Err(error) => return Err(format!("hostile: {error}")),
                }
            }
            Ok(each)
        });
    }
    let mut refused = 0;
    while let Some(joined) = tasks.join_next().await {
        refused += joined.map_err(|error| error.to_string())??;
    }
    println!("{refused}");
    Ok(())
}

fn request(kind: u32, cookie: &str) -> Vec<u8> {
    let mut forged = cookie.as_bytes().to_vec();
    forged[10] = if forged[10] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8_lossy(&forged).into_owned();
    // As long as a token can be, so that there is most to authenticate.
    let long = "A".repeat(4_088);
    let value = match kind {
        0 => format!("login={forged}"),
        1 => vec![format!("login={long}"); 4].join("; "),
        2 => format!("login={}", "A".repeat(64 * 1024)),
        _ => vec![format!("login={}", "A".repeat(58)); 1_000].join("; "),
    };
    format!("GET /who HTTP/1.1\r\nHost: localhost\r\nCookie: {value}\r\n\r\n").into_bytes()
}
