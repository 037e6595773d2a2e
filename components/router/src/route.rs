//! Turns a request into a route, once.

use std::net::IpAddr;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request};
use percent_encoding::percent_decode_str;
use rollcall_tally::DocumentKind;
use rollcall_tally::question::{AnySurvey, BadParameter, NotUnderstood, Question};
use rollcall_tally::report::ListFormat;
use rollcall_tally::weekly::ReportFormat;
use rollcall_web::Problem;

use crate::local::METRICS;

/// A request to the admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Question(Box<Question>),
    Metrics,
    Prewarm,
    Verify,
    CheckAlerts,
    /// All that is stored of an IP.
    StoredIp(IpAddr),
    Erase(IpAddr),
    /// What became of the batch with this number.
    Batch(u64),
    Backup,
    /// Begins to restore a backup.
    Restore {
        backup: String,
        replace: bool,
    },
    /// Restores a part of a backup.
    RestorePart {
        backup: String,
        number: u64,
        is_last: bool,
    },
    /// All documents of a kind.
    Documents(DocumentKind),
    PutDocument(DocumentKind, String),
    DeleteDocument(DocumentKind, String),
    /// Sends a test of the rule with this name.
    TestRule(String),
    /// The IPs that reach the threshold of a rule.
    List(String, ListFormat),
    /// The weekly report.
    Report(ReportFormat),
    SendReport,
}

/// The paths of the documents of each kind: of all, and of one.
const DOCUMENTS: [(DocumentKind, &str, &str); 4] = [
    (DocumentKind::Label, "/admin/labels", "/admin/labels/{name}"),
    (DocumentKind::Note, "/admin/notes", "/admin/notes/{name}"),
    (DocumentKind::View, "/admin/views", "/admin/views/{name}"),
    (DocumentKind::Rule, "/admin/rules", "/admin/rules/{name}"),
];
/// The path that tests a rule.
const TEST: &str = "/admin/rules/{name}/test";
const LIST: &str = "/admin/lists/{name}";
const REPORT: &str = "/admin/report";

/// The path that begins a restore, and that of a part.
const RESTORE: &str = "/admin/restore";
const RESTORE_PART: &str = "/admin/restore/{number}";

/// The path of a batch.
const BATCH: &str = "/admin/batches/{number}";

/// The path of all that is stored of an IP. Without its end, it is the path of the IP.
const STORED_IP: &str = "/admin/ips/{ip}/data";

impl Route {
    pub fn of<B>(request: &Request<B>) -> Result<Self, Problem> {
        let (route, method) = match request.uri().path() {
            METRICS => (Self::Metrics, Method::GET),
            "/admin/prewarm" => (Self::Prewarm, Method::POST),
            "/admin/verify" => (Self::Verify, Method::POST),
            "/admin/backup" => (Self::Backup, Method::POST),
            path if is_of_restore(path) => return restore_of(request),
            "/admin/check-alerts" => (Self::CheckAlerts, Method::POST),
            REPORT if *request.method() == Method::POST => return Ok(Self::SendReport),
            REPORT if *request.method() == Method::GET => {
                let formats = ReportFormat::EVERY.map(|format| (format.name(), format));
                let format = format_of(request.uri().query(), formats)?;
                return Ok(Self::Report(format));
            }
            REPORT => return Err(Problem::method_not_allowed("GET, POST")),
            path if path.starts_with(around_name(LIST).0) => {
                let name = path.strip_prefix(around_name(LIST).0);
                let name = decoded(name.unwrap_or_default());
                let formats = ListFormat::EVERY.map(|format| (format.name(), format));
                let format = format_of(request.uri().query(), formats)?;
                (Self::List(name, format), Method::GET)
            }
            path if document_of(path).is_some() => return Self::document(request),
            path if path.starts_with(batches()) => (Self::Batch(batch_of(path)?), Method::GET),
            path if is_of_ip(path) => match path.strip_suffix(of_stored_ip().1) {
                Some(of_ip) => (Self::StoredIp(ip_of(of_ip)?), Method::GET),
                None if *request.method() == Method::DELETE => {
                    return Ok(Self::Erase(ip_of(path)?));
                }
                None => return Self::question(request),
            },
            _ => return Self::question(request),
        };
        match *request.method() == method {
            true => Ok(route),
            false if method == Method::GET => Err(Problem::method_not_allowed("GET")),
            false => Err(Problem::method_not_allowed("POST")),
        }
    }

