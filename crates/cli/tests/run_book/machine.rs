//! The machine on which the page's commands run: a directory, the program, and a clock for all of it.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sealed_session::{KeyDirectory, KeyFile, TestClock};

use crate::page::Cron;
use crate::words::{Ids, earlier, later};

const DAY: u64 = 24 * 60 * 60;
/// How often the program looks at its keys.
const LOOK: u64 = 30;

pub(crate) struct Machine {
    /// `/srv/app`, and beside it the directory with the tool.
    root: PathBuf,
    /// How much later it is than in the page.
    later: Duration,
    /// Seconds since the Unix epoch.
    now: u64,
    clock: TestClock,
    tool_is_ahead: u64,
    server: Option<Server>,
    ids: Ids,
}

impl Machine {
    /// An empty directory, at the time of day that the page says.
    pub(crate) fn begin(time: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sealed-session-run-book-{}-{count}", std::process::id());
        let root = std::env::temp_dir().join(name);
        std::fs::create_dir_all(root.join("app")).unwrap();
        std::fs::create_dir(root.join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_sealed-session"), root.join("bin/sealed-session")).unwrap();

        let in_page = KeyFile::time_of(&format!("{}.key", time.replace(':', "-")));
        let in_page = in_page.expect("a time").duration_since(UNIX_EPOCH).unwrap().as_secs();
        // No file that is written meanwhile is of the future.
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 60 * 60;
        let later = real.saturating_sub(in_page).next_multiple_of(DAY);
        let now = in_page + later;
        Self {
            root,
            later: Duration::from_secs(later),
            now,
            clock: TestClock::at(now),
            tool_is_ahead: 0,
            server: None,
            ids: Ids::default(),
        }
    }

    /// The program starts on these keys. One that ran before has ended.
    pub(crate) fn start(&mut self, keys: &str) {
        self.server = None;
        self.server = Some(Server::start(&self.app().join(keys), &self.clock));
    }

    /// Time passes. The program looks after the first 30 seconds and at the end, and after each run of cron.
    pub(crate) fn wait(&mut self, by: Duration, cron: Option<&Cron>) {
        let end = self.now + by.as_secs();
        self.look_at((self.now + LOOK).min(end));
        while let Some(cron) = cron {
            let today = self.now - self.now % DAY + cron.at;
            let next = if today > self.now { today } else { today + DAY };
            if next > end {
                break;
            }
            self.look_at(next);
            let command = cron.command.replace("/srv/app", self.app().to_str().unwrap());
            let (printed, is_success) = self.run(&command);
            assert!(is_success, "cron: {printed}");
            self.look_at((self.now + LOOK).min(end));
        }
        self.look_at(end);
    }

    pub(crate) fn tool_is_ahead(&mut self, by: Duration) {
        self.tool_is_ahead = by.as_secs();
    }

    /// Runs a command of the page.
    #[track_caller]
    pub(crate) fn follow(&mut self, line: usize, command: &str, in_page: &str) {
        let app = self.app().to_str().unwrap().to_owned();
        let mut real = later(&self.ids.in_command(command), self.later).replace("/srv/app", &app);
        if let Some(server) = &self.server {
            real = real.replace("localhost:3000", &server.address.to_string());
        }
        let (printed, is_success) = self.run(&real);
        let printed = earlier(&printed.replace(&app, "/srv/app"), self.later);
        let printed: String = printed.lines().map(|line| format!("{}\n", line.trim())).collect();
        let agrees = self.ids.agree(in_page, &printed);
        let printed = self.ids.as_in_page(&printed);
        assert!(
            agrees && is_success,
            "line {line} of the run-book\n$ {command}\nshould print\n{in_page}\nand printed\n{printed}"
        );
    }

    /// What a command prints, and whether it ends with 0.
    fn run(&self, command: &str) -> (String, bool) {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", &format!("{{ {command}\n}} 2>&1")])
            .current_dir(self.app())
            .env("PATH", format!("{}:{path}", self.root.join("bin").display()))
            .env("SEALED_SESSION_TEST_NOW", (self.now + self.tool_is_ahead).to_string())
            .env("LC_ALL", "C")
            .env("NO_PROXY", "*")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.success())
    }

    fn look_at(&mut self, now: u64) {
        self.now = now;
        self.clock.set(now);
        if let Some(server) = &self.server {
            // An error is what the page shows.
            let _ = server.keys.reload();
        }
    }

    fn app(&self) -> PathBuf {
        self.root.join("app")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// The program that the page starts: `examples/rotation`.
struct Server {
    keys: KeyDirectory,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    fn start(path: &Path, clock: &TestClock) -> Self {
        let keys = KeyDirectory::builder(path).clock(clock.clone());
        // It looks when the test says so.
        let keys = keys.look_every(Duration::from_secs(DAY)).open().unwrap();
        let app = crate::app::app(&keys, clock.clone()).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(axum::serve(listener, app).into_future());
        Self { keys, address, _runtime: runtime }
    }
}
