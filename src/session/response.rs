//! `ResponseHead` and `HeaderChanges`: the response as the handler made it, and what a session changes in its
//! headers. Neither has HTTP types, so that any framework can use them.

use std::borrow::Cow;
use std::fmt;

use super::caching::{Caching, Sharing, is_later, privately, varies_by_cookie};

/// The headers of a response, in the form in which a framework keeps them.
///
/// ```
/// use sealed_session::adapter::Headers;
///
/// struct Answer { headers: Vec<(&'static str, String)> }
///
/// impl Headers for Answer {
///     fn for_each<'h>(&'h self, visit: &mut dyn FnMut(&'h str, &'h [u8])) {
///         self.headers.iter().for_each(|(name, value)| visit(name, value.as_bytes()));
///     }
/// }
/// ```
pub trait Headers {
    /// Calls `visit` with each header's name, in any letter case, and value. A name with several values comes
    /// as often, in their order.
    fn for_each<'h>(&'h self, visit: &mut dyn FnMut(&'h str, &'h [u8]));
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn for_each<'h>(&'h self, visit: &mut dyn FnMut(&'h str, &'h [u8])) {
        self.iter().for_each(|(name, value)| visit(name.as_ref(), value.as_ref()));
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const LEN: usize> Headers for [(N, V); LEN] {
    fn for_each<'h>(&'h self, visit: &mut dyn FnMut(&'h str, &'h [u8])) {
        self.as_slice().for_each(visit);
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn for_each<'h>(&'h self, visit: &mut dyn FnMut(&'h str, &'h [u8])) {
        self.as_slice().for_each(visit);
    }
}

impl<H: Headers + ?Sized> Headers for &H {
    fn for_each<'h>(&'h self, visit: &mut dyn FnMut(&'h str, &'h [u8])) {
        (**self).for_each(visit);
    }
}

/// The response as the handler made it, for an [adapter](crate::adapter).
///
/// ```
/// use sealed_session::adapter::ResponseHead;
///
/// let headers = [("content-type", "text/html")];
/// let head = ResponseHead::new(200, &headers);
/// ```
#[derive(Clone, Copy)]
pub struct ResponseHead<'r> {
    pub(super) status: u16,
    pub(super) headers: &'r dyn Headers,
    pub(super) keep_writes_on_error: bool,
}

impl<'r> ResponseHead<'r> {
    /// A response with this status and these headers.
    #[must_use]
    pub fn new(status: u16, headers: &'r dyn Headers) -> Self {
        Self { status, headers, keep_writes_on_error: false }
    }

    /// Whether a handler's writes are sent although the status says that the request failed (5xx or 408).
    /// Default: `false`.
    #[must_use]
    pub fn keep_writes_on_error(mut self, keep: bool) -> Self {
        self.keep_writes_on_error = keep;
        self
    }

    /// Whether the request failed, so that the handler's writes are not sent. tower-http's `Timeout`
    /// answers 408 when it stops a handler.
    pub(super) fn is_failure(self) -> bool {
        (500..600).contains(&self.status) || self.status == 408
    }

    pub(super) fn is_not_modified(self) -> bool {
        self.status == 304
    }

    /// Whether the browser shows this response, rather than following it to the next one.
    pub(super) fn is_shown(self) -> bool {
        !self.is_failure() && matches!(self.status, 200..300 | 400..500)
    }

    /// Whether a cache that many users share may keep the response, at `now` in milliseconds.
    ///
    /// A response that such a cache must revalidate each time (`no-cache`, `max-age=0`, an `Expires`
    /// in the past) does not count: pages use these so that no cache keeps them.
    pub(super) fn sharing(self, now: u64) -> Sharing {
        let caching = Caching::of(self.headers);
        let directives = &caching.directives;
        if directives.public || caching.cdn_may_share() {
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

impl fmt::Debug for ResponseHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("keep_writes_on_error", &self.keep_writes_on_error)
            .finish_non_exhaustive()
    }
}

/// What a session does with the browser's cookies, and how the response depends on it.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) set_cookie: Option<Vec<u8>>,
    /// Marks the deletion of a session in the browser.
    pub(super) mark: Option<Vec<u8>>,
    /// Sets or removes the cookie with messages for the next page.
    pub(super) flash: Option<Vec<u8>>,
    /// The response depends on the session.
    pub(super) vary: bool,
}

