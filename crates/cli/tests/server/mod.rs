//! A server that takes hits as Rollcall does, and counts a batch once.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{HashSet, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// An action of the server at one request. If no action is left, it acknowledges.
#[derive(Clone)]
pub enum Act {
    /// Answers with a status, more headers and a body.
    Answer(u16, &'static str, String),
    /// Answers with 200 and a body, and closes the connection one byte before its end.
    Cut(String),
    /// Answers with 200 and a body of gzip. Closes the connection this many bytes before its end.
    Gzip(Vec<u8>, usize),
    /// Reads the request and closes the connection.
    Drop,
    /// Closes the connection without reading.
    Hangup,
    /// Counts the batch, and closes the connection without an answer.
    Lose,
    /// Counts the batch, and does not answer for a long time.
    Hang,
}

pub fn status(status: u16) -> Act {
    Act::Answer(status, "", String::new())
}

#[derive(Clone, Debug)]
pub struct Request {
    pub head: String,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn key(&self) -> &str {
        self.header("idempotency-key").unwrap()
    }
}

#[derive(Default)]
struct Seen {
    requests: Vec<Request>,
    keys: HashSet<String>,
    hits: Vec<String>,
}

impl Seen {
    /// Counts the hits of a batch, if its key is new.
    fn count(&mut self, request: &Request) {
        let key = request.header("idempotency-key");
        if key.is_some_and(|key| self.keys.insert(key.to_owned())) {
            let lines = request.body.lines().filter(|line| !line.starts_with('#'));
            self.hits.extend(lines.map(str::to_owned));
        }
    }
}

pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Seen>>,
    acts: Arc<Mutex<VecDeque<Act>>>,
}

impl Server {
    pub fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            seen: Arc::default(),
            acts: Arc::new(Mutex::new(acts.into_iter().collect())),
        };
        let (acts, seen) = (Arc::clone(&server.acts), Arc::clone(&server.seen));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (acts, seen) = (Arc::clone(&acts), Arc::clone(&seen));
                thread::spawn(move || serve(&stream.unwrap(), &acts, &seen));
            }
        });
        server
    }

    /// Does these next.
    pub fn act(&self, acts: impl IntoIterator<Item = Act>) {
        self.acts.lock().unwrap().extend(acts);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().requests.clone()
    }

    /// The lines that were counted.
    pub fn hits(&self) -> Vec<String> {
        self.seen.lock().unwrap().hits.clone()
    }

    /// Forgets all keys, as Rollcall does after some time.
    pub fn forget_keys(&self) {
        self.seen.lock().unwrap().keys.clear();
    }

    /// Waits until so many lines were counted. Returns how long that took.
    pub fn wait_for(&self, hits: usize) -> Duration {
        let started = Instant::now();
        while self.hits().len() < hits {
            let waited = started.elapsed();
            assert!(
                waited < Duration::from_secs(20),
                "{} of {hits} hits",
                self.hits().len()
            );
            thread::sleep(Duration::from_millis(5));
        }
        started.elapsed()
    }
}

/// Serves a connection until one side closes it.
fn serve(stream: &TcpStream, acts: &Mutex<VecDeque<Act>>, seen: &Mutex<Seen>) {
    let mut reader = BufReader::new(stream);
    loop {
        let is_hangup = |act: &mut Act| matches!(act, Act::Hangup);
        if acts.lock().unwrap().pop_front_if(is_hangup).is_some() {
            return;
        }
        let Some(request) = read_request(&mut reader) else {
            return;
        };
        seen.lock().unwrap().requests.push(request.clone());
        let act = acts.lock().unwrap().pop_front().unwrap_or(status(202));
        match act {
            Act::Drop | Act::Hangup => return,
            Act::Lose => return seen.lock().unwrap().count(&request),
            Act::Hang => {
                seen.lock().unwrap().count(&request);
                return thread::sleep(Duration::from_secs(60));
            }
            Act::Cut(body) => {
                let length = body.len() + 1;
                let answer = format!("HTTP/1.1 200 X\r\ncontent-length: {length}\r\n\r\n{body}");
                (&mut &*stream).write_all(answer.as_bytes()).unwrap();
                return;
            }
            Act::Gzip(body, missing) => {
                let length = body.len() + missing;
                let head = format!(
                    "HTTP/1.1 200 X\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n"
                );
                let answer = [head.as_bytes(), &body].concat();
                if (&mut &*stream).write_all(&answer).is_err() || missing > 0 {
                    return;
                }
            }
            Act::Answer(status, headers, body) => {
                if status < 300 {
                    seen.lock().unwrap().count(&request);
                }
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}"
                );
                if (&mut &*stream).write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut request = Request {
        head,
        body: String::new(),
    };
    let length = request.header("content-length").unwrap_or("0");
    let length = length.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Some(request)
}

pub fn log_line(second: usize) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        r#"192.0.2.1 - - [17/May/2015:10:{minute:02}:{second:02} +0000] "GET / HTTP/1.1" 200 7"#
    )
}

pub fn log_lines(seconds: std::ops::Range<usize>) -> String {
    seconds.map(|second| log_line(second) + "\n").collect()
}
