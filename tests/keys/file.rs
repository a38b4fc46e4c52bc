//! Keys from files and from the environment.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealed_session::{Key, KeyError, KeyErrorKind, KeyLengthHint};

use crate::support::{TempDir, child};
use crate::{HEX, is_the_key, raw};

const BASE64: &str = "++++/wARIjNEVWZ3iZqrvM3e7/ASNFZ4mrze8QMlR2A=";

fn file(dir: &TempDir, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join("key");
    std::fs::write(&path, content).unwrap();
    path
}

/// The file cannot be read, for this reason.
#[track_caller]
fn unreadable(path: &Path, wanted: std::io::ErrorKind) {
    let error = Key::from_file(path).unwrap_err();
    assert!(matches!(error.kind(), KeyErrorKind::File { path: named, .. } if named == path));
    assert_eq!(error.to_string(), format!("cannot read the key file {}", path.display()));
    let source = error.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), wanted);
}

#[track_caller]
fn not_a_file(path: &Path) {
    let error = Key::from_file(path).unwrap_err();
    assert!(matches!(error.kind(), KeyErrorKind::NotAFile { path: named, .. } if named == path));
    assert!(error.to_string().contains("is not a regular file"));
    assert!(error.to_string().contains(path.to_str().unwrap()));
}

/// Runs `test` in a child that has this value in the environment, as `SESSION_KEY`.
#[track_caller]
fn with_env(test: &str, value: impl AsRef<std::ffi::OsStr>) {
    child::run_in_child(module_path!(), test, |exe| {
        let mut command = Command::new(exe);
        command.env("SESSION_KEY", value);
        command
    });
}

#[track_caller]
fn env_error() -> KeyError {
    let error = Key::from_env("SESSION_KEY").unwrap_err();
    let name = "SESSION_KEY".to_owned();
    assert!(
        matches!(error.kind(), KeyErrorKind::Environment { name: named, .. } if *named == name)
    );
    assert_eq!(error.to_string(), "cannot read a key from the environment variable SESSION_KEY");
    error
}

#[test]
fn reads_a_file_in_every_form() {
    let dir = TempDir::new();
    for content in [
        raw().to_vec(),
        HEX.into(),
        format!("{HEX}\n").into(),
        format!("{BASE64}\r\n").into(),
        BASE64[..43].into(),
    ] {
        is_the_key(Key::from_file(file(&dir, content)));
    }
}

#[test]
fn names_the_file_that_does_not_contain_a_key_and_says_why() {
    let dir = TempDir::new();
    let path = file(&dir, [&raw()[..], b"\n"].concat());
    let error = Key::from_file(&path).unwrap_err();
    assert!(
        matches!(error.kind(), KeyErrorKind::FileContent { path: named, .. } if *named == path)
    );
    assert!(error.to_string().contains(path.to_str().unwrap()));
    assert!(error.source().unwrap().to_string().contains("found 33 bytes"));
}

#[test]
fn refuses_a_file_that_is_too_long() {
    let dir = TempDir::new();
    let bom_of = |len: usize| [&b"\xef\xbb\xbf"[..], &vec![b'a'; len - 3]].concat();
    // One of more than 4096 bytes is not read, so nothing can be guessed of it.
    for (len, is_read) in [(4095, true), (4096, true), (4097, false), (100_000, false)] {
        let error = Key::from_file(file(&dir, bom_of(len))).unwrap_err();
        assert!(matches!(error.kind(), KeyErrorKind::FileContent { .. }));
        let cause = error.source().unwrap().downcast_ref::<KeyError>().unwrap();
        let expected = is_read.then_some(KeyLengthHint::ByteOrderMark);
        assert!(
            matches!(cause.kind(), KeyErrorKind::Length { found, hint, .. }
                if (*found, *hint) == (len, expected)),
            "{len}: {cause:?}"
        );
    }
}

/// What is logged while the file of this mode is read, which succeeds.
#[cfg(all(unix, feature = "tracing"))]
fn log_of_reading(mode: u32) -> String {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = TempDir::new();
    let path = file(&dir, raw());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    let (key, log) = crate::support::log::log_of(|| Key::from_file(&path));
    is_the_key(key);
    assert!(log.is_empty() || log.contains(path.to_str().unwrap()), "{log}");
    log
}

#[cfg(all(unix, feature = "tracing"))]
#[test]
fn warns_about_a_file_that_others_can_read_or_write() {
    for mode in [0o640, 0o620, 0o604, 0o602, 0o644, 0o440, 0o666] {
        let log = log_of_reading(mode);
        let shown = format!("mode={mode:04o}");
        for words in ["WARN sealed_session", "group or others", &shown, "chmod 600"] {
            assert!(log.contains(words), "{words:?} is not in {log:?}");
        }
    }
}

