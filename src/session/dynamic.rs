//! The methods that only a session of named entries has.

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use crate::error::{SealErrorKind, SessionError, SessionErrorKind};
use crate::kind::Dynamic;
use crate::plaintext::serialize_text;

impl Session<Dynamic> {
    /// The entry's value, or `None` if there is no such entry.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::EntryType`] if the entry is there, but is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, entry: &str) -> Result<Option<T>, SessionError> {
        let Some((json, place)) = self.opened().entries().locate(entry) else {
            return Ok(None);
        };
        self.parse_entry(entry, &json.as_str()[place]).map(Some)
    }

    /// Inserts the entry, or replaces its value. Inserting what is already there changes nothing.
    ///
    /// `None` and floats that are not finite become null, which [`get`](Self::get) reads as an
    /// `Option` only.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); if the session would be too large, the error says by how much and how
    /// much of it this entry is. Then what was there before stays.
    pub fn insert<T: Serialize>(&self, entry: &str, value: T) -> Result<(), SessionError> {
        let value = serialize_text(&value).map_err(|error| SealErrorKind::from(&error))?;
        let mut state = self.opened();
        let entries = state.entries().with(entry, &value);
        state.write_entries(&self.shared.codec, entries).map_err(|error| match error.kind() {
            SessionErrorKind::Seal(SealErrorKind::TooLarge(size)) => {
                let mut size = size.clone();
                size.entry = Some((entry.to_owned(), value.len()));
                SealErrorKind::TooLarge(size).into()
            }
            _ => error,
        })
    }

    /// Removes the entry, and says whether it was there. A session without entries is no session:
    /// its cookie is removed.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Seal`] if there is no randomness to seal what is left,
    /// [`SessionErrorKind::ResponseStarted`] if it is too late.
    pub fn remove(&self, entry: &str) -> Result<bool, SessionError> {
        let mut state = self.opened();
        state.check_writable()?;
        let Some(rest) = state.entries().without(entry) else { return Ok(false) };
        state.write_entries(&self.shared.codec, rest)?;
        Ok(true)
    }

    /// Removes the entry and returns its value: for what is shown once.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get) and [`remove`](Self::remove); then it is still there.
    pub fn take<T: DeserializeOwned>(&self, entry: &str) -> Result<Option<T>, SessionError> {
        loop {
            let found = self.opened().entries().locate(entry);
            let Some((json, place)) = found else { return Ok(None) };
            let value = self.parse_entry(entry, &json.as_str()[place.clone()])?;
            let mut state = self.opened();
            state.check_writable()?;
            // Parsed without the lock; if another task was quicker, what it left is to be taken.
            let unchanged = state.entries().raw(entry) == Some(&json.as_str()[place]);
            if let Some(rest) = state.entries().without(entry).filter(|_| unchanged) {
                state.write_entries(&self.shared.codec, rest)?;
                return Ok(Some(value));
            }
        }
    }

    /// Whether there is such an entry.
    #[must_use]
    pub fn contains(&self, entry: &str) -> bool {
        self.opened().entries().contains(entry)
    }

    /// [`regenerate`](Self::regenerate), but these entries are kept: a language, a cart.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub fn regenerate_keeping(&self, entries: &[&str]) -> Result<(), SessionError> {
        let mut state = self.opened();
        state.check_writable()?;
        let mut kept = state.entries().clone();
        kept.retain(|name| entries.contains(&name));
        // Nothing of the old session is given up before the new one is sure to be written.
        let core = self.shared.codec.core();
        let now = core.now();
        core.check(&core.ring(), kept.json().as_str().as_bytes(), now)?;
        state.make_ready(now)?;
        state.regenerate();
        state.write_entries(&self.shared.codec, kept)
    }

    fn parse_entry<T: DeserializeOwned>(&self, entry: &str, json: &str) -> Result<T, SessionError> {
        // The cause would quote the value.
        serde_json::from_str(json).map_err(|_| {
            let entry = entry.to_owned();
            SessionErrorKind::EntryType { entry, wanted: type_name::<T>() }.into()
        })
    }
}
