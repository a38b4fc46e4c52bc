//! Plaintext in memory: bytes and text that are wiped when dropped and when they are reallocated.
//!
//! They are wiped by a `memset` that the compiler may not remove. `Zeroizing` writes byte by byte,
//! which for a large session takes longer than opening it.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use serde::Serialize;

/// Room for the JSON of most sessions, so that few buffers grow.
const FIRST_CAPACITY: usize = 512;

/// Bytes that are wiped. They are exposed only as a slice, so that only the methods here can grow them,
/// which wipe the old buffer.
#[derive(Default)]
pub(crate) struct WipedBytes(Vec<u8>);

/// Text that is wiped in the same way.
#[derive(Default)]
pub(crate) struct WipedString(String);

impl WipedBytes {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// `len` zeros, with room for `room` bytes after them.
    pub(crate) fn with_prefix(len: usize, room: usize) -> Self {
        let mut bytes = Vec::with_capacity(len + room);
        bytes.resize(len, 0);
        Self(bytes)
    }

    // serde_json writes a few bytes at a time.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        if bytes.len() > self.0.capacity() - self.0.len() {
            self.grow(bytes.len());
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// The part at `place` as text, if it is UTF-8.
    pub(crate) fn into_text(mut self, place: Range<usize>) -> Option<WipedString> {
        self.truncate(place.end);
        self.0.drain(..place.start);
        match String::from_utf8(std::mem::take(&mut self.0)) {
            Ok(text) => Some(WipedString(text)),
            Err(error) => {
                drop(Self(error.into_bytes()));
                None
            }
        }
    }
}

impl WipedString {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn with_capacity(room: usize) -> Self {
        Self(String::with_capacity(room))
    }

    #[inline]
    pub(crate) fn push_str(&mut self, text: &str) {
        if text.len() > self.0.capacity() - self.0.len() {
            self.grow(text.len());
        }
        self.0.push_str(text);
    }

    /// Moves to a larger buffer; the smaller one is wiped.
    #[cold]
    fn grow(&mut self, by: usize) {
        let mut grown = Self::with_capacity(self.0.len() + by);
        grown.0.push_str(&self.0);
        *self = grown;
    }

    /// Removes the range.
    #[cfg_attr(not(feature = "fastify"), allow(dead_code, reason = "the fastify scheme's need"))]
    pub(crate) fn cut(&mut self, place: Range<usize>) {
        self.0.drain(place);
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

/// A session's JSON. It has one owner, until another one needs it as well. Wiped on drop.
#[doc(hidden)]
pub struct Json(Owner);

enum Owner {
    One(WipedString),
    Several(Arc<WipedString>),
}

impl Json {
    pub(crate) fn new(json: WipedString) -> Self {
        Self(Owner::One(json))
    }

    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            Owner::One(json) => json,
            Owner::Several(json) => json,
        }
    }

    pub(crate) fn share(&mut self) -> Arc<WipedString> {
        if let Owner::One(json) = &mut self.0 {
            self.0 = Owner::Several(Arc::new(std::mem::take(json)));
        }
        match &self.0 {
            Owner::Several(json) => json.clone(),
            Owner::One(_) => unreachable!("shared just now"),
        }
    }
}

impl From<Arc<WipedString>> for Json {
    fn from(json: Arc<WipedString>) -> Self {
        Self(Owner::Several(json))
    }
}

/// The JSON of `data`, after this many zeros.
pub(crate) fn serialize<T: Serialize + ?Sized>(
    prefix: usize,
    data: &T,
) -> serde_json::Result<WipedBytes> {
    let mut buffer = WipedBytes::with_prefix(prefix, FIRST_CAPACITY);
    serde_json::to_writer(&mut buffer, data)?;
    Ok(buffer)
}

/// The JSON of `data` as text.
pub(crate) fn serialize_text<T: Serialize + ?Sized>(data: &T) -> serde_json::Result<WipedString> {
    let bytes = serialize(0, data)?;
    let all = 0..bytes.len();
    Ok(bytes.into_text(all).expect("serde_json writes UTF-8"))
}

fn wipe(bytes: &mut Vec<u8>) {
    bytes.clear();
    // All of the capacity, which may hold the part that was truncated.
    bytes.resize(bytes.capacity(), 0);
    zeroize::optimization_barrier(&bytes[..]);
}

impl Drop for WipedBytes {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl Drop for WipedString {
    fn drop(&mut self) {
        wipe(&mut std::mem::take(&mut self.0).into_bytes());
    }
}

impl Deref for WipedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for WipedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Deref for WipedString {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WipedString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WipedString(..)")
    }
}

impl WipedBytes {
    /// Moves to a larger buffer; the smaller one is wiped.
    #[cold]
    fn grow(&mut self, by: usize) {
        let capacity = (self.0.len() + by).max(2 * self.0.capacity());
        let mut grown = Vec::with_capacity(capacity);
        grown.extend_from_slice(&self.0);
        *self = Self(grown);
    }
}

impl io::Write for WipedBytes {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend(bytes);
        Ok(())
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn wiping_reaches_all_of_the_capacity() {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&[7; 64]);
        bytes.truncate(3);
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 64]);
    }

    #[test]
    fn text_is_not_printed() {
        assert_eq!(format!("{:?}", WipedString::new("plaintext".to_owned())), "WipedString(..)");
    }

    #[test]
    fn growing_keeps_what_is_there() {
        let mut bytes = WipedBytes::new(Vec::with_capacity(2));
        for byte in 0..100 {
            bytes.write_all(&[byte]).unwrap();
        }
        assert!(bytes.iter().copied().eq(0..100));
    }

    #[test]
    fn a_single_write_takes_everything() {
        let mut bytes = WipedBytes::default();
        assert_eq!(bytes.write(&[1, 2, 3]).unwrap(), 3);
        assert_eq!(*bytes, [1, 2, 3]);
    }

    #[test]
    fn growing_makes_the_room_that_is_wanted_and_doubles() {
        for (len, by, wanted) in [(2, 100, 102), (64, 1, 128), (0, 1, 1)] {
            let mut bytes = WipedBytes::new(Vec::with_capacity(len));
            bytes.0.resize(len, 7);
            bytes.grow(by);
            assert_eq!(bytes.0.capacity(), wanted);
            assert_eq!(*bytes, [7].repeat(len));
        }
    }

    #[test]
    fn grows_itself_when_the_room_is_used_up_and_not_before() {
        let mut bytes = WipedBytes::new(Vec::with_capacity(4));
        bytes.write_all(&[1, 2]).unwrap();
        bytes.write_all(&[3, 4]).unwrap();
        assert_eq!(bytes.0.capacity(), 4);

        // A vector that grows by itself would allocate eight bytes, and not wipe the old ones.
        let mut bytes = WipedBytes::new(Vec::with_capacity(3));
        bytes.write_all(&[1, 2]).unwrap();
        bytes.write_all(&[3, 4]).unwrap();
        assert_eq!(bytes.0.capacity(), 6);
        assert_eq!(*bytes, [1, 2, 3, 4]);
    }

    #[test]
    fn a_text_moves_itself_when_the_room_is_used_up_and_not_before() {
        let mut text = WipedString::with_capacity(4);
        let place = text.0.as_ptr();
        text.push_str("ab");
        text.push_str("cd");
        assert_eq!(text.0.as_ptr(), place);

        // A string that grows by itself would allocate eight bytes, and not wipe the old ones.
        let mut text = WipedString::with_capacity(3);
        text.push_str("ab");
        text.push_str("cd");
        assert_eq!((text.0.capacity(), &*text), (4, "abcd"));
    }
}
