//! `SetCookie`: the text of a `Set-Cookie` header, and of the one that removes the cookie.

use std::time::Duration;

use cookie::Cookie;
use cookie::time::{Duration as CookieAge, OffsetDateTime};

use super::options::{CookieOptions, MAX_MAX_AGE, SameSite};

/// The text of a cookie's `Set-Cookie` header, except for its value.
#[derive(Debug)]
pub(crate) struct SetCookie {
    name: String,
    attributes: String,
    without_age: String,
    max_age: Option<Duration>,
    removal: String,
}

impl SetCookie {
    /// The text for options that have been checked.
    pub(super) fn new(name: String, options: &CookieOptions) -> Self {
        let mut cookie = Cookie::build((name.clone(), ""))
            .path(options.path.as_ref())
            .same_site(same_site(options.same_site))
            // Given even if `false`: without a value, `cookie` adds Secure to SameSite=None.
            .http_only(options.http_only)
            .secure(options.secure)
            .partitioned(options.partitioned)
            .build();
        if let Some(domain) = &options.domain {
            cookie.set_domain(domain.as_ref());
        }
        let without_age = attributes(&cookie);
        if let Some(max_age) = options.max_age {
            cookie.set_max_age(Some(CookieAge::seconds(max_age.as_secs() as i64)));
        }
        let attributes = attributes(&cookie);
        cookie.set_max_age(Some(CookieAge::ZERO));
        cookie.set_expires(OffsetDateTime::UNIX_EPOCH);
        let removal = cookie.to_string();
        Self { name, attributes, without_age, max_age: options.max_age, removal }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The header's value. `write_value` appends the cookie's value, which has `value_len` bytes.
    /// `live` is how many seconds the browser should keep the cookie, if the session decides that.
    pub(crate) fn header<E>(
        &self,
        value_len: usize,
        live: Option<u64>,
        write_value: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Vec<u8>, E> {
        let max_age = live.map(|live| format!("; Max-Age={}", live.clamp(1, MAX_MAX_AGE)));
        let (attributes, max_age) = match &max_age {
            Some(max_age) => (&self.without_age, max_age.as_str()),
            None => (&self.attributes, ""),
        };
        // Allocated exactly, so that it becomes a header value without being copied.
        let room = self.name.len() + 1 + value_len + attributes.len() + max_age.len();
        let mut header = Vec::with_capacity(room);
        header.extend_from_slice(self.name.as_bytes());
        header.push(b'=');
        write_value(&mut header)?;
        header.extend_from_slice(attributes.as_bytes());
        header.extend_from_slice(max_age.as_bytes());
        Ok(header)
    }

    /// How long the browser should keep the cookie, according to the options.
    pub(crate) fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// The header's value that removes the cookie: the same attributes, and an expiry in the past.
    pub(crate) fn removal(&self) -> &str {
        &self.removal
    }
}

/// The attributes of a cookie with an empty value, as the text that follows the value.
fn attributes(cookie: &Cookie<'_>) -> String {
    cookie.to_string().split_off(cookie.name().len() + 1)
}

fn same_site(same_site: SameSite) -> cookie::SameSite {
    match same_site {
        SameSite::Strict => cookie::SameSite::Strict,
        SameSite::Lax => cookie::SameSite::Lax,
        SameSite::None => cookie::SameSite::None,
    }
}

#[cfg(test)]
#[cfg(feature = "session")]
mod tests {
    use std::convert::Infallible;

    use super::CookieOptions;

    #[test]
    fn a_header_allocates_exactly_the_computed_size() {
        let cookie = CookieOptions::new().prepare("session").unwrap();
        for live in [None, Some(60), Some(u64::MAX)] {
            let header = cookie.header(100, live, |header| {
                header.extend_from_slice(&[b'v'; 100]);
                Ok::<(), Infallible>(())
            });
            let header = header.unwrap();
            assert_eq!(header.capacity(), header.len(), "{live:?}");
        }
    }
}
