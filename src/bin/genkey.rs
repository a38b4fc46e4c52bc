//! `genkey`: generates a secret key for `sealed-session`.
//!
//! Only the key is written to standard output. Hints and errors go to standard error.

#[path = "genkey/output.rs"]
mod output;
#[path = "genkey/passphrase.rs"]
mod passphrase;

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use sealed_session::{Key, Salt};
use zeroize::Zeroizing;

const EXAMPLES: &str = "\
Examples:
  genkey --output secret-key    32 raw bytes that only you can read (mode 0600)
  genkey > secret-key           the same bytes; your umask sets the mode
  genkey --format hex           for an environment variable
  genkey --passphrase --salt 000102030405060708090a0b0c0d0e0f -o secret-key

In a clone of the repository, `cargo run --bin genkey --` runs `genkey`.

PowerShell (where > would re-encode raw bytes as text):
  genkey --output secret-key
  $env:SESSION_KEY = genkey --format base64";

// clap does not wrap lines here, so they are wrapped by hand and kept (`verbatim_doc_comment`).
/// Generate a secret key for sealed-session: 32 random bytes from the operating
/// system, or a key derived from a passphrase with Argon2id.
#[derive(Parser)]
#[command(
    name = "genkey",
    version,
    after_help = EXAMPLES,
    next_line_help = true,
    verbatim_doc_comment
)]
struct Args {
    /// The key's format: raw (32 bytes; the default), or text with a final
    /// newline: hex, base64
    #[arg(
        long,
        value_enum,
        default_value_t = Format::Raw,
        hide_default_value = true,
        hide_possible_values = true,
        verbatim_doc_comment
    )]
    format: Format,

    /// Write to this file instead of standard output. Only you can read the
    /// file (mode 0600)
    #[arg(long, short, value_name = "FILE", verbatim_doc_comment)]
    output: Option<PathBuf>,

    /// Overwrite the output file if it exists. It keeps its owner, group and
    /// mode. If everybody had access, it gets mode 0600 instead
    #[arg(long, requires = "output", verbatim_doc_comment)]
    force: bool,

    /// Derive the key from a passphrase of 32 to 4096 bytes, which is asked
    /// for on the terminal or read from standard input
    #[arg(long, verbatim_doc_comment)]
    passphrase: bool,

    /// The salt for the passphrase: 32 hex digits, or text of 16 bytes. By
    /// default a random salt is generated and shown
    #[arg(long, requires = "passphrase", value_parser = parse_salt, verbatim_doc_comment)]
    salt: Option<Salt>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Raw,
    Hex,
    Base64,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("genkey: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    match &args.output {
        Some(path) => output::check_target(path, args.force)?,
        None => output::check_stdout(args.format)?,
    }
    let key = if args.passphrase { derive(args.salt)? } else { Key::generate()? };
    let text = match args.format {
        Format::Raw => None,
        Format::Hex => Some(key.to_hex()),
        Format::Base64 => Some(key.to_base64()),
    };
    let content = match text {
        Some(text) => Zeroizing::new([text.as_bytes(), b"\n"].concat()),
        None => Zeroizing::new(key.expose_secret().to_vec()),
    };
    match &args.output {
        Some(path) => output::write_file(path, args.force, &content)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?,
        None => output::unbuffered_stdout()
            .and_then(|mut out| out.write_all(&content))
            .map_err(|error| format!("cannot write the key to standard output: {error}"))?,
    }
    Ok(())
}

fn derive(salt: Option<Salt>) -> Result<Key, Box<dyn Error>> {
    let passphrase = passphrase::read()?;
    let salt = match salt {
        Some(salt) => salt,
        None => {
            let salt = Salt::generate()?;
            let hex = base16ct::lower::encode_string(salt.as_bytes());
            eprintln!("genkey: generated a salt; to derive this key again, pass: --salt {hex}");
            salt
        }
    };
    eprintln!("genkey: deriving the key with Argon2id; this takes about a second and 256 MiB");
    Ok(Key::from_passphrase(&*passphrase, &salt)?)
}

fn parse_salt(text: &str) -> Result<Salt, String> {
    let mut bytes = [0; 16];
    let parsed = match text.len() {
        32 => base16ct::mixed::decode(text, &mut bytes).map_err(|_| ()),
        16 => Ok(text.as_bytes()),
        _ => Err(()),
    };
    parsed.ok().and_then(|bytes| Salt::from_slice(bytes).ok()).ok_or_else(|| {
        format!("expected 32 hex digits or text of 16 bytes, found {} bytes", text.len())
    })
}
