//! Recognizes the cookies of other libraries by their look.

use super::text::{is_base64, is_url_safe, percent_decoded};

/// What a value is, if it is known and not ours: the end of “it looks like …”.
pub(super) fn recognize(value: &str) -> Option<&'static str> {
    let decoded = percent_decoded(value);
    let value = decoded.as_deref().unwrap_or(value);
    let is_all = |text: &str, what: fn(u8) -> bool| !text.is_empty() && text.bytes().all(what);
    let dots = value.matches('.').count();
    let begins: [(&str, &str); 13] = [
        ("Fe26.", "a sealed cookie of hapi's iron (iron-session)"),
        ("CfDJ8", "a cookie of ASP.NET Core's data protection"),
        ("v2.local.", "a PASETO token"),
        ("v3.local.", "a PASETO token"),
        ("v4.local.", "a PASETO token"),
        ("v4.public.", "a PASETO token"),
        ("gAAAAA", "a Fernet token (Python's cryptography)"),
        ("eyJpdiI6", "an encrypted cookie of Laravel"),
        ("sealed-session", "the name of this library and not a token"),
        ("s:", "the id of an express-session, signed"),
        ("j:", "a JSON cookie of Express"),
        ("$2", "a password's hash (bcrypt)"),
        ("$argon2", "a password's hash (Argon2)"),
    ];
    if let Some((_, what)) = begins.iter().find(|(prefix, _)| value.starts_with(prefix)) {
        return Some(what);
    }
    let json_header = ["eyJhbGci", "eyJ0eXAi", "eyJraWQi", "eyJlbmMi", "eyJjdHki"];
    if json_header.iter().any(|prefix| value.starts_with(prefix)) {
        match dots {
            2 => return Some("a JSON Web Token (JWT, signed)"),
            4 => return Some("an encrypted JSON Web Token (JWE), as Auth.js uses"),
            _ => {}
        }
    }
    let parts: Vec<&str> = value.split('.').collect();
    if let [payload, time, signature] = parts[..]
        && is_all(payload, is_url_safe)
        && (5..=8).contains(&time.len())
        && (27..=43).contains(&signature.len())
    {
        return Some("a signed session of Flask (itsdangerous)");
    }
    if let [payload, _, signature] = value.split(':').collect::<Vec<_>>()[..]
        && is_all(payload.trim_start_matches('.'), is_url_safe)
        && (27..=64).contains(&signature.len())
    {
        return Some("a signed cookie of Django");
    }
    if let Some((payload, digest)) = value.rsplit_once("--") {
        let is_payload = |text: &str| is_all(text, |b| is_base64(b) || matches!(b, b'=' | b'-'));
        if matches!(digest.len(), 40 | 64) && is_all(digest, |b| b.is_ascii_hexdigit()) {
            return Some("a signed cookie of Rails");
        }
        if payload.contains("--") && is_payload(payload) && digest.ends_with("==") {
            return Some("an encrypted cookie of Rails");
        }
    }
    let bytes = value.as_bytes();
    if bytes.len() > 44 && bytes[43] == b'=' && is_all(&value[..43], is_base64) && bytes[44] != b'='
    {
        return Some("a signed cookie of Rust's cookie crate (SignedCookieJar, tower-cookies)");
    }
    if is_all(value, |b| b.is_ascii_hexdigit()) {
        return Some(match value.len() {
            26 | 32 | 40 | 64 | 96 | 128 => {
                "the random id of a session that a server keeps, in hex"
            }
            _ => "a number in hex",
        });
    }
    let is_uuid = value.len() == 36
        && [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-')
        && is_all(value, |b| b.is_ascii_hexdigit() || b == b'-');
    if is_uuid {
        return Some("a UUID, the id of a session that a server keeps");
    }
    if value.len() == 22 && is_all(value, is_url_safe) {
        return Some("the id of a session that a server keeps (tower-sessions and others)");
    }
    if value.starts_with(['{', '[']) {
        return Some("JSON that nothing protects");
    }
    let padded = value.trim_end_matches('=');
    let is_standard = value.contains(['+', '/']) || padded.len() < value.len();
    if is_standard
        && value.len() >= 40
        && value.len().is_multiple_of(4)
        && is_all(padded, is_base64)
    {
        return Some("a private cookie of Rust's cookie crate (PrivateCookieJar, tower-cookies)");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::recognize;

    #[test]
    fn knows_other_libraries() {
        let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P";
        let signed = format!("{}=user", "A".repeat(43));
        for (value, words) in [
            (jwt, "JWT"),
            ("Fe26.2**0cdd607945dd1dffb7da0b0bf5f1a7daa6218cbae14cac51dcbd91fb077aeb5b*a", "iron"),
            ("s%3AaBcDeFgH.sig", "express"),
            ("CfDJ8Nq1", "ASP.NET"),
            ("eyJpdiI6IkFB", "Laravel"),
            ("YWJj--MTIzNDU2Nzg5MDEy--MTIzNDU2Nzg5MDEyMzQ1Ng%3D%3D", "Rails"),
            ("BAh7--0123456789012345678901234567890123456789", "Rails"),
            ("eyJfaWQiOjF9.ZTk3aw.abcdefghijklmnopqrstuvwxyz0", "Flask"),
            (signed.as_str(), "cookie crate"),
            ("0123456789abcdef0123456789abcdef", "random id"),
            ("123e4567-e89b-12d3-a456-426614174000", "UUID"),
            ("kY3r-Zx_9QwErTyUiOpAsA", "tower-sessions"),
            ("%7B%22a%22%3A1%7D", "JSON"),
        ] {
            assert!(recognize(value).is_some_and(|what| what.contains(words)), "{value}");
        }
    }

    #[test]
    fn takes_no_token_of_ours_for_another() {
        let native = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBzcKc-1bQgMo8jnwDOtg5X550cgYaGko68Rttb0KH1WAOjZJnm75Mv3vnhHJ670hME75-JhWBUg";
        let node = "5FJpIeb+eJ3NQkB9oIitRfLJHYFas9zeBXT2HoXqvx68oQjDVft50h4=;AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
        for token in [native, node] {
            assert_eq!(recognize(token), None);
        }
    }
}
