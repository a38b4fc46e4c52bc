//! `CodecBuilder`: checks a codec's settings and builds it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::Codec;
#[cfg(feature = "revocation")]
use super::inner::Attached;
use super::inner::{CodecInner, Settings};
use crate::clock::{Clock, CodecClock};
use crate::cookies::CookieOptions;
use crate::crypto::keyring::Keyring;
use crate::error::{ConfigError, ConfigErrorKind};
use crate::events::{CodecEvent, Events, Hook};
use crate::kind::SessionKind;

const DEFAULT_IDLE_TIMEOUT: u64 = 24 * 60 * 60;
const DEFAULT_ABSOLUTE_TIMEOUT: u64 = 30 * 24 * 60 * 60;
/// nginx and others accept header lines of 8 kB unless configured otherwise.
const DEFAULT_MAX_COOKIE_HEADER: usize = 7_500;
/// A smaller limit has no room for a session.
const MIN_COOKIE_HEADER: usize = 256;
const MAX_TIMEOUT: u64 = (1 << 31) - 1;

/// Settings for a [`Codec`]; created by [`Codec::builder`].
///
/// ```
/// # use std::time::Duration;
/// # use sealed_session::{Codec, CookieOptions, Dynamic, Key, Keyring};
/// let codec = Codec::<Dynamic>::builder(Keyring::new(Key::generate()?))
///     .idle_timeout(Duration::from_secs(15 * 60))
///     .absolute_timeout(Duration::from_secs(8 * 60 * 60))
///     .cookie(CookieOptions::host_prefixed())
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct CodecBuilder<K> {
    keyring: Keyring,
    idle_timeout: Duration,
    absolute_timeout: Duration,
    remember_timeout: Option<Duration>,
    refresh_on_read: bool,
    max_cookie_header: usize,
    mark_deletions: bool,
    cookie: CookieOptions,
    clock: CodecClock,
    hook: Option<Hook>,
    #[cfg(feature = "revocation")]
    attached: Option<Attached>,
    #[cfg(feature = "registry")]
    watch: Option<Arc<dyn super::Watch>>,
    #[cfg(feature = "fastify")]
    share_fastify_key: bool,
    kind: PhantomData<fn() -> K>,
}

impl<K: SessionKind> CodecBuilder<K> {
    pub(super) fn new(keyring: Keyring) -> Self {
        Self {
            keyring,
            idle_timeout: Duration::from_secs(DEFAULT_IDLE_TIMEOUT),
            absolute_timeout: Duration::from_secs(DEFAULT_ABSOLUTE_TIMEOUT),
            remember_timeout: None,
            refresh_on_read: true,
            max_cookie_header: DEFAULT_MAX_COOKIE_HEADER,
            mark_deletions: false,
            cookie: CookieOptions::new(),
            clock: CodecClock::System,
            hook: None,
            #[cfg(feature = "revocation")]
            attached: None,
            #[cfg(feature = "registry")]
            watch: None,
            #[cfg(feature = "fastify")]
            share_fastify_key: false,
            kind: PhantomData,
        }
    }

    /// How long a session lasts after it was last refreshed, in whole seconds. Default: 24 hours.
    ///
    /// Writing refreshes a session; so does reading, once a tenth of this time has passed. Shortening
    /// it takes effect at once, also for existing sessions; lengthening it takes effect at a
    /// session's next refresh. (Node's cookies do not hold their timeout, so for them both take
    /// effect at once.) (OWASP ASVS 5.0, 7.3.1.)
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let codec = Codec::<Dynamic>::builder(keyring)
    ///     .idle_timeout(Duration::from_secs(15 * 60))
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long a session lasts after it was created, even if it is used, in whole seconds. Default:
    /// 30 days. It must not be shorter than the idle timeout. (Node's cookies have no absolute
    /// timeout.) (OWASP ASVS 5.0, 7.3.2.)
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let codec = Codec::<Dynamic>::builder(keyring)
    ///     .absolute_timeout(Duration::from_secs(7 * 24 * 60 * 60))
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn absolute_timeout(mut self, timeout: Duration) -> Self {
        self.absolute_timeout = timeout;
        self
    }