    /// A request for documents of a kind, or for one.
    fn document<B>(request: &Request<B>) -> Result<Self, Problem> {
        let (kind, name) = document_of(request.uri().path()).ok_or_else(Problem::not_found)?;
        let method = request.method();
        let Some(name) = name else {
            return match *method {
                Method::GET => Ok(Self::Documents(kind)),
                _ => Err(Problem::method_not_allowed("GET")),
            };
        };
        let tested = name
            .strip_suffix(around_name(TEST).1)
            .filter(|_| kind == DocumentKind::Rule);
        match (*method == Method::PUT, *method == Method::DELETE, tested) {
            (_, _, Some(tested)) if *method == Method::POST => Ok(Self::TestRule(decoded(tested))),
            (_, _, Some(_)) => Err(Problem::method_not_allowed("POST")),
            (true, _, None) => Ok(Self::PutDocument(kind, decoded(name))),
            (_, true, None) => Ok(Self::DeleteDocument(kind, decoded(name))),
            _ => Err(Problem::method_not_allowed("PUT, DELETE")),
        }
    }

    fn question<B>(request: &Request<B>) -> Result<Self, Problem> {
        let (path, query) = (request.uri().path(), request.uri().query());
        let allowed = match is_of_ip(path) {
            true => "GET, DELETE",
            false => "GET",
        };
        match Question::at(path, query.unwrap_or_default()) {
            Err(NotUnderstood::Unknown) => Err(Problem::not_found()),
            _ if request.method() != Method::GET => Err(Problem::method_not_allowed(allowed)),
            read => Ok(Self::Question(read?.into())),
        }
    }
}

/// The kind of the documents at a path, and the rest of the path: the name of one.
fn document_of(path: &str) -> Option<(DocumentKind, Option<&str>)> {
    DOCUMENTS
        .into_iter()
        .find_map(|(kind, all, one)| match path {
            _ if path == all => Some((kind, None)),
            _ => Some((kind, Some(path.strip_prefix(around_name(one).0)?))),
        })
}

/// The begin and the end of a path with a name in it.
fn around_name(path: &'static str) -> (&'static str, &'static str) {
    path.split_once("{name}").unwrap_or_default()
}

/// A part of a path.
fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// The format that a query asks for. It has no other parameter.
fn format_of<T: Copy + Default, const N: usize>(
    query: Option<&str>,
    formats: [(&str, T); N],
) -> Result<T, Problem> {
    let mut format = T::default();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let names = || formats.map(|(name, _)| name).join(", ");
        let known = formats.iter().find(|(known, _)| *known == value);
        let reason = match (&*name, known) {
            ("format", Some((_, known))) => {
                format = *known;
                continue;
            }
            ("format", None) => format!("expected one of {}", names()),
            _ => "unknown parameter".to_owned(),
        };
        let name = name.into_owned();
        return Err(Problem::bad_parameters(vec![BadParameter { name, reason }]));
    }
    Ok(format)
}

/// The begin and the end of [`STORED_IP`].
fn of_stored_ip() -> (&'static str, &'static str) {
    STORED_IP.split_once("{ip}").unwrap_or_default()
}

fn is_of_ip(path: &str) -> bool {
    path.starts_with(of_stored_ip().0)
}

fn is_of_restore(path: &str) -> bool {
    let rest = path.strip_prefix(RESTORE);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A request to restore a backup, or a part of one.
fn restore_of<B>(request: &Request<B>) -> Result<Route, Problem> {
    let bad = |name: &str, reason: &str| {
        let (name, reason) = (name.to_owned(), reason.to_owned());
        Problem::bad_parameters(vec![BadParameter { name, reason }])
    };
    let (parts, _) = RESTORE_PART.split_once('{').unwrap_or_default();
    let part = request.uri().path().strip_prefix(parts);
    let (flag, method) = match part {
        Some(_) => ("last", "PUT"),
        None => ("replace", "POST"),
    };
    if request.method() != method {
        return Err(Problem::method_not_allowed(method));
    }
    let (mut backup, mut is_set) = (None, None);
    let query = request.uri().query().unwrap_or_default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let is_twice = match &*name {
            "backup" => backup.replace(value.into_owned()).is_some(),
            name if name == flag && matches!(&*value, "true" | "false") => {
                is_set.replace(value == "true").is_some()
            }
            name if name == flag => return Err(bad(name, "expected true or false")),
            name => return Err(bad(name, "unknown parameter")),
        };
        if is_twice {
            return Err(bad(&name, "given twice"));
        }
    }
    let (backup, is_set) = (backup.unwrap_or_default(), is_set.unwrap_or_default());
    let is_digest = backup.len() == 64 && backup.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_digest {
        let expected = "expected the SHA-256 of the backup, as 64 hexadecimal digits";
        return Err(bad("backup", expected));
    }
    let Some(number) = part else {
        let replace = is_set;
        return Ok(Route::Restore { backup, replace });
    };
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|_| is_number);
    Ok(Route::RestorePart {
        backup,
        number: number.ok_or_else(|| bad("number", "expected the number of a part, from 0"))?,
        is_last: is_set,
    })
}

/// The begin of [`BATCH`].
fn batches() -> &'static str {
    let (batches, _) = BATCH.split_once('{').unwrap_or_default();
    batches
}

