//! The certificate of a run: self-signed, for every host of the test, in two files.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

const HOSTS: [&str; 5] = ["a.test", "sub.a.test", "b.test", "localhost", "127.0.0.1"];

pub(crate) fn make(directory: &Path) -> Result<(), Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(HOSTS.map(str::to_owned))?;
    let (certificate, key) = files(directory);
    fs::write(certificate, made.cert.pem())?;
    fs::write(key, made.signing_key.serialize_pem())?;
    Ok(())
}

/// Where certificate and key are.
pub(crate) fn files(directory: &Path) -> (PathBuf, PathBuf) {
    (directory.join("certificate.pem"), directory.join("key.pem"))
}
