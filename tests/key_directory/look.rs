//! Each look: what it changes, what a broken set changes not, and what is told of it.

use std::fs;
use std::time::Duration;

use sealed_session::{
    Codec, Dynamic, EncodeErrorKind, Key, KeyDirectory, KeyErrorKind, Session, SessionKind,
};

use super::{Keys, SETTLE, seals_with, token_of};
#[cfg(feature = "axum")]
use crate::support::{Browser, EIGHT, SEVEN, ring};
use crate::support::{DAY, HOUR, Login, START, at, key, seconds};

#[test]
fn a_look_lists_the_directory_and_reads_every_file() {
    let keys = Keys::of(&[(1, -100), (2, 5000)]);
    let directory = keys.open();
    let codec = keys.codec(directory.keyring());
    let opens = |number| codec.decode(token_of(number, &keys.clock)).is_ok();
    keys.add(3, 9000);
    assert!(!opens(3), "before the look");
    directory.reload().unwrap();
    assert!(opens(3));
    // The same length, at the same time as far as the file says.
    let times = fs::metadata(keys.file(9000)).unwrap().modified().unwrap();
    keys.add(4, 9000);
    let file = fs::File::options().write(true).open(keys.file(9000)).unwrap();
    file.set_modified(times).unwrap();
    directory.reload().unwrap();
    assert!(opens(4) && !opens(3));
    keys.remove(9000);
    directory.reload().unwrap();
    assert!(!opens(4) && opens(2) && opens(1));
}

