//! What a session holds: `SessionKind` names it, `Dynamic` is the kind that holds anything.

mod entries;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::entries::Entries;
#[cfg(feature = "tower")]
pub(crate) use self::entries::check_depth;
use crate::plaintext::WipedString;

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
    fn parse(json: &mut Json) -> Result<Self::Data, serde_json::Error> {
        serde_json::from_str(json.as_str())
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

    fn parse(json: &mut Json) -> Result<Entries, serde_json::Error> {
        Entries::parse(json.share())
    }

    fn empty() -> Option<Entries> {
        Some(Entries::new())
    }

    fn is_empty(data: &Entries) -> bool {
        data.is_empty()
    }
}

/// A session's JSON, of one owner until another needs it, too. Wiped on drop.
#[doc(hidden)]
pub struct Json(Owner);

enum Owner {
    One(WipedString),
    Several(SharedJson),
}

impl Json {
    pub(crate) fn new(json: WipedString) -> Self {
        Self(Owner::One(json))
    }

    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            Owner::One(json) => json,
            Owner::Several(json) => json.as_str(),
        }
    }

    pub(crate) fn share(&mut self) -> SharedJson {
        if let Owner::One(json) = &mut self.0 {
            self.0 = Owner::Several(SharedJson::new(std::mem::take(json)));
        }
        match &self.0 {
            Owner::Several(json) => json.clone(),
            Owner::One(_) => unreachable!("shared just now"),
        }
    }
}

impl From<SharedJson> for Json {
    fn from(json: SharedJson) -> Self {
        Self(Owner::Several(json))
    }
}

/// A session's JSON, shared by the handle and the entries that point into it. Wiped on drop.
#[derive(Clone)]
pub(crate) struct SharedJson(std::sync::Arc<WipedString>);

impl SharedJson {
    pub(crate) fn new(json: WipedString) -> Self {
        Self(std::sync::Arc::new(json))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
