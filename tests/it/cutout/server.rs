//! A web server that plays a service: a thread a connection, one request each, and every bad habit that a server can have.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// All of the first line's middle: with a proxy a whole address.
    pub target: String,
    pub path: String,
    /// Decoded, in their order.
    pub parameters: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Time before the first byte.
    pub delay: Duration,
    /// Bytes of the body after which the connection breaks off, and time after each thousand.
    pub cut: Option<usize>,
    pub drip: Duration,
}

impl Reply {
    pub fn new(status: u16, kind: &str, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), kind.into())],
            body,
            delay: Duration::ZERO,
            cut: None,
            drip: Duration::ZERO,
        }
    }

    pub fn image(body: Vec<u8>) -> Self {
        Self::new(200, "image/jpeg", body)
    }

    pub fn text(body: &str) -> Self {
        Self::new(200, "text/plain", body.as_bytes().to_vec())
    }

    pub fn status(status: u16) -> Self {
        Self::text("").with_status(status)
    }

    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    pub fn cut_at(self, bytes: usize) -> Self {
        Self {
            cut: Some(bytes),
            ..self
        }
    }
}

/// A server on a port of its own, until it is dropped.
pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    most_at_once: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Server {
    /// `play` gets the number of the request, from 0, and says what to do with it.
    pub fn start(play: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            requests: Arc::default(),
            most_at_once: Arc::default(),
            over: Arc::default(),
        };
        let (requests, most) = (Arc::clone(&server.requests), Arc::clone(&server.most_at_once));
        let (over, play, now) = (
            Arc::clone(&server.over),
            Arc::new(play),
            Arc::new(AtomicUsize::new(0)),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), play, now) = (stream, Arc::clone(&play), Arc::clone(&now)) else {
                    continue;
                };
                let (requests, most) = (Arc::clone(&requests), Arc::clone(&most));
                std::thread::spawn(move || {
                    let Some(request) = read(&stream) else {
                        return;
                    };
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let number = {
                        let mut requests = requests.lock().unwrap();
                        requests.push(request.clone());
                        requests.len() - 1
                    };
                    let reply = play(number, &request);
                    std::thread::sleep(reply.delay);
                    // Before the last byte, after which the client may ask again.
                    now.fetch_sub(1, Ordering::SeqCst);
                    let _ = write(&stream, &reply);
                });
            }
        });
        server
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The most requests that were in work at one time.
    pub fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let target = first.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let line = lines.next()?.ok()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let parameters = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((decoded(name), decoded(value)))
    });
    Some(Request {
        path: path.to_owned(),
        parameters: parameters.collect(),
        headers,
        target,
    })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex = std::str::from_utf8(&tail[..2]).unwrap();
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                rest = &tail[2..];
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn write(mut stream: &TcpStream, reply: &Reply) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    head += &format!("Content-Length: {}\r\n", reply.body.len());
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let end = reply.cut.unwrap_or(reply.body.len()).min(reply.body.len());
    for piece in reply.body[..end].chunks(1000) {
        stream.write_all(piece)?;
        std::thread::sleep(reply.drip);
    }
    stream.flush()
}
