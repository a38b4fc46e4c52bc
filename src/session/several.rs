//! `Sessions`: the sessions of one request, for a framework whose requests cannot hold values by their type.

use std::any::{Any, type_name};
use std::fmt;
use std::sync::Arc;

use super::conflict::LayerConflict;
use super::{RequestHead, Session, Written};
use crate::codec::{Codec, CodecInner};
use crate::error::SessionRejection;
use crate::kind::SessionKind;
use crate::logging;

/// The sessions of one request, one of each kind, for an [adapter](crate::adapter).
///
/// ```
/// # use sealed_session::{Codec, Dynamic, Key, Keyring};
/// use sealed_session::adapter::{RequestHead, Sessions};
///
/// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
/// let mut sessions = Sessions::new();
/// sessions.begin(&codec, RequestHead::new("GET"));
/// let session = sessions.get::<Dynamic>()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Sessions {
    sessions: Vec<One>,
    conflict: Option<LayerConflict>,
    written: Arc<Written>,
}

struct One {
    core: Arc<CodecInner>,
    session: Box<dyn Any + Send + Sync>,
}

impl Sessions {
    /// No sessions yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the session of a codec. `None` if the request has one of the same kind or cookie already, or if
    /// both share a fastify key: the adapter then passes the request on without it. The log says what is
    /// wrong, and [`get`](Self::get) refuses every session of this request.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # use sealed_session::adapter::{RequestHead, Sessions};
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let mut sessions = Sessions::new();
    /// assert!(sessions.begin(&codec, RequestHead::new("GET")).is_some());
    /// assert!(sessions.begin(&codec, RequestHead::new("GET")).is_none());
    /// assert!(sessions.get::<Dynamic>().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn begin<K: SessionKind>(
        &mut self,
        codec: &Codec<K>,
        request: RequestHead,
    ) -> Option<Session<K>> {
        let core = codec.inner();
        let conflict = self.sessions.iter().find_map(|other| LayerConflict::of(&other.core, core));
        let conflict =
            conflict.or_else(|| self.find::<K>().map(|_| LayerConflict::Kind(type_name::<K>())));
        if let Some(conflict) = conflict {
            logging::clash(&conflict);
            self.conflict = Some(conflict);
            return None;
        }
        let session = Session::new(codec.clone(), request);
        session.join(Some(&self.written));
        let boxed = Box::new(session.clone());
        self.sessions.push(One { core: core.clone(), session: boxed });
        Some(session)
    }

    /// The session of this kind, for an extractor.
    ///
    /// # Errors
    ///
    /// [`SessionRejection::MissingLayer`] if there is none, and [`SessionRejection::ClashingLayers`] if two
    /// exclude each other. Both are mistakes of the program: answer 500, and log the text.
    pub fn get<K: SessionKind>(&self) -> Result<Session<K>, SessionRejection> {
        if let Some(conflict) = &self.conflict {
            return Err(SessionRejection::ClashingLayers { reason: conflict.to_string() });
        }
        self.find::<K>().cloned().ok_or_else(|| {
            SessionRejection::missing::<K>(self.sessions.iter().map(|one| one.core.cookie.name()))
        })
    }

    fn find<K: SessionKind>(&self) -> Option<&Session<K>> {
        self.sessions.iter().find_map(|one| one.session.downcast_ref())
    }
}

impl fmt::Debug for Sessions {
    /// The cookies' names; nothing of the sessions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.sessions.iter().map(|one| one.core.cookie.name())).finish()
    }
}
