//! `inspect`: takes a cookie apart, or says why it does not open.
//!
//! `pasted` finds the cookies in what was pasted, `choose` those that are meant, `secrets` reads the
//! keys, `open` tries them, `examine` decides what is the matter, `verdict` has the words for it, and
//! `drawing` and `report` show it.

mod accepted;
mod attributes;
mod choose;
mod contents;
mod damage;
mod drawing;
mod examine;
mod foreign;
mod forms;
mod layout;
mod open;
mod pasted;
mod report;
mod secrets;
#[cfg(test)]
mod tests;
mod text;
mod verdict;

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::failure::{Failure, Status};
use crate::output::Output;
use crate::time::{parse_duration, parse_time};

/// The most that browsers store of a cookie's name and value.
const LONGEST_COOKIE: usize = 4096;
/// No native token is shorter (`docs/FORMAT.md`).
const SHORTEST_TOKEN: usize = 96;
/// More than any browser sends.
const LONGEST_INPUT: u64 = 1 << 20;

const AFTER: &str = "\
Examples:
  sealed-session inspect --keys /etc/shop/keys < cookie.txt
  sealed-session inspect --keys secret-key 'Cookie: theme=dark; session=...'
  sealed-session inspect --fastify-key node-key --data < cookie.txt

Standard input is the better place for a cookie: arguments stay in the shell's
history, and other users of the machine see them. Whoever has the cookie has the
session.

Exit status: 0 it opens and is valid, 1 it does not open or is expired, 2 it could
not be tried (arguments, a key file).";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// What to take apart, as it was copied: a Cookie or Set-Cookie line, with or
    /// without the header's name, `name=value`, or a value alone; with quotes,
    /// percent-encoded or wrapped. Default: standard input
    #[arg(value_name = "COOKIE", allow_hyphen_values = true, verbatim_doc_comment)]
    cookie: Option<String>,

    // `Cookie: session=…` without quotes is more than one argument.
    #[arg(hide = true)]
    more: Vec<String>,

    /// A file with a key in any form or with several, or a directory of *.key
    /// files. Can be given several times
    #[arg(long, value_name = "FILE-OR-DIR", verbatim_doc_comment)]
    keys: Vec<PathBuf>,

    /// An environment variable that holds a key, or several
    #[arg(long, value_name = "VARIABLE")]
    keys_env: Vec<String>,

    /// A file with a key of Node's @fastify/secure-session
    #[arg(long, value_name = "FILE")]
    fastify_key: Vec<PathBuf>,

    /// A name that the cookie may have been sealed for. Names in the pasted line,
    /// `session`, and each with `__Host-` and `__Secure-`, are tried anyway
    #[arg(long, value_name = "NAME", verbatim_doc_comment)]
    name: Vec<String>,

    /// Show the session's data
    #[arg(long)]
    data: bool,

    /// Judge as if it were this time, in UTC (2026-11-21T12:00:00Z, or seconds
    /// since 1970). Default: now
    #[arg(long, value_name = "TIME", value_parser = parse_time, verbatim_doc_comment)]
    at: Option<SystemTime>,

    /// The server's idle timeout, where it is shorter than the one in the token.
    /// For Node's cookies, which have none: 24 hours by default
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, verbatim_doc_comment)]
    idle_timeout: Option<Duration>,

    /// The server's absolute timeout, which no token holds. Default: 30d
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_duration,
        default_value = "30d",
        hide_default_value = true
    )]
    absolute_timeout: Duration,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Status, Failure> {
    let keys = secrets::read(args)?;
    let (input, from_terminal) = input(args)?;
    let pasted = pasted::Pasted::of(&input, from_terminal);
    let now = args.at.unwrap_or_else(SystemTime::now);
    let report = examine::examine(args, &keys, &pasted, now);
    if output.is_json() {
        output.json(&report.json())?;
    } else {
        output.write(drawing::draw(&report, output.style()))?;
    }
    Ok(if report.is_good() { Status::Yes } else { Status::No })
}

/// What was pasted, and whether it went through a terminal, which shortens lines.
fn input(args: &Args) -> Result<(String, bool), Failure> {
    if let Some(first) = &args.cookie {
        let text = format!("{first} {}", args.more.join(" "));
        // A cookie may begin with a hyphen, so clap takes a mistyped option for one.
        if first.starts_with("--") && first.len() < 40 {
            return Err(Failure::new(format!("there is no option `{first}`; see inspect --help")));
        }
        if first.len() < SHORTEST_TOKEN && Path::new(first).exists() {
            return Err(Failure::new(format!(
                "`{first}` is a file: write --keys before each file with keys, and < before a file with \
                 the cookie"
            )));
        }
        return Ok((text, false));
    }
    let stdin = std::io::stdin();
    let from_terminal = stdin.is_terminal();
    if from_terminal {
        let end = if cfg!(windows) { "Ctrl-Z and Enter" } else { "Ctrl-D" };
        let _ = writeln!(std::io::stderr(), "Paste the cookie, then press Enter and {end}.");
    }
    let mut bytes = Vec::new();
    stdin
        .lock()
        .take(LONGEST_INPUT)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::caused_by("cannot read the cookie from standard input", error))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text.trim().is_empty() {
        return Err(Failure::new("standard input is empty: expected a cookie"));
    }
    Ok((text, from_terminal))
}
