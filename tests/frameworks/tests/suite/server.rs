//! A server on a thread of its own, whose log is kept.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::JoinHandle;

use crate::log::Log;

/// Ends when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    log: Log,
    stop: Option<Box<dyn FnOnce() + Send>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// `serve` serves the socket until the function that it gives to `started` is called. All that its threads do
    /// is to be heard by the log.
    pub(crate) fn start(
        serve: impl FnOnce(TcpListener, Log, &dyn Fn(Box<dyn FnOnce() + Send>)) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, log) = (listener.local_addr().unwrap(), Log::new());
        let (started, stop) = mpsc::channel();
        let its_log = log.clone();
        let thread = std::thread::spawn(move || {
            serve(listener, its_log, &|stop| started.send(stop).unwrap());
        });
        let stop = stop.recv().expect("the server did not start");
        Self { address, log, stop: Some(stop), thread: Some(thread) }
    }

    /// What it has logged until now.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// The lines of the log at level ERROR.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.log().lines().filter(|line| line.starts_with("ERROR")).map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
        // A server that failed has failed its test already, by closing the connection.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