#[test]
fn a_broken_set_leaves_the_old_one_in_force() {
    let keys = Keys::of(&[(1, -100), (2, 5000)]);
    let directory = keys.open();
    let codec = keys.codec(directory.keyring());
    let spoils: [(&str, &dyn Fn()); 6] = [
        ("wrong length", &|| fs::write(keys.file(9000), [3; 31]).unwrap()),
        ("the same key twice", &|| keys.add(1, 9000)),
        ("misnamed", &|| fs::write(keys.path().join("3.key"), [3; 32]).unwrap()),
        ("empty", &|| {
            keys.remove(-100);
            keys.remove(5000);
        }),
        ("all revoked", &|| {
            keys.revoke(1);
            keys.revoke(2);
        }),
        ("without the key that seals here", &|| keys.remove(-100)),
    ];
    for (what, spoil) in spoils {
        spoil();
        assert!(directory.reload().is_err(), "{what}");
        for number in [1, 2] {
            assert!(codec.decode(token_of(number, &keys.clock)).is_ok(), "{what}");
        }
        seals_with(&codec, 1);
        let status = directory.status();
        assert!(status.last_error.is_some() && status.keys.len() == 2, "{what}");
        for entry in fs::read_dir(keys.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        keys.add(1, -100);
        keys.add(2, 5000);
        directory.reload().unwrap();
        assert_eq!(directory.status().last_error, None);
    }
}

#[test]
fn a_set_without_the_key_that_seals_here_names_it_and_what_to_do() {
    let keys = Keys::of(&[(1, -100), (2, -50)]);
    let directory = keys.open();
    keys.later(300);
    keys.remove(-50);
    let error = directory.reload().unwrap_err();
    assert!(matches!(error.kind(), KeyErrorKind::KeyGone { id, .. } if *id == key(2).id()));
    for words in ["old copy", "sealed-session keys revoke", &key(2).id().to_string()] {
        assert!(error.to_string().contains(words), "{error}");
    }
    // With a tombstone it is no old copy.
    keys.revoke(2);
    directory.reload().unwrap();
    let codec = keys.codec(directory.keyring());
    seals_with(&codec, 1);
    assert!(codec.decode(token_of(2, &keys.clock)).is_err());
}

#[test]
fn a_revoked_key_is_never_loaded_also_at_a_start_and_under_another_name() {
    let keys = Keys::of(&[(1, -100), (2, -50)]);
    keys.revoke(2);
    keys.add(2, 9000);
    let directory = keys.open();
    let codec = keys.codec(directory.keyring());
    keys.later(10_000);
    seals_with(&codec, 1);
    assert!(codec.decode(token_of(2, &keys.clock)).is_err());
}

#[test]
fn a_revoked_key_gives_way_at_the_next_look_to_one_that_all_servers_know() {
    let keys = Keys::of(&[(1, -100), (2, 50_000)]);
    let directory = keys.open();
    let codec = keys.codec(directory.keyring());
    let stolen = token_of(1, &keys.clock);
    assert!(codec.decode(&stolen).is_ok());
    // As `keys revoke` does it: the successor's new name, then the tombstone.
    keys.add(2, 0);
    keys.remove(50_000);
    keys.revoke(1);
    directory.reload().unwrap();
    seals_with(&codec, 2);
    assert!(codec.decode(&stolen).is_err());
}

#[test]
fn what_a_revoked_key_opened_before_is_not_sealed_again() {
    let keys = Keys::of(&[(1, -100), (2, -50)]);
    let directory = keys.open();
    let codec = keys.codec(directory.keyring());
    let [forged, good] = [1, 2].map(|number| codec.decode(token_of(number, &keys.clock)).unwrap());
    keys.revoke(1);
    directory.reload().unwrap();
    for result in [codec.refresh(&forged), codec.reseal(&forged)] {
        assert_eq!(result.unwrap_err().kind(), &EncodeErrorKind::Ended);
    }
    assert!(codec.refresh(&good).is_ok());
}

#[cfg(feature = "axum")]
#[test]
fn a_request_that_a_revoked_key_let_in_brings_out_no_cookie() {
    let keys = Keys::of(&[(1, -100), (2, -50)]);
    let directory = keys.open();
    for (number, comes_out) in [(2, true), (1, false)] {
        let mut browser = Browser::new();
        let other = browser.builder_on(ring(&[number])).build().unwrap();
        browser.visit(&other, |session: Session<Login>| session.set(SEVEN));
        let codec: Codec<Login> = browser.builder_on(directory.keyring()).build().unwrap();
        let tombstone = keys.path().join(format!("{}.revoked", key(1).id()));
        let followed = directory.clone();
        let page = browser.visit(&codec, move |session| {
            assert_eq!(session.data(), Some(SEVEN));
            if !comes_out {
                fs::write(&tombstone, "").unwrap();
                followed.reload().unwrap();
            }
            session.set(EIGHT)
        });
        let cookie = page.set_cookie();
        assert_eq!(cookie.contains("Max-Age=0"), !comes_out, "{cookie}");
    }
}

#[test]
fn a_key_with_an_earlier_date_that_comes_after_the_start_waits() {
    let keys = Keys::of(&[(2, -50)]);
    // A new machine: no key has settled.
    let directory = keys.open();
    let codec = keys.codec(directory.keyring());
    seals_with(&codec, 2);
    keys.later(20);
    keys.add(1, -100);
    directory.reload().unwrap();
    seals_with(&codec, 2);
}

#[test]
fn a_set_that_is_seen_half_way_is_read_again_after_a_moment() {
    let keys = Keys::of(&[(1, -100), (2, 5000)]);
    let directory = keys.open();
    // Both names are there for a moment, as while a key gets another name.
    keys.add(2, 9000);
    let path = keys.file(5000);
    let renaming = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        fs::remove_file(path).unwrap();
    });
    directory.reload().unwrap();
    renaming.join().unwrap();
    assert_eq!(directory.status().keys[0].seals_from, at(START + 9000));
}

#[test]
fn the_status_says_what_the_looks_have_found() {
    let keys = Keys::of(&[(1, -100), (2, 5000)]);
    let directory = keys.open();
    let status = directory.status();
    let [next, current] = &status.keys[..] else { panic!("{status:?}") };
    assert_eq!((next.id, current.id), (key(2).id(), key(1).id()));
    assert_eq!((next.seals_from, next.known_since), (at(START + 5000), at(START)));
    assert_eq!(next.mode.is_some(), cfg!(unix));
    assert_eq!(status.sealing, key(1).id());
    assert_eq!(status.next_change, Some(at(START + 5000)));
    assert_eq!((status.last_good_look, &status.last_error), (at(START), &None));
    let files = sealed_session::KeyFiles::read(keys.path()).unwrap();
    assert_eq!(status.fingerprint, files.fingerprint());

    keys.later(6000);
    fs::write(keys.path().join("x.key"), "").unwrap();
    directory.reload().unwrap_err();
    let after = directory.status();
    assert_eq!((after.sealing, after.next_change), (key(2).id(), None));
    assert_eq!(after.last_good_look, at(START));
    assert!(after.last_error.unwrap().contains("x.key"));
}

