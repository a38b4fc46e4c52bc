//! What one look-up in a session store costs at least: a GET over loopback, from a Redis that does nothing
//! else.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::median;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The median, in nanoseconds. `None` if there is no `redis-server` here.
pub fn look_up(len: usize, rounds: usize) -> Option<f64> {
    let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
    let port = port.to_string();
    let child = Command::new("redis-server")
        .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .spawn()
        .ok()?;
    let _server = Server(child);
    let stream = connect(&format!("127.0.0.1:{port}"))?;
    stream.set_nodelay(true).ok()?;
    let mut replies = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    let mut ask = |command: String| {
        (&stream).write_all(command.as_bytes()).expect("it listens");
        line.clear();
        replies.read_line(&mut line).expect("it answers");
        if let Some(len) = line.strip_prefix('$') {
            let len: usize = len.trim().parse().expect("a length");
            let mut value = vec![0; len + 2];
            replies.read_exact(&mut value).expect("the value");
        }
    };
    let value = "x".repeat(len);
    ask(format!("*3\r\n$3\r\nSET\r\n$1\r\ns\r\n${len}\r\n{value}\r\n"));
    let times = (0..rounds * 50).map(|_| {
        let start = Instant::now();
        ask("*2\r\n$3\r\nGET\r\n$1\r\ns\r\n".to_owned());
        start.elapsed().as_nanos() as f64
    });
    Some(median(times))
}

fn connect(address: &str) -> Option<TcpStream> {
    (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        TcpStream::connect(address).ok()
    })
}
