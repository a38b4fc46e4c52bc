//! Who may read a new file: who can read the newest key can read the next one too. A cron job of root must
//! not make keys that the servers cannot read.

use std::fs::{File, Metadata, OpenOptions};
use std::io;

#[cfg(unix)]
use crate::failure::warn;

/// The owner, the group and the mode of a file to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    #[cfg(unix)]
    owner: (u32, u32),
    #[cfg(unix)]
    mode: u32,
}

#[cfg(unix)]
impl Access {
    /// As the newest key, but never for others than its owner and its group.
    pub(crate) fn like_key(newest: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        Self { owner: (newest.uid(), newest.gid()), mode: 0o600 | (newest.mode() & 0o040) }
    }

    /// For the first key: its owner alone, who is the directory's.
    pub(crate) fn first_in(directory: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        Self { owner: (directory.uid(), directory.gid()), mode: 0o600 }
    }

    /// The same for what is no secret.
    pub(crate) fn readable(self) -> Self {
        Self { mode: 0o644, ..self }
    }

    pub(super) fn apply_to(&self, options: &mut OpenOptions) {
        use std::os::unix::fs::OpenOptionsExt as _;

        options.mode(0o600);
    }

    /// Gives the file to its owner and group, as far as that is allowed.
    pub(super) fn give(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

        let (owner, group) = self.owner;
        let created = file.metadata()?;
        if created.uid() != owner && fchown(file, Some(owner), None).is_err() {
            warn(format_args!(
                "the new file belongs to user {}, not to user {owner} as the others; can \
                 the servers read it?",
                created.uid()
            ));
        }
        let has_group = created.gid() == group || fchown(file, None, Some(group)).is_ok();
        let mode = if has_group || self.mode & 0o004 != 0 { self.mode } else { 0o600 };
        match mode {
            0o600 => Ok(()),
            mode => file.set_permissions(std::fs::Permissions::from_mode(mode)),
        }
    }
}

#[cfg(not(unix))]
impl Access {
    pub(crate) fn like_key(_: &Metadata) -> Self {
        Self {}
    }

    pub(crate) fn first_in(_: &Metadata) -> Self {
        Self {}
    }

    pub(crate) fn readable(self) -> Self {
        self
    }

    pub(super) fn apply_to(&self, _: &mut OpenOptions) {}

    pub(super) fn give(&self, _: &File) -> io::Result<()> {
        Ok(())
    }
}