/// The batch that a path like `/admin/batches/17` names.
fn batch_of(path: &str) -> Result<u64, Problem> {
    let number = path.strip_prefix(batches()).unwrap_or_default();
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number).ok_or_else(|| {
        Problem::bad_parameters(vec![BadParameter {
            name: "number".to_owned(),
            reason: "expected a number, as Rollcall-Batch tells it".to_owned(),
        }])
    })
}

/// The IP that a path like `/admin/ips/192.0.2.1` names.
fn ip_of(path: &str) -> Result<IpAddr, Problem> {
    match Question::at(path, "")? {
        Question::Survey(AnySurvey::Ip(of)) => Ok(of.ip),
        _ => Err(Problem::not_found()),
    }
}

/// Refuses with a 405 a request that does not read. Needed for paths that are open to all.
pub fn reads<B>(request: &Request<B>) -> Result<(), Problem> {
    match *request.method() {
        Method::GET => Ok(()),
        _ => Err(Problem::method_not_allowed("GET")),
    }
}

/// Whether an answer is a problem that was written for clients.
pub fn is_problem(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    content_type == Some(b"application/problem+json".as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, path: &str) -> Result<Route, u16> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(())
            .unwrap();
        Route::of(&request).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn an_ip_is_erased_and_its_data_read_by_address() {
        let (v4, v6) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        for (path, ip) in [
            ("192.0.2.1", v4),
            ("2001:db8::1", v6),
            ("2001%3Adb8::1", v6),
        ] {
            let erase = of(Method::DELETE, &format!("/admin/ips/{path}"));
            assert_eq!(erase, Ok(Route::Erase(ip)));
            let data = of(Method::GET, &format!("/admin/ips/{path}/data"));
            assert_eq!(data, Ok(Route::StoredIp(ip)));
        }
        assert_eq!(of(Method::DELETE, "/admin/ips/192.0.2"), Err(400));
        assert_eq!(of(Method::GET, "/admin/ips/x/data"), Err(400));
        assert_eq!(of(Method::DELETE, "/admin/ips/192.0.2.1/data"), Err(405));
        assert_eq!(of(Method::POST, "/admin/ips/192.0.2.1"), Err(405));
        assert_eq!(of(Method::DELETE, "/admin/overview"), Err(405));
    }

    #[test]
    fn documents_are_read_and_written_by_kind_and_name() {
        use DocumentKind::{Label, View};
        let name = "partner X".to_owned();
        let label = "/admin/labels/partner%20X";
        assert_eq!(
            of(Method::GET, "/admin/labels"),
            Ok(Route::Documents(Label))
        );
        assert_eq!(
            of(Method::PUT, label),
            Ok(Route::PutDocument(Label, name.clone()))
        );
        assert_eq!(
            of(Method::DELETE, label),
            Ok(Route::DeleteDocument(Label, name))
        );
        let rule = |name: &str| Route::TestRule(name.to_owned());
        assert_eq!(of(Method::POST, "/admin/rules/a%2Fb/test"), Ok(rule("a/b")));
        let view = Route::PutDocument(View, "a/test".to_owned());
        assert_eq!(of(Method::PUT, "/admin/views/a/test"), Ok(view));
        for (method, path) in [
            (Method::POST, "/admin/labels"),
            (Method::GET, label),
            (Method::POST, label),
            (Method::PUT, "/admin/rules/a/test"),
            (Method::DELETE, "/admin/report"),
            (Method::POST, "/admin/lists/a"),
        ] {
            assert_eq!(of(method, path), Err(405), "{path}");
        }
        assert_eq!(of(Method::GET, "/admin/label"), Err(404));
        let list = |format| Ok(Route::List("a b".to_owned(), format));
        assert_eq!(
            of(Method::GET, "/admin/lists/a%20b"),
            list(ListFormat::Plain)
        );
        let nginx = "/admin/lists/a%20b?format=nginx";
        assert_eq!(of(Method::GET, nginx), list(ListFormat::Nginx));
        assert_eq!(of(Method::GET, "/admin/lists/a?format=x"), Err(400));
        assert_eq!(of(Method::GET, "/admin/lists/a?x=1"), Err(400));
        assert_eq!(of(Method::GET, "/admin/rules/"), Err(405));
    }

    #[test]
    fn a_batch_has_a_number() {
        let of_path = |number: &str| of(Method::GET, &format!("/admin/batches/{number}"));
        assert_eq!(of_path("17"), Ok(Route::Batch(17)));
        assert_eq!(of_path(&u64::MAX.to_string()), Ok(Route::Batch(u64::MAX)));
        for bad in ["", "x", "-1", "+1", "1/2", "18446744073709551616"] {
            assert_eq!(of_path(bad), Err(400), "{bad}");
        }
        assert_eq!(of(Method::POST, "/admin/batches/17"), Err(405));
    }
}
