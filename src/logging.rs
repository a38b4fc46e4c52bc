//! The events that the crate logs through `tracing`: all are defined here, so that none carries a
//! cookie, a key or a plaintext. Without the feature `tracing` nothing is logged.
//!
//! A subscriber is foreign code and may use the session. So never call a function of this module while
//! holding a lock.

#![cfg_attr(not(feature = "tracing"), allow(unused_variables, reason = "nothing is logged"))]

/// The target, for a subscriber's filter: `sealed_session=debug`.
#[cfg(feature = "tracing")]
const TARGET: &str = "sealed_session";

use crate::crypto::key_id::KeyId;
use crate::error::{EncodeErrorKind, Refusal};
use crate::session_id::SessionId;

/// Group or others can read or write a key file.
#[cfg_attr(not(unix), allow(dead_code, reason = "files have no mode"))]
pub(crate) fn key_file_exposed(path: &std::path::Path, mode: u32) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        code = "key_file_exposed",
        path = %path.display(),
        mode = %format_args!("{mode:04o}"),
        "group or others can read or write the key file: run `chmod 600` on it"
    );
}

/// Group or others can write into a directory of keys.
#[cfg(feature = "key-directory")]
pub(crate) fn key_directory_open(path: &std::path::Path, mode: u32) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        code = "key_directory_open",
        path = %path.display(),
        mode = %format_args!("{mode:04o}"),
        "group or others can put keys into the directory, and so forge sessions: run `chmod 700` on it"
    );
}

/// A directory's keys are in force, or another one of them seals.
#[cfg(feature = "key-directory")]
pub(crate) fn keys_in_force(fingerprint: &str, keys: usize, sealing: KeyId, next: Option<u64>) {
    #[cfg(feature = "tracing")]
    tracing::info!(
        target: TARGET,
        code = "keys_in_force",
        fingerprint,
        keys,
        %sealing,
        // Seconds since the Unix epoch.
        next_change = next.map(|next| next / 1000),
        "the keys of the directory are in force"
    );
}

/// A directory's keys could not be read, or cannot be right.
#[cfg(feature = "key-directory")]
pub(crate) fn keys_broken(error: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, code = "keys_broken", "the keys stay as they were: {error}");
}

/// A directory's keys can be read again.
#[cfg(feature = "key-directory")]
pub(crate) fn keys_mended() {
    #[cfg(feature = "tracing")]
    tracing::info!(target: TARGET, code = "keys_mended", "the keys are followed again");
}

/// A directory's keys could not be read for long.
#[cfg(feature = "key-directory")]
pub(crate) fn keys_stale(seconds: u64) {
    #[cfg(feature = "tracing")]
    tracing::error!(
        target: TARGET,
        code = "keys_stale",
        seconds,
        "the keys could not be read for long: soon other servers may have removed a key that seals here"
    );
}

/// Every key of a directory seals only in the future.
#[cfg(feature = "key-directory")]
pub(crate) fn no_key_due(sealing: KeyId) {
    #[cfg(feature = "tracing")]
    tracing::error!(
        target: TARGET,
        code = "no_key_due",
        %sealing,
        "every key seals only in the future, so the earliest seals now: is this server's clock wrong?"
    );
}

/// The keyring was replaced by one with a fastify key that is used for another cookie.
pub(crate) fn key_serves_another(cookie: &str, error: &crate::error::ConfigErrorKind) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, cookie, code = "shared_key", "{error}");
}

/// The keyring was replaced by one whose primary cannot carry a session's own idle timeout.
pub(crate) fn forgets_remembered(cookie: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        cookie,
        code = "forgets_remembered",
        "remembered sessions lose their longer idle timeout under a fastify key"
    );
}

/// Two layers conflict.
pub(crate) fn clash(clash: &dyn std::fmt::Display) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, code = "layer_clash", "{clash}");
}

/// A keyring took effect whose primary cannot seal a mark, in a codec that marks deletions.
pub(crate) fn marks_no_more(cookie: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        cookie,
        code = "marks_no_more",
        "sessions that a fastify key sealed have no id, so that their deletion is not marked"
    );
}

/// A handler asked for the session, but the request has no cookie of its name.
pub(crate) fn absent(cookie: &str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, cookie, code = "missing", "no session cookie");
}

/// The request's cookie was refused.
pub(crate) fn refused(cookie: &str, refusal: &Refusal, length: Option<usize>) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, cookie,
        code = refusal.kind.code(),
        reason = %refusal.kind,
        detail = refusal.reason,
        length,
        age = refusal.age,
        "session cookie refused"
    );
}

/// Whether there may be a subscriber for what most requests do.
#[inline]
pub(crate) fn has_listeners() -> bool {
    #[cfg(feature = "tracing")]
    return tracing::level_enabled!(tracing::Level::DEBUG);
    #[cfg(not(feature = "tracing"))]
    false
}

/// The session was opened, and not by an older key.
pub(crate) fn opened(cookie: &str, key: KeyId, age: &str, id: Option<SessionId>) {
    #[cfg(feature = "tracing")]
    tracing::trace!(
        target: TARGET,
        cookie,
        %key,
        key_age = age,
        session = id.map(tracing::field::display),
        "session opened"
    );
}

/// The cookie was sealed under an older key.
pub(crate) fn opened_by_older_key(cookie: &str, key: KeyId, id: Option<SessionId>) {
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: TARGET,
        cookie,
        %key,
        session = id.map(tracing::field::display),
        "session opened by an older key"
    );
}

