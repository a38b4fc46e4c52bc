//! Ten thousand connections that have had a session and now say nothing: does the layer keep memory for
//! them? Two servers without sessions say what a connection costs anyway. They send the same headers. One has
//! a layer that does nothing, because axum copies its router for every connection, and each route in it is
//! larger by what any layer takes; the other has none, so that this share is shown, too.

use crate::child::{Process, free_port};
use crate::wire::Connection;
use crate::{Plan, day_server, logged_in};

/// What may be left over of a connection, in bytes.
const LEFT_OVER: f64 = 16.0;

pub(crate) async fn part(plan: &Plan) -> Result<(), String> {
    let wanted = if plan.full { 10_000 } else { 1_000 };
    let count = wanted.min(descriptors().saturating_sub(200));
    if count < wanted {
        println!("   ulimit -n allows {count} connections, not {wanted}");
    }
    let port = free_port()?;
    let server = day_server(&plan.directory, port)?;
    let with = measure(&server, port, count).await?;
    drop(server);
    let layered = without(port, "layered", count).await?;
    let bare = without(port, "bare", count).await?;

    let each = |bytes: i64| bytes as f64 / count as f64;
    println!(
        "   {count} idle connections, bytes allocated for each: {:.2} with sessions, {:.2} with a \
         layer that does nothing, {:.2} without a layer (resident: {:.0}, {:.0}, {:.0})",
        each(with.allocated),
        each(layered.allocated),
        each(bare.allocated),
        each(with.resident),
        each(layered.resident),
        each(bare.resident)
    );
    let kept = each(with.allocated - layered.allocated);
    println!("   kept for the session of each: {kept:.2} bytes");
    if kept > LEFT_OVER {
        return Err("the layer keeps memory for idle connections".into());
    }
    Ok(())
}

async fn without(port: u16, kind: &str, count: usize) -> Result<Memory, String> {
    let server = Process::server(port, &[kind.to_owned()])?;
    measure(&server, port, count).await
}

struct Memory {
    allocated: i64,
    resident: i64,
}

/// How the server's memory grew by these connections.
async fn measure(server: &Process, port: u16, count: usize) -> Result<Memory, String> {
    let mut observer = Connection::new(port);
    // What is allocated once, for all connections, is there before.
    for user in 0..64 {
        let mut connection = Connection::new(port);
        use_session(&mut connection, user).await?;
    }
    let before = memory(server, &mut observer).await?;
    let mut connections = Vec::with_capacity(count);
    for user in 0..count {
        let mut connection = Connection::new(port);
        use_session(&mut connection, user as u32).await?;
        connections.push(connection);
    }
    let after = memory(server, &mut observer).await?;
    drop(connections);
    Ok(Memory {
        allocated: after.allocated - before.allocated,
        resident: after.resident - before.resident,
    })
}

async fn use_session(connection: &mut Connection, user: u32) -> Result<(), String> {
    let mut cookie = logged_in(connection, user).await?;
    for line in ["GET /who", "POST /count", "GET /who"] {
        let answer =
            connection.ask(line, Some(&cookie)).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("{line}: {} {}", answer.status, answer.body));
        }
        cookie = answer.cookie.unwrap_or(cookie);
    }
    Ok(())
}

async fn memory(server: &Process, observer: &mut Connection) -> Result<Memory, String> {
    let answer = observer.ask("GET /memory", None).await.map_err(|error| error.to_string())?;
    let allocated = answer.body.parse().map_err(|_| "no figure")?;
    Ok(Memory { allocated, resident: server.resident().unwrap_or(0) as i64 })
}

/// How many files a process may have open (`ulimit -n`).
fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    limits
        .lines()
        .find_map(|line| {
            line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok()
        })
        .unwrap_or(1_024)
}
