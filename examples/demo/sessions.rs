//! The two kinds of session, their codecs, and the rotation of their shared key.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealed_session::{Codec, ConfigError, CookieOptions, SessionKind};
use serde::{Deserialize, Serialize};

use crate::keys::KeyFile;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an unused login lasts: by default, and with “remember me”.
pub(crate) const LOGIN_IDLE: Duration = DAY;
pub(crate) const REMEMBERED_IDLE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The user who is logged in. It ends when the browser is closed, unless it is remembered.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) name: String,
    pub(crate) visits: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

/// How the page looks. A log-out does not remove it.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Preferences {
    pub(crate) theme: Theme,
    pub(crate) language: Language,
}

impl SessionKind for Preferences {
    type Data = Self;
    const NAME: &'static str = "preferences";
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [(Self, &str, &str); 3] = [
        (Self::System, "system", "Like the system"),
        (Self::Light, "light", "Light"),
        (Self::Dark, "dark", "Dark"),
    ];

    pub(crate) fn value(self) -> &'static str {
        value(&Self::ALL, self)
    }
}

/// The language of the greeting.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    #[default]
    En,
    De,
    Fr,
    Es,
}

impl Language {
    pub(crate) const ALL: [(Self, &str, &str); 4] = [
        (Self::En, "en", "English"),
        (Self::De, "de", "Deutsch"),
        (Self::Fr, "fr", "Français"),
        (Self::Es, "es", "Español"),
    ];

    pub(crate) fn value(self) -> &'static str {
        value(&Self::ALL, self)
    }

    pub(crate) fn hello(self) -> &'static str {
        match self {
            Self::En => "Hello",
            Self::De => "Hallo",
            Self::Fr => "Bonjour",
            Self::Es => "Hola",
        }
    }
}

fn value<T: Copy + PartialEq>(all: &[(T, &'static str, &str)], chosen: T) -> &'static str {
    all.iter().find(|(choice, ..)| *choice == chosen).map_or("", |(_, value, _)| value)
}

/// The state that the handlers share.
pub(crate) struct App {
    pub(crate) logins: Codec<Login>,
    pub(crate) preferences: Codec<Preferences>,
    pub(crate) address: SocketAddr,
    keys: Mutex<KeyFile>,
}

impl App {
    pub(crate) fn new(keys: KeyFile, address: SocketAddr) -> Result<Self, ConfigError> {
        let logins = Codec::builder(keys.keyring())
            .idle_timeout(LOGIN_IDLE)
            .absolute_timeout(30 * DAY)
            .build()?;
        let preferences = Codec::builder(keys.keyring())
            .idle_timeout(90 * DAY)
            .absolute_timeout(365 * DAY)
            .cookie(CookieOptions::new().max_age(365 * DAY))
            .build()?;
        Ok(Self { logins, preferences, address, keys: Mutex::new(keys) })
    }

    /// Generates a new key, and writes it to the file and then to every codec. It waits for the disk.
    pub(crate) fn rotate(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut keys = self.keys();
        keys.rotate()?;
        self.logins.replace_keyring(keys.keyring());
        self.preferences.replace_keyring(keys.keyring());
        Ok(())
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, KeyFile> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
