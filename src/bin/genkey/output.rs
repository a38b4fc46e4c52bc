//! Writes the key to standard output or to a file. Both are checked before a passphrase is asked
//! for.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal as _, Write};
#[cfg(windows)]
use std::os::windows::io::AsHandle as _;
use std::path::Path;
#[cfg(unix)]
use std::{
    fs::Permissions,
    os::fd::AsFd,
    os::unix::fs::{
        FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
    },
};

use crate::Format;

const EXISTS: &str = "it already exists (use --force to overwrite it)";

/// Refuses a standard output on which the key would garble a terminal or be lost.
pub(crate) fn check_stdout(format: Format) -> Result<(), &'static str> {
    if format == Format::Raw && io::stdout().is_terminal() {
        return Err(
            "refusing to write a raw key to a terminal: redirect it (genkey > secret-key), name a \
             file (--output secret-key), or choose a text format (--format hex)",
        );
    }
    #[cfg(unix)]
    if is_null_device(io::stdout()) {
        return Err(
            "standard output is closed or /dev/null, so the key would be lost: redirect it \
             (genkey > secret-key), or name a file (--output secret-key)",
        );
    }
    Ok(())
}

/// When standard output is closed, a Rust program opens the null device in its place at start-up.
/// Whatever is written there is lost without an error.
#[cfg(unix)]
fn is_null_device(output: impl AsFd) -> bool {
    let output = output.as_fd().try_clone_to_owned().map(File::from);
    match (output.and_then(|file| file.metadata()), fs::metadata("/dev/null")) {
        (Ok(output), Ok(null)) => {
            output.file_type().is_char_device() && output.rdev() == null.rdev()
        }
        _ => false,
    }
}

/// Standard output without the buffer of [`io::stdout`], which would keep a copy of the key.
pub(crate) fn unbuffered_stdout() -> io::Result<impl Write> {
    #[cfg(unix)]
    return io::stdout().as_fd().try_clone_to_owned().map(File::from);
    #[cfg(windows)]
    return io::stdout().as_handle().try_clone_to_owned().map(File::from);
    #[cfg(not(any(unix, windows)))]
    return Ok(io::stdout());
}

/// Refuses three kinds of path, before a passphrase is asked for: a file that exists (without
/// `force`); a device or a pipe, because a file would replace it; and a broken link, because it is
/// unclear whether the link or its target is meant.
pub(crate) fn check_target(path: &Path, force: bool) -> Result<(), String> {
    let refuse = |why| Err(format!("cannot write {}: {why}", path.display()));
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => refuse("it is not a regular file"),
        Ok(_) if !force => refuse(EXISTS),
        Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
            refuse("it is a broken link: remove the link, or name its target")
        }
        _ => Ok(()),
    }
}

pub(crate) fn write_file(path: &Path, force: bool, content: &[u8]) -> io::Result<()> {
    let existing = match force {
        true => fs::canonicalize(path),
        false => Err(ErrorKind::NotFound.into()),
    };
    match existing {
        Ok(existing) => replace(&existing, content),
        Err(error) if error.kind() == ErrorKind::NotFound => write_new(path, content, |_| Ok(()))
            .map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => io::Error::new(error.kind(), EXISTS),
                _ => error,
            }),
        Err(error) => Err(error),
    }
}

/// Writes the key to a temporary file in the same directory and renames that onto the old file, so
/// that the path holds a complete key at every moment. A link to the file stays a link.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let old = fs::metadata(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let mut notes = Vec::new();
    write_new(&beside, content, |file| {
        notes = keep_access(file, &old)?;
        Ok(())
    })?;
    fs::rename(&beside, path).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })?;
    for note in notes {
        eprintln!("genkey: {} {note}", path.display());
    }
    Ok(())
}

/// Gives the new file, which has mode 0600, the owner, group and mode of the old one. Returns notes
/// on what the user may not expect. If everybody had access to the old file, that was probably not
/// intended, so the new one keeps mode 0600.
#[cfg(unix)]
fn keep_access(new: &File, old: &Metadata) -> io::Result<Vec<String>> {
    let mut notes = Vec::new();
    let created = new.metadata()?;
    let (user, group) = (old.uid(), old.gid());
    if created.uid() != user && fchown(new, Some(user), None).is_err() {
        notes.push(format!("could not keep its owner (user {user}) and now belongs to you"));
    }
    let keeps_group = created.gid() == group || fchown(new, None, Some(group)).is_ok();
    let old_mode = old.mode() & 0o777;
    let mode = match old_mode {
        _ if old_mode & 0o007 != 0 => {
            notes
                .push(format!("was open to everybody (mode {old_mode:04o}) and now has mode 0600"));
            0o600
        }
        _ if old_mode & 0o070 != 0 && !keeps_group => {
            notes.push(format!("could not keep its group ({group}) and now has mode 0600"));
            0o600
        }
        _ => old_mode & 0o660,
    };
    if mode & 0o060 != 0 {
        notes.push(format!("keeps mode {mode:04o}: its group ({group}) has access to the key"));
    }
    if mode != 0o600 {
        new.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok(notes)
}

#[cfg(not(unix))]
fn keep_access(_: &File, _: &Metadata) -> io::Result<Vec<String>> {
    Ok(Vec::new())
}

/// Writes a file that must not exist yet and that only its owner can read. `prepare` gets the file
/// before the key is written.
fn write_new(
    path: &Path,
    content: &[u8],
    prepare: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(path)?;
    let write = || {
        prepare(&file)?;
        (&file).write_all(content)?;
        file.sync_all()
    };
    write().inspect_err(|_| {
        // Half a key is of no use.
        let _ = fs::remove_file(path);
    })
}
