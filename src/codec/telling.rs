//! What a codec does, told to those who listen. Never call these functions while holding a lock.

use super::Validity;
use super::inner::CodecInner;
use crate::error::{EncodeErrorKind, Refusal, TooLarge};
use crate::events::{CodecEvent, CodecEventKind};
use crate::session_id::SessionId;

impl CodecInner {
    #[inline]
    pub(crate) fn tell(&self, kind: CodecEventKind, session: Option<SessionId>) {
        if !kind.is_usual() || self.events.is_heard() {
            self.tell_all(kind, session);
        }
    }

    #[inline(never)]
    fn tell_all(&self, kind: CodecEventKind, session: Option<SessionId>) {
        self.events.tell(&CodecEvent { cookie: self.cookie.name(), session, kind });
    }

    #[inline]
    pub(crate) fn tell_opened(&self, validity: &Validity) {
        let (key, age) = (validity.key_id, validity.key_age);
        self.tell(CodecEventKind::Opened { key, age }, validity.id);
    }

    /// `length` is that of the token.
    pub(crate) fn tell_refused(&self, refusal: &Refusal, length: Option<usize>) {
        self.events.refused(self.cookie.name(), refusal, length);
    }

    /// Tells of an error if it is that the cookie would be too large.
    pub(crate) fn tell_if_too_large(&self, error: &EncodeErrorKind) {
        if let EncodeErrorKind::TooLarge(TooLarge { size, limit, .. }) = *error {
            self.tell(CodecEventKind::TooLarge { size, limit }, None);
        }
    }
}
