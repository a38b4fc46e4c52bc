//! `RedisStore` and its builder: checks what is asked for. It connects to nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

use crate::error::RedisStoreError;
#[cfg(feature = "registry")]
use crate::owners::Owners;
use crate::pool::Pool;
use crate::primary::{Primary, Topology};
use crate::slot::slot;
use crate::store::Keys;

/// How long connecting and an answer may take, if nothing else is asked for.
const TIMEOUT: Duration = Duration::from_secs(2);

/// On how many replicas a mark has to be, beside the primary, before it counts as kept.
///
/// ```
/// use sealed_session_redis::Replicas;
///
/// let one_node = Replicas(0);
/// let two_of_three = Replicas(1);
/// ```
///
/// # Security
///
/// With `Replicas(0)`, a mark that was confirmed is lost if the primary is lost before it has passed
/// it on. A primary that is cut off from the others is only noticed if the replicas asked for and
/// itself are more than half of all nodes that hold the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a number with a name")]
pub struct Replicas(pub u32);

/// A store of revocations on Redis or Valkey, to be given to
/// [`Revocations::open`](sealed_session::Revocations::open).
///
/// ```
/// use sealed_session_redis::{RedisStore, Replicas};
///
/// let store = RedisStore::node("redis://localhost", Replicas(0)).build()?;
/// # Ok::<(), sealed_session_redis::RedisStoreError>(())
/// ```
///
/// It connects when it is used. After any error it connects anew, and asks anew which node is the primary.
/// Clones share the connections.
#[derive(Clone)]
pub struct RedisStore {
    pub(crate) pool: Arc<Pool>,
    /// The lists of a registry are in many slots, and have connections of their own.
    #[cfg(feature = "registry")]
    pub(crate) owners: Arc<Owners>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) replicas: u32,
    pub(crate) timeout: Duration,
    /// Something in the store could not be read, and that was reported.
    pub(crate) reported: Arc<AtomicBool>,
}

/// Settings for [`RedisStore`].
///
/// ```
/// # use std::time::Duration;
/// use sealed_session_redis::{RedisStore, Replicas};
///
/// let store = RedisStore::node("redis://localhost", Replicas(1))
///     .prefix("shop")
///     .timeout(Duration::from_secs(1))
///     .build()?;
/// # Ok::<(), sealed_session_redis::RedisStoreError>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct RedisStoreBuilder {
    urls: Vec<String>,
    topology: Topology,
    replicas: Replicas,
    prefix: String,
    timeout: Duration,
    login: Option<(String, String)>,
    #[cfg(feature = "tls")]
    root: Option<Vec<u8>>,
}

impl RedisStore {
    /// A store on one node, which is a primary: `redis://user:password@host:port/database`, or
    /// `rediss://` for TLS.
    ///
    /// ```
    /// # use sealed_session_redis::{RedisStore, Replicas};
    /// let store = RedisStore::node("redis://localhost", Replicas(0)).build()?;
    /// # Ok::<(), sealed_session_redis::RedisStoreError>(())
    /// ```
    pub fn node(url: impl Into<String>, replicas: Replicas) -> RedisStoreBuilder {
        RedisStoreBuilder::new(vec![url.into()], Topology::Node, replicas)
    }

    /// A store on the primary that sentinels know by this name. The addresses are the sentinels'. User and
    /// password in them are for the sentinels; [`login`](RedisStoreBuilder::login) says those of the
    /// primary. A database is the primary's.
    ///
    /// ```
    /// # use sealed_session_redis::{RedisStore, Replicas};
    /// let sentinels = ["redis://a:26379", "redis://b:26379", "redis://c:26379"];
    /// let store = RedisStore::sentinel(sentinels, "mymaster", Replicas(1)).build()?;
    /// # Ok::<(), sealed_session_redis::RedisStoreError>(())
    /// ```
    pub fn sentinel(
        urls: impl IntoIterator<Item = impl Into<String>>,
        name: impl Into<String>,
        replicas: Replicas,
    ) -> RedisStoreBuilder {
        let urls = urls.into_iter().map(Into::into).collect();
        RedisStoreBuilder::new(urls, Topology::Sentinel { name: name.into() }, replicas)
    }

    /// A store in a cluster, of which these are some nodes. All marks are on the node that owns the slot of
    /// the prefix; the lists of a registry are spread over all.
    ///
    /// ```
    /// # use sealed_session_redis::{RedisStore, Replicas};
    /// let nodes = ["redis://a:6379", "redis://b:6379", "redis://c:6379"];
    /// let store = RedisStore::cluster(nodes, Replicas(1)).build()?;
    /// # Ok::<(), sealed_session_redis::RedisStoreError>(())
    /// ```
    pub fn cluster(
        urls: impl IntoIterator<Item = impl Into<String>>,
        replicas: Replicas,
    ) -> RedisStoreBuilder {
        let urls = urls.into_iter().map(Into::into).collect();
        RedisStoreBuilder::new(urls, Topology::Cluster, replicas)
    }
}

