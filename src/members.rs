//! Finds the members of a JSON object in its text: one scan, which copies and parses nothing.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use serde_json::value::RawValue;

/// The position of a member in the text: its name, including the quotes, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
    /// Whether the name has escapes, so that its text has to be unescaped.
    pub(crate) escaped: bool,
}

/// The members of the JSON object `json`, in the order of the text. They must be valid JSON. Nothing
/// else is checked: a number too large for any type passes, and so does half a surrogate pair.
///
/// Two members of one name are refused, as serde refuses two fields of one name. Otherwise a reader
/// of the first and a reader of the last would see different sessions.
pub(crate) fn scan(json: &str) -> serde_json::Result<Vec<Member>> {
    let members = scan_all(json)?;
    refuse_duplicates(json, &members)?;
    Ok(members)
}

/// Like [`scan`], but two members of one name pass.
pub(crate) fn scan_all(json: &str) -> serde_json::Result<Vec<Member>> {
    // Nearly every name is written without escapes. Then it is faster to let serde_json borrow it from
    // the input as text than as a raw value.
    scan_names::<&str>(json).or_else(|_| scan_names::<&RawValue>(json))
}

fn scan_names<'j, N: Name<'j>>(json: &'j str) -> serde_json::Result<Vec<Member>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let members = deserializer.deserialize_map(Scan::<N>(json, PhantomData))?;
    deserializer.end()?;
    Ok(members)
}

/// A member's name. If it is not Unicode (half a surrogate pair, which JavaScript can write), it is
/// the name's JSON text, including the quotes.
pub(crate) fn name<'j>(json: &'j str, member: &Member) -> Cow<'j, str> {
    let quoted = &json[member.name.clone()];
    let plain = &quoted[1..quoted.len() - 1];
    if !member.escaped {
        return Cow::Borrowed(plain);
    }
    serde_json::from_str(quoted).map_or(Cow::Borrowed(quoted), Cow::Owned)
}

/// Whether two JSON texts have the same content. The members of an object may be in another order.
///
/// Values are compared by their text. To parse them would take two large numbers for one.
pub(crate) fn say_the_same(one: &str, two: &str) -> bool {
    /// Deeper reorderings count as changes. The only cost is one extra `Set-Cookie`.
    const MAX_DEPTH: usize = 16;
    same_to(MAX_DEPTH, one, two)
}

fn same_to(depth: usize, one: &str, two: &str) -> bool {
    if one == two {
        return true;
    }
    // Another order has the same bytes. A cheap byte sum rules out most changes without a scan.
    let sum = |text: &str| text.bytes().fold(0, u8::wrapping_add);
    if depth == 0 || one.len() != two.len() || sum(one) != sum(two) {
        return false;
    }
    if let (Ok(ours), Ok(theirs)) = (scan(one), scan(two)) {
        return ours.len() == theirs.len()
            && by_name(one, &ours)
                .zip(by_name(two, &theirs))
                .all(|(our, their)| our.0 == their.0 && same_to(depth - 1, our.1, their.1));
    }
    let values = |json| serde_json::from_str::<Vec<&RawValue>>(json);
    match (values(one), values(two)) {
        (Ok(ours), Ok(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs)
                    .all(|(our, their)| same_to(depth - 1, our.get(), their.get()))
        }
        _ => false,
    }
}

/// The names and values of members, in the order of the names.
fn by_name<'j>(json: &'j str, members: &[Member]) -> impl Iterator<Item = (Cow<'j, str>, &'j str)> {
    let named = members.iter().map(|member| (name(json, member), &json[member.value.clone()]));
    let mut named: Vec<_> = named.collect();
    named.sort_unstable();
    named.into_iter()
}

fn refuse_duplicates(json: &str, members: &[Member]) -> serde_json::Result<()> {
    // Comparing all pairs is faster for a few members, and too slow for many.
    let few = members.len() <= 16;
    let unique = if few && !members.iter().any(|member| member.escaped) {
        let text = |member: &Member| &json.as_bytes()[member.name.clone()];
        members.iter().enumerate().all(|(place, member)| {
            let name = text(member);
            members[..place].iter().all(|earlier| text(earlier) != name)
        })
    } else {
        let mut names = HashSet::with_capacity(members.len());
        members.iter().all(|member| names.insert(name(json, member)))
    };
    if unique { Ok(()) } else { Err(serde_json::Error::custom("two members of one name")) }
}

