//! `Pasted`: the cookies in what was copied from a browser, a log, a terminal or `curl`.
//!
//! What copying adds (quotes, spaces, line breaks) is removed and noted. What a server would see in a
//! cookie's value stays.

use super::attributes::{self, Attribute};
use super::text::{is_base64, percent_decoded};

/// Longer names than this are more likely a value.
const LONGEST_NAME: usize = 64;
/// More headers of a long paste are not looked at.
const MOST_HEADERS: usize = 100;
/// Characters of a nonce in Node's cookies.
const NODE_NONCE: usize = 32;

/// What was found.
pub(super) struct Pasted {
    pub(super) cookies: Vec<Cookie>,
    /// The length of the longest line as it arrived.
    pub(super) longest_line: usize,
    /// A terminal shortens long lines.
    pub(super) from_terminal: bool,
}

/// One cookie.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) name: Option<String>,
    /// Without the white space that no cookie of ours has.
    pub(super) value: String,
    /// Of a Set-Cookie line.
    pub(super) attributes: Option<Vec<Attribute>>,
    /// What was removed: `quotation marks`.
    pub(super) removed: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Cookie,
    SetCookie,
    /// No header's name says what it is.
    Unnamed,
}

impl Pasted {
    pub(super) fn of(text: &str, from_terminal: bool) -> Self {
        let longest_line = text.lines().map(str::len).max().unwrap_or(0);
        let text = text.trim_start_matches('\u{feff}').trim();
        let mut found = headers(text);
        found.extend(curl_cookies(text).map(|body| (Line::Cookie, body.to_owned())));
        if found.is_empty() {
            found = lines(text).into_iter().map(|line| (Line::Unnamed, line)).collect();
        }
        let cookies = found.iter().flat_map(|(line, body)| cookies(*line, body)).collect();
        Self { cookies, longest_line, from_terminal }
    }
}

/// The bodies of the headers Cookie and Set-Cookie, also in a whole request, in JSON, or in a command.
fn headers(text: &str) -> Vec<(Line, String)> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = lower[from..].find("cookie").map(|at| from + at) {
        from = at + "cookie".len();
        let (line, start) = match lower[..at].strip_suffix("set-") {
            Some(before) => (Line::SetCookie, before.len()),
            None => (Line::Cookie, at),
        };
        let before = text[..start].chars().next_back();
        let begins = before.is_none_or(|c| c.is_whitespace() || "'\"`<>$".contains(c));
        // `"Cookie": "…"`
        let rest = text[from..].trim_start_matches(['"', '\'']).trim_start_matches(' ');
        let Some(body) = rest.strip_prefix(':').filter(|_| begins) else { continue };
        let body = body.trim_start_matches([' ', '\t']);
        let quote = |c: &char| matches!(c, '"' | '\'');
        let own = body.chars().next().filter(quote);
        let body = match (own, before.filter(quote)) {
            (Some(quote), _) => until(&body[1..], quote),
            (None, Some(quote)) => until(body, quote),
            (None, None) => header_lines(body),
        };
        found.push((line, body.to_owned()));
        if found.len() == MOST_HEADERS {
            break;
        }
    }
    found
}

/// What `curl` is told with `-b`, as browsers copy a request.
fn curl_cookies(text: &str) -> impl Iterator<Item = &str> {
    let markers = if text.contains("curl ") { &[" -b ", " --cookie "][..] } else { &[] };
    markers.iter().filter_map(|marker| {
        let (_, body) = text.split_once(marker)?;
        let body = body.trim_start_matches([' ', '$']);
        let quote = body.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        Some(until(&body[1..], quote))
    })
}

fn until(text: &str, end: char) -> &str {
    text.split(end).next().unwrap_or(text)
}

/// A header's body: to the next header, an empty line, or the end. Other lines are the body, wrapped.
fn header_lines(body: &str) -> &str {
    let mut end = 0;
    for (place, line) in body.split_inclusive('\n').enumerate() {
        let plain = line.trim().trim_start_matches(['<', '>', ' ']);
        let is_header = plain.split_once(':').is_some_and(|(name, _)| {
            (2..40).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        });
        if place > 0 && (is_header || plain.is_empty()) {
            break;
        }
        end += line.len();
    }
    &body[..end]
}

/// The lines, except that a line which does not begin a cookie belongs to the one before it.
fn lines(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let begins = line.split_once('=').is_some_and(|(name, value)| {
            let name = name.trim();
            name.len() < 33 && is_name(name) && !value.is_empty() && !value.starts_with(['=', ';'])
        });
        match found.last_mut() {
            Some(last) if !begins && !line.contains('\t') => {
                last.push('\n');
                last.push_str(line);
            }
            _ => found.push(line.to_owned()),
        }
    }
    found
}

