//! `flash` and `take_flash`: messages for the next page. They travel in a small cookie of their own, so that
//! showing one does not write the session, and a log-out does not lose one.

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Session;
use super::incoming::Incoming;
use super::refresh::Circumstances;
use super::state::Event;
use crate::codec::{CodecInner, Prepared};
use crate::cookies::values;
use crate::error::{ConfigErrorKind, EncodeErrorKind, SessionError, SessionErrorKind};
use crate::kind::SessionKind;
use crate::plaintext::serialize_text;

/// The messages of one request, each as JSON.
pub(super) struct Flash {
    /// Whether the request has a cookie with messages, valid or not.
    came: bool,
    waiting: Vec<Box<RawValue>>,
    taken: Vec<Box<RawValue>>,
    was_taken: bool,
    /// Drawn when the first message is added, so that a lack of randomness is an error in the handler.
    added: Option<Prepared>,
}

impl Flash {
    /// The messages that the request brought.
    fn open(codec: &CodecInner, incoming: &Incoming) -> Self {
        let name = codec.cookie.name().as_bytes();
        let came = incoming.values().any(|line| values(line, name).next().is_some());
        let waiting = codec.open_all(incoming.values());
        Self { came, waiting, taken: Vec::new(), was_taken: false, added: None }
    }

    pub(super) fn is_changed(&self) -> bool {
        self.was_taken || self.added.is_some()
    }

    /// The `Set-Cookie` value for the response, if it needs one.
    pub(super) fn finish(
        self,
        core: &CodecInner,
        circumstances: &Circumstances<'_>,
    ) -> Result<Option<Vec<u8>>, Event> {
        let Self { came, waiting, taken, added, .. } = self;
        let response = circumstances.response;
        if response.is_failure() && !response.keep_writes_on_error {
            return added.map_or(Ok(None), |_| Err(Event::NotSent));
        }
        // A redirect shows nothing, so that what its handler took waits for the page that it leads to.
        let left: Vec<_> = match response.is_shown() {
            true => waiting,
            false => taken.into_iter().chain(waiting).collect(),
        };
        let Ok(codec) = core.flash() else { return Ok(None) };
        match added {
            Some(added) if !left.is_empty() => {
                let json = serde_json::to_string(&left).map_err(|_| not_sealed())?;
                let cookie = codec.set_cookie_beside(|| Ok(added), &json, circumstances.now);
                cookie.map_err(Event::NotSealed)
            }
            _ if came && left.is_empty() && response.is_shown() => {
                Ok(Some(codec.cookie.removal().as_bytes().to_vec()))
            }
            _ => Ok(None),
        }
    }
}

fn not_sealed() -> Event {
    Event::NotSealed(EncodeErrorKind::Serialize { reason: None })
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
    /// [`delete`](Self::delete) does not remove it. Messages add up until they are taken.
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
        let mut state = self.lock();
        state.check_not_closed()?;
        let Some(flash) = &mut state.flash else { return Ok(()) };
        flash.waiting.push(message);
        // Those that were taken come back if the response is a redirect.
        let all: Vec<_> = flash.taken.iter().chain(&flash.waiting).collect();
        let size = serde_json::to_string(&all)
            .map_err(|error| EncodeErrorKind::serialize(&error))
            .and_then(|json| codec.size_beside(&json, now))
            .map_err(SessionError::from)
            .and_then(|size| {
                let setting = "flash";
                Ok(size.ok_or(ConfigErrorKind::NeedsNativeKey { setting })?)
            })
            .and_then(|size| incoming.check_room(codec, size).map(|()| size));
        match size {
            Ok(size) => {
                flash.added.get_or_insert(prepared);
                incoming.note_beside(core, codec, size);
                Ok(())
            }
            Err(error) => {
                flash.waiting.pop();
                drop(state);
                self.tell_if_too_large(Err(error))
            }
        }
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
        let incoming = &self.shared.incoming;
        let taken = {
            let mut state = self.lock();
            state.check_not_closed()?;
            state.note_read();
            match &mut state.flash {
                Some(flash) if !incoming.unseen => {
                    flash.was_taken = true;
                    std::mem::take(&mut flash.waiting)
                }
                _ => return Ok(Vec::new()),
            }
        };
        // Without the lock, because it runs foreign code.
        let messages = taken.iter().map(|json| serde_json::from_str(json.get())).collect();
        let mut state = self.lock();
        // `None` if the response has begun meanwhile.
        let flash = state.flash.as_mut();
        match messages {
            Ok(messages) => {
                if let Some(flash) = flash {
                    flash.taken.extend(taken);
                }
                Ok(messages)
            }
            Err::<Vec<T>, serde_json::Error>(_) => {
                if let Some(flash) = flash {
                    flash.was_taken = !flash.taken.is_empty();
                    flash.waiting.splice(..0, taken);
                }
                let (entry, expected) = (codec.cookie.name().to_owned(), type_name::<T>());
                Err(SessionErrorKind::EntryType { entry, expected }.into())
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
