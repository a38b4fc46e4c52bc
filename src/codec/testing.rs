//! What the tests of an application need of a codec. Nothing here is told of: what a test prepares or looks
//! at is not what the application does.

use super::ring::Ring;
use super::{Codec, Decoded};
use crate::crypto::keyring::Keyring;
use crate::error::{DecodeError, EncodeErrorKind};
use crate::kind::SessionKind;
use crate::scheme::Header;

impl<K: SessionKind> Codec<K> {
    /// Seals a session under the codec's keys or under others, at `now` in milliseconds since the Unix
    /// epoch. Its header may say anything.
    pub(crate) fn seal_under(
        &self,
        keyring: Option<&Keyring>,
        data: &K::Data,
        header: Header,
        now: u64,
    ) -> Result<String, EncodeErrorKind> {
        #[cfg(feature = "revocation")]
        let header = Header { seen: self.seen_by(data), ..header };
        let seal = |ring: &Ring| self.seal(ring.sealing(now), data, header, now);
        let sealed = match keyring {
            Some(keyring) => seal(&Ring::new(keyring.handle(), self.cookie_name())),
            None => seal(&self.inner.ring()),
        };
        sealed.map(|(token, _)| token)
    }

    /// As [`decode`](Self::decode).
    pub(crate) fn look_into(&self, token: &[u8]) -> Result<Decoded<K::Data>, DecodeError> {
        Ok(self.decoded(self.open(token)?))
    }
}
