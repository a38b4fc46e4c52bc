//! For adapters: a session in a framework that has no layer here.
//!
//! An adapter is glue. It fills a [`RequestHead`] from the request, makes a
//! [`Session`](crate::Session), lets the handler have it, and makes the [changes](HeaderChange) that
//! [`Session::finish`](crate::Session::finish) returns in the response's headers. When each of them is due,
//! which cookie leaves with which response, and who may keep it: all that is decided here, for every framework
//! alike. [A page of the guide](crate::guide::write_an_adapter) shows one.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

pub use crate::session::{
    HeaderChange, HeaderChanges, Headers, RequestHead, ResponseHead, Sessions,
};

/// The value of `Retry-After` for a response with status 503, in seconds: 2 to 10, so that the clients do not
/// all come back at once.
///
/// ```
/// let seconds = sealed_session::adapter::retry_after();
/// assert!((2..=10).contains(&seconds));
/// ```
#[must_use]
pub fn retry_after() -> u64 {
    2 + RandomState::new().build_hasher().finish() % 9
}
