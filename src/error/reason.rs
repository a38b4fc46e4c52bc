//! What serde says about JSON that does not fit a type, without the values that it quotes.

use serde_json::error::Category;

/// serde's message, if it is one of those whose form is known: which field is missing, unknown or
/// there twice, or which type was found and which was expected.
///
/// A message of the data's own implementation may quote anything, so it is left out.
pub(crate) fn without_values(error: &serde_json::Error) -> Option<String> {
    if error.classify() != Category::Data {
        return Some(error.to_string());
    }
    let message = error.to_string();
    let (message, place) = match message.rfind(" at line ") {
        Some(at) => message.split_at(at),
        None => (&*message, ""),
    };
    if ["missing field `", "duplicate field `", "unknown field `", "data did not match any variant"]
        .iter()
        .any(|known| message.starts_with(known))
    {
        return Some(format!("{message}{place}"));
    }
    // `invalid type: string "a value", expected u32`. The value can hold any text, so what was
    // expected is looked for from the end.
    let (kind, rest) = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "]
        .iter()
        .find_map(|known| {
            Some((known.trim_end_matches([':', ' ']), message.strip_prefix(known)?))
        })?;
    let expected = &rest[rest.rfind(", expected ")?..];
    let found = match kind {
        "invalid type" | "invalid value" => rest.split([' ', '`', ',']).next().unwrap_or(""),
        _ => "",
    };
    let colon = if found.is_empty() { "" } else { ": " };
    Some(format!("{kind}{colon}{found}{expected}{place}"))
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
        assert!(reason.starts_with(expected), "{json}: {reason}");
        assert!(!reason.contains("secret"), "{json}: {reason}");
    }

    #[test]
    fn names_the_field_or_the_type_and_no_value() {
        says("{}", "missing field `user_id`");
        says(r#"{"user_id":1,"user_id":2}"#, "duplicate field `user_id`");
        says(r#"{"user_id":1,"age":"secret"}"#, "unknown field `age`, expected one of");
        says(r#"{"user_id":"secret"}"#, "invalid type: string, expected u64 at line 1");
        says(r#"{"user_id":"secret, expected secret"}"#, "invalid type: string, expected u64");
        says(r#"{"user_id":"secret at line 1"}"#, "invalid type: string, expected u64");
        says(r#"{"user_id":-7}"#, "invalid value: integer, expected u64");
        says(r#"{"user_id":1,"role":"secret"}"#, "unknown variant, expected `Admin` or `User`");
        says(r#"{"user_id":1,"pair":[1]}"#, "invalid length, expected a tuple of size 2");
        says("[\"secret\"]", "invalid type: string, expected u64");
    }

    #[test]
    fn leaves_out_what_the_data_itself_says() {
        let error = <serde_json::Error as serde::de::Error>::custom("no such user: secret");
        assert_eq!(without_values(&error), None);
    }
}
