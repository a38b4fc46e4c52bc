//! Connects a codec and its sessions to their revocations.

use super::Revocations;
use crate::codec::{Attached, CodecBuilder};
use crate::kind::SessionKind;
#[cfg(feature = "session")]
use crate::{
    codec::CodecInner,
    error::{RevocationError, RevocationErrorKind},
};

impl<K: SessionKind> CodecBuilder<K> {
    /// Gives the codec revocations, so that its sessions can be ended. Default: none.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, Revocations};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let revocations = Revocations::in_memory();
    /// let codec = Codec::<Dynamic>::builder(keyring).revocations(&revocations).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Every server that opens these sessions needs the same revocations: one without them opens
    /// sessions that the others have ended.
    pub fn revocations(mut self, revocations: &Revocations) -> Self {
        let marks = revocations.shared.inner.marks.clone();
        self.attach(Attached { marks, owner: revocations.shared.clone() });
        self
    }
}

/// The revocations of a codec.
#[cfg(feature = "session")]
pub(crate) fn attached_to(core: &CodecInner) -> Result<Revocations, RevocationError> {
    let owner = core.attached.as_ref().map(|attached| attached.owner.clone());
    let shared = owner.and_then(|owner| owner.downcast().ok());
    let shared = shared.ok_or(RevocationErrorKind::NoRevocations)?;
    Ok(Revocations { shared })
}
