//! Which names and passwords are accepted, and how passwords are stored: Argon2id with 19 MiB and two passes,
//! which is OWASP's recommendation and the crate's default.
//!
//! A site that is open to the public also refuses the passwords that everybody uses (OWASP ASVS 5.0,
//! 6.2.4), from a list that would be longer than this program.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};

use crate::accounts::AccountError;

/// OWASP ASVS 5.0, 6.2.1 and 6.2.9. In characters.
pub(crate) const SHORTEST: usize = 8;
pub(crate) const LONGEST: usize = 128;
/// In characters.
pub(crate) const LONGEST_NAME: usize = 32;

/// What is wrong with a name for a new account.
pub(crate) fn name_problem(name: &str) -> Option<&'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > LONGEST_NAME {
        Some("Choose a name of 1 to 32 characters.")
    } else if !name.chars().all(is_plain) {
        // Otherwise two names could look alike.
        Some("A name has only letters from a to z, digits, dots, hyphens and underscores.")
    } else {
        None
    }
}

/// What is wrong with a new password. Any characters are allowed, and none are required.
pub(crate) fn password_problem(name: &str, password: &str) -> Option<&'static str> {
    let length = password.chars().count();
    if length < SHORTEST {
        Some("A password has at least 8 characters. Three or four words are easy to remember.")
    } else if length > LONGEST {
        Some("A password has at most 128 characters.")
    } else if password.to_lowercase().contains(&name.to_lowercase())
        && length < 2 * name.len() + SHORTEST
    {
        Some("Your name is too large a part of this password.")
    } else {
        None
    }
}

/// What is stored of a password.
pub(crate) fn hash(password: &str) -> Result<String, AccountError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| error.to_string())?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    Ok(hash.map_err(|error| error.to_string())?.to_string())
}

/// Whether this password was hashed.
pub(crate) fn is_right(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}
