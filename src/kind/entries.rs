//! `Entries`: named JSON values, kept as the text in which they arrived.
//!
//! One scan finds the position of each entry. An entry is parsed on demand, and copied unchanged when
//! another one is written.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::members::{self, Member};
use crate::plaintext::{self, WipedString};

/// `serde_json` refuses this many levels and more.
const MAX_DEPTH: usize = 128;

/// The data of a [`Dynamic`](super::Dynamic) session: JSON values by name.
///
/// ```
/// use sealed_session::Entries;
///
/// let mut entries = Entries::new();
/// entries.insert("visits", &1)?;
/// assert_eq!(entries.get::<u32>("visits")?, Some(1));
/// assert_eq!(entries.get::<u32>("other")?, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Values keep the text in which they were written, numbers beyond 64 bits included.
#[derive(Clone)]
pub struct Entries {
    json: Arc<WipedString>,
    index: Vec<Member>,
}

impl Entries {
    /// No entries.
    ///
    /// ```
    /// # use sealed_session::Entries;
    /// assert!(Entries::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { json: Arc::new(WipedString::new("{}".to_owned())), index: Vec::new() }
    }

    /// The entry's value, or `None` if there is no such entry.
    ///
    /// ```
    /// # let mut entries = sealed_session::Entries::new();
    /// entries.insert("theme", "dark")?;
    /// assert_eq!(entries.get::<String>("theme")?.as_deref(), Some("dark"));
    /// assert!(entries.get::<u32>("theme").is_err());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the entry is not a `T`. The error's text quotes the value.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> serde_json::Result<Option<T>> {
        self.raw(name).map(serde_json::from_str).transpose()
    }

    /// Inserts the entry, or replaces its value and keeps its position.
    ///
    /// ```
    /// # let mut entries = sealed_session::Entries::new();
    /// entries.insert("visits", &1)?;
    /// entries.insert("visits", &2)?;
    /// assert_eq!(entries.get("visits")?, Some(2));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the value cannot be serialized to JSON, or has more than 127 levels of arrays and objects,
    /// which could not be read again. Then nothing has changed.
    pub fn insert<T: Serialize>(&mut self, name: &str, value: T) -> serde_json::Result<()> {
        let value = plaintext::serialize_text(&value)?;
        check_depth(&value)?;
        *self = self.with(name, &value);
        Ok(())
    }

    /// Removes the entry, and returns whether it was there.
    ///
    /// ```
    /// # let mut entries = sealed_session::Entries::new();
    /// entries.insert("visits", &1)?;
    /// assert!(entries.remove("visits"));
    /// assert!(!entries.remove("visits"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn remove(&mut self, name: &str) -> bool {
        let rest = self.without(name);
        let found = rest.is_some();
        *self = rest.unwrap_or_else(|| std::mem::take(self));
        found
    }

    /// Keeps only the entries for whose names `keep` returns true.
    ///
    /// ```
    /// # let mut entries = sealed_session::Entries::new();
    /// entries.insert("theme", "dark")?;
    /// entries.insert("visits", &1)?;
    /// entries.retain(|name| name == "theme");
    /// assert!(entries.names().eq(["theme"]));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        let kept = self.members().filter(|(entry, _, _)| keep(&self.name(entry)));
        *self = Self::build(self.json.len(), kept.map(|(_, name, value)| (name, value)));
    }

    /// Whether there is such an entry.
    ///
    /// ```
    /// # let mut entries = sealed_session::Entries::new();
    /// entries.insert("visits", &1)?;
    /// assert!(entries.contains("visits"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The names of the entries, in the order of the text.
    ///
    /// ```
    /// # let mut entries = sealed_session::Entries::new();
    /// entries.insert("theme", "dark")?;
    /// entries.insert("visits", &1)?;
    /// assert!(entries.names().eq(["theme", "visits"]));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.index.iter().map(|entry| self.name(entry))
    }

    /// The entries in the order of their text: each name, and its value as JSON text.
    ///
    /// ```
    /// # let mut entries = sealed_session::Entries::new();
    /// entries.insert("theme", "dark")?;
    /// let all: Vec<_> = entries.iter().collect();
    /// assert_eq!(all, [("theme".into(), "\"dark\"")]);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        self.members().map(|(entry, _, value)| (self.name(entry), value))
    }

    /// How many entries there are.
    ///
    /// ```
    /// # let mut entries = sealed_session::Entries::new();
    /// entries.insert("visits", &1)?;
    /// assert_eq!(entries.len(), 1);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are no entries.
    ///
    /// ```
    /// # let mut entries = sealed_session::Entries::new();
    /// assert!(entries.is_empty());
    /// # entries.insert("visits", &1)?;
    /// # assert!(!entries.is_empty());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The JSON text of an entry.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.find(name).map(|place| &self.json[self.index[place].value.clone()])
    }

    /// The text, and the range of the entry's value in it, so that it can be parsed without a lock.
    pub(crate) fn locate(&self, name: &str) -> Option<(Arc<WipedString>, Range<usize>)> {
        self.find(name).map(|place| (self.json.clone(), self.index[place].value.clone()))
    }

    /// All entries as one JSON object.
    pub(crate) fn json(&self) -> &Arc<WipedString> {
        &self.json
    }

    /// A copy of these entries with one added or replaced. The value is JSON text.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let room = self.json.len() + value.len();
        match self.find(name) {
            Some(place) => {
                let members = self
                    .members()
                    .enumerate()
                    .map(|(at, (_, name, old))| (name, if at == place { value } else { old }));
                Self::build(room, members)
            }
            None => {
                let name = quoted(name);
                let members = self.members().map(|(_, name, value)| (name, value));
                Self::build(room + name.len() + 2, members.chain([(&*name, value)]))
            }
        }
    }

    /// A copy of these entries without one. `None` if it does not exist.
    pub(crate) fn without(&self, name: &str) -> Option<Self> {
        let place = self.find(name)?;
        let members = self.members().enumerate().filter(|(at, _)| *at != place);
        let members = members.map(|(_, (_, name, value))| (name, value));
        Some(Self::build(self.json.len(), members))
    }

    /// The entries of a JSON object.
    pub(crate) fn parse(json: Arc<WipedString>) -> serde_json::Result<Self> {
        let index = members::scan(&json)?;
        Ok(Self { json, index })
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.index.iter().position(|entry| self.name(entry) == name)
    }

    /// Each entry with the text of its name, including the quotes, and of its value.
    fn members(&self) -> impl Iterator<Item = (&Member, &str, &str)> {
        let json = &self.json;
        self.index
            .iter()
            .map(|entry| (entry, &json[entry.name.clone()], &json[entry.value.clone()]))
    }

    fn name(&self, entry: &Member) -> Cow<'_, str> {
        members::name(&self.json, entry)
    }

    /// Entries from these quoted names and JSON values, which take at most `room` bytes.
    fn build<'m>(room: usize, members: impl Iterator<Item = (&'m str, &'m str)>) -> Self {
        let mut text = WipedString::with_capacity(room);
        let mut index = Vec::with_capacity(members.size_hint().1.unwrap_or(0));
        text.push_str("{");
        for (name, value) in members {
            if text.len() > 1 {
                text.push_str(",");
            }
            let start = text.len();
            text.push_str(name);
            let name_end = text.len();
            text.push_str(":");
            text.push_str(value);
            let escaped = name.contains('\\');
            index.push(Member { name: start..name_end, value: name_end + 1..text.len(), escaped });
        }
        text.push_str("}");
        Self { json: Arc::new(text), index }
    }
}

