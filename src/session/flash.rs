//! `flash` and `take_flash`: messages for the next page. They travel in a small cookie of their own, so that
//! showing one does not write the session, and a log-out does not lose one.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Session;
use super::incoming::Incoming;
use super::refresh::Circumstances;
use crate::codec::{CodecInner, Prepared};
use crate::cookies::values;
use crate::error::{ConfigErrorKind, EncodeErrorKind, SessionError, SessionErrorKind};
use crate::kind::SessionKind;
use crate::logging;
use crate::plaintext::serialize_text;

/// The messages of one request, each as JSON.
pub(super) struct Flash {
    /// Whether the request has a cookie with messages, valid or not.
    came: bool,
    waiting: Vec<Box<RawValue>>,
    /// How many of those came with the request: they are the first.
    old: usize,
    taken: Vec<Box<RawValue>>,
    /// How often messages were taken away.
    takes: u32,
    /// Drawn when the first message is added, so that a lack of randomness is an error in the handler.
    added: Option<Prepared>,
}

/// Why messages that were left are not sent.
pub(super) enum Lost {
    Failed,
    NotSealed(EncodeErrorKind),
    NoNativeKey,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("the response failed"),
            Self::NotSealed(kind) => kind.fmt(f),
            Self::NoNativeKey => f.write_str("the keyring has only fastify keys now"),
        }
    }
}

impl Flash {
    /// The messages that the request brought.
    fn open(codec: &CodecInner, incoming: &Incoming) -> Self {
        let name = codec.cookie.name().as_bytes();
        let came = incoming.values().any(|line| values(line, name).next().is_some());
        let waiting = codec.open_all(incoming.values());
        let old = waiting.len();
        Self { came, waiting, old, taken: Vec::new(), takes: 0, added: None }
    }

    pub(super) fn is_changed(&self) -> bool {
        self.added.is_some() || (self.came && self.takes > 0)
    }

    /// How large the cookie would be. Those that were taken come back if the response is a redirect.
    fn size(
        &self,
        codec: &CodecInner,
        incoming: &Incoming,
        now: u64,
    ) -> Result<usize, SessionError> {
        let all: Vec<_> = self.taken.iter().chain(&self.waiting).collect();
        let json =
            serde_json::to_string(&all).map_err(|error| EncodeErrorKind::serialize(&error))?;
        let size = codec.size_beside(&json, now)?;
        let size = size.ok_or(ConfigErrorKind::NeedsNativeKey { setting: "flash" })?;
        incoming.check_room(codec, size)?;
        Ok(size)
    }

    /// Adds a message. Where there is no room beside older ones that no page has shown, the oldest of those are
    /// given up. Returns the size of the cookie, and how many were given up.
    fn add(
        &mut self,
        message: Box<RawValue>,
        codec: &CodecInner,
        incoming: &Incoming,
        now: u64,
    ) -> Result<(usize, usize), SessionError> {
        let before = self.waiting.clone();
        self.waiting.push(message);
        let mut dropped = 0;
        loop {
            match self.size(codec, incoming, now) {
                Ok(size) => {
                    self.old -= dropped;
                    // Whoever is reading them meanwhile has to begin again.
                    self.takes += u32::from(dropped > 0);
                    return Ok((size, dropped));
                }
                Err(error) if dropped < self.old && is_too_large(&error) => {
                    self.waiting.remove(0);
                    dropped += 1;
                }
                Err(error) => {
                    self.waiting = before;
                    return Err(error);
                }
            }
        }
    }

    /// The `Set-Cookie` value for the response, if it needs one.
    pub(super) fn finish(
        self,
        core: &CodecInner,
        circumstances: &Circumstances<'_>,
    ) -> Result<Option<Vec<u8>>, Lost> {
        let Self { came, waiting, taken, added, .. } = self;
        let response = circumstances.response;
        if response.is_failure() && !response.keep_writes_on_error {
            return added.map_or(Ok(None), |_| Err(Lost::Failed));
        }
        // A redirect shows nothing, so that what its handler took waits for the page that it leads to.
        let left: Vec<_> = match response.is_shown() {
            true => waiting,
            false => taken.into_iter().chain(waiting).collect(),
        };
        let Ok(codec) = core.flash() else { return Ok(None) };
        match added {
            Some(added) if !left.is_empty() => {
                let json = serde_json::to_string(&left);
                let json =
                    json.map_err(|error| Lost::NotSealed(EncodeErrorKind::serialize(&error)))?;
                let cookie = codec.set_cookie_beside(|| Ok(added), &json, circumstances.now);
                cookie.map_err(Lost::NotSealed)?.ok_or(Lost::NoNativeKey).map(Some)
            }
            _ if came && left.is_empty() && response.is_shown() => {
                Ok(Some(codec.cookie.removal().as_bytes().to_vec()))
            }
            _ => Ok(None),
        }
    }
}

fn is_too_large(error: &SessionError) -> bool {
    matches!(
        error.kind(),
        SessionErrorKind::Encode(EncodeErrorKind::TooLarge(_))
            | SessionErrorKind::CookieHeaderTooLarge { .. }
    )
}

