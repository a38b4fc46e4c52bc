//! For the tests of applications: a cookie for any session, what a response says of the session, a cookie
//! jar, and a session without a layer (feature `testing`).
//!
//! | A test wants to … | with |
//! |---|---|
//! | be logged in, also with an old, a remembered or an expired session | [`TestCookie`] |
//! | know whether a response sets, removes or keeps the session | [`SessionChange`] |
//! | send several requests, as a browser does | [`CookieJar`] |
//! | call a handler as a function | `TestSession`, with the feature `session` |
//! | move the clock | [`TestClock`](crate::TestClock) |
//!
//! [The guide](crate::guide::testing) shows them with `tower::ServiceExt::oneshot`, axum-test and reqwest.
//!
//! ```
//! # use sealed_session::{Codec, Key, Keyring, SessionKind};
//! use sealed_session::testing::{SessionChange, TestCookie};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Serialize, Deserialize, Debug)]
//! # struct Login { user_id: u64 }
//! # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
//! # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
//! // What a request sends:
//! let cookie = TestCookie::new(&codec, Login { user_id: 7 }).header();
//! assert!(cookie.starts_with("login="));
//!
//! // What a response's `Set-Cookie` headers say:
//! let set_cookies = [codec.remove_cookie()];
//! SessionChange::of_set_cookies(&codec, set_cookies).assert_removed();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! These functions panic where a test should fail, and say why in a sentence. Name the feature in
//! `[dev-dependencies]` only:
//!
//! ```toml
//! [dev-dependencies]
//! sealed-session = { version = "0.1", features = ["testing"] }
//! ```
//!
//! # Security
//!
//! No message has a token or a key. A message has the session's data if its type is `Debug`.

mod change;
mod cookie;
mod jar;
#[cfg(feature = "tower")]
mod over_http;
#[cfg(feature = "session")]
mod session;

pub use self::change::{SessionChange, SetSession};
pub use self::cookie::TestCookie;
pub use self::jar::CookieJar;
#[cfg(feature = "session")]
pub use self::session::TestSession;
pub use crate::cookies::CookieAttributes;
