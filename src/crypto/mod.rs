//! Keys and the cipher. It does not depend on sessions, JSON, HTTP or a clock.

#[cfg(feature = "fastify")]
pub(crate) mod fastify_key;
pub(crate) mod key;
pub(crate) mod key_file;
pub(crate) mod key_id;
pub(crate) mod key_list;
pub(crate) mod key_set;
pub(crate) mod keyring;
#[cfg(feature = "passphrase")]
pub(crate) mod passphrase;
pub(crate) mod random;
pub(crate) mod schedule;
pub(crate) mod secretbox;
