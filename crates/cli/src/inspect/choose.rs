//! Which of the pasted cookies are meant, and for which names a token may have been sealed.

use super::foreign;
use super::pasted::{Cookie, Pasted, is_name};
use super::text::is_base64;

const PREFIXES: [&str; 2] = ["__Host-", "__Secure-"];
pub(super) const USUAL_NAME: &str = "session";
/// More names of one line are not tried.
const MOST_NAMES: usize = 40;
/// More cookies of a long paste are not looked at.
const MOST_COOKIES: usize = 10;

/// Which cookies to look at: those of the names that were asked for; otherwise those that look like
/// tokens; otherwise the one that is the likeliest to be meant.
pub(super) fn choose<'p>(names: &[String], cookies: &'p [Cookie]) -> Vec<&'p Cookie> {
    let mut chosen = meant(names, cookies);
    chosen.truncate(MOST_COOKIES);
    chosen
}

fn meant<'p>(names: &[String], cookies: &'p [Cookie]) -> Vec<&'p Cookie> {
    if let [only] = cookies {
        return vec![only];
    }
    let asked = |cookie: &&Cookie| {
        let plain = cookie.name.as_deref().map(without_prefix);
        names.iter().any(|name| Some(without_prefix(name)) == plain)
    };
    let chosen: Vec<_> = cookies.iter().filter(asked).collect();
    if !chosen.is_empty() {
        return chosen;
    }
    let chosen: Vec<_> = cookies.iter().filter(|cookie| looks_sealed(&cookie.value)).collect();
    if !chosen.is_empty() || !names.is_empty() {
        return chosen;
    }
    let named_so = |cookie: &&Cookie| {
        let name = cookie.name.as_deref().unwrap_or_default().to_ascii_lowercase();
        ["sess", "sid", "login", "auth"].iter().any(|part| name.contains(part))
    };
    let likeliest = cookies.iter().find(named_so);
    likeliest
        .or_else(|| cookies.iter().max_by_key(|cookie| cookie.value.len()))
        .into_iter()
        .collect()
}

/// Whether a value may be a token, whole or damaged.
fn looks_sealed(value: &str) -> bool {
    let fitting = value.bytes().filter(|byte| is_base64(*byte) || b"%=;".contains(byte)).count();
    let is_token = value.len() >= 60 && fitting * 20 >= value.len() * 19;
    is_token && foreign::recognize(value).is_none()
}

/// The names that a cookie's token may have been sealed for, the likeliest first.
pub(super) fn names(cookie: &Cookie, asked: &[String], pasted: &Pasted) -> Vec<String> {
    let of_line = pasted.cookies.iter().filter_map(|cookie| cookie.name.as_ref());
    let known = cookie.name.iter().chain(asked).chain(of_line);
    let mut names: Vec<String> = known.filter(|name| is_name(name)).cloned().collect();
    names.truncate(MOST_NAMES);
    names.push(USUAL_NAME.to_owned());
    let plain: Vec<String> = names.iter().map(|name| without_prefix(name).to_owned()).collect();
    names.extend(plain.iter().cloned());
    for prefix in PREFIXES {
        names.extend(plain.iter().map(|name| format!("{prefix}{name}")));
    }
    let mut distinct = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}

fn without_prefix(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}
