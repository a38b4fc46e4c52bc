//! What a directory holds: names, keys, tombstones. Whatever cannot be right is an error that says what
//! to do.

use std::error::Error as _;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sealed_session::{KeyDirectory, KeyError, KeyErrorKind, KeyFile, KeyFiles};

use super::{Keys, SETTLE};
use crate::support::{START, TempDir, at, key};

#[track_caller]
fn broken(keys: &Keys) -> KeyError {
    let error = KeyFiles::read(keys.path()).unwrap_err();
    // At a start there is nothing that could stay in force.
    assert_eq!(keys.builder().open().unwrap_err().kind(), error.kind());
    error
}

#[test]
fn reads_names_keys_and_times_newest_first() {
    let keys = Keys::of(&[(1, -100), (3, 100), (2, 0)]);
    let before = SystemTime::now() - Duration::from_secs(60);
    let files = KeyFiles::read(keys.path()).unwrap();
    let found: Vec<_> = files.iter().map(|file| (file.id(), file.seals_from)).collect();
    let expected = [(3, 100), (2, 0), (1, -100)]
        .map(|(number, from)| (key(number).id(), at(START.checked_add_signed(from).unwrap())));
    assert_eq!(found, expected);
    let file = files.iter().next().unwrap();
    assert_eq!((file.path.clone(), file.key()), (keys.file(100), &key(3)));
    assert_eq!(KeyFile::time_of(&file.name), Some(file.seals_from));
    if cfg!(unix) {
        assert_eq!(file.mode, Some(0o600));
        assert!(file.changed_at.unwrap() > before);
    }
    assert!(!format!("{files:?}").contains(&*key(3).to_hex()), "{files:?}");
}

#[test]
fn a_key_may_have_any_form_of_a_key_file() {
    let keys = Keys::of(&[]);
    fs::write(keys.file(0), [1; 32]).unwrap();
    fs::write(keys.file(1), key(2).to_base64().as_bytes()).unwrap();
    fs::write(keys.file(2), format!("{}\n", *key(3).to_hex())).unwrap();
    assert_eq!(KeyFiles::read(keys.path()).unwrap().len(), 3);
}

