//! `SessionKind`: what a session holds. `Dynamic` is the kind that holds any named entries.

mod entries;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::entries::Entries;
pub(crate) use self::entries::check_depth;
#[cfg(feature = "revocation")]
use crate::marks::Tag;
use crate::plaintext::Json;

/// A kind of session: the type of its data and the name of its cookie.
///
/// Each kind has its own cookie, layer and handle, even if two kinds hold the same type:
///
/// ```
/// use sealed_session::SessionKind;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Clone)]
/// struct Login { user_id: u64 }
/// impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
///
/// struct Admin;
/// impl SessionKind for Admin { type Data = Login; const NAME: &'static str = "admin"; }
/// ```
///
/// The data's `Deserialize` must be able to read what its `Serialize` writes. If a later request
/// cannot read a session, it gets an empty one. Give new fields `#[serde(default)]`, so that older
/// sessions still open.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of session",
    label = "this is not a kind of session",
    note = "implement it: `impl SessionKind for {Self} {{ type Data = Self; const NAME: &'static str = \"login\"; }}`"
)]
pub trait SessionKind: Send + Sync + 'static {
    /// The data of the session.
    type Data: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The cookie's name, unless [`CookieOptions::name`](crate::CookieOptions::name) gives another.
    const NAME: &'static str;

    /// The data of a session before anything is written to it. Default: `None`.
    ///
    /// If it is `Some`, [`data`](crate::Session::data) and [`update`](crate::Session::update) use it
    /// while there is no session yet.
    ///
    /// ```
    /// # use sealed_session::{Dynamic, SessionKind};
    /// assert!(Dynamic::empty().unwrap().is_empty());
    /// ```
    #[must_use]
    fn empty() -> Option<Self::Data> {
        None
    }

    /// Whether the data is equivalent to no session and needs no cookie, such as an empty cart.
    /// Writing such data removes the cookie. Default: always `false`.
    ///
    /// ```
    /// use sealed_session::SessionKind;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize, Clone, Default)]
    /// struct Cart { items: Vec<u32> }
    ///
    /// impl SessionKind for Cart {
    ///     type Data = Self;
    ///     const NAME: &'static str = "cart";
    ///
    ///     fn empty() -> Option<Self> {
    ///         Some(Self::default())
    ///     }
    ///
    ///     fn is_empty(cart: &Self) -> bool {
    ///         cart.items.is_empty()
    ///     }
    /// }
    /// ```
    fn is_empty(data: &Self::Data) -> bool {
        let _ = data;
        false
    }

    /// What the session has in common with others, so that they can be ended together: its user, its
    /// tenant. Default: nothing.
    ///
    /// ```
    /// use sealed_session::{SessionKind, Tag};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize, Clone)]
    /// struct Login { user_id: u64 }
    ///
    /// impl SessionKind for Login {
    ///     type Data = Self;
    ///     const NAME: &'static str = "login";
    ///
    ///     fn tags(login: &Self) -> Vec<Tag> {
    ///         vec![Tag::new("user", login.user_id)]
    ///     }
    /// }
    /// ```
    ///
    /// A write that gives a session a tag which it did not have begins a new session, as
    /// [`regenerate`](crate::Session::regenerate) does: what ended the tag's sessions earlier must not
    /// end this one.
    #[cfg(feature = "revocation")]
    #[must_use]
    fn tags(data: &Self::Data) -> Vec<Tag> {
        let _ = data;
        Vec::new()
    }

    #[doc(hidden)]
    fn parse(json: &mut Json, _: Internal) -> Result<Self::Data, serde_json::Error> {
        serde_json::from_str(json.as_str())
    }
}

/// Proves that this crate calls a hidden method, because only this crate can create it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Internal(());

/// The data of a session from its JSON.
pub(crate) fn parse<K: SessionKind>(json: &mut Json) -> Result<K::Data, serde_json::Error> {
    K::parse(json, Internal(()))
}

/// The kind of session that holds any entries by name. `Session` alone means `Session<Dynamic>`.
///
/// Its cookie is named `session`.
///
/// ```
/// use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
///
/// let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
/// let mut entries = Entries::new();
/// entries.insert("visits", &1)?;
/// let token = codec.encode(&entries)?;
/// assert_eq!(codec.decode(&token)?.data.get("visits")?, Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Dynamic {}

impl SessionKind for Dynamic {
    type Data = Entries;

    const NAME: &'static str = "session";

    fn parse(json: &mut Json, _: Internal) -> Result<Entries, serde_json::Error> {
        Entries::parse(json.share())
    }

    fn empty() -> Option<Entries> {
        Some(Entries::new())
    }

    fn is_empty(data: &Entries) -> bool {
        data.is_empty()
    }
}
