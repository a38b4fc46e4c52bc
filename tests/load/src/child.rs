//! Processes of this program's own: servers and the hostile client. Killed when dropped; they also end by
//! themselves when their stdin does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(arguments: &[String]) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        Ok(Self { child, stdin, stdout })
    }

    /// A server that is ready when this returns.
    pub(crate) fn server(port: u16, arguments: &[String]) -> Result<Self, String> {
        let mut all = vec!["server".to_owned(), port.to_string()];
        all.extend_from_slice(arguments);
        let mut server = Self::start(&all)?;
        let mut line = String::new();
        server.stdout.read_line(&mut line).map_err(|error| error.to_string())?;
        if line != "listening\n" {
            return Err("the server did not start".into());
        }
        Ok(server)
    }

    pub(crate) fn tell(&mut self, line: &str) -> Result<(), String> {
        let stdin = self.stdin.as_mut().ok_or("stdin is closed")?;
        writeln!(stdin, "{line}").map_err(|error| error.to_string())
    }

    /// What it prints until it ends.
    pub(crate) fn rest(&mut self) -> Result<String, String> {
        let mut text = String::new();
        self.stdout.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    /// The resident pages, in bytes.
    pub(crate) fn resident(&self) -> Option<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).ok()?;
        Some(statm.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
    }
}

impl Process {
    /// SIGKILL: the server gets no chance to save anything.
    pub(crate) fn kill(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The key file: a key in hex a line, newest first, replaced in one step.
pub(crate) struct KeyFile {
    path: PathBuf,
    /// Each with the time at which the next one took its place.
    keys: Vec<(String, Option<u64>)>,
    most: usize,
}

impl KeyFile {
    pub(crate) fn new(directory: &Path, name: &str) -> Result<Self, String> {
        let mut file = Self { path: directory.join(name), keys: Vec::new(), most: 0 };
        file.rotate(u64::MAX)?;
        Ok(file)
    }

    pub(crate) fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// A new primary. Keys that sealed nothing for `keep` seconds leave.
    pub(crate) fn rotate(&mut self, keep: u64) -> Result<(), String> {
        let mut bytes = [0; 32];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut bytes))
            .map_err(|error| error.to_string())?;
        let now = crate::client::now();
        if let Some((_, retired)) = self.keys.first_mut() {
            *retired = Some(now);
        }
        self.keys.retain(|(_, at)| at.is_none_or(|at| now < at.saturating_add(keep)));
        let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.keys.insert(0, (hex, None));
        self.most = self.most.max(self.keys.len());
        let lines: String = self.keys.iter().map(|(key, _)| format!("{key}\n")).collect();
        let next = self.path.with_extension("next");
        std::fs::write(&next, lines)
            .and_then(|()| std::fs::rename(&next, &self.path))
            .map_err(|error| error.to_string())
    }

    /// How many keys there were at once.
    pub(crate) fn most(&self) -> usize {
        self.most
    }
}

/// A free port outside the range from which clients' ports are taken: a client that calls while the
/// server is down could otherwise be given the server's own.
pub(crate) fn free_port() -> Result<u16, String> {
    let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
    let first = first.and_then(|text| text.split_whitespace().next()?.parse().ok());
    let first = first.unwrap_or(32_768_u16).max(2_048);
    let start = 1_024 + (std::process::id() as u16 % (first - 1_024));
    (start..first)
        .chain(1_024..start)
        .find(|port| std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| "no free port".into())
}
