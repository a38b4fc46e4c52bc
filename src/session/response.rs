//! The caching-related headers of a response, and the headers that a session adds to it.

use http::header::{CACHE_CONTROL, ETAG, EXPIRES, HeaderName, LAST_MODIFIED, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::clock::unix_millis;

/// The headers with instructions for CDNs alone (RFC 9213, and older names).
const CDN_HEADERS: [&str; 7] = [
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "netlify-cdn-cache-control",
    "vercel-cdn-cache-control",
    "surrogate-control",
    "edge-control",
    "x-accel-expires",
];

/// The headers that the session adds to the response.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(super) set_cookie: Option<HeaderValue>,
    /// Marks the deletion of a session in the browser.
    pub(super) mark: Option<HeaderValue>,
    /// The handler marked the response, which carries the cookie, as shareable by many users.
    pub(super) shared: bool,
    /// The response depends on the session.
    pub(super) vary: bool,
}

/// The response as the handler made it.
#[derive(Clone, Copy)]
pub(crate) struct Reply<'r> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'r HeaderMap,
}

/// Whether a cache that many users share may keep a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// The handler allowed it.
    Chosen,
    /// The handler chose nothing, and a cache may decide by a validator.
    Guessed,
    No,
}

impl Reply<'_> {
    /// Whether the request failed, so that the handler's writes are not sent. tower-http's `Timeout`
    /// answers 408 when it stops a handler.
    pub(super) fn is_failure(self) -> bool {
        self.status.is_server_error() || self.status == StatusCode::REQUEST_TIMEOUT
    }

    pub(super) fn is_not_modified(self) -> bool {
        self.status == StatusCode::NOT_MODIFIED
    }

    /// Whether a cache that many users share may keep the response, at `now` in milliseconds.
    ///
    /// A response that such a cache must revalidate each time (`no-cache`, `max-age=0`, an `Expires`
    /// in the past) does not count: pages use these so that no cache keeps them.
    pub(super) fn sharing(self, now: u64) -> Sharing {
        let caching = Caching::of(self.headers);
        let directives = &caching.directives;
        if directives.public || caching.cdn_may_share {
            return Sharing::Chosen;
        }
        if directives.private {
            return Sharing::No;
        }
        let expires = || caching.expires.is_some_and(|at| is_later(at, now));
        let asks = directives.no_cache || directives.max_age_zero;
        if (directives.max_age && !directives.no_cache) || (!asks && expires()) {
            return Sharing::Chosen;
        }
        // A 304 always has a validator, and is not stored itself.
        let guessed = !self.is_not_modified()
            && !caching.has_cache_control
            && caching.expires.is_none()
            && caching.has_validator;
        if guessed { Sharing::Guessed } else { Sharing::No }
    }
}

/// The headers of a response that concern caches. Reading them in one pass is faster than looking up
/// each of them.
#[derive(Default)]
struct Caching<'h> {
    has_cache_control: bool,
    directives: Directives,
    expires: Option<&'h HeaderValue>,
    /// `ETag` or `Last-Modified`.
    has_validator: bool,
    /// One of the headers for CDNs does not forbid them to store the response.
    cdn_may_store: bool,
    /// And one does not make them ask about it each time.
    cdn_may_share: bool,
}

impl<'h> Caching<'h> {
    fn of(headers: &'h HeaderMap) -> Self {
        let mut caching = Self::default();
        for (name, value) in headers {
            if *name == CACHE_CONTROL {
                caching.has_cache_control = true;
                caching.directives.add(value);
            } else if *name == EXPIRES {
                caching.expires = caching.expires.or(Some(value));
            } else if *name == ETAG || *name == LAST_MODIFIED {
                caching.has_validator = true;
            } else if let Some(cdn) = cdn_directives(headers, name) {
                let asks = cdn.no_cache || (cdn.max_age_zero && !cdn.max_age);
                caching.cdn_may_store = true;
                caching.cdn_may_share |= cdn.public || !asks;
            }
        }
        caching
    }
}

