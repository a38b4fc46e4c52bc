//! What a response says of itself, and what a session adds to its headers.

use http::header::{CACHE_CONTROL, ETAG, EXPIRES, HeaderName, LAST_MODIFIED, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};

/// The headers in which a CDN reads what only it is to do (RFC 9213, and older names).
const CDN_HEADERS: [&str; 6] = [
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "netlify-cdn-cache-control",
    "vercel-cdn-cache-control",
    "surrogate-control",
    "edge-control",
];

/// What the response has to carry.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(super) set_cookie: Option<HeaderValue>,
    /// No handler asked for the cookie.
    pub(super) automatic: bool,
    /// The response depends on the session.
    pub(super) vary: bool,
}

/// The response as the handler made it.
#[derive(Clone, Copy)]
pub(crate) struct Reply<'r> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'r HeaderMap,
}

impl Reply<'_> {
    /// Whether the request failed, so that what its handler wrote is better not kept. A handler that
    /// was cut off by tower-http's `Timeout` answers 408.
    pub(super) fn is_failure(self) -> bool {
        self.status.is_server_error() || self.status == StatusCode::REQUEST_TIMEOUT
    }

    pub(super) fn is_not_modified(self) -> bool {
        self.status == StatusCode::NOT_MODIFIED
    }

    /// Whether a cache that many users share may keep the response.
    pub(super) fn is_publicly_cacheable(self) -> bool {
        let cache = Directives::of(self.headers, &CACHE_CONTROL);
        if cache.public || cdn_may_store(self.headers) {
            return true;
        }
        if cache.private {
            return false;
        }
        let validator = || {
            // A 304 has them by its nature, and is not stored itself.
            !self.is_not_modified()
                && (self.headers.contains_key(LAST_MODIFIED) || self.headers.contains_key(ETAG))
        };
        cache.max_age
            || self.headers.contains_key(EXPIRES)
            || (!self.headers.contains_key(CACHE_CONTROL) && validator())
    }
}

impl Outcome {
    /// Writes the headers. Says whether a response that many users could have shared is one user's
    /// now.
    pub(crate) fn write(self, status: StatusCode, headers: &mut HeaderMap) -> bool {
        let mut made_private = false;
        if let Some(cookie) = self.set_cookie {
            // A response that sets a cookie is one user's; a shared cache must not keep it.
            let reply = Reply { status, headers };
            let chosen = headers.contains_key(CACHE_CONTROL);
            made_private = chosen && reply.is_publicly_cacheable();
            if made_private || (self.automatic && reply.is_not_modified()) {
                make_private(headers);
            } else if !chosen {
                headers.insert(CACHE_CONTROL, const { HeaderValue::from_static("no-store") });
            }
            while let Some(name) = cdn_header(headers).cloned() {
                headers.remove(name);
            }
            headers.append(SET_COOKIE, cookie);
        }
        if self.vary && !varies_by_cookie(headers) {
            headers.append(VARY, const { HeaderValue::from_static("Cookie") });
        }
        made_private
    }
}

/// What counts of the `Cache-Control` header, or of one that is formed like it.
#[derive(Default)]
struct Directives {
    /// `public`, `s-maxage` or `immutable`.
    public: bool,
    /// `private` or `no-store`.
    private: bool,
    max_age: bool,
}

impl Directives {
    fn of(headers: &HeaderMap, name: &HeaderName) -> Self {
        let mut directives = Self::default();
        for directive in headers.get_all(name).iter().flat_map(split) {
            match name_of(directive) {
                name if is(name, "public") || is(name, "s-maxage") || is(name, "immutable") => {
                    directives.public = true;
                }
                // With `=` it is about some headers alone.
                _ if is(directive, "private") || is(directive, "no-store") => {
                    directives.private = true;
                }
                name if is(name, "max-age") => directives.max_age = true,
                _ => {}
            }
        }
        directives
    }
}

fn cdn_header(headers: &HeaderMap) -> Option<&HeaderName> {
    headers.keys().find(|name| CDN_HEADERS.contains(&name.as_str()))
}

fn cdn_may_store(headers: &HeaderMap) -> bool {
    let mut names = headers.keys().filter(|name| CDN_HEADERS.contains(&name.as_str()));
    names.any(|name| !Directives::of(headers, name).private)
}

/// Puts `private` into `Cache-Control` in the place of what lets many users share the response.
fn make_private(headers: &mut HeaderMap) {
    let mut value = b"private".to_vec();
    for directive in headers.get_all(CACHE_CONTROL).iter().flat_map(split) {
        let name = name_of(directive);
        let dropped = ["public", "s-maxage", "immutable", "private", "proxy-revalidate"];
        if !name.is_empty() && !dropped.iter().any(|dropped| is(name, dropped)) {
            value.extend_from_slice(b", ");
            value.extend_from_slice(directive);
        }
    }
    let value = HeaderValue::from_bytes(&value)
        .unwrap_or(const { HeaderValue::from_static("private, no-store") });
    headers.insert(CACHE_CONTROL, value);
}

fn split(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn name_of(directive: &[u8]) -> &[u8] {
    directive.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

fn is(name: &[u8], known: &str) -> bool {
    name.eq_ignore_ascii_case(known.as_bytes())
}

fn varies_by_cookie(headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(VARY).iter().flat_map(split);
    fields.any(|field| field == b"*" || is(field, "cookie"))
}
