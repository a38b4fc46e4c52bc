//! A server on a socket, and a client that speaks HTTP/1.1 by hand.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use axum::Router;
use http::{HeaderMap, HeaderName};

use super::{Page, seconds};

/// What asks for a websocket (RFC 6455, section 1.3, with its example's key).
pub(crate) const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// An axum server on a port of its own; it ends when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    pub(crate) fn start(app: Router) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, _runtime: runtime }
    }

    /// A connection on which a server that says nothing fails the test.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(seconds(30))).unwrap();
        stream
    }

    /// Sends these bytes, and reads what comes until the server closes: it does after an answer, as
    /// nothing more is sent, and after an upgrade when its handler ends.
    pub(crate) fn exchange(&self, request: &[u8]) -> Page {
        let mut stream = self.connect();
        stream.write_all(&closing(request)).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        parse(&answer)
    }
}

/// Asks for the connection to be closed, unless the request says what becomes of it.
fn closing(request: &[u8]) -> Vec<u8> {
    let end = request.len() - 2;
    let says = request.windows(12).any(|bytes| bytes == b"Connection: ");
    let added: &[u8] = if says { b"" } else { b"Connection: close\r\n" };
    [&request[..end], added, b"\r\n"].concat()
}

fn parse(answer: &[u8]) -> Page {
    let head_len = answer.windows(4).position(|end| end == b"\r\n\r\n");
    let (head, body) = answer.split_at(head_len.expect("an end of the head") + 4);
    let mut lines = std::str::from_utf8(head).unwrap().lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut headers = HeaderMap::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        let name = name.parse::<HeaderName>().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    Page {
        status: status.parse().unwrap(),
        headers,
        body: String::from_utf8_lossy(body).into_owned(),
    }
}
