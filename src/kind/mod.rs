//! What a session holds: `SessionKind` names it, `Dynamic` is the kind that holds anything.

mod entries;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::entries::Entries;
use crate::plaintext::Text;

/// A kind of session: the type of its data and the name of its cookie.
///
/// Each kind has its own cookie, its own layer and its own handle, also where two kinds hold the
/// same type:
///
/// ```
/// use sealed_session::SessionKind;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Clone)]
/// struct Login { user_id: u64 }
/// impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
///
/// struct Admin;
/// impl SessionKind for Admin { type Data = Login; const NAME: &'static str = "admin"; }
/// ```
///
/// What the data's `Serialize` writes, its `Deserialize` must read back: a session that a later
/// request cannot read is an empty one. Give new fields `#[serde(default)]`, so that sessions from
/// before still open.
pub trait SessionKind: Send + Sync + 'static {
    /// The data of the session.
    type Data: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The cookie's name, unless [`CookieOptions::name`](crate::CookieOptions::name) gives another.
    const NAME: &'static str;

    #[doc(hidden)]
    fn parse(json: &SharedJson) -> Result<Self::Data, serde_json::Error> {
        serde_json::from_str(json.as_str())
    }

    #[doc(hidden)]
    fn parse_owned(json: OwnedJson) -> Result<Self::Data, serde_json::Error> {
        serde_json::from_str(&json.0)
    }

    /// The data of a session before anything is written to it, for the kinds that have such.
    #[doc(hidden)]
    #[must_use]
    fn empty() -> Option<Self::Data> {
        None
    }

    /// Whether the data is that of [`SessionKind::empty`].
    #[doc(hidden)]
    fn is_empty(_data: &Self::Data) -> bool {
        false
    }
}

/// The kind of session that holds any entries by name. `Session` alone means `Session<Dynamic>`.
///
/// Its cookie is named `session`.
#[derive(Clone, Copy, Debug)]
pub enum Dynamic {}

impl SessionKind for Dynamic {
    type Data = Entries;

    const NAME: &'static str = "session";

    fn parse(json: &SharedJson) -> Result<Entries, serde_json::Error> {
        Entries::parse(json.clone())
    }

    fn parse_owned(json: OwnedJson) -> Result<Entries, serde_json::Error> {
        Entries::parse(SharedJson::new(json.0))
    }

    fn empty() -> Option<Entries> {
        Some(Entries::new())
    }

    fn is_empty(data: &Entries) -> bool {
        data.is_empty()
    }
}

/// A session's JSON, for one who needs it once.
#[doc(hidden)]
pub struct OwnedJson(pub(crate) Text);

/// A session's JSON, shared by the handle and the entries that point into it. Wiped on drop.
#[doc(hidden)]
#[derive(Clone)]
pub struct SharedJson(std::sync::Arc<Text>);

impl SharedJson {
    pub(crate) fn new(json: Text) -> Self {
        Self(std::sync::Arc::new(json))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
