//! `Next`: where to go after the log-in. It comes from the address bar, so anybody can write it into a link:
//! only a page of this site is accepted, and everything else is the front page. (OWASP ASVS 5.0, 3.7.2:
//! no open redirects.)

use std::fmt;

use axum::response::Redirect;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// Longer ones are not of this site.
const LONGEST: usize = 512;

/// A page of this site.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Next(String);

impl Next {
    pub(crate) fn redirect(&self) -> Redirect {
        Redirect::to(&self.0)
    }

    /// The address of a page that goes on to this one.
    pub(crate) fn after(&self, page: &str) -> String {
        format!("{page}?next={}", utf8_percent_encode(&self.0, NON_ALPHANUMERIC))
    }
}

impl Default for Next {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl From<String> for Next {
    fn from(text: String) -> Self {
        if is_local(&text) { Self(text) } else { Self::default() }
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether every browser takes it for a path of the same site. What is allowed is listed, not what is
/// forbidden: browsers read `\` as `/`, and skip tabs and line breaks, so `/\evil.example` and
/// `/<tab>/evil.example` lead away as `//evil.example` does.
fn is_local(text: &str) -> bool {
    let (path, _query) = text.split_once('?').unwrap_or((text, ""));
    let of_an_address = |c: char| c.is_ascii_alphanumeric() || "/-._~?=&%+".contains(c);
    // Some proxies decode `%2f` before they pass the redirect on.
    let path = path.to_ascii_lowercase().replace("%2f", "/").replace("%5c", "/");
    text.len() <= LONGEST
        && text.chars().all(of_an_address)
        && path.starts_with('/')
        && !path.contains("//")
}

#[cfg(test)]
mod tests {
    use super::Next;

    fn is_front_page(text: &str) -> bool {
        Next::from(text.to_owned()) == Next::default()
    }

    #[test]
    fn a_page_of_the_site_is_kept_with_its_query() {
        for page in ["/settings", "/order", "/search?q=wax&page=2", "/a%20b", "/?next=%2Fcart"] {
            assert_eq!(Next::from(page.to_owned()).to_string(), page);
        }
    }

    #[test]
    fn nothing_leads_to_another_site() {
        for address in [
            "https://evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/%2fevil.example",
            "%2f%2fevil.example",
            "/%2F%2Fevil.example",
            "/%5cevil.example",
            "/..//evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nSet-Cookie: a=b",
            "/\0/evil.example",
            " //evil.example",
            "/ /evil.example",
            "javascript:alert(1)",
            "evil.example",
            "/\u{2215}evil.example",
            "/@evil.example:80",
            "?next=//evil.example",
            "",
        ] {
            assert!(is_front_page(address), "{address:?}");
        }
    }

    #[test]
    fn an_endless_address_is_refused() {
        assert!(is_front_page(&format!("/{}", "a".repeat(600))));
    }
}
