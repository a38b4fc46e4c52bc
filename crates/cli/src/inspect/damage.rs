//! Finds the one character by which a token was damaged, by trying all of them with the key in hand. So
//! “altered” can be told from “sealed with another key”.

/// How many bytes are opened at most, so that nobody waits: a fifth of a second.
pub(super) const BUDGET: usize = 24 << 20;

/// What happened to one character; its place counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// There is one too many.
    Extra(usize),
    /// It is missing.
    Missing(usize),
    /// It is another than it was.
    Changed(usize),
    /// It has changed places with the next.
    Swapped(usize),
}

/// Tries to repair a token of ASCII with the characters of `alphabet`. `budget` is how many bytes may
/// still be opened; it is zero afterwards if that was not enough to try everything.
pub(super) fn find(
    token: &str,
    alphabet: &[u8],
    budget: &mut usize,
    opens: impl Fn(&str) -> bool,
) -> Option<Damage> {
    let token = token.as_bytes();
    let len = token.len();
    let mut opens = |candidate: &[u8]| {
        let Some(left) = budget.checked_sub(candidate.len()) else {
            *budget = 0;
            return None;
        };
        *budget = left;
        Some(std::str::from_utf8(candidate).is_ok_and(&opens))
    };
    let mut candidate = Vec::with_capacity(len + 1);
    for at in (0..len).rev() {
        candidate.clear();
        candidate.extend_from_slice(&token[..at]);
        candidate.extend_from_slice(&token[at + 1..]);
        if opens(&candidate)? {
            return Some(Damage::Extra(at + 1));
        }
    }
    for at in 1..len {
        candidate.clear();
        candidate.extend_from_slice(token);
        candidate.swap(at - 1, at);
        if token[at - 1] != token[at] && opens(&candidate)? {
            return Some(Damage::Swapped(at));
        }
    }
    for at in (0..=len).rev() {
        candidate.clear();
        candidate.extend_from_slice(&token[..at]);
        candidate.push(0);
        candidate.extend_from_slice(&token[at..]);
        for character in alphabet {
            candidate[at] = *character;
            if opens(&candidate)? {
                return Some(Damage::Missing(at + 1));
            }
        }
    }
    candidate.clear();
    candidate.extend_from_slice(token);
    for at in (0..len).rev() {
        for character in alphabet.iter().filter(|character| **character != token[at]) {
            candidate[at] = *character;
            if opens(&candidate)? {
                return Some(Damage::Changed(at + 1));
            }
        }
        candidate[at] = token[at];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{BUDGET, Damage, find};

    #[test]
    fn finds_the_one_character() {
        let alphabet = b"abcdefghijklmnopqrstuvwxyz";
        let whole = "thequickbrownfox";
        let find = |token: &str| {
            find(token, alphabet, &mut BUDGET.clone(), |candidate| candidate == whole)
        };
        assert_eq!(find("thequickbrownfo"), Some(Damage::Missing(16)));
        assert_eq!(find("hequickbrownfox"), Some(Damage::Missing(1)));
        assert_eq!(find("thequickbrownfoxx"), Some(Damage::Extra(17)));
        assert_eq!(find("thequackbrownfox"), Some(Damage::Changed(6)));
        assert_eq!(find("thequcikbrownfox"), Some(Damage::Swapped(6)));
        assert_eq!(find("theslowbrownfox"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn gives_up_when_it_would_take_too_long() {
        let token = "a".repeat(500);
        let mut budget = BUDGET;
        assert_eq!(find(&token, b"ab", &mut budget, |_| false), None);
        assert_ne!(budget, 0);
        let alphabet: Vec<u8> = (b'0'..=b'z').collect();
        assert_eq!(find(&token, &alphabet, &mut budget, |_| false), None);
        assert_eq!(budget, 0);
    }
}