impl Default for Entries {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Entries {
    /// Whether both have the same names with the same values, in any order. Values are compared by
    /// their text.
    fn eq(&self, other: &Self) -> bool {
        members::say_the_same(&self.json, &other.json)
    }
}

/// A name and its value as JSON text.
impl<'e> IntoIterator for &'e Entries {
    type Item = (Cow<'e, str>, &'e str);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter().collect::<Vec<_>>().into_iter()
    }
}

impl<N: AsRef<str>> FromIterator<(N, serde_json::Value)> for Entries {
    /// If a name occurs several times, the last value counts. A value of more than 127 levels is left
    /// out, because it could not be read again.
    fn from_iter<I: IntoIterator<Item = (N, serde_json::Value)>>(entries: I) -> Self {
        let mut all = Self::new();
        for (name, value) in entries {
            // A value can always be serialized.
            let _ = all.insert(name.as_ref(), &value);
        }
        all
    }
}

impl fmt::Debug for Entries {
    /// Shows how many entries there are, but neither their names nor their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.json)
            .map_err(|_| serde::ser::Error::custom("entries are an object"))?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let json = WipedString::new(String::from(Box::<str>::from(text)));
        Self::parse(Arc::new(json)).map_err(|_| D::Error::custom("not an object of entries"))
    }
}

