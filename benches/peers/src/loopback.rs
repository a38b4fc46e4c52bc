//! The same routers behind a real server, over loopback: how many requests a second they answer, as a
//! share of what a bare router does.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use axum::Router;

use crate::contenders::{self, BARE, Contender, NO_OP, Route};
use crate::measure::{Lane, Table};

/// Connections that are in use at the same time: enough that the server never waits for the client.
const CONNECTIONS: usize = 16;

/// What one contender answers in a second.
pub struct Row {
    pub name: &'static str,
    pub read: Figures,
    pub write: Figures,
}

#[derive(Clone, Copy)]
pub struct Figures {
    pub per_second: f64,
    /// Of the bare router's; the median of the rounds' shares.
    pub share: f64,
}

pub fn measure(len: usize, rounds: usize) -> Vec<Row> {
    let contenders: Vec<_> =
        contenders::all(len).into_iter().filter(|contender| contender.name != NO_OP).collect();
    let lane = |name: &str, route: Route| format!("{name}: {}", route.name());
    let lanes = contenders.iter().flat_map(|contender| {
        let server = serve(contender.router());
        [Route::Read, Route::Write].map(|route| {
            let mut client = Client::new(server, contender, route);
            Lane::batch(lane(contender.name, route), move |count| client.ask(count))
        })
    });
    let table = Table::measure(lanes.collect(), rounds, 512);
    let figures = |name: &str, route: Route| {
        let (this, bare) = (lane(name, route), lane(BARE, route));
        Figures { per_second: 1e9 / table.nanos(&this), share: table.ratio(&bare, &this) }
    };
    contenders
        .iter()
        .map(|contender| Row {
            name: contender.name,
            read: figures(contender.name, Route::Read),
            write: figures(contender.name, Route::Write),
        })
        .collect()
}

/// A server on a thread, which ends with the program.
fn serve(router: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            axum::serve(listener, router).await.expect("it serves");
        });
    });
    address
}

/// Asks on each connection, then reads what came on each.
struct Client {
    connections: Vec<TcpStream>,
    requests: Vec<Vec<u8>>,
    buffer: Vec<u8>,
}

impl Client {
    fn new(server: SocketAddr, contender: &Contender, route: Route) -> Self {
        let connect = |_| {
            let stream = TcpStream::connect(server).expect("the server listens");
            stream.set_nodelay(true).expect("a socket");
            stream
        };
        let request = |cookie: &http::HeaderValue| {
            let cookie = cookie.to_str().expect("ASCII");
            let path = route.path();
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n").into()
        };
        Self {
            connections: (0..CONNECTIONS).map(connect).collect(),
            requests: contender.cookies().iter().map(request).collect(),
            buffer: vec![0; 16 * 1024],
        }
    }

    fn ask(&mut self, count: usize) {
        for first in (0..count).step_by(CONNECTIONS) {
            for (place, connection) in self.connections.iter_mut().enumerate() {
                let request = &self.requests[(first + place) % self.requests.len()];
                connection.write_all(request).expect("the server reads");
            }
            for connection in &mut self.connections {
                let mut len = 0;
                while !is_whole(&self.buffer[..len]) {
                    let read = connection.read(&mut self.buffer[len..]).expect("an answer");
                    assert!(read > 0, "the server closed the connection");
                    len += read;
                }
            }
        }
    }
}

/// Whether these bytes are a whole response that says 200.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let text = std::str::from_utf8(&bytes[..head]).expect("ASCII");
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.expect("a length").parse().expect("a number");
    bytes.len() == head + 4 + length
}