fn cookies(line: Line, body: &str) -> Vec<Cookie> {
    if line == Line::Unnamed
        && let Some(cookie) = of_columns(body)
    {
        return vec![cookie];
    }
    let body = strip_quotes(body.trim());
    let parts = parts(body);
    let is_set_cookie = match line {
        Line::SetCookie => true,
        Line::Cookie => false,
        Line::Unnamed => parts.iter().skip(1).any(|part| attributes::is_attribute(part)),
    };
    if is_set_cookie {
        let Some((first, rest)) = parts.split_first() else { return Vec::new() };
        let attributes = rest.iter().filter_map(|part| Attribute::of(part)).collect();
        return vec![Cookie { attributes: Some(attributes), ..cookie(first) }];
    }
    parts.iter().map(|part| cookie(part)).collect()
}

/// A row of a browser's table of cookies (name, value, …) or of curl's file of cookies.
fn of_columns(body: &str) -> Option<Cookie> {
    let columns: Vec<&str> = body.split('\t').collect();
    let (name, value) = match columns[..] {
        [_, "TRUE" | "FALSE", _, _, _, name, value] => (name, value),
        [name, value, ..] => (name, value),
        _ => return None,
    };
    let named = is_name(name.trim()) && name.trim().len() <= LONGEST_NAME;
    named.then(|| Cookie { name: Some(name.trim().to_owned()), ..clean(value) })
}

/// The parts between semicolons, none of them empty. A semicolon inside a cookie of Node's, which only a
/// tool that shows it decoded would leave there, separates nothing.
fn parts(body: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut before = None;
    for part in body.split(';') {
        let part = part.trim();
        match (found.last_mut(), before) {
            (Some(last), Some(before)) if is_nodes_box(before) && is_nodes_nonce(part) => {
                last.push(';');
                last.push_str(part);
            }
            _ if !part.is_empty() => found.push(part.to_owned()),
            _ => {}
        }
        before = Some(part);
    }
    found
}

fn is_nodes_box(part: &str) -> bool {
    let plain = without_space(part);
    let plain = plain.trim_start_matches(['"', '\'']);
    let unpadded = plain.trim_end_matches('=');
    // After its name, if it has one.
    let value = unpadded.rsplit('=').next().unwrap_or(unpadded);
    value.len() >= 24 && value.bytes().all(is_base64)
}

fn is_nodes_nonce(part: &str) -> bool {
    let plain = without_space(part);
    let plain = plain.trim_end_matches(['"', '\'', ',']);
    let nonce = plain.split_once('.').map_or(plain, |(nonce, _)| nonce).trim_end_matches('=');
    nonce.len() == NODE_NONCE && nonce.bytes().all(is_base64)
}

/// A cookie from `name=value`, or from a value.
fn cookie(part: &str) -> Cookie {
    if let Some((name, value)) = named(part) {
        return Cookie { name: Some(name.to_owned()), ..clean(value) };
    }
    // The pair as a whole was encoded.
    if !part.contains('=')
        && let Some(plain) = percent_decoded(part)
        && let Some((name, value)) = named(&plain).filter(|(name, value)| {
            name.len() < 33 && !value.starts_with([';', '=']) && !value.is_empty()
        })
    {
        let mut cookie = clean(value);
        cookie.removed.push("percent-encoding around name and value");
        return Cookie { name: Some(name.to_owned()), ..cookie };
    }
    clean(part)
}

/// Takes `name=value` apart. `None` if the equals sign is only the padding of a value.
fn named(part: &str) -> Option<(&str, &str)> {
    let (name, value) = part.split_once('=')?;
    let name = name.trim().trim_start_matches(['"', '\'']);
    let is_padding = value.trim_matches(['=', '"', '\'']).is_empty() && name.len() > LONGEST_NAME;
    // Base64 of a box, then its padding and the nonce.
    let is_box = is_nodes_box(name) && value.trim_start_matches('=').starts_with([';', '%']);
    (is_name(name) && !is_padding && !is_box).then_some((name, value))
}

/// A value without what copying added.
fn clean(value: &str) -> Cookie {
    let mut removed = Vec::new();
    let trimmed = value.trim();
    let plain = strip_quotes(trimmed);
    if plain.len() < trimmed.len() {
        removed.push("quotation marks around the value");
    }
    let value = without_space(plain);
    if value.len() < plain.len() {
        let wrapped = plain.contains(['\n', '\r']);
        removed.push(if wrapped { "line breaks in the value" } else { "spaces in the value" });
    }
    Cookie { value, removed, ..Cookie::default() }
}

