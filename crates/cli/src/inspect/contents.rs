//! What an authentic token says: its times, by the server's settings as far as they are known, and the
//! sizes of its parts.

use std::time::Duration;

use super::Args;
use super::open::{Opened, Scheme};
use super::report::{Contents, Sizes};
use super::text::{decoded_len, percent_decoded};

// docs/FORMAT.md
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;
const HEADER_LEN: usize = 32;
const SEEN_LEN: usize = 8;
/// The plugin's default is a second longer.
const NODES_IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// The times and sizes of an authentic token.
pub(super) fn contents(args: &Args, token: &str, opened: &Opened<'_>) -> Contents {
    let Args { idle_timeout, absolute_timeout, .. } = args;
    let Opened { info, json, .. } = opened;
    let json_len = json.as_ref().map_or(0, |json| json.get().len());
    let is_native = opened.scheme == Scheme::Native;
    let idle = match (is_native, info.own_idle_timeout) {
        (_, Some(own)) => own,
        (true, None) => idle_timeout.map_or(info.idle_timeout, |set| set.min(info.idle_timeout)),
        (false, None) => idle_timeout.unwrap_or(NODES_IDLE),
    };
    let idle_end = info.refreshed_at.checked_add(idle).unwrap_or(info.refreshed_at);
    let absolute_end = info.created_at.and_then(|at| at.checked_add(*absolute_timeout));
    let ended_by_absolute = absolute_end.is_some_and(|end| end < idle_end);
    let expires_at = absolute_end.map_or(idle_end, |end| end.min(idle_end));
    let sizes = if is_native {
        let sealed = decoded_len(token.len()).saturating_sub(NONCE_LEN + TAG_LEN);
        // With the block that says which marks it has seen, or without. (White space around the JSON
        // is in its size.)
        let has_seen = json_len > 0 && sealed.saturating_sub(json_len) >= HEADER_LEN + SEEN_LEN;
        let header = if has_seen { HEADER_LEN + SEEN_LEN } else { HEADER_LEN };
        let json = sealed.saturating_sub(header);
        Sizes { nonce: NONCE_LEN, tag: TAG_LEN, header: Some(header), json }
    } else {
        let plain = percent_decoded(token).unwrap_or_else(|| token.to_owned());
        let sealed = plain.split([';', '=']).next().unwrap_or_default();
        let json = decoded_len(sealed.len()).saturating_sub(TAG_LEN);
        Sizes { nonce: NONCE_LEN, tag: TAG_LEN, header: None, json }
    };
    Contents {
        scheme: opened.scheme,
        sealed_for: opened.sealed_for.clone(),
        key_id: opened.key.id(),
        key_source: opened.key.source.clone(),
        session_id: info.id,
        created_at: info.created_at,
        refreshed_at: (!opened.undated).then_some(info.refreshed_at),
        expires_at: (!opened.undated).then_some(expires_at),
        idle_timeout: idle,
        idle_is_own: info.own_idle_timeout.is_some(),
        absolute_timeout: info.created_at.is_some().then_some(*absolute_timeout),
        ended_by_absolute,
        sizes,
        data: args.data.then(|| json.clone()).flatten(),
    }
}
