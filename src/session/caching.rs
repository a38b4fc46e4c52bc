//! The caching-related headers of a response: who may keep it, and how to keep it out of shared caches.

use super::response::Headers;
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

/// Whether a cache that many users share may keep a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// The handler allowed it.
    Chosen,
    /// The handler chose nothing, and a cache may decide by a validator.
    Guessed,
    No,
}

/// The headers of a response that concern caches. Reading them in one pass is faster than looking up
/// each of them.
#[derive(Default)]
pub(super) struct Caching<'h> {
    pub(super) has_cache_control: bool,
    pub(super) directives: Directives,
    /// The first `Expires`.
    pub(super) expires: Option<&'h [u8]>,
    /// `ETag` or `Last-Modified`.
    pub(super) has_validator: bool,
    /// What each of `CDN_HEADERS` says.
    cdns: [Option<Directives>; CDN_HEADERS.len()],
}

impl<'h> Caching<'h> {
    pub(super) fn of(headers: &'h dyn Headers) -> Self {
        let mut caching = Self::default();
        headers.for_each(&mut |name, value| {
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("cache-control") {
                caching.has_cache_control = true;
                caching.directives.add(value);
            } else if is("expires") {
                caching.expires = caching.expires.or(Some(value));
            } else if is("etag") || is("last-modified") {
                caching.has_validator = true;
            } else if let Some(place) = CDN_HEADERS.iter().position(|known| is(known)) {
                let directives = caching.cdns[place].get_or_insert_default();
                directives.add(value);
                // The value of nginx's header is a number of seconds.
                directives.private |= value == b"0";
            }
        });
        caching
    }

    /// Whether a CDN may keep the response without asking about it each time.
    pub(super) fn cdn_may_share(&self) -> bool {
        self.cdns.iter().flatten().filter(|cdn| !cdn.private).any(|cdn| {
            let asks = cdn.no_cache || (cdn.max_age_zero && !cdn.max_age);
            cdn.public || !asks
        })
    }

    /// The headers for CDNs that do not forbid them to store the response.
    pub(super) fn stored_by_cdns(&self) -> impl Iterator<Item = &'static str> {
        let cdns = CDN_HEADERS.into_iter().zip(&self.cdns);
        cdns.filter(|(_, cdn)| cdn.is_some_and(|cdn| !cdn.private)).map(|(name, _)| name)
    }
}

/// The relevant directives of the `Cache-Control` header, or of one with the same syntax.
#[derive(Clone, Copy, Default)]
pub(super) struct Directives {
    /// `public`, `s-maxage` or `immutable`.
    pub(super) public: bool,
    /// `private` or `no-store`.
    pub(super) private: bool,
    pub(super) no_cache: bool,
    /// `max-age` above zero.
    pub(super) max_age: bool,
    pub(super) max_age_zero: bool,
}

impl Directives {
    fn add(&mut self, value: &[u8]) {
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

/// Whether an `Expires` is after `now`, in milliseconds. An invalid date is past (RFC 9111, 5.3).
pub(super) fn is_later(expires: &[u8], now: u64) -> bool {
    let date = std::str::from_utf8(expires).ok();
    let date = date.and_then(|text| httpdate::parse_http_date(text).ok());
    date.is_some_and(|date| unix_millis(date) > now)
}

/// The `Cache-Control` of the response, without what lets many users share it.
pub(super) fn privately(headers: &dyn Headers) -> Vec<u8> {
    let mut value = b"private".to_vec();
    headers.for_each(&mut |name, directives| {
        if !name.eq_ignore_ascii_case("cache-control") {
            return;
        }
        for directive in split(directives) {
            let name = name_of(directive);
            let dropped = ["public", "s-maxage", "immutable", "private", "proxy-revalidate"];
            if !name.is_empty() && !dropped.iter().any(|dropped| is(name, dropped)) {
                value.extend_from_slice(b", ");
                value.extend_from_slice(directive);
            }
        }
    });
    value
}

/// The parts between commas outside quotes.
fn split(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    value
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

pub(super) fn varies_by_cookie(headers: &dyn Headers) -> bool {
    let mut varies = false;
    headers.for_each(&mut |name, value| {
        if name.eq_ignore_ascii_case("vary") {
            varies |= split(value).any(|field| field == b"*" || is(field, "cookie"));
        }
    });
    varies
}