struct Long;

impl SessionKind for Long {
    type Data = Login;
    const NAME: &'static str = "long";
}

#[test]
fn the_settings_of_rotation_are_those_of_the_codecs() {
    let keys = Keys::of(&[(1, 0)]);
    let builder = keys.builder().settle(Duration::from_millis(1500)).stale(2 * DAY);
    let directory = builder.open().unwrap();
    let print = || directory.rotation_settings().to_string();
    assert_eq!(print(), r#"{"settle":1.5,"stale":172800}"#);
    let _default = keys.codec(directory.keyring());
    assert_eq!(print(), r#"{"longest":2592000,"settle":1.5,"stale":172800}"#);
    let cookies = directory.rotation_settings().cookies_only();
    assert_eq!(cookies.longest(), Some(DAY));
    let long = Codec::<Long>::builder(directory.keyring().with_previous(key(9)).unwrap());
    let long = long.idle_timeout(HOUR).remember_timeout(40 * DAY).absolute_timeout(90 * DAY);
    drop(long.build().unwrap());
    assert_eq!(directory.rotation_settings().longest(), Some(90 * DAY));
    assert_eq!(directory.rotation_settings().cookies_only().longest(), Some(40 * DAY));
}

#[test]
fn a_keyring_of_a_directory_may_have_older_keys_and_no_others() {
    let keys = Keys::of(&[(1, 0)]);
    let directory = keys.open();
    let keyring = directory.keyring().with_previous(key(9)).unwrap();
    let codec = keys.codec(keyring.clone());
    assert!(codec.decode(token_of(9, &keys.clock)).is_ok());
    keys.add(2, 9000);
    directory.reload().unwrap();
    for number in [1, 2, 9] {
        assert!(codec.decode(token_of(number, &keys.clock)).is_ok());
    }
    let follows = |error: sealed_session::KeyError| *error.kind() == KeyErrorKind::FollowsFiles;
    assert!(keyring.clone().with_next(key(8)).is_err_and(follows));
    assert!(keyring.replace(Key::generate().unwrap().into()).is_err_and(follows));
}

#[cfg(feature = "tracing")]
mod told {
    use super::*;
    use crate::support::log::log_of;

    #[track_caller]
    fn says(log: &str, words: &[&str]) {
        for words in words {
            assert!(log.contains(words), "{words:?} is not in {log:?}");
        }
    }

    #[test]
    fn a_broken_set_is_an_error_at_each_look_and_its_end_is_told() {
        let keys = Keys::of(&[(1, 0)]);
        let directory = keys.open();
        fs::write(keys.path().join("x.key"), "").unwrap();
        for _ in 0..2 {
            let (_, log) = log_of(|| directory.reload().unwrap_err());
            says(&log, &["ERROR sealed_session", "code=\"keys_broken\"", "x.key"]);
            assert_eq!(log.lines().count(), 1, "{log}");
        }
        fs::remove_file(keys.path().join("x.key")).unwrap();
        let (_, log) = log_of(|| directory.reload().unwrap());
        says(&log, &["INFO sealed_session", "code=\"keys_mended\""]);
        assert_eq!(log_of(|| directory.reload().unwrap()).1, "");
    }

    #[test]
    fn the_fingerprint_and_the_sealing_key_are_told_whenever_they_change() {
        let keys = Keys::of(&[(1, -5000), (2, 5000)]);
        let (directory, log) = log_of(|| keys.open());
        let first = directory.status().fingerprint;
        let sealing = format!("sealing={}", key(1).id());
        says(&log, &["INFO", "code=\"keys_in_force\"", &first, &sealing, "keys=2", "1700005000"]);
        assert_eq!(log_of(|| directory.reload().unwrap()).1, "");
        keys.add(3, 9000);
        let (_, log) = log_of(|| directory.reload().unwrap());
        says(&log, &["code=\"keys_in_force\"", &directory.status().fingerprint, "keys=3"]);
        assert!(!log.contains(&first), "{log}");
        keys.later(5000);
        let (_, log) = log_of(|| directory.reload().unwrap());
        says(&log, &["code=\"keys_in_force\"", &format!("sealing={}", key(2).id())]);
    }

    #[test]
    fn that_no_keys_time_has_come_is_an_error_at_each_look() {
        let keys = Keys::of(&[(1, 5000), (2, 6000)]);
        let (directory, log) = log_of(|| keys.open());
        let sealing = format!("sealing={}", key(1).id());
        says(&log, &["ERROR sealed_session", "code=\"no_key_due\"", &sealing]);
        let (_, log) = log_of(|| directory.reload().unwrap());
        says(&log, &["code=\"no_key_due\""]);
        keys.later(5000);
        assert_eq!(log_of(|| directory.reload().unwrap()).1, "");
    }

    #[test]
    fn a_server_without_a_good_look_for_half_of_stale_reports_it_once() {
        let keys = Keys::of(&[(1, 0)]);
        let directory = keys.builder().stale(seconds(1000)).open().unwrap();
        let path = keys.path().join("x.key");
        let bad_look = || log_of(|| directory.reload().unwrap_err()).1;
        for _ in 0..2 {
            fs::write(&path, "").unwrap();
            keys.later(499);
            assert!(!bad_look().contains("keys_stale"));
            keys.later(1);
            let log = bad_look();
            says(&log, &["ERROR sealed_session", "code=\"keys_stale\"", "seconds=500"]);
            keys.later(100);
            assert!(!bad_look().contains("keys_stale"));
            fs::remove_file(&path).unwrap();
            directory.reload().unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_that_others_can_read_are_reported_once() {
        use std::os::unix::fs::PermissionsExt as _;

        let keys = Keys::of(&[(1, 0), (2, 5000)]);
        let mode = |mode| {
            fs::set_permissions(keys.file(0), fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o644);
        let (directory, log) = log_of(|| keys.open());
        let path = keys.file(0).display().to_string();
        says(&log, &["WARN sealed_session", "code=\"key_file_exposed\"", &path, "mode=0644"]);
        assert_eq!(log.matches("key_file_exposed").count(), 1);
        assert_eq!(log_of(|| directory.reload().unwrap()).1, "");
        mode(0o604);
        says(&log_of(|| directory.reload().unwrap()).1, &["mode=0604"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_can_write_is_reported_once() {
        use std::os::unix::fs::PermissionsExt as _;

        let keys = Keys::of(&[(1, 0)]);
        let mode = |mode| {
            fs::set_permissions(keys.path(), fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o755);
        let (directory, log) = log_of(|| keys.open());
        assert!(!log.contains("key_directory_open"), "{log}");
        mode(0o775);
        let path = keys.path().display().to_string();
        let (_, log) = log_of(|| directory.reload().unwrap());
        says(&log, &["WARN sealed_session", "code=\"key_directory_open\"", &path, "mode=0775"]);
        assert_eq!(log_of(|| directory.reload().unwrap()).1, "");
        // As Kubernetes mounts a secret, which nobody can write.
        mode(0o1777);
        assert_eq!(log_of(|| directory.reload().unwrap()).1, "");
    }

    #[test]
    fn nothing_that_is_told_or_shown_has_a_key() {
        let keys = Keys::of(&[(1, -50), (2, 5000)]);
        let (directory, mut log) = log_of(|| keys.open());
        keys.add(1, 9000);
        log += &log_of(|| directory.reload().unwrap_err()).1;
        log += &format!("{directory:?} {:?} {:?}", directory.status(), directory.keyring());
        for number in [1, 2] {
            let key = key(number);
            assert!(!log.contains(&*key.to_hex()) && !log.contains(&*key.to_base64()), "{log}");
        }
    }
}

#[test]
fn a_clock_and_a_subscriber_may_use_the_directory() {
    use std::sync::{Arc, OnceLock};
    use std::time::SystemTime;

    /// Whoever asks it for the time waits forever if a lock is held.
    #[derive(Clone, Default)]
    struct Curious(Arc<OnceLock<KeyDirectory>>, Arc<std::sync::atomic::AtomicBool>);

    impl sealed_session::Clock for Curious {
        fn now(&self) -> SystemTime {
            use std::sync::atomic::Ordering::SeqCst;
            if let Some(directory) = self.0.get().filter(|_| !self.1.swap(true, SeqCst)) {
                let _ = (directory.status(), directory.reload());
                self.1.store(false, SeqCst);
            }
            at(START)
        }
    }

    let keys = Keys::of(&[(1, 0), (2, 5000)]);
    let clock = Curious::default();
    let directory = keys.builder().clock(clock.clone()).open().unwrap();
    clock.0.set(directory.clone()).unwrap();
    keys.add(3, 9000);
    directory.reload().unwrap();
    let codec = Codec::<Dynamic>::builder(directory.keyring()).clock(clock).build().unwrap();
    seals_with(&codec, 1);
    assert_eq!(directory.status().keys.len(), 3);
}

#[test]
fn a_revoked_key_stays_revoked_where_an_old_copy_without_its_tombstone_comes_back() {
    let keys = Keys::of(&[(1, -100), (2, 50_000)]);
    let directory = keys.open();
    let codec = keys.codec(directory.keyring());
    let stolen = token_of(1, &keys.clock);
    keys.add(2, 0);
    keys.remove(50_000);
    keys.revoke(1);
    directory.reload().unwrap();
    assert!(codec.decode(&stolen).is_err());
    // Yesterday's copy, from before the revocation: the successor under its old name, and no tombstone.
    keys.add(2, 50_000);
    keys.remove(0);
    fs::remove_file(keys.path().join(format!("{}.revoked", key(1).id()))).unwrap();
    directory.reload().unwrap();
    assert!(codec.decode(&stolen).is_err());
    seals_with(&codec, 2);
}

#[test]
fn a_tombstone_counts_also_for_a_key_that_a_keyring_has_in_addition() {
    let keys = Keys::of(&[(1, 0)]);
    let directory = keys.open();
    let before = directory.keyring().with_previous(key(9)).unwrap();
    let codec = keys.codec(before);
    let stolen = token_of(9, &keys.clock);
    assert!(codec.decode(&stolen).is_ok());
    keys.revoke(9);
    directory.reload().unwrap();
    assert!(codec.decode(&stolen).is_err());
    // Also if it comes later than the tombstone.
    let after = directory.keyring().with_previous(key(9)).unwrap();
    assert_eq!(after.len(), 1);
    assert!(keys.codec(after).decode(&stolen).is_err());
}

#[test]
fn a_key_that_a_keyring_has_in_addition_may_also_be_in_the_directory() {
    let keys = Keys::of(&[(1, 0)]);
    let directory = keys.open();
    let before = keys.codec(directory.keyring().with_previous(key(9)).unwrap());
    keys.later(SETTLE.as_secs());
    keys.add(9, -50);
    directory.reload().unwrap();
    // What works while it runs also works when it starts again.
    let keyring = keys.open().keyring().with_previous(key(9)).unwrap();
    assert_eq!(keyring.len(), 2);
    let after = keys.codec(keyring);
    seals_with(&before, 1);
    for codec in [before, after] {
        assert!(codec.decode(token_of(9, &keys.clock)).is_ok());
    }
}

#[test]
fn the_keys_that_a_codec_no_longer_follows_are_dropped_without_a_lock() {
    use std::sync::{Arc, OnceLock, mpsc};
    use std::time::SystemTime;

    /// Whoever drops it waits forever if a lock of the codec is held.
    struct Last(Arc<OnceLock<Codec<Dynamic>>>);

    impl sealed_session::Clock for Last {
        fn now(&self) -> SystemTime {
            at(START)
        }
    }

    impl Drop for Last {
        fn drop(&mut self) {
            if let Some(codec) = self.0.get() {
                let _ = codec.decode("not a token");
            }
        }
    }

    let keys = Keys::of(&[(1, 0)]);
    let cell = Arc::new(OnceLock::new());
    let directory = keys.builder().clock(Last(cell.clone())).open().unwrap();
    let codec = keys.codec(directory.keyring());
    drop(directory);
    cell.set(codec.clone()).unwrap();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        codec.replace_keyring(Key::generate().unwrap().into());
        done.send(()).unwrap();
    });
    ended.recv_timeout(seconds(10)).expect("a lock is held");
}