/// What the application wrote was sealed.
pub(crate) fn sealed(cookie: &str, key: KeyId, id: Option<SessionId>) {
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: TARGET,
        cookie,
        %key,
        session = id.map(tracing::field::display),
        "session sealed"
    );
}

/// The session was sealed again because it was used.
pub(crate) fn refreshed(cookie: &str, key: KeyId, id: Option<SessionId>) {
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: TARGET,
        cookie,
        %key,
        session = id.map(tracing::field::display),
        "session refreshed"
    );
}

/// The cookie was sealed under an older key, and has been re-sealed.
pub(crate) fn resealed(cookie: &str, key: KeyId, previous: KeyId, id: Option<SessionId>) {
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: TARGET,
        cookie,
        %key,
        %previous,
        session = id.map(tracing::field::display),
        "session sealed again under the primary key"
    );
}

/// The response removes the cookie.
pub(crate) fn removed(cookie: &str, id: Option<SessionId>) {
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: TARGET,
        cookie,
        session = id.map(tracing::field::display),
        "session cookie removed"
    );
}

/// A write was refused because the cookie, or the whole Cookie header, would be too large.
pub(crate) fn too_large(cookie: &str, size: usize, limit: usize) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        cookie,
        code = "too_large",
        size,
        limit,
        "the session was not written, because its cookie would be too large"
    );
}

/// A refresh or a rotation is left to the next request.
pub(crate) fn postponed(cookie: &str, why: &str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, cookie, why, "session not refreshed by this response");
}

/// A handler's write was `Ok`, but the response says that the request failed.
pub(crate) fn not_sent(cookie: &str, status: u16) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, cookie,
        status,
        "the session's changes are not sent, because the response failed"
    );
}

/// Messages for the next page are not sent, although they were left.
pub(crate) fn messages_lost(cookie: &str, why: &dyn std::fmt::Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, cookie,
        code = "messages_lost",
        %why,
        "messages for the next page are not sent"
    );
}

/// There is no room for all messages for the next page, so the oldest are given up.
pub(crate) fn messages_dropped(cookie: &str, count: usize) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, cookie,
        code = "messages_dropped",
        count,
        "no page has shown the oldest messages, and there is no room for a new one beside them"
    );
}

/// The session could not be sealed at the end of the request. A handler's write was already prepared,
/// so this is a refresh or a rotation, and the browser's cookie still opens. Or the keyring was
/// replaced in the meantime by one that cannot carry the session.
pub(crate) fn not_sealed(cookie: &str, reason: &EncodeErrorKind) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, cookie, %reason, "session not sealed");
}

/// A response that sets a cookie was marked as shareable by caches.
pub(crate) fn made_private(cookie: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, cookie,
        "a publicly cacheable response sets a session cookie; it is sent as Cache-Control: private"
    );
}

/// A method that returns nothing was called when it no longer had any effect.
pub(crate) fn too_late(cookie: &str, method: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, cookie, method, "too late: the response headers are already sent");
}

/// A method that returns nothing had no effect, because it is not known whether the session was ended.
pub(crate) fn not_judged(cookie: &str, method: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(
        target: TARGET,
        cookie,
        method,
        code = "unavailable",
        "no effect: it is not known whether the session was ended"
    );
}

/// The session was ended while the request was handled.
pub(crate) fn withheld(cookie: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        cookie,
        code = "ended",
        "the session's changes are not sent, because the session was ended meanwhile"
    );
}

/// The keyring was to be replaced by one whose sessions could not be ended.
#[cfg(feature = "revocation")]
pub(crate) fn keyring_refused(cookie: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(
        target: TARGET,
        cookie,
        code = "keyring_refused",
        "the keys were not replaced: sessions under a fastify key could not be ended"
    );
}

/// The store of revocations cannot be reached, or does not confirm writes.
#[cfg(feature = "revocation")]
pub(crate) fn revocations_stale(error: &dyn std::error::Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(
        target: TARGET,
        code = "revocations_stale",
        "the store of revocations cannot be followed: {error}"
    );
}

/// The store of revocations is followed again.
#[cfg(feature = "revocation")]
pub(crate) fn revocations_live() {
    #[cfg(feature = "tracing")]
    tracing::info!(
        target: TARGET,
        code = "revocations_live",
        "the store of revocations is followed again"
    );
}

/// A store has not confirmed an ending.
#[cfg(feature = "revocation")]
pub(crate) fn ending_unconfirmed(error: &dyn std::error::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        code = "ending_unconfirmed",
        "a session has ended on this server, but the store has not confirmed it: {error}"
    );
}

/// A session is in no list of the registry, or not under its new id.
#[cfg(feature = "registry")]
pub(crate) fn not_recorded(error: &crate::error::SessionError) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, code = "not_recorded", "a session is not in the registry: {error}");
}

/// A session that has ended is still in lists of the registry.
#[cfg(feature = "registry")]
pub(crate) fn not_forgotten(error: &crate::error::RevocationError) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        code = "not_forgotten",
        "an ended session was not removed from the registry: {error:?}"
    );
}

/// A store had lost marks that this process knows.
#[cfg(feature = "revocation")]
pub(crate) fn marks_published_again(count: usize) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        code = "marks_published_again",
        count,
        "the store of revocations had lost marks; they are in it again"
    );
}

/// An extractor found no session because of a configuration mistake.
#[cfg(feature = "axum")]
pub(crate) fn rejected(rejection: &crate::error::SessionRejection) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, "{rejection}");
}

/// A handler answered with a `SessionError`.
#[cfg(feature = "axum")]
pub(crate) fn failed(error: &crate::error::SessionError) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, "{error}");
}
