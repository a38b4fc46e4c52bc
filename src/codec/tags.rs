//! The tags of a codec's sessions: which of them are ended by a mark of a tag.

use super::decoded::{SessionTags, Tags, Validity, Verified};
use super::{Codec, Decoded};
use crate::error::{DecodeErrorKind, EncodeErrorKind, Refusal};
use crate::kind::{self, SessionKind};
use crate::marks::Tag;
use crate::scheme::Header;

impl<K: SessionKind> Codec<K> {
    /// The tags of a session that was opened, if any tag has a mark. An error if that mark ends it.
    pub(super) fn check_tags(
        &self,
        data: &K::Data,
        validity: &Validity,
    ) -> Result<Option<Vec<Tag>>, Refusal> {
        let Some(attached) = &self.inner.attached else { return Ok(None) };
        if !attached.marks.has_tags() {
            return Ok(None);
        }
        let tags = K::tags(data);
        if attached.marks.has_tag(&tags, validity.survives()) {
            return Err(DecodeErrorKind::Ended.into());
        }
        Ok(Some(tags))
    }

    /// What is needed to ask later whether the session has ended.
    pub(super) fn session_tags(&self, verified: &mut Verified) -> SessionTags {
        let survives = verified.validity.survives();
        let tags = match verified.tags.take() {
            _ if self.inner.attached.is_none() => Tags::None,
            Some(tags) => Tags::Known(tags),
            None => Tags::Of(verified.json.share(), |json| {
                let data = kind::parse::<K>(&mut json.into()).ok()?;
                Some(K::tags(&data))
            }),
        };
        SessionTags { tags, survives }
    }

    /// What a session with this data has seen that begins now.
    pub(super) fn seen_by(&self, data: &K::Data) -> Option<u64> {
        let has_tags = self.inner.attached.is_some() && !K::tags(data).is_empty();
        has_tags.then(|| self.inner.seen_now())
    }

    /// The header for sealing a decoded session again. An error if the session was ended meanwhile. If
    /// its data was changed so that it has a tag that it did not have, another session begins.
    pub(super) fn reseal_header(
        &self,
        decoded: &Decoded<K::Data>,
        header: Header,
    ) -> Result<Header, EncodeErrorKind> {
        let Some(attached) = &self.inner.attached else { return Ok(header) };
        let SessionTags { tags: old, survives } = &decoded.info.tags;
        // What cannot be read back could be a session that was ended.
        let old = old.get().ok_or(EncodeErrorKind::Ended)?;
        if attached.marks.ends(decoded.info.id, &old, *survives) {
            return Err(EncodeErrorKind::Ended);
        }
        let new = K::tags(&decoded.data);
        if new.iter().any(|tag| !old.contains(tag)) {
            let seen = Some(self.inner.seen_now());
            return Ok(Header { id: None, created_at: None, seen, ..header });
        }
        Ok(Header { seen: header.seen.filter(|_| !new.is_empty()), ..header })
    }
}
