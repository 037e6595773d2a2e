//! What a hit tells by dimension, each in the one form that is kept. What cannot be used is unknown.

use super::characters::{is_replaced, is_token_byte};

/// The longest host, in bytes: that of a name in the DNS. A longer one is unknown.
pub const HOST_BYTES_MAX: usize = 253;
/// The longest consumer kept, in bytes. A longer one is cut.
pub const CONSUMER_BYTES_MAX: usize = 128;
/// The longest protocol, in bytes. A longer one is unknown.
pub const PROTOCOL_BYTES_MAX: usize = 16;

/// The end of a text that was cut.
const CUT: char = '…';

/// A host in lower case, without its port and the dots at its end.
pub(super) fn read_host(text: &str) -> Option<String> {
    let text = text.trim();
    let host = match text.strip_prefix('[') {
        // An IPv6 address keeps its brackets.
        Some(rest) => {
            let (address, _) = rest.split_once(']')?;
            text.get(..address.len() + 2)?
        }
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => text,
        },
    };
    let host = host.trim_end_matches('.').to_lowercase();
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:".contains(&byte);
    let is_usable = (1..=HOST_BYTES_MAX).contains(&host.len())
        && host.bytes().all(|byte| is_host(byte) || byte >= 0x80)
        && host != "-"
        && !host.contains(|char: char| is_replaced(char) || char.is_whitespace());
    is_usable.then_some(host)
}

/// The host of a URL. A text without a scheme is a host.
pub(super) fn read_referrer(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.split_once("://").map_or(text, |(_scheme, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    read_host(authority.rsplit('@').next()?)
}

/// The name of a consumer, without blanks around it.
pub(super) fn read_consumer(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text == "-" {
        return None;
    }
    let mut consumer = text.replace(is_replaced, "\u{FFFD}");
    if consumer.len() > CONSUMER_BYTES_MAX {
        consumer.truncate(consumer.floor_char_boundary(CONSUMER_BYTES_MAX - CUT.len_utf8()));
        consumer.push(CUT);
    }
    Some(consumer)
}

/// A protocol as `HTTP/1.1`, `HTTP/2` or `HTTP/3`. Others in upper case, as `GRPC`.
pub(super) fn read_protocol(text: &str) -> Option<String> {
    let protocol = text.trim().to_ascii_uppercase();
    let is_byte = |byte| is_token_byte(byte) || byte == b'/';
    let is_usable = (1..=PROTOCOL_BYTES_MAX).contains(&protocol.len())
        && protocol.bytes().all(is_byte)
        && protocol != "-";
    is_usable.then(|| match protocol.as_str() {
        "H2" | "H2C" | "HTTP/2.0" => "HTTP/2".to_owned(),
        "H3" | "HTTP/3.0" => "HTTP/3".to_owned(),
        _ => protocol,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_form() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(read_host(text).as_deref(), expect, "{text:?}");
        };
        check("api.example.com", Some("api.example.com"));
        check("API.Example.com.:8443", Some("api.example.com"));
        check(" api.example.com ", Some("api.example.com"));
        check("192.0.2.1:80", Some("192.0.2.1"));
        check("[2001:DB8::1]:443", Some("[2001:db8::1]"));
        check("[2001:db8::1]", Some("[2001:db8::1]"));
        check("bücher.example", Some("bücher.example"));
        check("", None);
        check("-", None);
        check(":80", None);
        check("a..", Some("a"));
        check("..", None);
        check("a host", None);
        check("a\u{a0}:80", None);
        check("a\u{7}host", None);
        check("<script>", None);
        check("(other)", None);
        check(
            &"a".repeat(HOST_BYTES_MAX),
            Some(&"a".repeat(HOST_BYTES_MAX)),
        );
        check(&"a".repeat(HOST_BYTES_MAX + 1), None);
        // In lower case, this one is longer.
        check(&"\u{130}".repeat(HOST_BYTES_MAX / 2), None);
    }

    #[test]
    fn a_referrer_is_its_host_alone() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(read_referrer(text).as_deref(), expect, "{text:?}");
        };
        check(
            "https://News.example:8443/a?token=secret#b",
            Some("news.example"),
        );
        check("https://user:password@news.example/", Some("news.example"));
        check("https://news.example?x=1", Some("news.example"));
        check(
            "android-app://com.example.reader/",
            Some("com.example.reader"),
        );
        check("news.example/path", Some("news.example"));
        check("https://[2001:db8::1]:8443/", Some("[2001:db8::1]"));
        check("-", None);
        check("", None);
        check("about:blank", Some("about"));
        check("https://", None);
        check("/local", None);
    }

    #[test]
    fn a_consumer_is_cut_and_marked() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(read_consumer(text).as_deref(), expect, "{text:?}");
        };
        check(" partner X ", Some("partner X"));
        check("-", None);
        check(" ", None);
        check("a\u{0}b", Some("a\u{FFFD}b"));
        let longest = "a".repeat(CONSUMER_BYTES_MAX);
        check(&longest, Some(&longest));
        let cut = format!("{}…", "a".repeat(CONSUMER_BYTES_MAX - 3));
        check(&format!("{longest}a"), Some(&cut));
        assert_eq!(cut.len(), CONSUMER_BYTES_MAX);
    }

    #[test]
    fn a_protocol_has_one_name() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(read_protocol(text).as_deref(), expect, "{text:?}");
        };
        check("HTTP/1.1", Some("HTTP/1.1"));
        check("http/1.0", Some("HTTP/1.0"));
        check("HTTP/2.0", Some("HTTP/2"));
        check("HTTP/2", Some("HTTP/2"));
        check("h2", Some("HTTP/2"));
        check("HTTP/3.0", Some("HTTP/3"));
        check("grpc", Some("GRPC"));
        check("-", None);
        check("", None);
        check("HTTP 1.1", None);
        check("HTTP/1.1HTTP/1.1", Some("HTTP/1.1HTTP/1.1"));
        check("HTTP/1.1HTTP/1.1H", None);
    }
}
