//! A session's view of actix-web's requests and responses, and its changes in their headers.
//!
//! actix-web's headers are of another generation of the crate `http` than the rest of the world's, so bytes go
//! in, and bytes come out.

use std::borrow::Cow;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use sealed_session::adapter::{HeaderChange, Headers, RequestHead};

/// The parts of the request that the session needs.
pub(crate) fn head(request: &ServiceRequest) -> RequestHead {
    let mut head = RequestHead::new(request.method().as_str());
    for name in RequestHead::HEADERS {
        for value in request.headers().get_all(name) {
            head.header(name, value.as_bytes());
        }
    }
    head
}

/// The headers of a response.
pub(crate) struct View<'h>(pub(crate) &'h HeaderMap);

impl Headers for View<'_> {
    fn for_each<'h>(&'h self, visit: &mut dyn FnMut(&'h str, &'h [u8])) {
        self.0.iter().for_each(|(name, value)| visit(name.as_str(), value.as_bytes()));
    }
}

/// Makes the changes of a session.
pub(crate) fn change(headers: &mut HeaderMap, changes: impl Iterator<Item = HeaderChange>) {
    for change in changes {
        match change {
            HeaderChange::Append { name, value } => {
                let name = HeaderName::from_static(name);
                if let Some(mut value) = header_value(value) {
                    // Keeps a cookie out of `Debug`.
                    value.set_sensitive(name == SET_COOKIE);
                    headers.append(name, value);
                }
            }
            HeaderChange::Set { name, value } => {
                if let Some(value) = header_value(value) {
                    headers.insert(HeaderName::from_static(name), value);
                }
            }
            HeaderChange::Remove { name } => {
                headers.remove(name);
            }
        }
    }
}

/// Nothing is copied.
fn header_value(value: Cow<'static, [u8]>) -> Option<HeaderValue> {
    match value {
        Cow::Borrowed(value) => std::str::from_utf8(value).ok().map(HeaderValue::from_static),
        Cow::Owned(value) => HeaderValue::try_from(value).ok(),
    }
}
