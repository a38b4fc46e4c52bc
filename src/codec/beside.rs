//! The cookies beside a session's own: the one that marks deletions, and the one with messages for the next
//! page. Their names are the session's with a suffix, and so are their keys bound to them.

use std::time::Duration;

use super::inner::{CodecInner, MAX_CANDIDATES, Settings, draw_id, draw_nonce};
use crate::cookies::{CookieOptions, values};
use crate::crypto::keyring::Keyring;
use crate::crypto::secretbox::Nonce;
use crate::error::{ConfigError, ConfigErrorKind, EncodeErrorKind};
use crate::scheme::Header;
use crate::session_id::SessionId;

/// How long a browser keeps the mark of a deletion: longer than any response takes.
const MARK_LASTS: Duration = Duration::from_secs(10 * 60);
/// How many deleted sessions a mark can hold.
const MAX_MARKS: usize = 16;
/// How long a message waits for the next page.
const FLASH_LASTS: Duration = Duration::from_secs(5 * 60);

/// What is prepared to seal a cookie beside the session's, while the handler can still get the error.
pub(crate) struct Prepared {
    pub(crate) nonce: Nonce,
    pub(crate) id: SessionId,
}

impl Prepared {
    pub(crate) fn new(now: u64) -> Result<Self, EncodeErrorKind> {
        Ok(Self { nonce: draw_nonce(now)?, id: draw_id(now)? })
    }
}

impl CodecInner {
    /// The codec of a cookie beside this one.
    fn beside(
        &self,
        options: CookieOptions,
        lasts: Duration,
        keyring: &Keyring,
    ) -> Result<Box<Self>, ConfigError> {
        let seconds = lasts.as_secs() as u32;
        let settings = Settings {
            idle: seconds,
            absolute: seconds,
            // The key is claimed for the session's cookie, and only a native key seals the others.
            #[cfg(feature = "fastify")]
            share_fastify_key: true,
            ..self.settings
        };
        let clock = self.clock.clone();
        // The options have a name, so the name of a kind is not needed.
        Ok(Box::new(Self::new("", options, settings, clock, keyring)?))
    }

    pub(super) fn mark_deletions(&mut self, keyring: &Keyring) -> Result<(), ConfigError> {
        let options = self.cookie_options.beside(self.cookie.name(), "ended", MARK_LASTS);
        self.marker = Some(self.beside(options, MARK_LASTS, keyring)?);
        Ok(())
    }

    /// The ids of the sessions whose deletion is still marked in the browser that sent these headers.
    pub(super) fn marked<'h>(&self, headers: impl Iterator<Item = &'h [u8]>) -> Vec<SessionId> {
        let Some(marker) = &self.marker else { return Vec::new() };
        let marked = marker.open_all::<SessionId>(headers);
        marked.into_iter().take(MAX_MARKS).collect()
    }

    /// The `Set-Cookie` value that marks the session with this id as deleted, in addition to those that
    /// are already marked in this browser. `None` if the codec does not mark deletions.
    pub(crate) fn mark<'h>(
        &self,
        id: SessionId,
        headers: impl Iterator<Item = &'h [u8]>,
        now: u64,
    ) -> Option<Result<Vec<u8>, EncodeErrorKind>> {
        let marker = self.marker.as_ref()?;
        let mut ids = self.marked(headers);
        ids.retain(|known| *known != id);
        ids.truncate(MAX_MARKS - 1);
        ids.insert(0, id);
        let json = serde_json::to_string(&ids).ok()?;
        let prepared = || Prepared::new(now);
        marker.set_cookie_beside(prepared, &json, now).transpose()
    }

    /// The codec of the cookie with messages for the next page.
    pub(crate) fn flash(&self) -> Result<&Self, ConfigErrorKind> {
        let keyring = self.ring.keyring();
        let Some(flash) = self.flash.get() else {
            let options = self.cookie_options.beside(self.cookie.name(), "flash", FLASH_LASTS);
            let flash = self.beside(options, FLASH_LASTS, &keyring);
            let flash = flash.map_err(|error| error.kind().clone())?;
            return Ok(self.flash.get_or_init(|| flash));
        };
        // Here rather than where the keyring is replaced, because that may be while this is prepared.
        if !flash.ring.keyring().is_same(&keyring) {
            flash.ring.follow(&keyring);
        }
        Ok(flash)
    }

    /// The items of the lists in the cookies of this name. One that does not open has none.
    pub(crate) fn open_all<'h, T: serde::de::DeserializeOwned>(
        &self,
        headers: impl Iterator<Item = &'h [u8]>,
    ) -> Vec<T> {
        let name = self.cookie.name().as_bytes();
        headers
            .flat_map(|header| values(header, name))
            .take(MAX_CANDIDATES)
            .filter_map(|token| self.open(token).ok())
            .filter_map(|list| serde_json::from_str::<Vec<T>>(list.json.as_str()).ok())
            .flatten()
            .collect()
    }

    /// The `Set-Cookie` value for this JSON. `None` if no key has room for a header, without which a token is
    /// not bound to its name. The primary may have become a fastify key.
    pub(crate) fn set_cookie_beside(
        &self,
        prepared: impl FnOnce() -> Result<Prepared, EncodeErrorKind>,
        json: &str,
        now: u64,
    ) -> Result<Option<Vec<u8>>, EncodeErrorKind> {
        let ring = self.ring();
        let Some(cipher) = ring.not_newer(now).iter().find(|cipher| cipher.keeps_header()) else {
            return Ok(None);
        };
        let Prepared { nonce, id } = prepared()?;
        let header = beside_header(Some(id), now);
        let value_len = cipher.token_len(json.len(), &header);
        let seal = |out: &mut Vec<u8>| self.seal(cipher, nonce, header, json, out);
        self.cookie.header(value_len, None, seal).map(Some)
    }

    /// The size of the cookie's name and value for this JSON. `None` if no key has room for a header.
    pub(crate) fn size_beside(
        &self,
        json: &str,
        now: u64,
    ) -> Result<Option<usize>, EncodeErrorKind> {
        self.ring.read(|ring| {
            let cipher = ring.not_newer(now).iter().find(|cipher| cipher.keeps_header());
            let header = beside_header(None, now);
            cipher.map(|cipher| self.check(cipher, json.as_bytes(), &header)).transpose()
        })
    }
}

fn beside_header(id: Option<SessionId>, now: u64) -> Header {
    Header { id, created_at: None, refreshed_at: now, idle: None, seen: None }
}
