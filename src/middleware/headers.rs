//! A session's view of `http`'s headers, and its changes in them.

use std::borrow::Cow;

use http::header::{CACHE_CONTROL, COOKIE, HeaderName, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, Method, Request};

use crate::session::{
    CookieLines, Head, HeaderChange, HeaderChanges, Headers, SEC_FETCH_MODE, SEC_PURPOSE,
    is_navigation, is_prefetch,
};

/// The Cookie headers of a request, which are not copied.
#[derive(Default)]
pub(super) struct CookieHeaders {
    first: Option<HeaderValue>,
    /// HTTP/2 may split the header into several.
    rest: Vec<HeaderValue>,
}

impl CookieLines for CookieHeaders {
    fn line(&self, place: usize) -> Option<&[u8]> {
        let line = match place.checked_sub(1) {
            None => self.first.as_ref(),
            Some(place) => self.rest.get(place),
        };
        line.map(HeaderValue::as_bytes)
    }
}

/// The parts of the request that the session needs. Reading the headers in one pass is faster than looking up
/// three of them.
pub(super) fn head<B>(request: &Request<B>) -> Head<CookieHeaders> {
    const MODE: HeaderName = HeaderName::from_static(SEC_FETCH_MODE);
    const PURPOSE: HeaderName = HeaderName::from_static(SEC_PURPOSE);

    let mut head = Head {
        lines: CookieHeaders::default(),
        navigates: false,
        unseen: *request.method() == Method::HEAD,
    };
    for (name, value) in request.headers() {
        if *name == COOKIE {
            match &head.lines.first {
                None => head.lines.first = Some(value.clone()),
                Some(_) => head.lines.rest.push(value.clone()),
            }
        } else if *name == MODE {
            head.navigates = is_navigation(value.as_bytes());
        } else if *name == PURPOSE {
            head.unseen |= is_prefetch(value.as_bytes());
        }
    }
    head
}

impl Headers for HeaderMap {
    fn for_each<'h>(&'h self, visit: &mut dyn FnMut(&'h str, &'h [u8])) {
        self.iter().for_each(|(name, value)| visit(name.as_str(), value.as_bytes()));
    }
}

/// Makes the changes of a session.
pub(super) fn change(headers: &mut HeaderMap, changes: HeaderChanges) {
    for change in changes {
        match change {
            HeaderChange::Append { name, value } => {
                let name = header_name(name);
                if let Some(mut value) = header_value(value) {
                    // Keeps a cookie out of `Debug` and of HTTP/2's header tables.
                    value.set_sensitive(name == SET_COOKIE);
                    headers.append(name, value);
                }
            }
            HeaderChange::Set { name, value } => {
                if let Some(value) = header_value(value) {
                    headers.insert(header_name(name), value);
                }
            }
            HeaderChange::Remove { name } => {
                headers.remove(name);
            }
        }
    }
}

/// The usual names are not parsed.
fn header_name(name: &'static str) -> HeaderName {
    match name {
        "set-cookie" => SET_COOKIE,
        "vary" => VARY,
        "cache-control" => CACHE_CONTROL,
        name => HeaderName::from_static(name),
    }
}

/// Nothing is copied.
fn header_value(value: Cow<'static, [u8]>) -> Option<HeaderValue> {
    match value {
        Cow::Borrowed(value) => std::str::from_utf8(value).ok().map(HeaderValue::from_static),
        Cow::Owned(value) => HeaderValue::try_from(value).ok(),
    }
}
