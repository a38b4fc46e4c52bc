//! Decides what is the matter with each cookie.

use std::collections::HashSet;
use std::time::SystemTime;

use super::choose::{self, USUAL_NAME};
use super::forms::{is_placeholder, native_form, node_form};
use super::open::{self, Lock, Opened, Refused};
use super::pasted::{Cookie, Pasted};
use super::report::{Finding, Report};
use super::secrets::KnownKey;
use super::text::{can_end, is_url_safe, percent_decoded};
use super::verdict::{Cut, Rewritten, Verdict};
use super::{Args, LONGEST_COOKIE, SHORTEST_TOKEN};
use super::{accepted, attributes, contents, damage, foreign};

/// Where logs, columns and terminals cut texts off.
const LIMITS: [usize; 8] = [255, 256, 511, 512, 1023, 1024, 2047, 2048];

const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const STANDARD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

/// What is known when one cookie is looked at.
struct Examination<'a> {
    args: &'a Args,
    keys: &'a [KnownKey],
    pasted: &'a Pasted,
    now: SystemTime,
    /// How many bytes may be opened to find what damaged it.
    budget: usize,
}

pub(super) fn examine(args: &Args, keys: &[KnownKey], pasted: &Pasted, now: SystemTime) -> Report {
    let chosen = choose::choose(&args.name, &pasted.cookies);
    let budget = damage::BUDGET / chosen.len().max(1);
    let examination = Examination { args, keys, pasted, now, budget };
    let findings = chosen.iter().map(|cookie| examination.finding(cookie)).collect();
    let mut known = HashSet::new();
    let others = pasted
        .cookies
        .iter()
        .filter(|cookie| !chosen.iter().any(|chosen| std::ptr::eq(*chosen, *cookie)))
        .filter_map(|cookie| cookie.name.clone())
        .filter(|name| known.insert(name.clone()))
        .collect();
    Report { findings, others, asked: args.name.clone(), show_data: args.data, now }
}

