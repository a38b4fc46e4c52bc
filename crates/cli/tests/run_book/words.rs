//! Compares what the page says with what is printed: all times are later by the same number of days, and each
//! id of the page stands for one id.

use std::collections::HashMap;
use std::time::Duration;

use sealed_session::KeyFile;

/// What the ids in the page stand for, from where a directory begins.
#[derive(Default)]
pub(crate) struct Ids {
    meant: HashMap<String, String>,
    written: HashMap<String, String>,
}

impl Ids {
    /// A command of the page with the ids that were printed.
    pub(crate) fn in_command(&self, command: &str) -> String {
        replace_ids(command, |id| self.meant.get(id).cloned())
    }

    /// What was printed, with the page's ids as far as they are known.
    pub(crate) fn as_in_page(&self, printed: &str) -> String {
        replace_ids(printed, |id| self.written.get(id).cloned())
    }

    /// Whether two texts are the same, except that ids differ, and the same ids as before.
    pub(crate) fn agree(&mut self, page: &str, printed: &str) -> bool {
        let (mut written, mut meant) = (Vec::new(), Vec::new());
        let collect = |text: &str, ids: &mut Vec<String>| {
            replace_ids(text, |id| {
                ids.push(id.to_owned());
                Some("an id".to_owned())
            })
        };
        if collect(page, &mut written) != collect(printed, &mut meant) {
            return false;
        }
        written.into_iter().zip(meant).all(|(written, meant)| {
            let known = self.meant.entry(written.clone()).or_insert_with(|| meant.clone());
            *known == meant
                && *self.written.entry(meant).or_insert_with(|| written.clone()) == written
        })
    }
}

/// Ids of keys and fingerprints: words of eight hex digits.
fn replace_ids(text: &str, with: impl FnMut(&str) -> Option<String>) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric();
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    replace(text, with, |text, at| {
        let bytes = text.as_bytes();
        let begins = at == 0 || !is_word(bytes[at - 1]);
        let word = bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
        (begins && word == 8 && bytes[at..at + 8].iter().all(is_hex)).then_some(8)
    })
}

/// The same text so much later: `2026-11-02T09-00-00Z`, and with colons, and as people write it.
pub(crate) fn later(text: &str, by: Duration) -> String {
    replace_times(text, |name| name_at(name, |time| time + by))
}

pub(crate) fn earlier(text: &str, by: Duration) -> String {
    replace_times(text, |name| name_at(name, |time| time - by))
}

fn name_at(
    name: &str,
    change: impl FnOnce(std::time::SystemTime) -> std::time::SystemTime,
) -> Option<String> {
    KeyFile::time_of(name).map(|time| KeyFile::name_at(change(time)))
}

/// Hands each time over as the name of a key that seals from then on, whatever its form.
fn replace_times(text: &str, change: impl Fn(&str) -> Option<String>) -> String {
    const FORMS: [&str; 3] =
        ["0000-00-00T00-00-00Z", "0000-00-00T00:00:00Z", "0000-00-00 00:00:00 UTC"];
    let form_at = |text: &str, at: usize| {
        let has = |form: &&&str| {
            let part = text.as_bytes().get(at..at + form.len());
            part.is_some_and(|part| {
                part.iter().zip(form.bytes()).all(|(byte, form)| match form {
                    b'0' => byte.is_ascii_digit(),
                    form => *byte == form,
                })
            })
        };
        FORMS.iter().find(has).map(|form| form.len())
    };
    let change = |time: &str| {
        let name = format!("{}T{}Z.key", &time[..10], time[11..19].replace(':', "-"));
        let changed = change(&name)?;
        let colons = if time.contains(':') { ":" } else { "-" };
        let of_day = changed[11..19].replace('-', colons);
        Some(format!("{}{}{of_day}{}", &changed[..10], &time[10..11], &time[19..]))
    };
    replace(text, change, form_at)
}

/// Replaces what `len` finds to begin at a place.
fn replace(
    text: &str,
    mut with: impl FnMut(&str) -> Option<String>,
    len: impl Fn(&str, usize) -> Option<usize>,
) -> String {
    let mut new = String::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        match len(text, at) {
            Some(len) => {
                let found = &text[at..at + len];
                new.push_str(&with(found).unwrap_or_else(|| found.to_owned()));
                at += len;
            }
            None => {
                new.push(next);
                at += next.len_utf8();
            }
        }
    }
    new
}

#[test]
fn times_are_later_and_ids_are_paired() {
    let day = Duration::from_secs(24 * 60 * 60);
    let text = "2026-12-31T09-00-00Z.key 2026-12-31T09:00:00Z 2026-12-31 09:00:00 UTC (now)";
    let moved = "2027-01-01T09-00-00Z.key 2027-01-01T09:00:00Z 2027-01-01 09:00:00 UTC (now)";
    assert_eq!(later(text, day), moved);
    assert_eq!(earlier(moved, day), text);

    let mut ids = Ids::default();
    assert!(ids.agree("added aaaaaaaa, bbbbbbbb", "added 11111111, 22222222"));
    assert_eq!(ids.in_command("rm aaaaaaaa.revoked"), "rm 11111111.revoked");
    assert!(ids.agree("bbbbbbbb", "22222222"));
    assert!(!ids.agree("aaaaaaaa", "22222222"));
    assert!(!ids.agree("cccccccc", "22222222"));
    assert!(!ids.agree("removed dddddddd", "added 33333333"));
}
