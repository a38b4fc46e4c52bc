//! Cookies as text: what a request's `Cookie` header holds, and what a response's `Set-Cookie` says.

mod header;
mod options;
#[cfg(feature = "testing")]
mod received;
mod set_cookie;

#[cfg(feature = "oauth")]
pub(crate) use self::header::named_values;
pub(crate) use self::header::{pairs, values};
pub use self::options::{CookieOptions, SameSite};
#[cfg(feature = "testing")]
pub use self::received::CookieAttributes;
#[cfg(feature = "testing")]
pub(crate) use self::received::ReceivedCookie;
pub(crate) use self::set_cookie::SetCookie;

/// The most that browsers store of name and value together, in bytes (RFC 6265bis, section 5.6).
pub(crate) const MAX_COOKIE_LEN: usize = 4096;