/// Without quotation marks around it, also typographic ones, and a comma after them.
fn strip_quotes(text: &str) -> &str {
    let mut text = text;
    loop {
        let inner = text.trim().trim_end_matches([',', ';']).trim_end();
        let pairs =
            [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('„', '“'), ('«', '»')];
        let stripped = pairs.iter().find_map(|(open, close)| {
            inner.strip_prefix(*open).and_then(|inner| inner.strip_suffix(*close))
        });
        match stripped {
            Some(stripped) => text = stripped,
            None => return inner,
        }
    }
}

/// Without white space, and the characters without width that chats and word processors insert.
fn without_space(text: &str) -> String {
    let is_space = |c: char| {
        c.is_whitespace()
            || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
    };
    text.chars().filter(|c| !is_space(*c)).collect()
}

/// RFC 6265, section 4.1.1, `token`.
pub(super) fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::Pasted;

    /// Names and values, with `-` for no name, and `+` where there are attributes.
    #[track_caller]
    fn finds(text: &str, expected: &[&str]) {
        let pasted = Pasted::of(text, false);
        let found: Vec<String> = pasted
            .cookies
            .iter()
            .map(|cookie| {
                let name = cookie.name.as_deref().unwrap_or("-");
                let more = cookie
                    .attributes
                    .as_ref()
                    .map_or(String::new(), |all| format!("+{}", all.len()));
                format!("{name}:{}{more}", cookie.value)
            })
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn finds_the_cookies_in_what_people_paste() {
        finds("Cookie: theme=dark; session=abc", &["theme:dark", "session:abc"]);
        finds("cookie:session=abc\r\n", &["session:abc"]);
        finds("session=abc; theme=dark", &["session:abc", "theme:dark"]);
        finds("session=abc", &["session:abc"]);
        finds("  abc \n", &["-:abc"]);
        finds("\"abc\"", &["-:abc"]);
        finds("“abc”", &["-:abc"]);
        finds("session=\"abc\"", &["session:abc"]);
        finds("'session=abc'", &["session:abc"]);
        finds("session=abc;", &["session:abc"]);
        finds("session=", &["session:"]);
        finds("session=abc\ntheme=dark\n", &["session:abc", "theme:dark"]);
        finds("session%3Dabc", &["session:abc"]);
        finds("", &[]);
        finds(";;", &[]);
    }

    #[test]
    fn finds_set_cookie_lines() {
        finds("Set-Cookie: session=abc; Path=/; HttpOnly", &["session:abc+2"]);
        finds("session=abc; Path=/; HttpOnly; Secure", &["session:abc+3"]);
        finds("set-cookie: a=1; Secure\nset-cookie: b=2", &["a:1+1", "b:2+0"]);
    }

    #[test]
    fn finds_the_header_in_requests_and_commands() {
        let request =
            "GET / HTTP/1.1\nHost: example.org\nCookie: session=abc\nAccept: */*\n\nbody=1";
        finds(request, &["session:abc"]);
        finds("> Cookie: session=abc\n> Accept: */*", &["session:abc"]);
        finds("curl 'https://example.org' -H 'Cookie: a=1; b=2' -H 'Accept: x'", &["a:1", "b:2"]);
        finds("curl 'https://example.org' \\\n  -b 'a=1; b=2'", &["a:1", "b:2"]);
        finds(r#"{"Cookie": "a=1; b=2", "Accept": "x"}"#, &["a:1", "b:2"]);
        finds("session\tabc\texample.org\t/\tSession", &["session:abc"]);
        finds("#HttpOnly_example.org\tFALSE\t/\tTRUE\t0\tsession\tabc", &["session:abc"]);
    }

    #[test]
    fn joins_what_a_terminal_wrapped() {
        finds("Cookie: session=abc\ndef\n  ghi", &["session:abcdefghi"]);
        finds("abc\ndef", &["-:abcdef"]);
        finds("session=abc\r\ndef; theme=dark", &["session:abcdef", "theme:dark"]);
    }

    #[test]
    fn a_cookie_of_nodes_is_whole_also_when_it_is_shown_decoded() {
        let sealed = "5FJpIeb+eJ3NQkB9oIitRfLJHYFas9zeBXT2HoXqvx68oQjDVft50h4=";
        let nonce = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
        let whole = format!("{sealed};{nonce}");
        finds(&whole, &[&format!("-:{whole}")]);
        finds(&format!("session={whole}; a=1"), &[&format!("session:{whole}"), "a:1"]);
        finds(&format!("Cookie: session={whole}"), &[&format!("session:{whole}")]);
        let escaped = whole.replace(';', "%3B").replace('=', "%3D");
        finds(&escaped, &[&format!("-:{escaped}")]);
        finds(&format!("session={escaped}"), &[&format!("session:{escaped}")]);
    }

    #[test]
    fn the_padding_of_a_value_is_no_name() {
        let value = "A".repeat(98);
        finds(&format!("{value}=="), &[&format!("-:{value}==")]);
    }
}