impl Outcome {
    /// Writes the headers. Returns whether a response that was marked as shareable is now private.
    pub(crate) fn write(self, status: StatusCode, headers: &mut HeaderMap) -> bool {
        let sets_cookie = self.set_cookie.is_some() || self.mark.is_some();
        if sets_cookie {
            make_private(status, headers);
        }
        for cookie in [self.set_cookie, self.mark].into_iter().flatten() {
            headers.append(SET_COOKIE, cookie);
        }
        if self.vary && !varies_by_cookie(headers) {
            headers.append(VARY, const { HeaderValue::from_static("Cookie") });
        }
        sets_cookie && self.shared
    }
}

/// The relevant directives of the `Cache-Control` header, or of one with the same syntax.
#[derive(Default)]
struct Directives {
    /// `public`, `s-maxage` or `immutable`.
    public: bool,
    /// `private` or `no-store`.
    private: bool,
    no_cache: bool,
    /// `max-age` above zero.
    max_age: bool,
    max_age_zero: bool,
}

impl Directives {
    fn of(headers: &HeaderMap, name: &HeaderName) -> Self {
        let mut directives = Self::default();
        headers.get_all(name).iter().for_each(|value| directives.add(value));
        directives
    }

    fn add(&mut self, value: &HeaderValue) {
        for directive in split(value) {
            match name_of(directive) {
                name if is(name, "public") || is(name, "s-maxage") || is(name, "immutable") => {
                    self.public = true;
                }
                // With `=` these apply only to some headers.
                _ if is(directive, "private") || is(directive, "no-store") => self.private = true,
                _ if is(directive, "no-cache") => self.no_cache = true,
                name if is(name, "max-age") => {
                    let value = directive[name.len()..].iter();
                    let zero = value.filter(|b| b.is_ascii_alphanumeric()).all(|b| *b == b'0');
                    self.max_age |= !zero;
                    self.max_age_zero |= zero;
                }
                _ => {}
            }
        }
    }
}

/// The directives of a header for CDNs that does not forbid them to store the response. `None` for
/// another header.
fn cdn_directives(headers: &HeaderMap, name: &HeaderName) -> Option<Directives> {
    if !CDN_HEADERS.contains(&name.as_str()) {
        return None;
    }
    // The value of nginx's header is a number of seconds.
    let never = headers.get(name).is_some_and(|value| value == "0");
    Some(Directives::of(headers, name)).filter(|directives| !directives.private && !never)
}

/// Whether an `Expires` is after `now`, in milliseconds. An invalid date is past (RFC 9111, 5.3).
fn is_later(expires: &HeaderValue, now: u64) -> bool {
    let date = expires.to_str().ok().and_then(|text| httpdate::parse_http_date(text).ok());
    date.is_some_and(|date| unix_millis(date) > now)
}

/// Keeps the response, which sets one user's cookie, out of shared caches.
fn make_private(status: StatusCode, headers: &mut HeaderMap) {
    let Caching {
        has_cache_control,
        directives: Directives { public, private, .. },
        cdn_may_store,
        ..
    } = Caching::of(headers);
    if cdn_may_store {
        let stored = |headers: &HeaderMap| {
            headers.keys().find(|name| cdn_directives(headers, name).is_some()).cloned()
        };
        while let Some(name) = stored(headers) {
            headers.remove(name);
        }
    }
    if !has_cache_control {
        let value = if status == StatusCode::NOT_MODIFIED {
            const { HeaderValue::from_static("private") }
        } else {
            const { HeaderValue::from_static("no-store") }
        };
        headers.insert(CACHE_CONTROL, value);
        return;
    }
    if private && !public {
        return;
    }
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

/// The parts between commas outside quotes.
fn split(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    value
        .as_bytes()
        .split(move |byte| {
            let literal = escaped;
            escaped = quoted && *byte == b'\\' && !literal;
            quoted ^= *byte == b'"' && !literal;
            *byte == b',' && !quoted
        })
        .map(<[u8]>::trim_ascii)
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
