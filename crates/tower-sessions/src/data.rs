//! `SessionData`: what the sealed cookie holds of a tower-sessions session; `TowerSession`: its kind.
//!
//! The entries lie side by side, as those of `sealed_session::Dynamic`, so that both can read the cookie.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use sealed_session::{Entries, SessionKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lifetime::Lifetime;

/// The entry for an expiry that was set while the server runs. Handlers cannot write it.
const EXPIRY: &str = "__expiry";

/// The kind of the session that a layer of this crate seals, unless you give it your own. Its cookie is
/// named `id`, as that of tower-sessions.
///
/// ```
/// use sealed_session::{Codec, Key, Keyring};
/// use sealed_session_tower_sessions::TowerSession;
///
/// let codec = Codec::<TowerSession>::new(Keyring::new(Key::generate()?))?;
/// assert_eq!(codec.cookie_name(), "id");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum TowerSession {}

impl SessionKind for TowerSession {
    type Data = SessionData;

    const NAME: &'static str = "id";
}

/// The entries of a tower-sessions session, as they are sealed.
///
/// Handlers do not need it: they use `tower_sessions::Session`. Name it in a kind of your own, for a second
/// session, or for sessions that can be ended by a tag.
///
/// ```
/// use sealed_session::SessionKind;
/// use sealed_session_tower_sessions::SessionData;
///
/// enum Shop {}
///
/// impl SessionKind for Shop {
///     type Data = SessionData;
///     const NAME: &'static str = "shop";
/// }
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionData(Entries);

impl SessionData {
    /// The entry's value, or `None` if there is no such entry: for `SessionKind::tags`.
    ///
    /// ```
    /// # use sealed_session_tower_sessions::SessionData;
    /// let data = SessionData::default();
    /// assert_eq!(data.get::<u64>("user_id")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the entry could not be deserialized as a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> serde_json::Result<Option<T>> {
        self.0.get(key)
    }

    /// The keys of the entries.
    ///
    /// ```
    /// # use sealed_session_tower_sessions::SessionData;
    /// assert_eq!(SessionData::default().keys().count(), 0);
    /// ```
    pub fn keys(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.names().filter(|key| key != EXPIRY)
    }

    /// Whether a handler has used the key that this crate needs.
    pub(crate) fn reserved(entries: &HashMap<String, Value>) -> Option<&'static str> {
        entries.contains_key(EXPIRY).then_some(EXPIRY)
    }

    pub(crate) fn new(
        entries: &HashMap<String, Value>,
        expiry: Option<Lifetime>,
    ) -> serde_json::Result<Self> {
        #[derive(Serialize)]
        struct Flat<'e> {
            #[serde(flatten)]
            entries: &'e HashMap<String, Value>,
            #[serde(rename = "__expiry", skip_serializing_if = "Option::is_none")]
            expiry: Option<Lifetime>,
        }
        serde_json::from_str(&serde_json::to_string(&Flat { entries, expiry })?)
    }

    /// The expiry that was set for this session. What this version cannot read is an error.
    pub(crate) fn expiry(&self) -> serde_json::Result<Option<Lifetime>> {
        self.0.get(EXPIRY)
    }

    pub(crate) fn entries(&self) -> serde_json::Result<HashMap<String, Value>> {
        let entries = self.0.iter().filter(|(key, _)| key != EXPIRY);
        entries.map(|(key, json)| Ok((key.into_owned(), serde_json::from_str(json)?))).collect()
    }
}

impl fmt::Debug for SessionData {
    /// The number of entries; none of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionData").field("len", &self.keys().count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> HashMap<String, Value> {
        [("user".to_owned(), Value::from(7)), ("a \"b\"".to_owned(), Value::from("secret"))].into()
    }

    #[test]
    fn entries_and_expiry_come_back() {
        for expiry in [
            None,
            Some(Lifetime::SessionEnd),
            Some(Lifetime::Idle(3600)),
            Some(Lifetime::At(1_800_000_000)),
        ] {
            let data = SessionData::new(&entries(), expiry).unwrap();
            let json = serde_json::to_string(&data).unwrap();
            let data: SessionData = serde_json::from_str(&json).unwrap();
            assert_eq!(data.entries().unwrap(), entries());
            assert_eq!(data.expiry().unwrap(), expiry);
        }
    }

    #[test]
    fn the_json_is_that_of_a_dynamic_session() {
        let data = SessionData::new(&[("a".to_owned(), 1.into())].into(), None).unwrap();
        assert_eq!(serde_json::to_string(&data).unwrap(), r#"{"a":1}"#);
        let data = SessionData::new(&HashMap::new(), Some(Lifetime::Idle(60))).unwrap();
        assert_eq!(serde_json::to_string(&data).unwrap(), r#"{"__expiry":{"idle":60}}"#);
        assert_eq!(data.keys().count(), 0);
    }

    #[test]
    fn an_expiry_of_another_version_is_an_error() {
        for expiry in [r#""weekly""#, "null1", "3"] {
            let json = format!(r#"{{"__expiry":{expiry}}}"#);
            let read = serde_json::from_str::<SessionData>(&json).and_then(|data| data.expiry());
            assert!(read.is_err(), "{expiry}");
        }
    }

    #[test]
    fn debug_shows_no_entry() {
        let shown = format!("{:?}", SessionData::new(&entries(), None).unwrap());
        assert!(shown.contains("len: 2") && !shown.contains("secret"), "{shown}");
    }
}
