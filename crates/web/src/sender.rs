//! The client of a request, as the router hands it to the collector.
//!
//! The collector does not see the client: the router calls it in the process. The router knows the
//! address that opened the connection, and hands on the addresses that proxies wrote before it. The
//! collector knows which proxies are trusted, and so decides which address is the client's.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue};

/// A list of addresses, as in `X-Forwarded-For`. It ends with the address that opened the
/// connection. Only the router writes it: it hands no such header of a client on.
pub const SENDER: HeaderName = HeaderName::from_static("rollcall-sender");
/// A client can send this header, too. The host appends its own value behind that of the client.
const OPENED_BY: &str = "spin-client-addr";
const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";
/// The word for an address that a proxy did not tell.
const UNKNOWN: &[u8] = b"unknown";

/// Adds the lists of a request to the headers for the collector: one for each kind of header that
/// the request has. None is added if the host does not tell who opened the connection.
pub fn hand_on(request: &HeaderMap, headers: &mut HeaderMap) {
    for list in lists_of(request) {
        if let Ok(list) = HeaderValue::from_bytes(&list) {
            headers.append(SENDER, list);
        }
    }
}

/// The list of a request that is a hit itself, for the field `ip` of this hit. It has the last
/// addresses, in at most `bytes_max` bytes. If two kinds of header are there and differ, the client
/// may have written one of them. Then the list has only the address that opened the connection.
///
/// `None`: the host does not tell who opened the connection.
pub fn list(request: &HeaderMap, bytes_max: usize) -> Option<String> {
    let lists = lists_of(request);
    let mut addresses = lists.iter().map(|list| {
        let plain = |byte: &&u8| !matches!(byte, b' ' | b'[' | b']');
        list.iter().filter(plain).copied().collect::<Vec<_>>()
    });
    let first = addresses.next()?;
    if !addresses.all(|other| other == first) {
        return opened_by(request).map(|address| address.to_string());
    }
    let list = String::from_utf8_lossy(lists.first()?);
    let from = list.ceil_char_boundary(list.len().saturating_sub(bytes_max));
    let kept = list.get(from..)?;
    Some(match from {
        0 => kept.to_owned(),
        // The first word may be cut, and a part of an address may read as another address.
        _ => kept.split_once(',')?.1.to_owned(),
    })
}

/// The addresses of each kind of header that the request has. Each list ends with the address that
/// opened the connection.
fn lists_of(request: &HeaderMap) -> Vec<Vec<u8>> {
    let Some(opened_by) = opened_by(request) else {
        return Vec::new();
    };
    let lists = [forwarded_for(request), forwarded(request)];
    let mut lists: Vec<Vec<u8>> = lists.into_iter().filter(|list| !list.is_empty()).collect();
    if lists.is_empty() {
        lists.push(Vec::new());
    }
    for list in &mut lists {
        list.extend_from_slice(opened_by.to_string().as_bytes());
    }
    lists
}

/// The lists that the router handed on.
pub fn lists(headers: &HeaderMap) -> Vec<String> {
    let lists = headers.get_all(SENDER).iter();
    let lists = lists.map(|list| String::from_utf8_lossy(list.as_bytes()).into_owned());
    lists.collect()
}

/// The address that opened the connection. `None`: the request comes from within the process, or the
/// host does not tell.
pub fn opened_by(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(OPENED_BY).iter().next_back()?;
    let text = last.to_str().ok()?;
    let address = text.parse().map(|address: SocketAddr| address.ip());
    let address = address.or_else(|_| text.parse()).ok()?;
    (!address.is_unspecified()).then_some(address)
}

/// The addresses of `X-Forwarded-For`, each with a comma behind it.
fn forwarded_for(headers: &HeaderMap) -> Vec<u8> {
    let lines = headers.get_all(FORWARDED_FOR).iter();
    lines
        .flat_map(|line| [line.as_bytes(), b","].concat())
        .collect()
}

/// The addresses of `Forwarded` (RFC 7239), each with a comma behind it. A proxy's part is cut at
/// every comma, also at one in quotes: no address has a comma, and a client that leaves a quote open
/// must not swallow the parts behind its own.
fn forwarded(headers: &HeaderMap) -> Vec<u8> {
    let lines = headers.get_all(FORWARDED).iter();
    let parts = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    parts
        .flat_map(|part| [address_of(part).unwrap_or(UNKNOWN), b","].concat())
        .collect()
}

