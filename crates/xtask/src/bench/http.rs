//! A client for HTTP/1.1 over one kept connection. It must cost little, because on a small machine
//! it shares the cores with the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Longer than any answer of the app may take.
const TIMEOUT: Duration = Duration::from_secs(120);
/// A body up to this size is sent together with its head.
const SMALL_BODY: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// The head of an answer.
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body)
            .chars()
            .take(300)
            .collect()
    }
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// The value of a header. `name` is in lower case.
pub fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

impl Connection {
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let stream = BufReader::with_capacity(64 * 1024, stream);
        Ok(Self { stream })
    }

    /// Sends a request, and reads the whole answer.
    pub fn send(&mut self, request: &Request) -> Result<Answer> {
        let mut body = Vec::new();
        let mut answer = self.stream(request, |part| body.extend_from_slice(part))?;
        answer.body = body;
        Ok(answer)
    }

    /// Sends a request, and passes the parts of the answer's body to `sink` as they come. The
    /// headers include the trailers.
    pub fn stream(&mut self, request: &Request, mut sink: impl FnMut(&[u8])) -> Result<Answer> {
        self.write(request)?;
        let mut head = self.read_head()?;
        if head.header("transfer-encoding") == Some("chunked") {
            while let size @ 1.. = self.read_chunk_size()? {
                self.read_exactly(size, &mut sink)?;
                self.read_line()?;
            }
            self.read_trailers(&mut head.headers)?;
        } else if let Some(length) = head.header("content-length") {
            let length = length.parse().context("a length that is not a number")?;
            self.read_exactly(length, &mut sink)?;
        } else if head.status != 204 && head.status != 304 {
            bail!("an answer {} without a length", head.status);
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: Vec::new(),
        })
    }

    fn write(&mut self, request: &Request) -> Result<()> {
        let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
        head += &format!(
            "host: localhost\r\ncontent-length: {}\r\n",
            request.body.len()
        );
        for (name, value) in request.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let mut bytes = (head + "\r\n").into_bytes();
        let stream = self.stream.get_mut();
        if request.body.len() <= SMALL_BODY {
            bytes.extend_from_slice(request.body);
            stream.write_all(&bytes)?;
        } else {
            stream.write_all(&bytes)?;
            stream.write_all(request.body)?;
        }
        Ok(())
    }

    fn read_head(&mut self) -> Result<Head> {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            if self.stream.read_until(b'\n', &mut text)? == 0 {
                bail!("the server closed the connection");
            }
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut headers);
        head.parse(&text).context("not an HTTP answer")?;
        Ok(Head {
            status: head.code.context("an answer without a status")?,
            headers: owned(head.headers),
        })
    }

    fn read_chunk_size(&mut self) -> Result<u64> {
        let line = self.read_line()?;
        match httparse::parse_chunk_size(&line) {
            Ok(httparse::Status::Complete((_, size))) => Ok(size),
            _ => bail!("a chunk without a size"),
        }
    }

    fn read_trailers(&mut self, headers: &mut Vec<(String, String)>) -> Result<()> {
        let mut text = Vec::new();
        loop {
            let line = self.read_line()?;
            text.extend_from_slice(&line);
            if line == b"\r\n" {
                break;
            }
        }
        let mut trailers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        if let httparse::Status::Complete((_, trailers)) =
            httparse::parse_headers(&text, &mut trailers)?
        {
            headers.extend(owned(trailers));
        }
        Ok(())
    }

    fn read_line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line)? == 0 {
            bail!("the answer ended too early");
        }
        Ok(line)
    }

    fn read_exactly(&mut self, length: u64, sink: &mut impl FnMut(&[u8])) -> Result<()> {
        let mut part = (&mut self.stream).take(length);
        loop {
            let bytes = part.fill_buf()?;
            let count = bytes.len();
            if count == 0 {
                break;
            }
            sink(bytes);
            part.consume(count);
        }
        if part.limit() > 0 {
            bail!("the answer ended too early");
        }
        Ok(())
    }
}

fn owned(headers: &[httparse::Header]) -> Vec<(String, String)> {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), text(header.value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn check(answer: &'static str, expect: Option<(u16, &str)>) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let request = Request {
            method: "GET",
            path: "/",
            headers: &[],
            body: b"",
        };
        let got = Connection::open(address).unwrap().send(&request);
        let got = got.ok().map(|answer| (answer.status, answer.text()));
        let expect = expect.map(|(status, body)| (status, body.to_owned()));
        assert_eq!(got, expect, "{answer}");
    }

    #[test]
    fn an_answer_is_read_whole_or_not_at_all() {
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            Some((200, "ok")),
        );
        check("HTTP/1.1 204 No Content\r\n\r\n", Some((204, "")));
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nx: y\r\n\r\n",
            Some((200, "abc")),
        );
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            None,
        );
        check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", None);
        check("nonsense\r\n\r\n", None);
    }
}
