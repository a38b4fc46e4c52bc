//! What a value may have been before something rewrote it.

use super::SHORTEST_TOKEN;
use super::text::{is_base64, percent_decoded};
use super::verdict::Rewritten;

/// What logs write instead of a secret.
pub(super) fn is_placeholder(value: &str) -> bool {
    let plain = value.trim_matches(['[', ']', '<', '>', '(', ')', '{', '}']).to_ascii_lowercase();
    let known = [
        "redacted",
        "filtered",
        "hidden",
        "removed",
        "masked",
        "secret",
        "sensitive",
        "deleted",
        "none",
        "null",
    ];
    known.contains(&plain.as_str())
}

/// The value as Node wrote it, if it looks like a cookie of Node's: also if it was percent-encoded
/// twice.
pub(super) fn node_form(value: &str) -> Option<String> {
    let once = if value.contains("%25") { percent_decoded(value)? } else { value.to_owned() };
    let plain = percent_decoded(&once).unwrap_or_else(|| once.clone());
    let (sealed, rest) = plain.split_once(';')?;
    let fits = |byte: u8| is_base64(byte) || matches!(byte, b'=' | b'.');
    let whole = sealed.len() >= 20 && sealed.bytes().chain(rest.bytes()).all(fits);
    whole.then_some(once)
}

/// The native token that a value may have been, and what was done to it.
pub(super) fn native_form(value: &str) -> (String, Vec<Rewritten>) {
    let mut changes = Vec::new();
    let mut form = value.to_owned();
    let mut change = |form: &mut String, to: String, what: Rewritten| {
        if to != *form {
            changes.push(what);
            *form = to;
        }
    };
    if let Some(plain) = percent_decoded(value) {
        change(&mut form, plain, Rewritten::Percent);
    }
    let trimmed = form.trim_end_matches([',', '.', ')', ']', '}', '>', '"', '\'', '\\']).to_owned();
    change(&mut form, trimmed, Rewritten::Tail);
    let unpadded = form.trim_end_matches('=').to_owned();
    change(&mut form, unpadded, Rewritten::Padding);
    let url_safe = form.replace('+', "-").replace('/', "_");
    change(&mut form, url_safe, Rewritten::Alphabet);
    let half = form.len() / 2;
    if form.len() >= 2 * SHORTEST_TOKEN
        && form.is_char_boundary(half)
        && form[..half] == form[half..]
    {
        let once = form[..half].to_owned();
        change(&mut form, once, Rewritten::Doubled);
    }
    (form, changes)
}
