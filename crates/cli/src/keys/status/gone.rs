//! Keys that the last run of `keys rotate` saw, and that are not there any more.

use super::findings::{Finding, Level};
use crate::keys::plan::Directory;
use crate::keys::state::State;

/// A key that has perhaps sealed went neither by a run nor by a tombstone. Servers that seal with it refuse the
/// directory, and one that starts cannot open what it sealed.
pub(super) fn findings(directory: &Directory, state: Option<&State>, now: u64) -> Vec<Finding> {
    let gone = state.map(|state| state.gone(directory, now)).unwrap_or_default();
    let finding = |(name, id): (&str, &str)| {
        Finding::new(
            Level::Warning,
            "key-gone",
            format!(
                "{name} ({id}) was here at the last run and is gone: bring it back, and do not restart servers \
                 before. If it cannot be found: `sealed-session keys revoke DIR {id} --force`"
            ),
        )
    };
    gone.into_iter().map(finding).collect()
}
