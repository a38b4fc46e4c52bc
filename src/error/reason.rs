//! serde's reason why JSON does not fit a type, without the values that it quotes.

use serde_json::error::Category;

/// serde's words for a value that it found (`serde::de::Unexpected`).
const FOUND: [&str; 14] = [
    "boolean",
    "integer",
    "floating",
    "character",
    "string",
    "byte",
    "unit",
    "null",
    "Option",
    "newtype",
    "sequence",
    "map",
    "enum",
    "tuple",
];
/// serde's words for what its own implementations expect, alone or before a type's name.
const EXPECTED: [&str; 28] = [
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "f32",
    "f64",
    "a boolean",
    "a character",
    "a string",
    "a borrowed string",
    "a sequence",
    "a map",
    "option",
    "unit",
    "struct ",
    "tuple struct ",
    "unit struct ",
    "enum ",
    "a tuple of size ",
    "an array of length ",
];

/// serde's message without the values that it quotes: which field is missing, unknown or duplicate,
/// or which type was found and which was expected. `None` if the message has no known form, because
/// the data's own implementation may say anything and quote anything.
pub(crate) fn without_values(error: &serde_json::Error) -> Option<String> {
    if error.classify() != Category::Data {
        return Some(error.to_string());
    }
    let message = error.to_string();
    // The position is appended last.
    let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
    if message.starts_with("data did not match any variant of untagged enum ") {
        return Some("no variant of an untagged enum fits".to_owned());
    }
    if message.starts_with("unknown variant `") {
        return Some("unknown variant".to_owned());
    }
    if message.starts_with("invalid length ") {
        return Some("invalid length".to_owned());
    }
    for problem in ["missing field", "duplicate field", "unknown field"] {
        let Some(rest) = message.strip_prefix(problem).and_then(|rest| rest.strip_prefix(" `"))
        else {
            continue;
        };
        let field = rest.split('`').next().filter(|field| is_name(field));
        return Some(field.map_or(problem.to_owned(), |field| format!("{problem} `{field}`")));
    }
    // `invalid type: string "a value", expected u32`. The value can contain any text, so the search
    // for the expected type starts from the end.
    let problem = ["invalid type", "invalid value"];
    let problem = problem.into_iter().find(|problem| message.starts_with(problem))?;
    let rest = message[problem.len()..].strip_prefix(": ")?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let found = found.split([' ', '`']).next().filter(|word| FOUND.contains(word));
    let found = found.map_or(String::new(), |found| format!(": {found}"));
    let expected = EXPECTED
        .iter()
        .filter_map(|known| Some((known, expected.strip_prefix(known)?)))
        .any(|(known, name)| name.is_empty() || known.ends_with(' ') && is_name(name))
        .then(|| format!(", expected {expected}"));
    Some(format!("{problem}{found}{}", expected.unwrap_or_default()))
}

/// Whether a text is the name of a field or a type, as Rust and JSON programs write them.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$'))
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read by serde alone")]
    struct Login {
        user_id: u64,
        role: Option<Role>,
        pair: Option<(u8, u8)>,
    }

    #[derive(serde::Deserialize, Debug)]
    enum Role {
        Admin,
        User,
    }

    #[track_caller]
    fn says(json: &str, expected: &str) {
        let error = serde_json::from_str::<Login>(json).unwrap_err();
        let reason = without_values(&error).unwrap();
        assert_eq!(reason, expected, "{json}");
    }

    #[test]
    fn names_the_field_or_the_type_and_no_value() {
        says("{}", "missing field `user_id`");
        says(r#"{"user_id":1,"user_id":2}"#, "duplicate field `user_id`");
        says(r#"{"user_id":1,"age":"secret"}"#, "unknown field `age`");
        says(r#"{"user_id":1,"a secret":1}"#, "unknown field");
        says(r#"{"user_id":"secret"}"#, "invalid type: string, expected u64");
        says(r#"{"user_id":"secret, expected secret"}"#, "invalid type: string, expected u64");
        says(r#"{"user_id":"secret at line 1"}"#, "invalid type: string, expected u64");
        says(r#"{"user_id":-7}"#, "invalid value: integer, expected u64");
        says(r#"{"user_id":1,"role":"secret"}"#, "unknown variant");
        says(r#"{"user_id":1,"pair":[1]}"#, "invalid length");
        says("[\"secret\"]", "invalid type: string, expected u64");
        says("7", "invalid type: integer, expected struct Login");
    }

    #[test]
    fn leaves_out_what_the_data_itself_says() {
        use serde::de::{Error, Unexpected};
        let said = |error: &serde_json::Error| without_values(error).unwrap_or_default();
        assert_eq!(said(&Error::custom("no such user: secret")), "");
        let error = Error::invalid_value(Unexpected::Other("secret"), &"an address");
        assert_eq!(said(&error), "invalid value");
        let error = Error::invalid_value(Unexpected::Str("secret"), &"a secret address");
        assert_eq!(said(&error), "invalid value: string");
        for expected in ["u64secret", "struct with a secret"] {
            let error = Error::invalid_value(Unexpected::Str("secret"), &expected);
            assert_eq!(said(&error), "invalid value: string", "{expected}");
        }
        assert_eq!(said(&Error::custom("missing field `not a secret`")), "missing field");
        assert_eq!(said(&Error::custom("missing field: secret")), "");
    }
}
