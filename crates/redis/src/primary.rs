//! `Primary`: finds the node that takes the writes, and connects to it.

use std::ops::RangeInclusive;
#[cfg(feature = "registry")]
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, Pipeline, RedisConnectionInfo, Value};

use crate::connection::{Connection, as_list, as_number, as_text};
use crate::error::{ErrorKind, RedisStoreError};

/// How the nodes belong together.
pub(crate) enum Topology {
    Node,
    Sentinel {
        /// The name of the primary.
        name: String,
    },
    Cluster,
}

/// Slots of a cluster that have one owner.
pub(crate) type Slots = RangeInclusive<u16>;

pub(crate) struct Primary {
    seeds: Vec<ConnectionInfo>,
    topology: Topology,
    /// User and password of the nodes that hold the data.
    login: Option<(String, String)>,
    /// The slot that is used.
    slot: u16,
    timeout: Duration,
    /// Which seed to ask next. It is raised before one is asked, so that a caller who gives up does not ask
    /// the same one again.
    next: AtomicUsize,
}

impl Primary {
    pub(crate) fn new(
        seeds: Vec<ConnectionInfo>,
        topology: Topology,
        login: Option<(String, String)>,
        slot: u16,
        timeout: Duration,
    ) -> Self {
        Self { seeds, topology, login, slot, timeout, next: AtomicUsize::new(0) }
    }

    /// A connection to the primary, as the first seed that answers knows it.
    pub(crate) async fn connect(&self) -> Result<Connection, RedisStoreError> {
        let mut failure = RedisStoreError::setting("there is no address");
        for _ in &self.seeds {
            let at = self.next_seed();
            match self.connect_by(&self.seeds[at]).await {
                Ok(connection) => {
                    self.next.store(at, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The nodes of a cluster that take the writes, as the first seed that answers knows them, with their
    /// addresses.
    #[cfg(feature = "registry")]
    pub(crate) async fn owners(&self) -> Result<Vec<(Slots, String, Arc<Self>)>, RedisStoreError> {
        let mut failure = RedisStoreError::setting("there is no address");
        for _ in &self.seeds {
            let at = self.next_seed();
            let seed = &self.seeds[at];
            match self.ask_cluster(seed).await {
                Ok(owners) => {
                    self.next.store(at, Ordering::Relaxed);
                    let only = |(slots, address): (Slots, ConnectionAddr)| {
                        let place = address.to_string();
                        (slots, place, Arc::new(self.only(self.node(seed).set_addr(address))))
                    };
                    return Ok(owners.into_iter().map(only).collect());
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn next_seed(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % self.seeds.len()
    }

    #[cfg(feature = "registry")]
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.topology, Topology::Cluster)
    }

    /// This node alone, as long as it is a primary.
    #[cfg(feature = "registry")]
    fn only(&self, node: ConnectionInfo) -> Self {
        Self::new(vec![node], Topology::Node, None, self.slot, self.timeout)
    }

    async fn connect_by(&self, seed: &ConnectionInfo) -> Result<Connection, RedisStoreError> {
        let address = match &self.topology {
            Topology::Node => seed.addr().clone(),
            Topology::Sentinel { name } => self.ask_sentinel(seed, name).await?,
            Topology::Cluster => self.owner(seed).await?,
        };
        let mut connection =
            Connection::open(self.node(seed).set_addr(address), self.timeout).await?;
        let mut ask = Pipeline::new();
        ask.cmd("INFO").arg("replication");
        let [info] = self.ask(&mut connection, &ask).await?;
        connection.history(&info)?;
        Ok(connection)
    }

    /// How to connect to a node that holds data.
    fn node(&self, seed: &ConnectionInfo) -> ConnectionInfo {
        let mut settings = seed.redis_settings().clone();
        if let Topology::Sentinel { .. } = self.topology {
            settings = without_login(&settings).set_db(settings.db());
        }
        if let Some((user, password)) = &self.login {
            settings = settings.set_username(user).set_password(password);
        }
        seed.clone().set_redis_settings(settings)
    }

    async fn ask_sentinel(
        &self,
        seed: &ConnectionInfo,
        name: &str,
    ) -> Result<ConnectionAddr, RedisStoreError> {
        let settings = seed.redis_settings().clone().set_db(0);
        let info = seed.clone().set_redis_settings(settings);
        let mut sentinel = Connection::open(info, self.timeout).await?;
        let mut ask = Pipeline::new();
        ask.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name);
        let [answer] = self.ask(&mut sentinel, &ask).await?;
        let found = as_list(&answer).unwrap_or_default();
        let [host, port] = found else {
            let text = format!("the sentinel {} knows no primary of that name", seed.addr());
            return Err(RedisStoreError::new(ErrorKind::NotPrimary, text));
        };
        address(seed, host, port).ok_or_else(|| RedisStoreError::unexpected("SENTINEL"))
    }

    /// The owner of the slot.
    async fn owner(&self, seed: &ConnectionInfo) -> Result<ConnectionAddr, RedisStoreError> {
        let owners = self.ask_cluster(seed).await?;
        let found = owners.into_iter().find(|(slots, _)| slots.contains(&self.slot));
        found.map(|(_, address)| address).ok_or_else(|| {
            let text = format!("{} knows no node for the slot {}", seed.addr(), self.slot);
            RedisStoreError::new(ErrorKind::NotPrimary, text)
        })
    }

    async fn ask_cluster(
        &self,
        seed: &ConnectionInfo,
    ) -> Result<Vec<(Slots, ConnectionAddr)>, RedisStoreError> {
        let mut node = Connection::open(self.node(seed), self.timeout).await?;
        let mut ask = Pipeline::new();
        ask.cmd("CLUSTER").arg("SLOTS");
        let [ranges] = self.ask(&mut node, &ask).await?;
        let owner = |range: &Value| {
            let [first, last, primary, ..] = as_list(range)? else { return None };
            let [first, last] = [first, last].map(|slot| u16::try_from(as_number(slot)?).ok());
            let [host, port, ..] = as_list(primary)? else { return None };
            Some((first?..=last?, address(seed, host, port)?))
        };
        let owners = as_list(&ranges).and_then(|ranges| ranges.iter().map(owner).collect());
        owners.ok_or_else(|| RedisStoreError::unexpected("CLUSTER SLOTS"))
    }

    async fn ask<const N: usize>(
        &self,
        connection: &mut Connection,
        commands: &Pipeline,
    ) -> Result<[Value; N], RedisStoreError> {
        let answers = connection.ask(commands, self.timeout).await?;
        answers.try_into().map_err(|_| RedisStoreError::unexpected("a pipeline"))
    }
}

fn without_login(settings: &RedisConnectionInfo) -> RedisConnectionInfo {
    RedisConnectionInfo::default().set_protocol(settings.protocol())
}

/// An address that a seed told, with the seed's TLS. A node that does not know its own name means the
/// one that was asked.
fn address(seed: &ConnectionInfo, host: &Value, port: &Value) -> Option<ConnectionAddr> {
    let port = u16::try_from(as_number(port)?).ok()?;
    let host = as_text(host).filter(|host| !host.is_empty() && *host != "?");
    match seed.addr() {
        ConnectionAddr::Tcp(own, _) => {
            Some(ConnectionAddr::Tcp(host.unwrap_or(own).to_owned(), port))
        }
        ConnectionAddr::TcpTls { host: own, insecure, tls_params, .. } => {
            Some(ConnectionAddr::TcpTls {
                host: host.unwrap_or(own).to_owned(),
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            })
        }
        _ => None,
    }
}
