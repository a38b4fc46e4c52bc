//! When a session is sealed again that no handler wrote: because it is due for a refresh, or because an
//! older key sealed it. The rules are in `docs/guide/expiry.md`.

use super::caching::Sharing;
use super::incoming::Incoming;
use super::response::ResponseHead;
use crate::codec::Validity;

/// A request that takes longer is slow: another response may have changed the browser's cookie in the
/// meantime. In milliseconds.
const SLOW: u64 = 1000;

/// Why a session is re-sealed although no handler wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// A tenth of its idle timeout has passed, or its token has no time of its last refresh.
    Due,
    /// It was sealed under an older key than the one that seals now.
    OlderKey,
}

impl Validity {
    /// How much of the idle timeout had passed at `arrival`; both in milliseconds.
    pub(super) fn used(&self, arrival: u64) -> u64 {
        arrival.saturating_sub(self.refreshed_at)
    }

    /// Whether to re-seal the session after a request that arrived at this time. `active` says whether
    /// the handler's use of the session counts as activity.
    pub(super) fn refresh(&self, arrival: u64, active: bool) -> Option<Refresh> {
        let due = active && self.used(arrival).saturating_mul(10) >= self.idle.millis();
        if due || self.undated {
            Some(Refresh::Due)
        } else {
            self.has_older_key().then_some(Refresh::OlderKey)
        }
    }
}

/// What the decision at the end of a request depends on.
pub(super) struct Circumstances<'r> {
    pub(super) response: ResponseHead<'r>,
    /// Milliseconds since the Unix epoch.
    pub(super) now: u64,
    /// Whether a handler's use of the session counts as activity.
    pub(super) active: bool,
    /// Whether the session was ended while the request was handled.
    pub(super) ended: bool,
}

/// Why to leave a cookie that no handler wrote out of this response, if there is a reason.
///
/// Another response may have removed or replaced the cookie in the meantime, or a cache may give this
/// response to other users. The response to the next request carries the cookie, unless the session
/// ends before. So a session that has used up much of its time is refreshed nevertheless. Otherwise a
/// service whose responses are all slow would log its users out.
pub(super) fn postponed(
    incoming: &Incoming,
    circumstances: &Circumstances<'_>,
    validity: &Validity,
    used: u64,
) -> Option<&'static str> {
    let response = circumstances.response;
    let idle = validity.idle.millis();
    if response.is_failure() {
        return Some("the response failed");
    }
    if response.sharing(circumstances.now) != Sharing::No {
        return Some("the response is publicly cacheable");
    }
    if circumstances.now >= validity.expires_at {
        return Some("the session has expired meanwhile");
    }
    let urgent = (incoming.navigates && used.saturating_mul(2) > idle)
        || used.saturating_mul(4) > idle.saturating_mul(3);
    if urgent {
        return None;
    }
    let took = circumstances.now.checked_sub(incoming.arrival);
    if took.is_none_or(|took| took > SLOW) {
        return Some("the request was slow");
    }
    response.is_not_modified().then_some("the response is a 304")
}