    /// The idle timeout that `Session::remember` gives a session, in whole seconds, at least the idle
    /// timeout and at most the absolute timeout. Default: none, and `remember` is an error.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let thirty_days = Duration::from_secs(30 * 24 * 60 * 60);
    /// let codec = Codec::<Dynamic>::builder(keyring).remember_timeout(thirty_days).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remember_timeout(mut self, timeout: Duration) -> Self {
        self.remember_timeout = Some(timeout);
        self
    }

    /// Whether reading a session counts as activity. Default: `true`. With `false`, only writes and
    /// `Session::touch` refresh a session.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let codec = Codec::<Dynamic>::builder(keyring).refresh_on_read(false).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refresh_on_read(mut self, refresh: bool) -> Self {
        self.refresh_on_read = refresh;
        self
    }

    /// How many bytes all Cookie lines of a request may have, including what a handler writes.
    /// Default: 7,500. A write that would exceed it is an error in the handler.
    ///
    /// If a request's Cookie line is too long, proxies refuse it before the application sees it, and
    /// the user has to delete cookies by hand. nginx accepts 8 kB by default
    /// (`large_client_header_buffers`).
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let codec = Codec::<Dynamic>::builder(keyring).max_cookie_header(15_000).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_cookie_header(mut self, bytes: usize) -> Self {
        self.max_cookie_header = bytes;
        self
    }

    /// Whether a response that removes the cookie also leaves a mark in the browser. Default: `false`.
    ///
    /// A response that is sent while its user logs out can bring the deleted session's cookie back:
    /// see [the guide](crate::guide::expiry). With this setting the log-out also sets a cookie
    /// `<name>-ended`, which lasts ten minutes and holds the session's id, sealed. A session with
    /// that id is then refused ([`DecodeErrorKind::Ended`](crate::DecodeErrorKind::Ended)), and its
    /// cookie is removed.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let codec = Codec::<Dynamic>::builder(keyring).mark_deletions(true).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Security
    ///
    /// This closes the gap only for this browser, for its last sixteen log-outs, and if it sends its
    /// next request within ten minutes. Later the mark is gone, and a cookie that a late response
    /// brought back opens until it expires. So does a copy of the cookie elsewhere. A session in
    /// Node's format has no id, so it is not marked.
    pub fn mark_deletions(mut self, mark: bool) -> Self {
        self.mark_deletions = mark;
        self
    }

    /// The cookie's name and attributes. Default: [`CookieOptions::new`].
    ///
    /// ```
    /// # use sealed_session::{Codec, CookieOptions, Dynamic, Key, Keyring};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let codec = Codec::<Dynamic>::builder(keyring)
    ///     .cookie(CookieOptions::host_prefixed())
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cookie(mut self, options: CookieOptions) -> Self {
        self.cookie = options;
        self
    }

    /// The clock that the codec reads. Default: [`SystemClock`](crate::SystemClock).
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, TestClock};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let clock = TestClock::at(1_700_000_000);
    /// let codec = Codec::<Dynamic>::builder(keyring).clock(clock.clone()).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = CodecClock::Other(Arc::new(clock));
        self
    }

    /// Calls a function for each session that is opened, refused, sealed, refreshed, re-sealed under a newer
    /// key or removed, and for each write that is too large: for counters, where neither the feature
    /// `metrics` nor `tracing` is used. Default: none.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::sync::atomic::{AtomicU64, Ordering};
    /// # use sealed_session::{Codec, CodecEventKind, Dynamic, Key, KeyAge, Keyring};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let by_old_key = Arc::new(AtomicU64::new(0));
    /// let counter = by_old_key.clone();
    /// let codec = Codec::<Dynamic>::builder(keyring)
    ///     .on_event(move |event| {
    ///         if let CodecEventKind::Opened { age: KeyAge::Older, .. } = event.kind {
    ///             counter.fetch_add(1, Ordering::Relaxed);
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// It runs in the middle of a request, so it must be quick and must not block. No lock is held, so it
    /// may use the session and the codec. What it does with a codec itself is counted and logged, but is not
    /// told to it or to another hook. If it panics, so does the call that it was told of; the session
    /// remains usable.
    pub fn on_event(mut self, hook: impl Fn(&CodecEvent<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// Allows this cookie's fastify key to be used for another cookie as well. By default that is an
    /// error if both codecs have clones of one [`Key`](crate::Key). A key that was loaded twice is
    /// detected when a request passes the layers of both.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let node = Key::generate()?;
    /// let codec = Codec::<Dynamic>::builder(Keyring::fastify(node))
    ///     .danger_share_fastify_key()
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Security
    ///
    /// The Node plugin's token is not bound to its cookie's name: anyone who has one of the cookies
    /// can send it under the other's name, and it opens. Use this only if the sessions may be
    /// interchangeable, or if neither can be deserialized as the other.
    #[cfg(feature = "fastify")]
    pub fn danger_share_fastify_key(mut self) -> Self {
        self.share_fastify_key = true;
        self
    }

    /// Gives the codec what can end its sessions.
    #[cfg(feature = "revocation")]
    pub(crate) fn attach(&mut self, attached: Attached) {
        self.attached = Some(attached);
    }

    /// Tells the codec whom to tell of the sessions that are refreshed.
    #[cfg(feature = "registry")]
    pub(crate) fn watch(&mut self, watch: Arc<dyn super::Watch>) {
        self.watch = Some(watch);
    }

    /// Checks the settings and creates the codec.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let result = Codec::<Dynamic>::builder(keyring)
    ///     .idle_timeout(Duration::from_secs(60 * 60))
    ///     .absolute_timeout(Duration::from_secs(60))
    ///     .build();
    /// assert!(result.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a setting out of its range, or for a combination that contradicts itself or
    /// that a browser would refuse.
    pub fn build(self) -> Result<Codec<K>, ConfigError> {
        let idle = check_timeout("idle", self.idle_timeout)?;
        let absolute = check_timeout("absolute", self.absolute_timeout)?;
        let remember = self.remember_timeout.map(|timeout| check_timeout("remember", timeout));
        if self.max_cookie_header < MIN_COOKIE_HEADER {
            let found = self.max_cookie_header;
            return Err(ConfigErrorKind::MaxCookieHeader { found }.into());
        }
        let settings = Settings {
            idle,
            absolute,
            remember: remember.transpose()?,
            refresh_on_read: self.refresh_on_read,
            max_cookie_header: self.max_cookie_header,
            #[cfg(feature = "fastify")]
            share_fastify_key: self.share_fastify_key,
        };
        let mut inner = CodecInner::new(K::NAME, self.cookie, settings, self.clock, &self.keyring)?;
        inner.events = Events::new(self.hook);
        if self.mark_deletions {
            inner.mark_deletions(&self.keyring)?;
        }
        let keeps_header = self.keyring.keeps_header();
        for timeout in [Some(self.idle_timeout), self.remember_timeout].into_iter().flatten() {
            if timeout > self.absolute_timeout && keeps_header {
                let (idle, absolute) = (timeout, self.absolute_timeout);
                return Err(ConfigErrorKind::IdleBeyondAbsolute { idle, absolute }.into());
            }
        }
        if let Some(remember) = self.remember_timeout.filter(|timeout| *timeout < self.idle_timeout)
        {
            let idle = self.idle_timeout;
            return Err(ConfigErrorKind::RememberBelowIdle { remember, idle }.into());
        }
        let needs_header = [
            ("remember_timeout", self.remember_timeout.is_some()),
            ("mark_deletions", self.mark_deletions),
            #[cfg(feature = "revocation")]
            ("revocations", self.attached.is_some()),
        ];
        if let Some((setting, _)) = needs_header.into_iter().find(|(_, set)| *set && !keeps_header)
        {
            return Err(ConfigErrorKind::NeedsNativeKey { setting }.into());
        }
        #[cfg(feature = "revocation")]
        if let Some(attached) = self.attached {
            attached.marks.keep_for_sessions_of(absolute)?;
            inner.attached = Some(attached);
        }
        #[cfg(feature = "registry")]
        {
            inner.watch = self.watch;
        }
        inner.ring.claim(&self.keyring)?;
        self.keyring.demand(inner.demand());
        Ok(Codec { inner: Arc::new(inner), kind: PhantomData })
    }
}

impl<K> fmt::Debug for CodecBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodecBuilder")
            .field("keyring", &self.keyring)
            .field("idle_timeout", &self.idle_timeout)
            .field("absolute_timeout", &self.absolute_timeout)
            .field("remember_timeout", &self.remember_timeout)
            .field("refresh_on_read", &self.refresh_on_read)
            .field("max_cookie_header", &self.max_cookie_header)
            .field("mark_deletions", &self.mark_deletions)
            .field("cookie", &self.cookie)
            .finish_non_exhaustive()
    }
}

/// A timeout in seconds.
pub(crate) fn check_timeout(
    which: &'static str,
    timeout: Duration,
) -> Result<u32, ConfigErrorKind> {
    match u32::try_from(timeout.as_secs()) {
        Ok(seconds)
            if timeout.subsec_nanos() == 0 && (1..=MAX_TIMEOUT).contains(&timeout.as_secs()) =>
        {
            Ok(seconds)
        }
        _ => Err(ConfigErrorKind::Timeout { which, found: timeout }),
    }
}
