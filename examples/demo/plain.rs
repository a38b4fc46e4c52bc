//! The page as plain text, for curl.

use std::fmt::{self, Write as _};
use std::time::SystemTime;

use crate::anatomy::{Anatomy, MAX_COOKIE_LEN};
use crate::page::View;
use crate::reply::Problem;
use crate::sessions::LOGIN_IDLE;
use crate::time;

const HEX_PER_LINE: usize = 16;

pub(crate) fn home(view: &View) -> String {
    let mut out = String::new();
    write_home(&mut out, view).expect("a String takes every text");
    out
}

pub(crate) fn problem(problem: &Problem) -> String {
    format!("{}: {}\n", problem.title, problem.text)
}

fn write_home(out: &mut String, view: &View) -> fmt::Result {
    let preferences = view.preferences.unwrap_or_default();
    match &view.login {
        Some(login) => {
            let hello = preferences.language.hello();
            writeln!(out, "{hello}, {}. Visits: {}.", login.name, login.visits)?;
        }
        None => writeln!(out, "Not logged in.")?,
    }
    let (theme, language) = (preferences.theme.value(), preferences.language.value());
    let saved = if view.preferences.is_some() { "" } else { " (not saved)" };
    writeln!(out, "Preferences: theme {theme}, language {language}{saved}.")?;
    let previous = if view.keys > 1 { "one current, one previous" } else { "one" };
    writeln!(out, "Keys: {previous}.")?;
    for cookie in &view.cookies {
        writeln!(out)?;
        write_cookie(out, cookie)?;
    }
    let address = view.address;
    writeln!(out, "\nNext:")?;
    for (what, arguments, path) in [
        ("look again", "", ""),
        ("log in", " -d name=Ada -d remember=on", "login"),
        ("set preferences", " -d theme=dark -d language=fr", "preferences"),
        ("rotate the key", " -X POST", "rotate"),
        ("log out", " -X POST", "logout"),
    ] {
        writeln!(out, "  {what:<16} curl -b jar -c jar{arguments} http://{address}/{path}")?;
    }
    Ok(())
}

fn write_cookie(out: &mut String, cookie: &Anatomy) -> fmt::Result {
    let now = SystemTime::now();
    let idle = cookie.own_idle_timeout;
    writeln!(
        out,
        "The cookie `{}`: {} of {MAX_COOKIE_LEN} bytes ({:.1} %)",
        cookie.name,
        cookie.size,
        cookie.percent()
    )?;
    let resealed = if cookie.key_index > 0 { ", now re-sealed" } else { "" };
    writeln!(out, "  opened by  {}{resealed}", cookie.key())?;
    if let Some(id) = cookie.id {
        writeln!(out, "  session    {id}")?;
    }
    for (label, at) in [
        ("created", cookie.created_at),
        ("refreshed", Some(cookie.refreshed_at)),
        ("expires", Some(cookie.expires_at)),
    ] {
        if let Some(at) = at {
            writeln!(out, "  {label:<10} {} ({})", time::utc(at), time::relative(at, now))?;
        }
    }
    if let Some(idle) = idle {
        let (own, usual) = (idle.as_secs(), LOGIN_IDLE.as_secs());
        let (own, usual) = (time::duration(own), time::duration(usual));
        writeln!(out, "  remembered {own} without a visit, instead of {usual}")?;
    }
    for part in &cookie.parts {
        let label = format!("{} {}", part.name, part.bytes.len());
        let (hex, left_out) = part.hex(8 * HEX_PER_LINE);
        let digits: Vec<_> = hex.split(' ').collect();
        for (line, digits) in digits.chunks(HEX_PER_LINE).enumerate() {
            let label = if line == 0 { &*label } else { "" };
            writeln!(out, "  {label:<10} {}", digits.join(" "))?;
        }
        if left_out > 0 {
            writeln!(out, "  {:<10} … and {left_out} more bytes", "")?;
        }
    }
    writeln!(out, "  opened     {}", cookie.json)
}