/// Whether a value can be read again: `serde_json` stops at 128 levels.
pub(crate) fn check_depth(value: &str) -> serde_json::Result<()> {
    let opens = |byte: &&u8| matches!(byte, b'[' | b'{');
    if value.as_bytes().iter().filter(opens).count() < MAX_DEPTH {
        return Ok(());
    }
    serde_json::from_str::<serde_json::Value>(value).map(drop)
}

fn quoted(name: &str) -> String {
    serde_json::to_string(name).expect("a string can always be serialized")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(json: &str) -> Entries {
        parse(json).unwrap()
    }

    fn parse(json: &str) -> serde_json::Result<Entries> {
        Entries::parse(Arc::new(WipedString::new(json.to_owned())))
    }

    #[test]
    fn a_write_copies_all_other_entries_unchanged() {
        let mut entries = entries(r#" { "a" : 1e400 , "b":[1, 2], "\u0063": "\ud800" } "#);
        entries.insert("d", true).unwrap();
        assert_eq!(&***entries.json(), r#"{"a":1e400,"b":[1, 2],"\u0063":"\ud800","d":true}"#);
        entries.insert("b", 0).unwrap();
        assert!(entries.remove("a"));
        assert_eq!(&***entries.json(), r#"{"b":0,"\u0063":"\ud800","d":true}"#);
        assert!(entries.contains("c"));
        assert_eq!(entries.get::<bool>("d").unwrap(), Some(true));
    }

    #[test]
    fn the_index_agrees_with_the_text_after_every_write() {
        let mut written = Entries::new();
        for (name, value) in [("a", "x"), ("ü\"\\\n", "y"), ("", "z"), ("a", "longer than before")]
        {
            written.insert(name, value).unwrap();
            assert_eq!(written.get::<String>(name).unwrap().as_deref(), Some(value));
            let read = entries(written.json());
            assert!(read.names().eq(written.names()));
        }
        assert_eq!(written.len(), 3);
        assert!(written.names().eq(["a", "ü\"\\\n", ""]));
        for name in ["a", "ü\"\\\n", ""] {
            assert!(written.remove(name));
            assert!(!written.remove(name));
        }
        assert!(written.is_empty());
        assert_eq!(&***written.json(), "{}");
    }

    #[test]
    fn a_write_allocates_exactly_the_computed_size() {
        // A text that has to grow leaves a copy behind that is not wiped.
        let room = |entries: &Entries| entries.json.capacity();
        let entries = entries(r#"{"a":1,"b":"old"}"#);
        let json = entries.json().len();
        let longer = "\"longer than all of the others are together\"";
        assert_eq!(room(&entries.with("b", longer)), json + longer.len());
        assert_eq!(room(&entries.with("c", longer)), json + longer.len() + "'c'".len() + 2);
        assert_eq!(room(&entries.without("b").unwrap()), json);
    }

    #[test]
    fn refuses_what_is_not_one_object_with_distinct_names() {
        for json in [
            "",
            "null",
            "1",
            "[]",
            "\"a\"",
            "{",
            "{}}",
            "{} {}",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            assert!(parse(json).is_err(), "{json}");
        }
        let many = |last: &str| {
            let members: Vec<_> = (0..40).map(|n| format!("\"k{n}\":{n}")).collect();
            parse(&format!("{{{},\"{last}\":0}}", members.join(",")))
        };
        assert!(many("k40").is_ok());
        assert!(many("k7").is_err());
    }

    #[test]
    fn can_be_serialized_and_deserialized() {
        let text = r#"{"a":1,"b":{"c":null}}"#;
        let read: Entries = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let value = serde_json::to_value(&read).unwrap();
        assert!(serde_json::from_value::<Entries>(value).is_ok());
        assert!(serde_json::from_str::<Entries>("[1]").is_err());
    }
}
