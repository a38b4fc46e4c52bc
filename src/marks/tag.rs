//! `Tag`: what several sessions have in common, such as their user.

use std::fmt;

use blake2::Blake2bMac;
use blake2::digest::consts::U16;
use blake2::digest::{FixedOutput as _, Update as _};

pub(crate) const TAG_LEN: usize = 16;

/// Not a secret: it keeps these digests apart from those of other programs.
const KEY: &[u8; 16] = b"sealed-session-t";

/// What several sessions have in common: their user, their tenant, an identity provider's session.
///
/// [`SessionKind::tags`](crate::SessionKind::tags) says which tags a session has, and
/// [`Revocations::end_all`](crate::Revocations::end_all) ends all sessions of a tag.
///
/// ```
/// use sealed_session::Tag;
///
/// let user = Tag::new("user", 7);
/// assert_eq!(user, Tag::new("user", "7"));
/// assert_ne!(user, Tag::new("tenant", 7));
/// ```
///
/// It is a digest of 128 bits: BLAKE2b of the name and the value. Stores keep only this, so they hold
/// neither.
///
/// # Security
///
/// The digest has no secret key. Whoever reads a store can find the tag of a value that is easily guessed,
/// such as a number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag([u8; TAG_LEN]);

impl Tag {
    /// The tag with this name, such as `user`, and this value, such as the user's number. The text of
    /// the value counts.
    ///
    /// ```
    /// # use sealed_session::Tag;
    /// let user = Tag::new("user", 7);
    /// ```
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "the lengths are right")]
    pub fn new(name: &str, value: impl fmt::Display) -> Self {
        let mut mac = Blake2bMac::<U16>::new_with_salt_and_personal(KEY, &[], &[])
            .expect("the key is of a length that BLAKE2b takes");
        // The length comes first, so that no other name and value have the same text.
        mac.update(&(name.len() as u64).to_be_bytes());
        mac.update(name.as_bytes());
        // Nothing is allocated for the value's text. Writing into a digest cannot fail; a `Display` that
        // says that it failed has the text up to there.
        let _ = fmt::write(&mut Digest(&mut mac), format_args!("{value}"));
        Self(mac.finalize_fixed().into())
    }

    /// A tag from its 16 bytes, as they are in a store.
    ///
    /// ```
    /// # use sealed_session::Tag;
    /// let user = Tag::new("user", 7);
    /// assert_eq!(Tag::from_bytes(*user.as_bytes()), user);
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; TAG_LEN]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    ///
    /// ```
    /// # use sealed_session::Tag;
    /// assert_eq!(Tag::new("user", 7).as_bytes().len(), 16);
    /// ```
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; TAG_LEN] {
        &self.0
    }
}

/// Takes a text into a digest.
struct Digest<'m>(&'m mut Blake2bMac<U16>);

impl fmt::Write for Digest<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

impl fmt::Debug for Tag {
    /// Without the digest, from which a user's number could be found.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Tag;

    // Python: hashlib.blake2b(struct.pack(">Q", 4) + b"user" + b"7", digest_size=16,
    //                         key=b"sealed-session-t").hexdigest()
    const USER_7: &str = "1ddc40d00bdfb1c9bab3dfe8a0dd2d2f";

    #[test]
    fn it_is_the_digest_that_another_language_computes() {
        let digest = u128::from_be_bytes(*Tag::new("user", 7).as_bytes());
        assert_eq!(format!("{digest:032x}"), USER_7);
    }

    #[test]
    fn a_part_of_the_name_is_not_the_value() {
        assert_ne!(Tag::new("user1", "2"), Tag::new("user", "12"));
        assert_ne!(Tag::new("", "user7"), Tag::new("user", "7"));
    }
}