impl<K: SessionKind> Session<K> {
    /// Leaves a message for the next page that this browser shows, such as “Your changes were saved” before
    /// a redirect. [`take_flash`](Self::take_flash) reads it there.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// # use axum::response::Redirect;
    /// async fn save(session: Session) -> Result<Redirect, SessionError> {
    ///     session.flash("Your changes were saved.")?;
    ///     Ok(Redirect::to("/"))
    /// }
    /// ```
    ///
    /// It needs no session. It is in a small cookie of its own, `<name>-flash`, sealed under the same keys and
    /// with the same attributes, which lasts five minutes. So it does not write the session, and
    /// [`delete`](Self::delete) does not remove it. Messages add up until they are taken; if there is no room for
    /// a new one beside older ones that no page has shown, the oldest are given up, and the log says so.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Encode`] if the messages together are too large for a cookie or cannot be
    /// serialized, or if there is no randomness to seal them with;
    /// [`SessionErrorKind::CookieHeaderTooLarge`] if all cookies of the request together would be too large;
    /// [`SessionErrorKind::Config`] if the keyring has only fastify keys, whose tokens are not bound to the
    /// cookie's name; [`SessionErrorKind::ResponseStarted`] if the response has begun.
    pub fn flash(&self, message: impl Serialize) -> Result<(), SessionError> {
        let json = serialize_text(&message).map_err(|error| EncodeErrorKind::serialize(&error))?;
        let message: Box<RawValue> =
            serde_json::from_str(&json).map_err(|_| EncodeErrorKind::NotReadable)?;
        let core = self.core();
        let codec = core.flash()?;
        let now = core.coarse_now();
        let prepared = Prepared::new(now)?;
        self.open_flash(codec);
        let incoming = &self.shared.incoming;
        // What the session has written counts as well.
        incoming.join(core, &Arc::default());
        let added = {
            let mut state = self.lock();
            state.check_not_closed()?;
            let Some(flash) = &mut state.flash else { return Ok(()) };
            let added = flash.add(message, codec, incoming, now);
            if added.is_ok() {
                flash.added.get_or_insert(prepared);
            }
            added
        };
        let (size, dropped) = self.tell_if_too_large(added)?;
        incoming.note_beside(core, codec, size);
        if dropped > 0 {
            logging::messages_dropped(codec.cookie.name(), dropped);
        }
        Ok(())
    }

    /// The messages that [`flash`](Self::flash) left for this page, in their order; they are then gone.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// async fn home(session: Session) -> Result<String, SessionError> {
    ///     let messages: Vec<String> = session.take_flash()?;
    ///     Ok(messages.join("\n"))
    /// }
    /// ```
    ///
    /// They are gone once a page has shown them: after a response with a 2xx or 4xx status. A redirect keeps
    /// them, and so does a failure. Nothing is taken by a HEAD request, or by one that the browser makes in
    /// advance (`Sec-Purpose: prefetch`), because nobody may see its response. If a browser requests two
    /// pages at once, both may show a message.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::EntryType`] if a message cannot be deserialized as `T`: then all of them are still
    /// there; [`SessionErrorKind::Config`] if the cookie's name would be too long;
    /// [`SessionErrorKind::ResponseStarted`] if the response has begun.
    pub fn take_flash<T: DeserializeOwned>(&self) -> Result<Vec<T>, SessionError> {
        let codec = self.core().flash()?;
        self.open_flash(codec);
        loop {
            let (waiting, takes) = {
                let mut state = self.lock();
                state.check_not_closed()?;
                state.note_read();
                match &state.flash {
                    Some(flash) if !self.shared.incoming.unseen => {
                        (flash.waiting.clone(), flash.takes)
                    }
                    _ => return Ok(Vec::new()),
                }
            };
            // Without the lock, because it runs foreign code.
            let messages = waiting.iter().map(|json| serde_json::from_str(json.get()));
            let messages = messages.collect::<Result<Vec<T>, _>>().map_err(|_| {
                let (entry, expected) = (codec.cookie.name().to_owned(), type_name::<T>());
                SessionErrorKind::EntryType { entry, expected }
            })?;
            let mut state = self.lock();
            state.check_not_closed()?;
            match &mut state.flash {
                Some(flash) if flash.takes == takes => {
                    flash.takes += 1;
                    flash.old = 0;
                    flash.taken.extend(flash.waiting.drain(..waiting.len()));
                    return Ok(messages);
                }
                // Another task was faster: take what it left.
                _ => drop(state),
            }
        }
    }

    /// Opens the cookie with messages, if it has not been opened yet. If two tasks do this at once, the result
    /// of the first one is used.
    fn open_flash(&self, codec: &CodecInner) {
        if self.lock().flash.is_none() {
            // Without the lock, because it reads the clock.
            let flash = Box::new(Flash::open(codec, &self.shared.incoming));
            self.lock().flash.get_or_insert(flash);
        }
    }
}