#[test]
fn a_key_whose_name_says_no_possible_time_makes_a_broken_set() {
    let keys = Keys::of(&[(1, 0)]);
    for name in ["key.key", "2026-02-30T12-00-00Z.key", "2026-11-21T12-00-00Z (copy).key"] {
        let path = keys.path().join(name);
        fs::write(&path, [2; 32]).unwrap();
        let error = broken(&keys);
        assert!(
            matches!(error.kind(), KeyErrorKind::FileName { path: named, .. } if *named == path)
        );
        assert!(error.to_string().contains("such as 2026-11-21T12-00-00Z.key"), "{error}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_tombstone_whose_name_is_no_id_makes_a_broken_set() {
    let keys = Keys::of(&[(1, 0)]);
    fs::write(keys.path().join("2026-11-21T12-00-00Z.revoked"), "").unwrap();
    let error = broken(&keys);
    assert!(matches!(error.kind(), KeyErrorKind::FileName { .. }));
    assert!(error.to_string().contains("revokes nothing"), "{error}");
}

#[test]
fn anything_else_is_ignored() {
    let keys = Keys::of(&[(1, 0)]);
    for name in ["..data", ".nfs0000", "2026-11-21T12-00-00Z.key.tmp", "rotation.json", "README"] {
        fs::write(keys.path().join(name), "not a key").unwrap();
    }
    fs::create_dir(keys.path().join("old")).unwrap();
    assert_eq!(KeyFiles::read(keys.path()).unwrap().len(), 1);
}

#[test]
fn an_empty_directory_names_the_command_to_run() {
    let keys = Keys::of(&[]);
    assert!(KeyFiles::read(keys.path()).unwrap().is_empty());
    let error = KeyDirectory::open(keys.path()).unwrap_err();
    let path = keys.path().display();
    assert_eq!(
        error.to_string(),
        format!(
            "there is no key in {path}: run `sealed-session keys rotate {path}` to make the first"
        )
    );
    keys.add(1, 0);
    keys.revoke(1);
    let error = KeyDirectory::open(keys.path()).unwrap_err();
    assert!(error.to_string().starts_with("every key in "), "{error}");
    assert!(error.to_string().contains("sealed-session keys rotate"), "{error}");
}

#[test]
fn a_directory_that_is_not_there_is_named_with_the_reason() {
    let dir = TempDir::new();
    let path = dir.path().join("keys");
    let error = KeyDirectory::open(&path).unwrap_err();
    assert!(matches!(error.kind(), KeyErrorKind::Directory { path: named, .. } if *named == path));
    let cause = error.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(cause.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_file_that_is_unreadable_or_no_key_makes_a_broken_set() {
    let keys = Keys::of(&[(1, 0)]);
    let path = keys.file(100);
    for content in [&[][..], &[2; 31], &[0; 32], b"the key is in the other drawer"] {
        fs::write(&path, content).unwrap();
        let error = broken(&keys);
        assert!(
            matches!(error.kind(), KeyErrorKind::FileContent { path: named, .. } if *named == path),
            "{error:?}"
        );
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(broken(&keys).kind(), KeyErrorKind::NotAFile { .. }));
    fs::remove_dir(&path).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(matches!(broken(&keys).kind(), KeyErrorKind::File { .. }));
    }
}

#[test]
fn the_same_key_twice_makes_a_broken_set() {
    let keys = Keys::of(&[(1, 0), (2, 50), (1, 100)]);
    let error = broken(&keys);
    let text = error.to_string();
    assert!(matches!(error.kind(), KeyErrorKind::SameKey { id, .. } if *id == key(1).id()));
    for path in [keys.file(0), keys.file(100)] {
        assert!(text.contains(&*path.to_string_lossy()), "{text}");
    }
    // Of a revoked key there may be any number.
    keys.revoke(1);
    assert_eq!(KeyFiles::read(keys.path()).unwrap().len(), 1);
}

#[test]
fn a_key_with_a_tombstone_is_not_listed_and_its_file_is() {
    let keys = Keys::of(&[(1, 0), (2, 100)]);
    keys.revoke(2);
    keys.revoke(9);
    let files = KeyFiles::read(keys.path()).unwrap();
    assert_eq!(files.iter().map(KeyFile::id).collect::<Vec<_>>(), [key(1).id()]);
    let mut revoked: Vec<_> = files.revoked().collect();
    revoked.sort();
    let mut expected = [key(2).id(), key(9).id()];
    expected.sort();
    assert_eq!(revoked, expected);
    let still_there: Vec<_> = files.revoked_files().map(|file| file.path.clone()).collect();
    assert_eq!(still_there, [keys.file(100)]);
}

#[test]
fn says_which_key_a_server_that_starts_now_would_seal_with() {
    let keys = Keys::of(&[(1, -50_000_000), (2, 0), (3, 100)]);
    let files = KeyFiles::read(keys.path()).unwrap();
    let sealing = |seconds| files.sealing_at(at(START + seconds), SETTLE).map(KeyFile::id);
    // The files came later than these times, so that they have not settled.
    assert_eq!(sealing(50), Some(key(1).id()));
    let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
    assert_eq!(files.sealing_at(in_an_hour, SETTLE).map(KeyFile::id), Some(key(3).id()));
    assert_eq!(files.sealing_at(UNIX_EPOCH, SETTLE).map(KeyFile::id), Some(key(1).id()));
    let empty = Keys::of(&[]);
    assert!(KeyFiles::read(empty.path()).unwrap().sealing_at(UNIX_EPOCH, SETTLE).is_none());
}

#[test]
fn a_file_of_several_keys_is_read_in_its_order() {
    let dir = TempDir::new();
    let path = dir.path().join("keys");
    fs::write(&path, format!("# newest\n{}\n{}\n", *key(2).to_hex(), *key(1).to_hex())).unwrap();
    let files = KeyFiles::read(&path).unwrap();
    assert_eq!(files.iter().map(KeyFile::id).collect::<Vec<_>>(), [key(2).id(), key(1).id()]);
    assert!(files.iter().all(|file| file.seals_from == UNIX_EPOCH && file.name == "keys"));
    fs::write(&path, format!("{0}\n{0}\n", *key(2).to_hex())).unwrap();
    let error = KeyFiles::read(&path).unwrap_err();
    let cause = error.source().unwrap().downcast_ref::<KeyError>().unwrap();
    assert!(matches!(cause.kind(), KeyErrorKind::Duplicate { .. }), "{error:?}");
    fs::write(&path, "# none\n\n# at all\n").unwrap();
    assert!(KeyFiles::read(&path).is_err());
}

/// What a Kubernetes volume looks like: links to a directory that is exchanged.
#[cfg(unix)]
#[test]
fn reads_a_mounted_secret() {
    use std::os::unix::fs::symlink;

    let keys = Keys::of(&[]);
    let mount = |version: &str, number: u8| {
        let version = keys.path().join(version);
        fs::create_dir(&version).unwrap();
        let name = keys.file(0).file_name().unwrap().to_owned();
        fs::write(version.join(&name), [number; 32]).unwrap();
        let link = keys.path().join("..data_tmp");
        symlink(&version, &link).unwrap();
        fs::rename(link, keys.path().join("..data")).unwrap();
        let _ = symlink(std::path::Path::new("..data").join(&name), keys.path().join(&name));
    };
    for number in [1, 2] {
        mount(&format!("..2026_11_2{number}"), number);
        let files = KeyFiles::read(keys.path()).unwrap();
        assert_eq!(files.iter().map(KeyFile::id).collect::<Vec<_>>(), [key(number).id()]);
    }
}
