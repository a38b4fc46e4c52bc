//! `Pending`: the sealed content of a login's cookie.

use serde::{Deserialize, Serialize, Serializer};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::login::OAuthLogin;
use crate::kind::SessionKind;

/// A login that waits for its callback, as a kind of session.
pub(super) enum Pending {}

/// What its cookie holds. The names are short, because four of these cookies travel together.
#[derive(Serialize, Deserialize)]
pub(super) struct Data {
    #[serde(rename = "s")]
    state: Secret,
    #[serde(rename = "p")]
    provider: String,
    #[serde(rename = "v")]
    pkce_verifier: Secret,
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    nonce: Option<Secret>,
    #[serde(rename = "u")]
    next: String,
}

/// Text that is wiped.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Secret(Zeroizing<String>);

impl SessionKind for Pending {
    type Data = Data;

    const NAME: &'static str = "oauth";
}

impl Data {
    pub(super) fn new(state: &str, login: OAuthLogin) -> Self {
        let OAuthLogin { provider, pkce_verifier, nonce, next, state: _ } = login;
        Self {
            state: Secret(state.to_owned().into()),
            provider,
            pkce_verifier: Secret(pkce_verifier),
            nonce: nonce.map(Secret),
            next,
        }
    }

    pub(super) fn state(&self) -> &str {
        &self.state.0
    }

    /// Whether this is the login's state, in constant time.
    pub(super) fn is_of(&self, state: &str) -> bool {
        self.state.0.as_bytes().ct_eq(state.as_bytes()).into()
    }

    pub(super) fn into_login(self) -> OAuthLogin {
        OAuthLogin {
            provider: self.provider,
            pkce_verifier: self.pkce_verifier.0,
            nonce: self.nonce.map(|nonce| nonce.0),
            next: self.next,
            // Another login has another state.
            state: None,
        }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
