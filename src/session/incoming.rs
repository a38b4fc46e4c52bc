//! `Incoming`: what a session knows of its request, and the total size of the request's cookies.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};

use super::request::{CookieLines, Head};
use crate::codec::CodecInner;
use crate::cookies::pairs;
use crate::error::{SessionError, SessionErrorKind};
use crate::sync::Mutex;

/// How many cookies an error about too large a Cookie header names.
const NAMED_COOKIES: usize = 4;
const NAMED_LEN: usize = 64;

/// What a session knows of its request.
pub(crate) struct Incoming<L: ?Sized = dyn CookieLines> {
    /// When the request arrived, in milliseconds since the Unix epoch. 0 without a cookie.
    pub(super) arrival: u64,
    /// Whether the browser is opening a page.
    pub(super) navigates: bool,
    /// Whether nobody may see the response.
    pub(super) unseen: bool,
    /// Up to which mark the server knew what has ended when the request arrived.
    #[cfg(feature = "revocation")]
    pub(super) seen: u64,
    /// What the sessions of this request have written, if there are several.
    written: OnceLock<Arc<Written>>,
    /// How large the cookie is that this session has written.
    size: AtomicUsize,
    /// The last field, because its size differs between frameworks.
    lines: L,
}

/// The sizes of the cookies that the sessions of one request have written: names and values together.
#[derive(Default)]
pub(crate) struct Written(Mutex<Vec<(String, usize)>>);

impl Written {
    fn sizes(&self) -> Vec<(String, usize)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, name: &str, size: usize) {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match sizes.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = size,
            None => sizes.push((name.to_owned(), size)),
        }
    }
}

impl<L: CookieLines> Incoming<L> {
    /// The clock is read only if there is a cookie.
    pub(super) fn new(head: Head<L>, core: &CodecInner) -> Self {
        let Head { lines, navigates, unseen } = head;
        Self {
            arrival: lines.line(0).map_or(0, |_| core.coarse_now()),
            navigates,
            unseen,
            #[cfg(feature = "revocation")]
            seen: core.seen_now(),
            written: OnceLock::new(),
            size: AtomicUsize::new(0),
            lines,
        }
    }
}

impl Incoming {
    /// The values of the `Cookie` headers: HTTP/2 may split one into several.
    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> + Clone {
        (0..).map_while(|place| self.lines.line(place))
    }

    pub(super) fn has_cookies(&self) -> bool {
        self.lines.line(0).is_some()
    }

    /// What the sessions of this request have written, if they know of each other.
    pub(super) fn written(&self) -> Option<&Arc<Written>> {
        self.written.get()
    }

    /// Lets this session and the others know of each other, and tells them what it has written already.
    pub(super) fn join(&self, core: &CodecInner, written: &Arc<Written>) -> &Arc<Written> {
        self.written.get_or_init(|| {
            let size = self.size.load(Ordering::Relaxed);
            if size > 0 {
                written.note(core.cookie.name(), size);
            }
            written.clone()
        })
    }

    /// Tells the request's other sessions how large this cookie will be: 0 if there is none.
    pub(super) fn note_written(&self, core: &CodecInner, size: usize) {
        self.size.store(size, Ordering::Relaxed);
        if let Some(written) = self.written.get() {
            written.note(core.cookie.name(), size);
        }
    }

    /// Counts a cookie beside the session's as well.
    pub(super) fn note_beside(&self, core: &CodecInner, beside: &CodecInner, size: usize) {
        self.join(core, &Arc::default()).note(beside.cookie.name(), size);
    }

    /// An error if the next request's Cookie line would be too long with this cookie, whose name and
    /// value have `cookie` bytes. If the line is already longer than the limit, it may stay that long.
    pub(super) fn check_room(&self, core: &CodecInner, cookie: usize) -> Result<(), SessionError> {
        let limit = core.settings.max_cookie_header;
        let before: usize = self.values().map(|line| line.len() + "; ".len()).sum();
        let written = self.written.get().map(|written| written.sizes()).unwrap_or_default();
        let others = written.iter().map(|(_, size)| size + "=; ".len()).sum::<usize>();
        if before + cookie + others < limit {
            return Ok(());
        }
        let name = core.cookie.name();
        let new = written.iter().filter(|(other, _)| other != name);
        let new: Vec<_> = new.map(|(name, size)| (name.as_bytes(), *size)).collect();
        let is_replaced = |old: &[u8]| {
            old == name.as_bytes() || written.iter().any(|(name, _)| name.as_bytes() == old)
        };
        // The cookies that stay, those that the request's other sessions have written, and this one.
        let stays = self.values().flat_map(pairs).filter(|(name, _)| !is_replaced(name));
        let stays = stays.map(|(name, value)| (name, name.len() + value));
        let mut cookies: Vec<_> = stays.chain(new).chain([(name.as_bytes(), cookie)]).collect();
        cookies.retain(|(_, size)| *size > 0);
        let size = cookies.iter().map(|(_, size)| size + "=; ".len()).sum::<usize>() - "; ".len();
        if size <= limit.max(before.saturating_sub("; ".len())) {
            return Ok(());
        }
        cookies.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let named =
            |name: &[u8]| String::from_utf8_lossy(&name[..name.len().min(NAMED_LEN)]).into_owned();
        let cookies = cookies.into_iter().take(NAMED_COOKIES);
        let cookies = cookies.map(|(name, size)| (named(name), size)).collect();
        Err(SessionErrorKind::CookieHeaderTooLarge { size, limit, cookies }.into())
    }
}
