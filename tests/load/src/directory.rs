//! A directory of keys, and the tool that rotates them: started again and again, and often killed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// From one run of the tool to the next.
const BETWEEN: Duration = Duration::from_millis(100);
/// A run that is to be killed lives for less than this, in microseconds. It takes a few milliseconds.
const KILLED_WITHIN: u64 = 4_000;

pub(crate) struct Directory {
    path: PathBuf,
    tool: PathBuf,
    running: Option<Child>,
    next_run: Instant,
    /// The names of all keys that were ever there.
    seen: BTreeSet<String>,
    pub(crate) runs: u64,
    pub(crate) kills: u64,
    most: usize,
}

impl Directory {
    pub(crate) fn new(directory: &Path) -> Result<Self, String> {
        let path = directory.join("keys.d");
        std::fs::create_dir(&path).map_err(|error| error.to_string())?;
        let beside = std::env::current_exe().map_err(|error| error.to_string())?;
        let tool = beside.with_file_name("sealed-session");
        if !tool.exists() {
            return Err("first run `cargo build --release -p sealed-session-cli`".into());
        }
        let mut new = Self {
            path,
            tool,
            running: None,
            next_run: Instant::now(),
            seen: BTreeSet::new(),
            runs: 0,
            kills: 0,
            most: 0,
        };
        new.start()?;
        new.ended(true)?;
        new.look()?;
        match new.seen.len() {
            1 => Ok(new),
            found => Err(format!("the first run made {found} keys")),
        }
    }

    pub(crate) fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// Starts, kills and reaps the tool, as is due. `random` decides who is killed, and when.
    pub(crate) fn beat(&mut self, mut random: impl FnMut(u64) -> u64) -> Result<(), String> {
        self.ended(false)?;
        if self.running.is_none() && Instant::now() >= self.next_run {
            self.start()?;
            self.next_run = Instant::now() + BETWEEN;
            if random(3) == 0 {
                // Not by the timer, which is too coarse to meet it.
                std::thread::sleep(Duration::from_micros(random(KILLED_WITHIN)));
                self.kill()?;
            }
        }
        self.look()
    }

    /// Kills the present run, unless it has ended.
    fn kill(&mut self) -> Result<(), String> {
        self.ended(false)?;
        if let Some(mut run) = self.running.take() {
            run.kill().map_err(|error| error.to_string())?;
            run.wait().map_err(|error| error.to_string())?;
            self.kills += 1;
        }
        Ok(())
    }

    /// Keys seal for two seconds each, and are known for one before. Sessions last at most six.
    fn start(&mut self) -> Result<(), String> {
        let run = Command::new(&self.tool)
            .args(["keys", "rotate"])
            .arg(&self.path)
            .args(["--every", "2s", "--after", "1s", "--longest", "6s", "--settle", "400ms"])
            .args(["--stale", "500ms", "--sweep-after", "500ms", "--force"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        self.running = Some(run);
        self.runs += 1;
        Ok(())
    }

    /// Takes note of a run that has ended: by itself, it must have succeeded.
    fn ended(&mut self, wait: bool) -> Result<(), String> {
        let Some(run) = &mut self.running else { return Ok(()) };
        let status = if wait { run.wait().map(Some) } else { run.try_wait() };
        let Some(status) = status.map_err(|error| error.to_string())? else { return Ok(()) };
        self.running = None;
        if status.success() { Ok(()) } else { Err(format!("`keys rotate` failed: {status}")) }
    }

    fn look(&mut self) -> Result<(), String> {
        let there = self.there()?;
        self.most = self.most.max(there.len());
        self.seen.extend(there);
        Ok(())
    }

    fn there(&self) -> Result<Vec<String>, String> {
        let entries = std::fs::read_dir(&self.path).map_err(|error| error.to_string())?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        let names = names.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let names = names.into_iter().filter_map(|name| name.into_string().ok());
        Ok(names.filter(|name| name.ends_with(".key")).collect())
    }

    /// How many keys there ever were, how many of them went, and how many there were at once.
    pub(crate) fn life(&self) -> Result<(usize, usize, usize), String> {
        let there = self.there()?.len();
        Ok((self.seen.len(), self.seen.len() - there, self.most))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Some(run) = &mut self.running {
            let _ended = run.kill();
            let _reaped = run.wait();
        }
    }
}