/// A member's name as `serde_json` hands it out.
trait Name<'j>: Deserialize<'j> {
    /// Its range, including the quotes, in the text that begins at `base`.
    fn place(&self, base: usize) -> Range<usize>;

    /// Whether its text has to be unescaped.
    fn is_escaped(&self) -> bool;
}

/// Names without escapes. Other names are an error.
impl<'j> Name<'j> for &'j str {
    fn place(&self, base: usize) -> Range<usize> {
        let start = self.as_ptr() as usize - base;
        start - 1..start + self.len() + 1
    }

    fn is_escaped(&self) -> bool {
        false
    }
}

impl<'j> Name<'j> for &'j RawValue {
    fn place(&self, base: usize) -> Range<usize> {
        place(self.get(), base)
    }

    fn is_escaped(&self) -> bool {
        memchr::memchr(b'\\', self.get().as_bytes()).is_some()
    }
}

struct Scan<'j, N>(&'j str, PhantomData<N>);

impl<'j, N: Name<'j>> Visitor<'j> for Scan<'j, N> {
    type Value = Vec<Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut object: A) -> Result<Vec<Member>, A::Error> {
        let base = self.0.as_ptr() as usize;
        let mut members = Vec::with_capacity(8);
        while let Some(name) = object.next_key::<N>()? {
            let value = place(object.next_value::<&RawValue>()?.get(), base);
            members.push(Member { name: name.place(base), value, escaped: name.is_escaped() });
        }
        Ok(members)
    }
}

/// The range of a slice in the text that begins at `base`.
fn place(part: &str, base: usize) -> Range<usize> {
    let start = part.as_ptr() as usize - base;
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::{say_the_same, scan};

    #[test]
    fn an_error_says_what_was_expected() {
        for json in ["[]", "1", "null"] {
            let error = scan(json).unwrap_err().to_string();
            assert!(error.contains("expected an object"), "{json}: {error}");
        }
    }

    #[test]
    fn another_order_of_members_has_the_same_content() {
        for (one, two) in [
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
            (r#"{"x":[{"a":1,"b":2}]}"#, r#"{"x":[{"b":2,"a":1}]}"#),
            (r#"{"a":{"b":1,"c":{}}}"#, r#"{"a":{"c":{},"b":1}}"#),
        ] {
            assert!(say_the_same(one, two), "{one} {two}");
        }
    }

    #[test]
    fn other_values_with_the_same_bytes_have_other_content() {
        for (one, two) in [
            (r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#),
            (r#"{"n":100000000000000000012}"#, r#"{"n":100000000000000000021}"#),
            ("[1,2]", "[2,1]"),
            (r#"["ab"]"#, r#"["ba"]"#),
            (r#"{"a":[]}"#, r#"[{}"a":]"#),
            ("12", "21"),
        ] {
            assert!(!say_the_same(one, two), "{one} {two}");
        }
    }

    #[test]
    fn white_space_does_not_replace_missing_members() {
        // Both have the same length and the same byte sum.
        for (one, two) in
            [("{\"a\":1,\"b\":2}", "{\"a\":1\t\t\t\t\r\r}"), ("[1,\"bb2\"]", "[1  \n\n\t\t]")]
        {
            let sum = |text: &str| text.bytes().fold(0, u8::wrapping_add);
            assert_eq!((one.len(), sum(one)), (two.len(), sum(two)));
            assert!(!say_the_same(one, two), "{one} {two}");
            assert!(!say_the_same(two, one), "{two} {one}");
        }
    }

    #[test]
    fn another_order_deep_down_counts_as_a_change() {
        let (one, two) = (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#);
        for (open, close) in [("[", "]"), (r#"{"in":"#, "}")] {
            let within =
                |depth: usize, json| format!("{}{json}{}", open.repeat(depth), close.repeat(depth));
            assert!(say_the_same(&within(15, one), &within(15, two)));
            assert!(!say_the_same(&within(16, one), &within(16, two)));
            assert!(!say_the_same(&within(100, one), &within(100, two)));
            assert!(say_the_same(&within(100, one), &within(100, one)));
        }
    }
}
