//! One request, and the hit that it becomes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::Request;
use http::header::USER_AGENT;
use rollcall_web::sender;
use serde::Serialize;

/// A longer path is cut, so that the bytes of a hit are bounded. Rollcall keeps 2,048 bytes of a
/// path, and counts the paths that it cut.
const PATH_BYTES_MAX: usize = 2_100;
/// A longer user agent is cut. Rollcall keeps 256 bytes.
const USER_AGENT_BYTES_MAX: usize = 300;
/// Of a longer list of proxies, the last addresses count.
const ADDRESSES_BYTES_MAX: usize = 400;
/// A longer method is cut. Rollcall counts a method of more than 32 bytes as unknown.
const METHOD_BYTES_MAX: usize = 40;

/// A hit as `/collect` takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// The caller and the proxies behind it. The collector knows which of them are trusted.
    ///
    /// `None`: the host did not tell the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    pub method: String,
    pub path: String,
    /// Milliseconds since 1970, UTC.
    pub timestamp: u64,
    pub status: u16,
    pub response_time_ms: f64,
    pub bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// A request that has no response yet.
#[derive(Debug)]
pub struct Seen {
    ip: Option<String>,
    method: String,
    path: String,
    user_agent: Option<String>,
    at: SystemTime,
    began: Instant,
}

impl Seen {
    pub fn of<B>(request: &Request<B>) -> Self {
        let headers = request.headers();
        Self {
            ip: sender::list(headers, ADDRESSES_BYTES_MAX),
            method: cut(request.method().as_str(), METHOD_BYTES_MAX),
            // Without the query, which may have secrets.
            path: cut(request.uri().path(), PATH_BYTES_MAX),
            user_agent: headers.get_all(USER_AGENT).iter().next_back().map(|name| {
                let name = String::from_utf8_lossy(name.as_bytes());
                cut(&name, USER_AGENT_BYTES_MAX)
            }),
            at: SystemTime::now(),
            began: Instant::now(),
        }
    }

    /// The hit, when the response has passed.
    pub fn hit(self, status: u16, bytes: u64) -> Hit {
        let since = self.at.duration_since(UNIX_EPOCH);
        Hit {
            ip: self.ip,
            method: self.method,
            path: self.path,
            timestamp: since.map_or(0, |since| since.as_millis() as u64),
            status,
            response_time_ms: milliseconds(self.began.elapsed()),
            bytes,
            user_agent: self.user_agent,
        }
    }
}

/// The first characters of a text, in at most this number of bytes.
fn cut(text: &str, bytes_max: usize) -> String {
    text.get(..text.floor_char_boundary(bytes_max))
        .unwrap_or_default()
        .to_owned()
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_its_port() {
        let ip_of = |addr: &str| {
            let request = Request::builder().header("spin-client-addr", addr);
            Seen::of(&request.body(()).unwrap()).ip
        };
        assert_eq!(ip_of("192.0.2.7:5000").as_deref(), Some("192.0.2.7"));
        assert_eq!(ip_of("[2001:db8::7]:5000").as_deref(), Some("2001:db8::7"));
        for wrong in ["", "nowhere:80", "192.0.2.7:5000, 6.6.6.6:1"] {
            assert_eq!(ip_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_last_address_counts_and_the_query_is_not_kept() {
        let request = Request::post("http://host/a/b?token=1")
            .header("spin-client-addr", "6.6.6.6:6")
            .header("spin-client-addr", "192.0.2.7:5000")
            .header("user-agent", "curl/8")
            .body(())
            .unwrap();
        let hit = serde_json::to_value(Seen::of(&request).hit(201, 7)).unwrap();
        for (field, expect) in [
            ("ip", "192.0.2.7"),
            ("method", "POST"),
            ("path", "/a/b"),
            ("userAgent", "curl/8"),
        ] {
            assert_eq!(hit[field], expect);
        }
        assert_eq!((&hit["status"], &hit["bytes"]), (&201.into(), &7.into()));
        let bare = Seen::of(&Request::new(())).hit(200, 0);
        assert_eq!((bare.ip, bare.user_agent), (None, None));
    }

    #[test]
    fn texts_are_bounded() {
        let long = "é".repeat(5_000);
        let request = Request::builder()
            .uri(format!("/{}", "a".repeat(5_000)))
            .method(http::Method::from_bytes(&[b'M'; 50]).unwrap())
            .header("user-agent", long)
            .body(())
            .unwrap();
        let hit = Seen::of(&request).hit(200, 0);
        let agent = hit.user_agent.unwrap_or_default();
        let texts = [hit.method.len(), hit.path.len(), agent.len()];
        assert_eq!(texts, [40, 2_100, 300]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 2), "ab");
        assert_eq!(cut("aéé", 4), "aé");
    }
}
