//! The methods that only a session of named entries has.

use std::any::type_name;
use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Session, Shared};
use crate::error::{EncodeErrorKind, SessionError, SessionErrorKind};
use crate::kind::{Dynamic, Entries, check_depth};
use crate::plaintext::serialize_text;

impl Session<Dynamic> {
    /// The entry's value, or `None` if there is no such entry.
    ///
    /// Reading counts as activity; [`peek`](Self::peek) does not, nor does an error.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::EntryType`] if the entry is there, but is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, entry: &str) -> Result<Option<T>, SessionError> {
        let value = self.peek(entry)?;
        self.note_read();
        Ok(value)
    }

    /// [`get`](Self::get), but looking does not count as activity.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn peek<T: DeserializeOwned>(&self, entry: &str) -> Result<Option<T>, SessionError> {
        let Some((json, place)) = self.opened().entries().locate(entry) else {
            return Ok(None);
        };
        self.parse_entry(entry, &json[place]).map(Some)
    }

    /// All entries. Reading counts as activity.
    #[must_use]
    pub fn entries(&self) -> Entries {
        self.data().unwrap_or_default()
    }

    /// The names of the entries. Asking does not count as activity.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.opened().entries().names().map(Cow::into_owned).collect()
    }

    /// How many entries there are. Asking does not count as activity.
    #[must_use]
    pub fn len(&self) -> usize {
        self.opened().entries().len()
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
        let value = serialize_text(&value).map_err(|error| EncodeErrorKind::from(&error))?;
        check_depth(&value).map_err(|_| EncodeErrorKind::NotReadable)?;
        let written = self.write_entries(|entries| Some(entries.with(entry, &value)));
        written.map(drop).map_err(|error| match error.kind() {
            SessionErrorKind::Encode(EncodeErrorKind::TooLarge(size)) => {
                let mut size = size.clone();
                size.entry = Some((entry.to_owned(), value.len()));
                EncodeErrorKind::TooLarge(size).into()
            }
            _ => error,
        })
    }

    /// Removes the entry, and says whether it was there. A session without entries is no session:
    /// its cookie is removed.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Encode`] if there is no randomness to seal what is left,
    /// [`SessionErrorKind::ResponseStarted`] if it is too late.
    pub fn remove(&self, entry: &str) -> Result<bool, SessionError> {
        self.write_entries(|entries| entries.without(entry))
    }

    /// Removes the entry and returns its value: for what is shown once.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get) and [`remove`](Self::remove); then it is still there.
    pub fn take<T: DeserializeOwned>(&self, entry: &str) -> Result<Option<T>, SessionError> {
        loop {
            let found = self.opened().entries().locate(entry);
            let Some((json, place)) = found else {
                self.note_read();
                return Ok(None);
            };
            let value = self.parse_entry(entry, &json[place.clone()])?;
            // Parsed without the lock; if another task was quicker, what it left is to be taken.
            let taken = self.write_entries(|entries| {
                let unchanged = entries.raw(entry) == Some(&json[place]);
                entries.without(entry).filter(|_| unchanged)
            })?;
            if taken {
                return Ok(Some(value));
            }
        }
    }

    /// Whether there is such an entry. Asking does not count as activity.
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
        let Shared { codec, incoming, .. } = &*self.shared;
        let core = codec.inner();
        let now = core.coarse_now();
        let old = {
            let mut state = self.opened();
            state.check_writable()?;
            let mut kept = state.entries().clone();
            kept.retain(|name| entries.contains(&name));
            // Nothing of the old session is given up before the new one is sure to be written.
            let json = kept.json().as_bytes();
            let size = core.check(&core.ring()[0], json, now)?;
            incoming.check_room(core, size)?;
            state.make_ready(now)?;
            let old = state.regenerate()?;
            state.write_entries(core, incoming, now, kept)?;
            old
        };
        drop(old);
        self.note_write();
        Ok(())
    }

    /// Writes what `change` makes of the entries, unless it makes nothing of them.
    fn write_entries(
        &self,
        change: impl FnOnce(&Entries) -> Option<Entries>,
    ) -> Result<bool, SessionError> {
        let Shared { codec, incoming, .. } = &*self.shared;
        let now = codec.inner().coarse_now();
        let changed = {
            let mut state = self.opened();
            state.check_writable()?;
            match change(state.entries()) {
                Some(entries) => {
                    state.write_entries(codec.inner(), incoming, now, entries)?;
                    true
                }
                None => false,
            }
        };
        self.note_write();
        Ok(changed)
    }

    fn parse_entry<T: DeserializeOwned>(&self, entry: &str, json: &str) -> Result<T, SessionError> {
        // The cause would quote the value.
        serde_json::from_str(json).map_err(|_| {
            let entry = entry.to_owned();
            SessionErrorKind::EntryType { entry, expected: type_name::<T>() }.into()
        })
    }
}
