//! `Primary`: finds the node that takes the writes, and connects to it.

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

pub(crate) struct Primary {
    seeds: Vec<ConnectionInfo>,
    topology: Topology,
    /// User and password of the nodes that hold the data.
    login: Option<(String, String)>,
    /// A key in the slot that is used.
    key: String,
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
        key: String,
        timeout: Duration,
    ) -> Self {
        Self { seeds, topology, login, key, timeout, next: AtomicUsize::new(0) }
    }

    /// A connection to the primary, as the first seed that answers knows it.
    pub(crate) async fn connect(&self) -> Result<Connection, RedisStoreError> {
        let mut failure = None;
        for _ in &self.seeds {
            let at = self.next.fetch_add(1, Ordering::Relaxed) % self.seeds.len();
            match self.connect_by(&self.seeds[at]).await {
                Ok(connection) => {
                    self.next.store(at, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| RedisStoreError::setting("there is no address")))
    }

    async fn connect_by(&self, seed: &ConnectionInfo) -> Result<Connection, RedisStoreError> {
        let address = match &self.topology {
            Topology::Node => seed.addr().clone(),
            Topology::Sentinel { name } => self.ask_sentinel(seed, name).await?,
            Topology::Cluster => self.ask_cluster(seed).await?,
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

    async fn ask_cluster(&self, seed: &ConnectionInfo) -> Result<ConnectionAddr, RedisStoreError> {
        let mut node = Connection::open(self.node(seed), self.timeout).await?;
        let mut ask = Pipeline::new();
        ask.cmd("CLUSTER").arg("KEYSLOT").arg(&self.key);
        ask.cmd("CLUSTER").arg("SLOTS");
        let [slot, ranges] = self.ask(&mut node, &ask).await?;
        let slot = as_number(&slot).ok_or_else(|| RedisStoreError::unexpected("CLUSTER"))?;
        for range in as_list(&ranges).unwrap_or_default() {
            let [first, last, primary, ..] = as_list(range).unwrap_or_default() else { continue };
            let (Some(first), Some(last)) = (as_number(first), as_number(last)) else { continue };
            if !(first..=last).contains(&slot) {
                continue;
            }
            let [host, port, ..] = as_list(primary).unwrap_or_default() else { continue };
            return address(seed, host, port).ok_or_else(|| RedisStoreError::unexpected("CLUSTER"));
        }
        let text = format!("{} knows no node for the slot {slot}", seed.addr());
        Err(RedisStoreError::new(ErrorKind::NotPrimary, text))
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
