//! What is said of an authentic token: whether a server accepts it, and notes.

use std::time::{Duration, SystemTime};

use super::open::{Opened, Scheme};
use super::pasted::Cookie;
use super::report::Contents;
use super::verdict::{Rewritten, Verdict};

/// How far the clocks of servers may differ (`docs/FORMAT.md`, rule 9).
const SKEW: Duration = Duration::from_secs(60);

/// Every reason for which a server refuses it, the first one first; or that it is valid.
pub(super) fn verdicts(
    cookie: &Cookie,
    opened: &Opened<'_>,
    contents: &Contents,
    changes: &[Rewritten],
    now: SystemTime,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    // Percent-encoding may be what copying added.
    if let Some(change) = changes.iter().find(|change| **change != Rewritten::Percent) {
        verdicts.push(Verdict::Rewritten { change: *change });
    }
    if let (Some(sent_as), Some(sealed_for)) = (&cookie.name, &opened.sealed_for)
        && sent_as != sealed_for
    {
        let (sealed_for, sent_as) = (sealed_for.clone(), sent_as.clone());
        verdicts.push(Verdict::WrongName { sealed_for, sent_as });
    }
    if opened.forged_signature {
        verdicts.push(Verdict::NodeSignature);
    }
    if opened.undated {
        verdicts.push(Verdict::NodeUndated);
    }
    if opened.key.revoked {
        verdicts.push(Verdict::RevokedKey { id: opened.key.id() });
    }
    if let Some(expires_at) = contents.expires_at {
        verdicts.push(in_time(opened, contents, expires_at, now));
    }
    // As a server does, which reads no data of a session that is over.
    if opened.unreadable {
        let (id, source) = (opened.key.id(), opened.key.source.clone());
        let name = opened.sealed_for.clone();
        verdicts.push(Verdict::UnreadableContent { id, source, name });
    }
    verdicts
}

fn in_time(
    opened: &Opened<'_>,
    contents: &Contents,
    expires_at: SystemTime,
    now: SystemTime,
) -> Verdict {
    let info = &opened.info;
    let latest = info.created_at.map_or(info.refreshed_at, |time| time.max(info.refreshed_at));
    if latest > now + SKEW {
        return Verdict::FromTheFuture { time: latest, now };
    }
    if expires_at > now {
        return Verdict::Valid { until: expires_at, now };
    }
    let absolute = contents.absolute_timeout.filter(|_| contents.ended_by_absolute);
    Verdict::Expired { at: expires_at, now, idle: contents.idle_timeout, absolute }
}

/// What one should know besides.
pub(super) fn notes(opened: &Opened<'_>, changes: &[Rewritten]) -> Vec<String> {
    let id = opened.key.id();
    let mut notes = Vec::new();
    if changes.contains(&Rewritten::Percent) {
        notes.push(
            "it opens only without its percent-encoding; a server takes a value as it is, so look \
             whether the browser really sends it encoded"
                .to_owned(),
        );
    }
    match (opened.scheme, opened.key.is_nodes) {
        (Scheme::Native, true) => notes.push(format!(
            "the key {id} was given as a key of Node's, but it sealed this token as a key of \
             sealed-session: a server needs it in its keyring as such"
        )),
        (Scheme::Node { .. }, false) => notes.push(format!(
            "a server opens this cookie only if its keyring has the key {id} as a key of Node's \
             (Keyring::fastify or with_previous_fastify)"
        )),
        _ => {}
    }
    if opened.scheme == (Scheme::Node { signed: true }) && !opened.forged_signature {
        notes.push(
            "a server opens a signed cookie only if its key is set up so (FastifyKey::signed…)"
                .to_owned(),
        );
    }
    if opened.sealed_for.as_ref().is_some_and(|name| name.ends_with("-ended")) {
        notes.push(
            "this is no session but the mark of a log-out (mark_deletions), which lasts ten minutes"
                .to_owned(),
        );
    }
    notes
}
