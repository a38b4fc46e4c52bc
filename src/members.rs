//! Where the members of a JSON object stand in its text: one scan, nothing copied, nothing parsed.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Where a member stands: its name with the quotes, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
    /// Whether the name has escapes in it, so that its text is not yet the name.
    pub(crate) escaped: bool,
}

/// The members of the object that `json` is, in the order of the text. They are checked for being
/// JSON and not otherwise: a number too large for any type and half a surrogate pair pass.
///
/// Two members of one name are refused, as serde refuses two fields of one name: whoever reads the
/// first and whoever reads the last would see different sessions.
pub(crate) fn scan(json: &str) -> serde_json::Result<Vec<Member>> {
    let members = scan_all(json)?;
    refuse_duplicates(json, &members)?;
    Ok(members)
}

/// As [`scan`], but two members of one name pass.
pub(crate) fn scan_all(json: &str) -> serde_json::Result<Vec<Member>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let members = deserializer.deserialize_map(Scan(json))?;
    deserializer.end()?;
    Ok(members)
}

/// A member's name. One that is not Unicode (half a surrogate pair, which JavaScript can write) is
/// known by its JSON spelling, with the quotes.
pub(crate) fn name<'j>(json: &'j str, member: &Member) -> Cow<'j, str> {
    let quoted = &json[member.name.clone()];
    let plain = &quoted[1..quoted.len() - 1];
    if !member.escaped {
        return Cow::Borrowed(plain);
    }
    serde_json::from_str(quoted).map_or(Cow::Borrowed(quoted), Cow::Owned)
}

/// Whether two JSON texts say the same: the members of an object may stand in another order.
///
/// Values are compared by their text. To parse them would take two large numbers for one.
#[cfg(feature = "tower")]
pub(crate) fn say_the_same(one: &str, two: &str) -> bool {
    /// A hash map further down is taken for changed, which costs a cookie and no more.
    const MAX_DEPTH: usize = 16;
    same_to(MAX_DEPTH, one, two)
}

#[cfg(feature = "tower")]
fn same_to(depth: usize, one: &str, two: &str) -> bool {
    if one == two {
        return true;
    }
    // Another order has the same bytes; asking that first spares most writes the scan.
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
#[cfg(feature = "tower")]
fn by_name<'j>(json: &'j str, members: &[Member]) -> impl Iterator<Item = (Cow<'j, str>, &'j str)> {
    let named = members.iter().map(|member| (name(json, member), &json[member.value.clone()]));
    let mut named: Vec<_> = named.collect();
    named.sort_unstable();
    named.into_iter()
}

fn refuse_duplicates(json: &str, members: &[Member]) -> serde_json::Result<()> {
    // Comparing each with each is quicker for a few, and too slow for many.
    let mut names = std::collections::HashSet::new();
    let few = members.len() <= 16;
    for (place, member) in members.iter().enumerate() {
        let name_of = |member| name(json, member);
        let known = if few {
            members[..place].iter().any(|earlier| name_of(earlier) == name_of(member))
        } else {
            !names.insert(name_of(member))
        };
        if known {
            return Err(serde_json::Error::custom("two members of one name"));
        }
    }
    Ok(())
}

struct Scan<'j>(&'j str);

impl<'j> Visitor<'j> for Scan<'j> {
    type Value = Vec<Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut object: A) -> Result<Vec<Member>, A::Error> {
        // The parts are slices of the text, so their addresses say where in it they stand.
        let base = self.0.as_ptr() as usize;
        let range = |part: &'j RawValue| {
            let start = part.get().as_ptr() as usize - base;
            start..start + part.get().len()
        };
        let mut members = Vec::new();
        while let Some(name) = object.next_key::<&RawValue>()? {
            let value = object.next_value::<&RawValue>()?;
            let escaped = memchr::memchr(b'\\', name.get().as_bytes()).is_some();
            members.push(Member { name: range(name), value: range(value), escaped });
        }
        Ok(members)
    }
}

#[cfg(test)]
#[cfg(feature = "tower")]
mod tests {
    use super::say_the_same;

    #[test]
    fn another_order_of_members_says_the_same() {
        for (one, two) in [
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
            (r#"{"x":[{"a":1,"b":2}]}"#, r#"{"x":[{"b":2,"a":1}]}"#),
            (r#"{"a":{"b":1,"c":{}}}"#, r#"{"a":{"c":{},"b":1}}"#),
        ] {
            assert!(say_the_same(one, two), "{one} {two}");
        }
    }

    #[test]
    fn other_values_with_the_same_bytes_do_not() {
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
}
