//! `RequestHead`: what a session needs of its request. It has no HTTP types, so that any framework can fill it in.

use std::fmt;

/// The values of a request's `Cookie` headers, in the form in which a framework keeps them.
pub(crate) trait CookieLines: Send + Sync + 'static {
    /// The value of the header at this place.
    fn line(&self, place: usize) -> Option<&[u8]>;
}

impl CookieLines for Vec<Vec<u8>> {
    fn line(&self, place: usize) -> Option<&[u8]> {
        self.get(place).map(Vec::as_slice)
    }
}

/// The parts of a request that a session needs, for an [adapter](crate::adapter).
///
/// ```
/// use sealed_session::adapter::RequestHead;
///
/// # let headers = [("cookie", "session=…".as_bytes()), ("accept", b"*/*")];
/// let mut head = RequestHead::new("GET");
/// for (name, value) in headers {
///     head.header(name, value);
/// }
/// ```
#[derive(Clone)]
pub struct RequestHead(pub(super) Head<Vec<Vec<u8>>>);

/// The same, with the cookies in a framework's own form.
#[derive(Clone)]
pub(crate) struct Head<L> {
    pub(crate) lines: L,
    /// Whether the browser is opening a page (`Sec-Fetch-Mode: navigate`).
    pub(crate) navigates: bool,
    /// Whether nobody may see the response: a HEAD request, or one that the browser makes in advance.
    pub(crate) unseen: bool,
}

impl RequestHead {
    /// The names of the headers that a session needs, in lower case. A later version may need more.
    pub const HEADERS: [&'static str; 3] = ["cookie", SEC_FETCH_MODE, SEC_PURPOSE];

    /// A request without headers, of this method.
    ///
    /// ```
    /// # use sealed_session::adapter::RequestHead;
    /// let head = RequestHead::new("GET");
    /// ```
    #[must_use]
    pub fn new(method: &str) -> Self {
        Self(Head { lines: Vec::new(), navigates: false, unseen: method == "HEAD" })
    }

    /// Adds a header. One that a session does not need is ignored, so all of them may be given. HTTP/2
    /// may split the `Cookie` header into several: give each of them, in their order.
    ///
    /// ```
    /// # use sealed_session::adapter::RequestHead;
    /// let mut head = RequestHead::new("GET");
    /// head.header("Cookie", b"theme=dark").header("Cookie", b"session=secret");
    /// ```
    pub fn header(&mut self, name: &str, value: &[u8]) -> &mut Self {
        let head = &mut self.0;
        if name.eq_ignore_ascii_case("cookie") {
            head.lines.push(value.to_vec());
        } else if name.eq_ignore_ascii_case(SEC_FETCH_MODE) {
            head.navigates = is_navigation(value);
        } else if name.eq_ignore_ascii_case(SEC_PURPOSE) {
            head.unseen |= is_prefetch(value);
        }
        self
    }
}

impl fmt::Debug for RequestHead {
    /// Nothing of the cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("navigates", &self.0.navigates)
            .field("unseen", &self.0.unseen)
            .finish_non_exhaustive()
    }
}

/// The header that says why the browser makes a request (Fetch Metadata).
pub(crate) const SEC_FETCH_MODE: &str = "sec-fetch-mode";
/// The header that says that the browser makes a request in advance (Fetch).
pub(crate) const SEC_PURPOSE: &str = "sec-purpose";

pub(crate) fn is_navigation(sec_fetch_mode: &[u8]) -> bool {
    sec_fetch_mode == b"navigate"
}

/// `prefetch`, also with parameters: `prefetch;prerender`.
pub(crate) fn is_prefetch(sec_purpose: &[u8]) -> bool {
    sec_purpose.trim_ascii_start().starts_with(b"prefetch")
}
