//! Text that a log driver or a log server puts before a line.
//!
//! - syslog, RFC 3164: `<190>Nov 10 12:11:55 gw nginx: `, with or without `<190>` and the host
//! - syslog, RFC 5424: `<190>1 2026-11-27T18:05:39Z gw nginx 7 - - `
//! - rsyslog's files: `2026-11-27T18:05:39Z gw nginx[7]: `
//! - the container runtime of Kubernetes: `2026-11-27T18:05:39Z stdout F `, and `P` if the next line
//!   goes on with this one
//! - `docker compose logs`: `nginx-1  | `
//! - `kubectl logs --prefix`: `[pod/gw/nginx] `
//! - `kubectl logs --timestamps`, `docker logs -t`: `2026-11-27T18:05:39Z ` before an address
//!
//! No prefix has text of a caller.

use super::values;

/// The line without its prefixes.
pub(super) fn strip(line: &str) -> &str {
    if line.starts_with('{') || is_plain(line) {
        return line;
    }
    let line = without(line, strip_container);
    let line = without(line, strip_syslog);
    line.trim_ascii_start()
}

/// Whether the second word is `-`, as in most access logs. No prefix and no other format has that.
pub(super) fn is_plain(line: &str) -> bool {
    let rest = line.split_once(' ').map(|(_, rest)| rest);
    // The time of RFC 5424 may be `-`.
    rest.is_some_and(|rest| rest.starts_with("- ")) && !line.starts_with('<')
}

fn without(line: &str, strip: impl Fn(&str) -> Option<&str>) -> &str {
    strip(line).unwrap_or(line)
}

fn strip_container(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("[pod/") {
        return Some(rest.split_once("] ")?.1);
    }
    let (first, rest) = line.split_once(' ')?;
    if let Some(rest) = rest.trim_ascii_start().strip_prefix("| ") {
        return is_container(first).then_some(rest);
    }
    if !values::is_rfc_3339(first) {
        return None;
    }
    if rest.starts_with('{') {
        return Some(rest);
    }
    let (second, behind) = rest.split_once(' ')?;
    match second {
        "stdout" | "stderr" => strip_tag_of_piece(behind).map(|(_, text)| text),
        second if values::is_address(second) => Some(rest),
        _ => None,
    }
}

/// The stream of a line that the container runtime of Kubernetes wrote, and whether the next line of
/// this stream goes on with it. The runtime cuts long lines.
pub(super) fn piece(line: &str) -> Option<(&str, bool)> {
    let (time, rest) = line.split_once(' ')?;
    let (stream, behind) = rest.split_once(' ')?;
    let is_piece = matches!(stream, "stdout" | "stderr") && values::is_rfc_3339(time);
    let (is_cut, _) = strip_tag_of_piece(behind).filter(|_| is_piece)?;
    Some((stream, is_cut))
}

/// `P ` or `F `: a part of a line, or all that is left of it.
fn strip_tag_of_piece(text: &str) -> Option<(bool, &str)> {
    let (tag, text) = text.split_once(' ')?;
    match tag {
        "P" => Some((true, text)),
        "F" => Some((false, text)),
        _ => None,
    }
}

fn is_container(name: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    name.bytes().all(is_name) && !values::is_address(name)
}

fn strip_syslog(line: &str) -> Option<&str> {
    let rest = match strip_priority(line) {
        Some(rest) => match rest.strip_prefix("1 ") {
            Some(rest) => return strip_rfc_5424(rest),
            None => rest,
        },
        None => line,
    };
    strip_tag(strip_syslog_time(rest)?)
}

/// `<190>`
fn strip_priority(line: &str) -> Option<&str> {
    let (priority, rest) = line.strip_prefix('<')?.split_once('>')?;
    let is_number = (1..=3).contains(&priority.len()) && priority.parse::<u8>().is_ok();
    is_number.then_some(rest)
}

/// `Nov 10 12:11:55 ` or RFC 3339.
fn strip_syslog_time(line: &str) -> Option<&str> {
    let (month, rest) = line.split_once(' ')?;
    if values::is_rfc_3339(month) {
        return Some(rest);
    }
    if !values::MONTHS.iter().any(|name| name == month.as_bytes()) {
        return None;
    }
    let (day, rest) = rest.trim_ascii_start().split_once(' ')?;
    let (time, rest) = rest.split_once(' ')?;
    let is_time = matches!(time.as_bytes(), [_, _, b':', _, _, b':', _, _, ..]);
    (day.parse::<u8>().is_ok() && is_time).then_some(rest)
}

/// `gw nginx[7]: ` or `nginx: `. A word that ends with a colon may also be an address.
fn strip_tag(text: &str) -> Option<&str> {
    let is_tag = |word: &str| word.ends_with(':') && !values::is_address(word);
    let (first, rest) = text.split_once(' ')?;
    if is_tag(first) {
        return Some(rest);
    }
    let (second, rest) = rest.split_once(' ')?;
    is_tag(second).then_some(rest)
}

/// Time, host, application, process and message id, and the structured data.
fn strip_rfc_5424(mut rest: &str) -> Option<&str> {
    for _ in 0..5 {
        rest = rest.split_once(' ')?.1;
    }
    let rest = match rest.strip_prefix("- ") {
        Some(rest) => rest,
        None => strip_structured_data(rest)?,
    };
    Some(rest.trim_start_matches('\u{feff}'))
}

/// `[name key="value"]`, once or more.
fn strip_structured_data(mut rest: &str) -> Option<&str> {
    loop {
        rest = strip_element(rest.strip_prefix('[')?)?;
        if let Some(behind) = rest.strip_prefix(' ') {
            return Some(behind);
        }
    }
}

/// A bracket within quotes does not end the element.
fn strip_element(text: &str) -> Option<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let end = text.bytes().position(|byte| {
        let is_escaped = std::mem::take(&mut escaped);
        match byte {
            b'\\' => escaped = !is_escaped,
            b'"' if !is_escaped => quoted = !quoted,
            b']' if !quoted => return true,
            _ => {}
        }
        false
    })?;
    text.get(end + 1..)
}