impl Examination<'_> {
    fn finding(&self, cookie: &Cookie) -> Finding {
        let name = cookie.name.clone();
        let size = name.as_deref().map_or(0, str::len) + cookie.value.len();
        let mut finding = Finding {
            characters: cookie.value.len(),
            size,
            verdict: Verdict::Removal,
            warnings: Vec::new(),
            contents: None,
            attributes: cookie.attributes.clone(),
            refused_by_browser: Vec::new(),
            tried_keys: self.keys.iter().map(|key| (key.id(), key.source.clone())).collect(),
            tried_names: Vec::new(),
            removed: cookie.removed.clone(),
            name,
        };
        finding.verdict = self.verdict(cookie, &mut finding);
        if let (Some(name), Some(attributes)) = (&finding.name, &finding.attributes) {
            let judgement = attributes::judge(name, size, attributes, self.now);
            finding.refused_by_browser = judgement.refused;
            finding.warnings.extend(judgement.doubtful);
            if judgement.removes && !cookie.value.is_empty() {
                finding
                    .warnings
                    .push("this line tells the browser to remove the cookie".to_owned());
            }
        }
        finding
    }

    fn verdict(&self, cookie: &Cookie, finding: &mut Finding) -> Verdict {
        let value = cookie.value.as_str();
        if value.is_empty() {
            return Verdict::Removal;
        }
        if value.contains(['…', '*', '•', '█']) && !value.starts_with("Fe26.")
            || is_placeholder(value)
        {
            let shortened = value.contains('…');
            return if shortened { Verdict::Shortened } else { Verdict::Hidden };
        }
        if value.contains("...") {
            return Verdict::Shortened;
        }
        if let Some(token) = node_form(value) {
            return self.node(&token, value, finding);
        }
        self.native(cookie, value, finding)
    }

    fn native(&self, cookie: &Cookie, value: &str, finding: &mut Finding) -> Verdict {
        let names = choose::names(cookie, &self.args.name, self.pasted);
        finding.tried_names.clone_from(&names);
        let locks = open::native_locks(self.keys, &names);
        let (form, changes) = native_form(value);
        let (refused, fitting) = match open::open(&locks, value) {
            Ok(opened) => return self.opened(cookie, value, &opened, &[], finding),
            Err(refused) if changes.is_empty() => refused,
            Err(_) => match open::open(&locks, &form) {
                Ok(opened) => return self.opened(cookie, &form, &opened, &changes, finding),
                Err(refused) => refused,
            },
        };
        if let Some((key, name)) = fitting {
            let (id, source) = (key.id(), key.source.clone());
            return match refused {
                Refused::Version => Verdict::UnsupportedVersion { id, source, name },
                _ => Verdict::UnreadableContent { id, source, name },
            };
        }
        if let Some(cut) = self.cut_by_terminal() {
            return Verdict::CutOff { characters: value.len(), cut };
        }
        let name_len = cookie.name.as_deref().unwrap_or(USUAL_NAME).len();
        if value.len() + name_len > LONGEST_COOKIE {
            return Verdict::TooLong { size: value.len() + name_len };
        }
        if let Some(what) = foreign::recognize(value) {
            return Verdict::OtherLibrary { what };
        }
        let unfit = not_a_token(&form);
        // Text around a cookie has slashes too.
        let is_text = matches!(unfit, Some(Verdict::BadCharacter { found, .. }) if found != '%' && found != '=');
        if changes.contains(&Rewritten::Alphabet) && !is_text {
            // The alphabet of Node's cookies. Its semicolon is missing.
            return Verdict::NodeMalformed;
        }
        unfit.unwrap_or_else(|| self.unopened(&locks, &form, value.len(), name_len))
    }

    /// What is said of a text that has the form of a native token, or of a part of one.
    fn unopened(&self, locks: &[Lock<'_>], form: &str, value: usize, name: usize) -> Verdict {
        if form.len() < SHORTEST_TOKEN {
            return Verdict::TooShort { characters: form.len(), shortest: SHORTEST_TOKEN };
        }
        let searched = match damaged(locks, form, URL_SAFE, self.budget) {
            Ok(verdict) => return verdict,
            Err(searched) => searched,
        };
        if let Some(cut) = self.known_limit(value, name) {
            return Verdict::CutOff { characters: value, cut };
        }
        if !can_end(form) {
            return Verdict::CutOff { characters: value, cut: Cut::Impossible };
        }
        if self.keys.is_empty() {
            Verdict::NoKeys { node: false }
        } else {
            Verdict::NoMatchingKey { whole: searched.all }
        }
    }

    fn node(&self, token: &str, value: &str, finding: &mut Finding) -> Verdict {
        let locks = open::node_locks(self.keys);
        let encoded_twice = value.contains("%25");
        let refused = match open::open_node(&locks, self.keys, token) {
            Ok(opened) => {
                let changes = if encoded_twice { &[Rewritten::Percent][..] } else { &[] };
                return self.opened(&Cookie::default(), token, &opened, changes, finding);
            }
            Err((refused, fitting)) => {
                if let Some((key, name)) = fitting {
                    let (id, source) = (key.id(), key.source.clone());
                    return Verdict::UnreadableContent { id, source, name };
                }
                refused
            }
        };
        if let Some(cut) = self.cut_by_terminal() {
            return Verdict::CutOff { characters: value.len(), cut };
        }
        let plain = percent_decoded(token).unwrap_or_else(|| token.to_owned());
        let searched = match damaged(&locks, &plain, STANDARD, self.budget) {
            Ok(verdict) => return verdict,
            Err(searched) => searched,
        };
        if self.keys.is_empty() {
            return Verdict::NoKeys { node: true };
        }
        if refused == Refused::Malformed {
            return Verdict::NodeMalformed;
        }
        if !self.keys.iter().any(|key| key.is_nodes) {
            return Verdict::NodeKeyMissing;
        }
        Verdict::NoMatchingKey { whole: searched.all }
    }

    /// Whether a terminal has dropped the end of the line.
    fn cut_by_terminal(&self) -> Option<Cut> {
        let Pasted { longest_line, from_terminal, .. } = *self.pasted;
        // The line ending may count.
        let full = [1023, 1024, 4095, 4096].contains(&longest_line);
        (from_terminal && full).then_some(Cut::Terminal { line: longest_line })
    }

    /// Whether something cuts texts off at just this length.
    fn known_limit(&self, value: usize, name: usize) -> Option<Cut> {
        let with_name = value + name;
        if with_name == LONGEST_COOKIE || with_name + 1 == LONGEST_COOKIE {
            return Some(Cut::Browser);
        }
        let limit =
            [value, self.pasted.longest_line].into_iter().find(|length| LIMITS.contains(length));
        limit.map(|length| Cut::Limit { length })
    }

    /// What is said of an authentic token.
    fn opened(
        &self,
        cookie: &Cookie,
        token: &str,
        opened: &Opened<'_>,
        changes: &[Rewritten],
        finding: &mut Finding,
    ) -> Verdict {
        let contents = contents::contents(self.args, token, opened);
        let mut verdicts = accepted::verdicts(cookie, opened, &contents, changes, self.now);
        finding.warnings.extend(accepted::notes(opened, changes));
        finding.contents = Some(contents);
        // The first is the reason. What else a server would refuse it for is said as well.
        verdicts.sort_by_key(Verdict::is_good);
        let mut verdicts = verdicts.into_iter();
        let verdict = verdicts.next().unwrap_or(Verdict::NodeUndated);
        let also = verdicts.filter(|also| !also.is_good());
        finding.warnings.extend(also.map(|also| format!("besides, it {}", also.summary())));
        verdict
    }
}

/// Why a text cannot be a native token, nor a part of one.
fn not_a_token(form: &str) -> Option<Verdict> {
    let is_foreign = |c: char| !u8::try_from(c).is_ok_and(is_url_safe);
    if let Some((place, found)) = form.chars().enumerate().find(|(_, c)| is_foreign(*c)) {
        return Some(Verdict::BadCharacter { place: place + 1, found });
    }
    let has = |of_case: fn(&u8) -> bool| form.bytes().any(|byte| of_case(&byte));
    let one_case = !has(u8::is_ascii_uppercase) || !has(u8::is_ascii_lowercase);
    (one_case && form.len() >= SHORTEST_TOKEN).then_some(Verdict::CaseLost)
}

/// The one character that is wrong, or that none alone is.
fn damaged(
    locks: &[Lock<'_>],
    token: &str,
    alphabet: &[u8],
    mut budget: usize,
) -> Result<Verdict, Searched> {
    for lock in locks {
        let found = damage::find(token, alphabet, &mut budget, |candidate| lock.fits(candidate));
        if let Some(damage) = found {
            let (id, name) = (lock.key.id(), lock.name.clone());
            return Ok(Verdict::Altered { damage, characters: token.len(), id, name });
        }
    }
    Err(Searched { all: budget > 0 })
}

/// Whether everything was tried.
struct Searched {
    all: bool,
}
