//! The methods of a session of named entries (`Session<Dynamic>`).

use std::any::type_name;
use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::state::Write;
use super::{Session, Shared};
use crate::error::{EncodeErrorKind, SessionError, SessionErrorKind};
use crate::kind::{Dynamic, Entries, check_depth};
use crate::plaintext::serialize_text;

impl Session<Dynamic> {
    /// The entry's value, or `None` if there is no such entry.
    ///
    /// Reading counts as activity. [`peek`](Self::peek) does not, and an error does not either.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// async fn visits(session: Session) -> Result<String, SessionError> {
    ///     let visits = session.get::<u32>("visits")?.unwrap_or(0);
    ///     Ok(format!("{visits} visits"))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::EntryType`] if the entry exists, but could not be deserialized as a `T`;
    /// [`SessionErrorKind::Unavailable`] if it is not known whether the session was ended.
    pub fn get<T: DeserializeOwned>(&self, entry: &str) -> Result<Option<T>, SessionError> {
        let value = self.peek(entry)?;
        self.note_read();
        Ok(value)
    }

    /// Like [`get`](Self::get), but it does not count as activity.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// /// The page asks for this every minute.
    /// async fn theme(session: Session) -> Result<String, SessionError> {
    ///     Ok(session.peek::<String>("theme")?.unwrap_or("light".to_owned()))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn peek<T: DeserializeOwned>(&self, entry: &str) -> Result<Option<T>, SessionError> {
        let found = self.available()?.entries().locate(entry);
        let Some((json, place)) = found else { return Ok(None) };
        self.parse_entry(entry, &json[place]).map(Some)
    }

    /// All entries. Reading counts as activity.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// # fn handler(session: &Session) {
    /// for (name, json) in &session.entries() {
    ///     println!("{name} has {} bytes of JSON", json.len());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn entries(&self) -> Entries {
        self.data().unwrap_or_default()
    }

    /// The names of the entries. This does not count as activity.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// # fn handler(session: &Session) {
    /// println!("the session has the entries {}", session.keys().join(", "));
    /// # }
    /// ```
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.opened().entries().names().map(Cow::into_owned).collect()
    }

    /// The number of entries. This does not count as activity.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// # fn handler(session: &Session) {
    /// println!("the session has {} entries", session.len());
    /// # }
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.opened().entries().len()
    }

    /// Inserts the entry, or replaces its value. Inserting the same value again changes nothing.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// async fn choose_theme(session: Session) -> Result<(), SessionError> {
    ///     session.insert("theme", "dark")
    /// }
    /// ```
    ///
    /// `None` and floats that are not finite become null, which [`get`](Self::get) reads only as an
    /// `Option`.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set). If the session would be too large, the error says by how much, and how
    /// large this entry is. In each case the session is unchanged.
    pub fn insert<T: Serialize>(&self, entry: &str, value: T) -> Result<(), SessionError> {
        let value = serialize_text(&value).map_err(|error| EncodeErrorKind::serialize(&error))?;
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

    /// Removes the entry, and returns whether it existed. A session without entries is no session:
    /// its cookie is removed.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// async fn default_theme(session: Session) -> Result<(), SessionError> {
    ///     session.remove("theme")?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Encode`] if there is no randomness to seal the remaining entries,
    /// [`SessionErrorKind::ResponseStarted`] if the response has begun.
    pub fn remove(&self, entry: &str) -> Result<bool, SessionError> {
        self.write_entries(|entries| entries.without(entry))
    }

    /// Removes the entry and returns its value: for example for a message that is shown once.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// async fn page(session: Session) -> Result<String, SessionError> {
    ///     Ok(session.take::<String>("message")?.unwrap_or_default())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get) and [`remove`](Self::remove). Then the entry is still there.
    pub fn take<T: DeserializeOwned>(&self, entry: &str) -> Result<Option<T>, SessionError> {
        loop {
            let found = self.available()?.entries().locate(entry);
            let Some((json, place)) = found else {
                self.note_read();
                return Ok(None);
            };
            let value = self.parse_entry(entry, &json[place.clone()])?;
            // Parsed without the lock. If another task was faster, take what it left.
            let taken = self.write_entries(|entries| {
                let unchanged = entries.raw(entry) == Some(&json[place]);
                entries.without(entry).filter(|_| unchanged)
            })?;
            if taken {
                return Ok(Some(value));
            }
        }
    }

    /// Whether there is such an entry. This does not count as activity.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// async fn has_visited(session: Session) -> &'static str {
    ///     if session.contains("visits") { "yes" } else { "no" }
    /// }
    /// ```
    #[must_use]
    pub fn contains(&self, entry: &str) -> bool {
        self.opened().entries().contains(entry)
    }

    /// Like [`regenerate`](Self::regenerate), but it keeps these entries, such as a language or a cart.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// async fn log_in(session: Session) -> Result<(), SessionError> {
    ///     session.regenerate_keeping(&["language", "cart"])?;
    ///     session.insert("user_id", 7)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub fn regenerate_keeping(&self, entries: &[&str]) -> Result<(), SessionError> {
        let old = self.tell_if_too_large(self.begin_with(entries))?;
        drop(old);
        self.note_write();
        Ok(())
    }

    /// Begins a new session with these entries of the old one. Returns the data that the caller has to drop
    /// without the lock.
    fn begin_with(&self, entries: &[&str]) -> Result<Option<Entries>, SessionError> {
        let Shared { codec, incoming, .. } = &*self.shared;
        let core = codec.inner();
        let now = core.coarse_now();
        let mut state = self.opened();
        state.check_writable()?;
        let mut kept = state.entries().clone();
        kept.retain(|name| entries.contains(&name));
        state.begin_with(core, incoming, now, &mut Write::of_entries(kept))
    }

    /// Writes the entries that `change` returns, if it returns any.
    fn write_entries(
        &self,
        change: impl FnOnce(&Entries) -> Option<Entries>,
    ) -> Result<bool, SessionError> {
        let changed = self.tell_if_too_large(self.change_entries(change))?;
        self.note_write();
        Ok(changed)
    }

    fn change_entries(
        &self,
        change: impl FnOnce(&Entries) -> Option<Entries>,
    ) -> Result<bool, SessionError> {
        let Shared { codec, incoming, .. } = &*self.shared;
        let now = codec.inner().coarse_now();
        let mut state = self.opened();
        state.check_writable()?;
        let Some(entries) = change(state.entries()) else { return Ok(false) };
        state.write_entries(codec.inner(), incoming, now, entries)?;
        Ok(true)
    }

    fn parse_entry<T: DeserializeOwned>(&self, entry: &str, json: &str) -> Result<T, SessionError> {
        // The cause would quote the value.
        serde_json::from_str(json).map_err(|_| {
            let entry = entry.to_owned();
            SessionErrorKind::EntryType { entry, expected: type_name::<T>() }.into()
        })
    }
}
