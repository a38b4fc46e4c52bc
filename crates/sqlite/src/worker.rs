//! `Worker`: a thread with a connection, which does one piece of work after the other.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use sealed_session::revocation::StoreError;
use tokio::sync::oneshot;

use crate::error::Failure;
use crate::file::File;

type Work = Box<dyn FnOnce(&mut Place) + Send>;

/// A thread that ends with the last clone.
#[derive(Clone)]
pub(crate) struct Worker {
    path: Arc<Path>,
    works: Sender<Work>,
    /// The process that has the thread.
    process: u32,
}

/// Where the file is, and the connection to it if there is a good one.
pub(crate) struct Place {
    path: PathBuf,
    file: Option<File>,
    /// How often the file was opened.
    pub(crate) opened: u32,
}

impl Worker {
    pub(crate) fn start(path: Arc<Path>, file: File) -> io::Result<Self> {
        let (works, received) = channel::<Work>();
        let mut place = Place { path: path.to_path_buf(), file: Some(file), opened: 1 };
        thread::Builder::new().name("sealed-session-sqlite".to_owned()).spawn(move || {
            for work in received {
                work(&mut place);
            }
        })?;
        Ok(Self { path, works, process: std::process::id() })
    }

    /// Does the work on the thread. Work that has begun is brought to its end even if nobody waits for it
    /// any longer; other work is then left out.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut File, u32) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.send(work).await.map_err(|failure| failure.of(&self.path).into())
    }

    async fn send<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut File, u32) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        if std::process::id() != self.process {
            return Err(Failure::Forked);
        }
        let (answer, answered) = oneshot::channel();
        let work = Box::new(move |place: &mut Place| {
            // If nobody listens any longer, the caller asks again.
            if !answer.is_closed() {
                let _ = answer.send(place.work(work));
            }
        });
        self.works.send(work).map_err(|_| Failure::ThreadEnded)?;
        answered.await.map_err(|_| Failure::ThreadEnded)?
    }
}

impl Place {
    fn work<T>(
        &mut self,
        work: impl FnOnce(&mut File, u32) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let result = self.try_work(work);
        if result.as_ref().is_err_and(|failure| !failure.leaves_the_connection()) {
            self.close();
        }
        result
    }

    fn try_work<T>(
        &mut self,
        work: impl FnOnce(&mut File, u32) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let file = match &mut self.file {
            Some(file) if !file.is_there() => return Err(Failure::Replaced),
            Some(file) => file,
            None => {
                let file = File::open(&self.path, true).map_err(Failure::Open)?;
                self.opened = self.opened.wrapping_add(1);
                self.file.insert(file)
            }
        };
        work(file, self.opened)
    }
}

impl Place {
    /// One connection after the other: if two close at once, neither is the last, which brings the log into
    /// the file and removes it.
    fn close(&mut self) {
        static CLOSING: Mutex<()> = Mutex::new(());

        let _closing = CLOSING.lock().unwrap_or_else(PoisonError::into_inner);
        self.file = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.close();
    }
}