#[cfg(all(unix, feature = "tracing"))]
#[test]
fn does_not_warn_about_a_file_that_only_its_owner_can_read_or_write() {
    for mode in [0o600, 0o400, 0o700, 0o711] {
        assert_eq!(log_of_reading(mode), "");
    }
}

#[test]
fn names_the_file_that_is_missing() {
    unreadable(Path::new("/no/such/file"), std::io::ErrorKind::NotFound);
}

#[test]
fn refuses_a_directory() {
    not_a_file(&std::env::temp_dir());
}

#[cfg(unix)]
#[test]
fn refuses_a_device() {
    not_a_file(Path::new("/dev/zero"));
}

#[cfg(unix)]
#[test]
fn refuses_a_pipe_without_waiting_for_a_writer() {
    let dir = TempDir::new();
    let path = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    not_a_file(&path);
}

#[cfg(unix)]
#[test]
fn follows_a_link_to_a_key() {
    let dir = TempDir::new();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(file(&dir, raw()), &link).unwrap();
    is_the_key(Key::from_file(link));
}

/// Root reads whatever the mode says, unless it gives up the right to.
#[cfg(target_os = "linux")]
#[test]
fn reports_a_file_that_it_has_no_permission_to_read() {
    use std::os::unix::fs::PermissionsExt as _;

    if !child::in_child() {
        return child::run_in_child(
            module_path!(),
            "reports_a_file_that_it_has_no_permission_to_read",
            |exe| {
                let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
                if !is_root {
                    return Command::new(exe);
                }
                let mut command = Command::new("setpriv");
                let rights = "-dac_override,-dac_read_search";
                command.args(["--inh-caps", rights, "--bounding-set", rights]).arg(exe);
                command
            },
        );
    }
    let dir = TempDir::new();
    let path = file(&dir, raw());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    unreadable(&path, std::io::ErrorKind::PermissionDenied);
}

/// A regular file to whoever asks, but reading it fails.
#[cfg(target_os = "linux")]
#[test]
fn reports_that_reading_a_file_failed() {
    let error = Key::from_file("/proc/self/mem").unwrap_err();
    assert!(matches!(error.kind(), KeyErrorKind::File { .. }), "{error:?}");
}

#[test]
fn reads_an_environment_variable() {
    if child::in_child() {
        return is_the_key(Key::from_env("SESSION_KEY"));
    }
    for value in [HEX, BASE64, &BASE64[..43], &format!("{HEX}\n")] {
        with_env("reads_an_environment_variable", value);
    }
}

#[test]
fn names_the_environment_variable_that_is_not_set() {
    if !child::in_child() {
        return child::run_in_child(
            module_path!(),
            "names_the_environment_variable_that_is_not_set",
            |exe| {
                let mut command = Command::new(exe);
                command.env_remove("SESSION_KEY");
                command
            },
        );
    }
    let source = env_error();
    let source = source.source().unwrap().downcast_ref();
    assert_eq!(source, Some(&std::env::VarError::NotPresent));
}

#[test]
fn names_the_environment_variable_that_does_not_contain_a_key_and_says_why() {
    if child::in_child() {
        let source = env_error().source().unwrap().to_string();
        return assert!(
            source.starts_with("expected a key as text") && source.contains("found 63 bytes"),
            "{source}"
        );
    }
    with_env("names_the_environment_variable_that_does_not_contain_a_key_and_says_why", &HEX[1..]);
}

#[test]
fn refuses_a_raw_key_in_an_environment_variable() {
    if child::in_child() {
        let source = env_error().source().unwrap().to_string();
        return assert!(source.contains("found 32 bytes"), "{source}");
    }
    with_env("refuses_a_raw_key_in_an_environment_variable", "a".repeat(32));
}

#[test]
fn guesses_spaces_around_the_value_of_an_environment_variable() {
    if child::in_child() {
        let source = env_error().source().unwrap().to_string();
        return assert!(source.contains("begins with a space"), "{source}");
    }
    let test = "guesses_spaces_around_the_value_of_an_environment_variable";
    with_env(test, format!(" {HEX}"));
}

#[cfg(unix)]
#[test]
fn does_not_quote_an_environment_variable_that_is_not_unicode() {
    use std::os::unix::ffi::OsStrExt as _;

    if child::in_child() {
        let error = env_error();
        assert!(error.source().is_none());
        return assert!(!format!("{error:?}").contains("abc"), "{error:?}");
    }
    let value = std::ffi::OsStr::from_bytes(b"abc\xff");
    with_env("does_not_quote_an_environment_variable_that_is_not_unicode", value);
}
