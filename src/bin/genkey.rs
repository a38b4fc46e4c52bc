//! `genkey`: makes a secret key for `sealed-session`.
//!
//! Only the key goes to standard output; hints and errors go to standard error.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use sealed_session::{Key, Salt};
use zeroize::Zeroizing;

const EXAMPLES: &str = "\
Examples:
  cargo run --bin genkey > secret-key                  32 raw bytes
  cargo run --bin genkey -- --output secret-key        the same, readable by you alone (mode 0600)
  cargo run --bin genkey -- --format hex               for an environment variable
  genkey --passphrase --salt 000102030405060708090a0b0c0d0e0f --output secret-key

PowerShell (its > would re-encode raw bytes as text):
  cargo run --bin genkey -- --output secret-key
  $env:SESSION_KEY = cargo run --quiet --bin genkey -- --format base64";

/// Make a secret key for sealed-session: 32 random bytes from the operating system, or the Argon2id
/// key of a passphrase.
#[derive(Parser)]
#[command(name = "genkey", version, after_help = EXAMPLES)]
struct Args {
    /// How the key is written: 32 raw bytes, or text with a newline at its end
    #[arg(long, value_enum, default_value_t = Format::Raw)]
    format: Format,

    /// Write to this file, which only you can read (mode 0600), instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Overwrite the output file if there is one
    #[arg(long, requires = "output")]
    force: bool,

    /// Derive the key from a passphrase of at least 32 bytes, asked for on the terminal or read from
    /// standard input
    #[arg(long)]
    passphrase: bool,

    /// The passphrase's salt: 32 hex digits, or 16 characters. Without it a random one is drawn and
    /// shown
    #[arg(long, requires = "passphrase", value_parser = parse_salt)]
    salt: Option<Salt>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
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
    if args.format == Format::Raw && args.output.is_none() && io::stdout().is_terminal() {
        return Err(
            "a raw key is not for a terminal: redirect it (genkey > secret-key), name a file \
                    (--output secret-key), or ask for text (--format hex)"
                .into(),
        );
    }
    if let Some(path) = &args.output {
        check_target(path, args.force)?;
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
        Some(path) => write_file(path, args.force, &content)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?,
        None => {
            let mut out = io::stdout().lock();
            out.write_all(&content)?;
            out.flush()?;
        }
    }
    Ok(())
}

/// Refuses a path that is taken before a passphrase is asked for, and what is no file at all: a
/// device or a pipe would be replaced by a file.
fn check_target(path: &Path, force: bool) -> Result<(), String> {
    let refuse = |why| Err(format!("cannot write {}: {why}", path.display()));
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => refuse("it is not a regular file"),
        Ok(_) if !force => refuse("it exists already (--force overwrites it)"),
        _ => Ok(()),
    }
}

fn derive(salt: Option<Salt>) -> Result<Key, Box<dyn Error>> {
    let passphrase = read_passphrase()?;
    let salt = match salt {
        Some(salt) => salt,
        None => {
            let salt = Salt::generate()?;
            let hex = base16ct::lower::encode_string(salt.as_bytes());
            eprintln!("genkey: drew a salt; to make this key again, pass: --salt {hex}");
            salt
        }
    };
    eprintln!("genkey: deriving the key with Argon2id; this takes about a second and 256 MiB");
    Ok(Key::from_passphrase(&*passphrase, &salt)?)
}

/// From the terminal without echo, or from standard input without the line ending at its end.
fn read_passphrase() -> Result<Zeroizing<String>, Box<dyn Error>> {
    if io::stdin().is_terminal() {
        let passphrase = Zeroizing::new(rpassword::prompt_password("Passphrase: ")?);
        if *passphrase != *Zeroizing::new(rpassword::prompt_password("Once more: ")?) {
            return Err("the two passphrases differ".into());
        }
        return Ok(passphrase);
    }
    let mut passphrase = Zeroizing::new(String::with_capacity(4096));
    io::stdin().read_to_string(&mut passphrase)?;
    let line = passphrase.strip_suffix("\r\n").or_else(|| passphrase.strip_suffix('\n'));
    if let Some(len) = line.map(str::len) {
        passphrase.truncate(len);
    }
    Ok(passphrase)
}

fn parse_salt(text: &str) -> Result<Salt, String> {
    let mut bytes = [0; 16];
    let parsed = match text.len() {
        32 => base16ct::mixed::decode(text, &mut bytes).map_err(|_| ()),
        16 => Ok(text.as_bytes()),
        _ => Err(()),
    };
    parsed
        .ok()
        .and_then(|bytes| Salt::from_slice(bytes).ok())
        .ok_or_else(|| format!("{} characters; wanted 32 hex digits or 16 characters", text.len()))
}

fn write_file(path: &Path, force: bool, content: &[u8]) -> io::Result<()> {
    if !force {
        return write_new(path, content).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                io::Error::new(error.kind(), "it exists already (--force overwrites it)")
            }
            _ => error,
        });
    }
    // Beside it and then in its place, so that there is a whole key at every moment. A link stays
    // one.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    write_new(&beside, content)?;
    std::fs::rename(&beside, path).inspect_err(|_| {
        let _ = std::fs::remove_file(&beside);
    })
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    fill(&mut file, content).inspect_err(|_| {
        // Half a key is none.
        let _ = std::fs::remove_file(path);
    })
}

fn fill(file: &mut File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    file.sync_all()
}