/// The value of `for` in a proxy's part.
fn address_of(part: &[u8]) -> Option<&[u8]> {
    part.split(|byte| *byte == b';').find_map(|pair| {
        let (name, value) = pair.trim_ascii().split_at_checked(4)?;
        let value = value.trim_ascii();
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        let value = value.strip_suffix(b"\"").unwrap_or(value);
        name.eq_ignore_ascii_case(b"for=").then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        headers
    }

    #[track_caller]
    fn check(request: &[(&'static str, &[u8])], expect: &[&str]) {
        let all = headers(request);
        let mut handed_on = HeaderMap::new();
        hand_on(&all, &mut handed_on);
        assert_eq!(lists(&handed_on), expect, "{all:?}");
    }

    #[test]
    fn the_last_word_on_who_opened_the_connection_is_the_hosts() {
        check(&[("spin-client-addr", b"192.0.2.1:5000")], &["192.0.2.1"]);
        let forged = ("spin-client-addr", b"6.6.6.6:6".as_slice());
        check(
            &[forged, ("spin-client-addr", b"192.0.2.1:5000")],
            &["192.0.2.1"],
        );
        check(
            &[("spin-client-addr", b"[2001:db8::1]:5000")],
            &["2001:db8::1"],
        );
        check(&[("spin-client-addr", b"2001:db8::1")], &["2001:db8::1"]);
    }

    #[test]
    fn without_the_hosts_word_there_is_no_sender() {
        let forwarded = ("x-forwarded-for", b"192.0.2.1".as_slice());
        let forged = ("rollcall-sender", b"192.0.2.1".as_slice());
        check(&[forwarded, forged], &[]);
        check(&[forwarded, ("spin-client-addr", b"0.0.0.0:0")], &[]);
        check(&[forwarded, ("spin-client-addr", b"nonsense")], &[]);
    }

    #[test]
    fn what_proxies_wrote_stands_before_the_hosts_word() {
        let opened_by = ("spin-client-addr", b"10.0.0.1:5000".as_slice());
        check(
            &[
                opened_by,
                ("x-forwarded-for", b"192.0.2.1, 192.0.2.2"),
                ("x-forwarded-for", b"[2001:db8::1]:80"),
            ],
            &["192.0.2.1, 192.0.2.2,[2001:db8::1]:80,10.0.0.1"],
        );
        check(
            &[
                opened_by,
                (
                    "forwarded",
                    b"for=192.0.2.1;proto=http, For=\"[2001:db8::1]:80\"",
                ),
                ("forwarded", b"proto=https;by=x;for=_hidden"),
                ("forwarded", b"by=\"a,b\", for=192.0.2.9"),
            ],
            &["192.0.2.1,[2001:db8::1]:80,_hidden,unknown,unknown,192.0.2.9,10.0.0.1"],
        );
        // A quote that a client leaves open.
        check(
            &[opened_by, ("forwarded", b"for=\"192.0.2.1, for=192.0.2.2")],
            &["192.0.2.1,192.0.2.2,10.0.0.1"],
        );
        check(
            &[
                opened_by,
                ("x-forwarded-for", b"\xff"),
                ("forwarded", b"for=192.0.2.1"),
            ],
            &["\u{FFFD},10.0.0.1", "192.0.2.1,10.0.0.1"],
        );
    }

    #[test]
    fn a_request_that_is_a_hit_has_one_list() {
        let check = |lines: &[(&'static str, &[u8])], bytes_max, expect: Option<&str>| {
            let mut all = vec![("spin-client-addr", b"10.0.0.1:5000".as_slice())];
            all.extend(lines);
            let list = list(&headers(&all), bytes_max);
            assert_eq!(list.as_deref(), expect, "{lines:?}");
        };
        let forwarded_for = ("x-forwarded-for", b"192.0.2.1, 2001:db8::1".as_slice());
        let same = b"for=192.0.2.1, for=\"[2001:db8::1]\"".as_slice();
        let list_of_both = Some("192.0.2.1, 2001:db8::1,10.0.0.1");
        check(&[], 100, Some("10.0.0.1"));
        check(&[forwarded_for], 100, list_of_both);
        check(&[forwarded_for, ("forwarded", same)], 100, list_of_both);
        let other = ("forwarded", b"for=192.0.2.9".as_slice());
        check(&[forwarded_for, other], 100, Some("10.0.0.1"));
        // A word that is cut is left out.
        check(&[forwarded_for], 31, list_of_both);
        check(&[forwarded_for], 30, Some(" 2001:db8::1,10.0.0.1"));
        check(&[forwarded_for], 21, Some("10.0.0.1"));
        assert_eq!(list(&headers(&[forwarded_for]), 100), None);
    }
}