impl Outcome {
    pub(super) fn sets_cookie(&self) -> bool {
        self.set_cookie.is_some() || self.mark.is_some() || self.flash.is_some()
    }

    /// The changes for this response. They keep a response that sets one user's cookie out of shared caches.
    pub(super) fn changes(self, response: ResponseHead<'_>) -> HeaderChanges {
        let (mut cache_control, mut removed) = (None, Vec::new());
        if self.sets_cookie() {
            let caching = Caching::of(response.headers);
            removed = caching.stored_by_cdns().collect();
            cache_control = if !caching.has_cache_control {
                let value: &[u8] =
                    if response.is_not_modified() { b"private" } else { b"no-store" };
                Some(Cow::Borrowed(value))
            } else if caching.directives.private && !caching.directives.public {
                None
            } else {
                Some(Cow::Owned(privately(response.headers)))
            };
        }
        let vary = self.vary && !varies_by_cookie(response.headers);
        let cookies = [self.set_cookie, self.mark, self.flash];
        HeaderChanges { removed, cache_control, cookies, vary }
    }
}

/// What a session changes in the headers of its response: an iterator of [`HeaderChange`].
#[derive(Default)]
#[must_use = "the changes have no effect until they are made"]
pub struct HeaderChanges {
    removed: Vec<&'static str>,
    cache_control: Option<Cow<'static, [u8]>>,
    cookies: [Option<Vec<u8>>; 3],
    vary: bool,
}

impl HeaderChanges {
    /// The response depends on the session, which is not changed.
    pub(super) fn vary(response: ResponseHead<'_>) -> Self {
        Self { vary: !varies_by_cookie(response.headers), ..Self::default() }
    }
}

impl Iterator for HeaderChanges {
    type Item = HeaderChange;

    fn next(&mut self) -> Option<HeaderChange> {
        if let Some(name) = self.removed.pop() {
            return Some(HeaderChange::Remove { name });
        }
        if let Some(value) = self.cache_control.take() {
            return Some(HeaderChange::Set { name: "cache-control", value });
        }
        if let Some(cookie) = self.cookies.iter_mut().find_map(Option::take) {
            return Some(HeaderChange::Append { name: "set-cookie", value: Cow::Owned(cookie) });
        }
        std::mem::take(&mut self.vary)
            .then_some(HeaderChange::Append { name: "vary", value: Cow::Borrowed(b"Cookie") })
    }
}

impl fmt::Debug for HeaderChanges {
    /// Nothing of the cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderChanges")
            .field("cookies", &self.cookies.iter().flatten().count())
            .field("vary", &self.vary)
            .finish_non_exhaustive()
    }
}

/// A change of a response's headers. Make the changes in the order in which they come.
///
/// Names are in lower case. Values are those of valid headers: visible ASCII, or bytes that the response
/// had already.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderChange {
    /// Adds a header, beside others of this name.
    Append {
        /// The header's name.
        name: &'static str,
        /// The header's value.
        value: Cow<'static, [u8]>,
    },
    /// Sets a header, in place of all others of this name.
    Set {
        /// The header's name.
        name: &'static str,
        /// The header's value.
        value: Cow<'static, [u8]>,
    },
    /// Removes all headers of this name.
    Remove {
        /// The headers' name.
        name: &'static str,
    },
}

impl fmt::Debug for HeaderChange {
    /// The names only: a value may be a session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (change, name) = match self {
            Self::Append { name, .. } => ("Append", name),
            Self::Set { name, .. } => ("Set", name),
            Self::Remove { name } => ("Remove", name),
        };
        f.debug_struct(change).field("name", name).finish_non_exhaustive()
    }
}