impl RedisStoreBuilder {
    fn new(urls: Vec<String>, topology: Topology, replicas: Replicas) -> Self {
        Self {
            urls,
            topology,
            replicas,
            prefix: "sealed-session".to_owned(),
            timeout: TIMEOUT,
            login: None,
            #[cfg(feature = "tls")]
            root: None,
        }
    }

    /// What the names of the keys begin with, in braces. Default: `sealed-session`. Services whose
    /// sessions have nothing to do with each other need different prefixes.
    ///
    /// ```
    /// # use sealed_session_redis::{RedisStore, Replicas};
    /// let store = RedisStore::node("redis://localhost", Replicas(0)).prefix("shop").build()?;
    /// # Ok::<(), sealed_session_redis::RedisStoreError>(())
    /// ```
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long connecting may take, and how long an answer. Replicas have half of it to confirm a
    /// write. Default: 2 seconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session_redis::{RedisStore, Replicas};
    /// let builder = RedisStore::node("redis://localhost", Replicas(0));
    /// let store = builder.timeout(Duration::from_secs(1)).build()?;
    /// # Ok::<(), sealed_session_redis::RedisStoreError>(())
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The user and the password for the nodes that hold the data, instead of those in the addresses.
    ///
    /// ```
    /// # use sealed_session_redis::{RedisStore, Replicas};
    /// # fn example(password: &str) -> Result<RedisStore, sealed_session_redis::RedisStoreError> {
    /// RedisStore::sentinel(["redis://a:26379"], "mymaster", Replicas(1))
    ///     .login("sessions", password)
    ///     .build()
    /// # }
    /// ```
    pub fn login(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// The certificates that sign the servers', in the form PEM, instead of those that the operating system
    /// trusts.
    ///
    /// ```no_run
    /// # use sealed_session_redis::{RedisStore, Replicas};
    /// let root = std::fs::read("/etc/redis/ca.pem")?;
    /// let store = RedisStore::node("rediss://redis.internal", Replicas(0)).root(root).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn root(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root = Some(pem.into());
        self
    }

    /// The store.
    ///
    /// ```
    /// # use sealed_session_redis::{RedisStore, Replicas};
    /// let store = RedisStore::node("redis://localhost", Replicas(0)).build()?;
    /// # Ok::<(), sealed_session_redis::RedisStoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setting`](crate::ErrorKind::Setting) if there is no address, if one cannot be read, or if
    /// the prefix is empty, contains a brace or a control character, or is longer than 100 bytes.
    pub fn build(self) -> Result<RedisStore, RedisStoreError> {
        let bad = |letter: char| matches!(letter, '{' | '}') || letter.is_control();
        if self.prefix.is_empty() || self.prefix.len() > 100 || self.prefix.contains(bad) {
            return Err(RedisStoreError::setting("the prefix cannot be the name of keys"));
        }
        if self.timeout < Duration::from_millis(10) {
            return Err(RedisStoreError::setting("the timeout is less than 10 milliseconds"));
        }
        if self.urls.is_empty() {
            return Err(RedisStoreError::setting("there is no address"));
        }
        let seeds = self.urls.iter().map(|url| self.seed(url)).collect::<Result<Vec<_>, _>>()?;
        let keys = Keys::new(&self.prefix);
        let slot = slot(&keys.days);
        let primary = Primary::new(seeds, self.topology, self.login, slot, self.timeout);
        let primary = Arc::new(primary);
        Ok(RedisStore {
            pool: Arc::new(Pool::new(primary.clone())),
            #[cfg(feature = "registry")]
            owners: Arc::new(Owners::new(primary)),
            keys: Arc::new(keys),
            replicas: self.replicas.0,
            timeout: self.timeout,
            reported: Arc::new(AtomicBool::new(false)),
        })
    }

    /// An address. It can hold a password, so the error does not quote it.
    fn seed(&self, url: &str) -> Result<ConnectionInfo, RedisStoreError> {
        let unreadable = || RedisStoreError::setting("an address is not that of a Redis server");
        let info = url.into_connection_info().map_err(|_| unreadable())?;
        #[cfg(feature = "tls")]
        let info = self.with_tls(info)?;
        if !info.addr().is_supported() {
            let text = "an address needs TLS, and the feature `tls` is off";
            return Err(RedisStoreError::setting(text));
        }
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        Ok(info.set_redis_settings(settings))
    }

    #[cfg(feature = "tls")]
    fn with_tls(&self, info: ConnectionInfo) -> Result<ConnectionInfo, RedisStoreError> {
        use redis::{Client, ConnectionAddr, TlsCertificates};

        match info.addr() {
            ConnectionAddr::TcpTls { insecure: true, .. } => {
                return Err(RedisStoreError::setting("an address asks for TLS without checks"));
            }
            ConnectionAddr::TcpTls { .. } => {}
            _ => return Ok(info),
        }
        // Without it rustls panics where an application has several providers.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let Some(root) = &self.root else { return Ok(info) };
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(root.clone()) };
        let unreadable = |_| RedisStoreError::setting("the root certificates cannot be read");
        let client = Client::build_with_tls(info, certificates).map_err(unreadable)?;
        Ok(client.get_connection_info().clone())
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("keys", &self.keys.days)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("replicas", &self.replicas)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
