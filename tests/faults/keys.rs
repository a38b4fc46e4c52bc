//! The key file changes under a running server, for better or worse. Nobody is logged out by a file
//! that is no key, and no key is made of half of one.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use sealed_session::{Codec, Key, KeyError, Keyring, SessionLayer};

use crate::support::server::Server;
use crate::support::{Browser, Login, SEVEN, TempDir, key, who};

/// A server whose keys are in files, and a browser that is logged in there.
struct Setting {
    dir: TempDir,
    codec: Codec<Login>,
    server: Server,
    browser: Browser,
}

impl Setting {
    fn new() -> Self {
        let dir = TempDir::new();
        fs::write(dir.path().join("key"), [1; 32]).unwrap();
        let mut browser = Browser::new();
        let key = Key::from_file(dir.path().join("key")).unwrap();
        let codec = Codec::<Login>::builder(Keyring::new(key));
        let codec = codec.clock(browser.clock.clone()).build().unwrap();
        let layer = SessionLayer::new(codec.clone());
        let server = Server::start(Router::new().route("/", get(who)).layer(layer));
        browser.set_cookie("login", &codec.encode(&SEVEN).unwrap());
        Self { dir, codec, server, browser }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("key")
    }

    /// What an operator's reload does: the file's key in front of the one that was there.
    fn reload(&self) -> Result<(), KeyError> {
        let ring = Keyring::new(Key::from_file(self.path())?).with_previous(key(1))?;
        self.codec.replace_keyring(ring);
        Ok(())
    }

    #[track_caller]
    fn is_logged_in(&mut self) {
        let page = self.browser.fetch(&self.server, "GET /", "");
        assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "Some(7)"));
    }
}

#[test]
fn a_key_file_that_is_replaced_changes_nothing_until_it_is_read_again() {
    let mut setting = Setting::new();
    fs::write(setting.path(), [2; 32]).unwrap();
    let before = setting.browser.cookie("login").unwrap().to_owned();
    setting.is_logged_in();
    assert_eq!(setting.browser.cookie("login"), Some(before.as_str()));

    setting.reload().unwrap();
    setting.is_logged_in();
    let after = setting.browser.cookie("login").unwrap();
    assert_ne!(after, before, "sealed anew");
    assert_eq!(setting.codec.decode(after).unwrap().info.key_index, 0);
}

type Spoil = fn(&Path);

#[test]
fn reloading_an_invalid_key_is_an_error_and_logs_nobody_out() {
    let spoils: [(&str, Spoil); 16] = [
        ("missing", |_| ()),
        ("empty", |path| fs::write(path, []).unwrap()),
        ("31 bytes", |path| fs::write(path, [2; 31]).unwrap()),
        ("33 bytes", |path| fs::write(path, [2; 33]).unwrap()),
        ("an editor's newline", |path| fs::write(path, [&[2; 32][..], b"\n"].concat()).unwrap()),
        ("an editor's CRLF", |path| fs::write(path, [&[2; 32][..], b"\r\n"].concat()).unwrap()),
        ("half of it written", |path| fs::write(path, [2; 16]).unwrap()),
        ("half of the hex written", |path| fs::write(path, [b'2'; 33]).unwrap()),
        ("hex with a slip", |path| fs::write(path, [&[b'2'; 63][..], b"g"].concat()).unwrap()),
        ("base64 with a slip", |path| fs::write(path, [&[b'2'; 42][..], b"*="].concat()).unwrap()),
        ("zeros", |path| fs::write(path, [0; 32]).unwrap()),
        ("zeros in hex", |path| fs::write(path, [b'0'; 64]).unwrap()),
        ("the key that it has", |path| fs::write(path, [1; 32]).unwrap()),
        ("a text", |path| fs::write(path, "the key is in the other drawer").unwrap()),
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("a link to nowhere", |path| {
            #[cfg(unix)]
            std::os::unix::fs::symlink("nowhere", path).unwrap();
            #[cfg(not(unix))]
            let _ = path;
        }),
    ];
    let mut setting = Setting::new();
    for (what, spoil) in spoils {
        let path = setting.path();
        let _ = fs::remove_file(&path);
        spoil(&path);
        assert!(setting.reload().is_err(), "{what}");
        setting.is_logged_in();
        let _ = fs::remove_dir(&path);
    }
    let path = setting.path();
    let _ = fs::remove_file(&path);
    fs::write(&path, [2; 32]).unwrap();
    setting.reload().unwrap();
    setting.is_logged_in();
}

#[test]
fn a_key_file_that_is_replaced_while_it_is_read_is_one_key_or_the_other() {
    let setting = Setting::new();
    let (path, next) = (setting.path(), setting.dir.path().join("next"));
    let ended = AtomicBool::new(false);
    let found = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut found = HashSet::new();
            while !ended.load(Ordering::Relaxed) {
                found.insert(*Key::from_file(&path).unwrap().expose_secret());
            }
            found
        });
        for turn in 0..300 {
            // In raw bytes and in hex, whose lengths differ.
            match turn % 2 {
                0 => fs::write(&next, [2; 32]).unwrap(),
                _ => fs::write(&next, "01".repeat(32)).unwrap(),
            }
            fs::rename(&next, &path).unwrap();
        }
        ended.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(found.is_subset(&HashSet::from([[1; 32], [2; 32]])));
}

#[test]
fn a_key_file_that_is_written_in_place_while_it_is_read_is_one_key_the_other_or_an_error() {
    let setting = Setting::new();
    let path = setting.path();
    let ended = AtomicBool::new(false);
    let found = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut found = HashSet::new();
            while !ended.load(Ordering::Relaxed) {
                found.extend(Key::from_file(&path).map(|key| *key.expose_secret()));
            }
            found
        });
        for byte in [1, 2].repeat(150) {
            fs::write(&path, [byte; 32]).unwrap();
        }
        ended.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(found.is_subset(&HashSet::from([[1; 32], [2; 32]])));
}
