//! `GET /collect/beacon`: counts a visit of a web page, and answers with an invisible image.
//!
//! A page has no secret, so there is no token, and the path is off unless the variable `beacon` is
//! `true`. A visitor can make up hits of any path, but only of its own address: see
//! [`rollcall_web::sender`].

use bytes::Bytes;
use http::header::{CONTENT_TYPE, REFERER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use rollcall_tally::hit::PATH_BYTES_MAX;
use rollcall_tally::question::BadParameter;
use rollcall_web::{Problem, Reply, log, reply, sender, variable};
use serde_json::json;
use spin_sdk::http::Request;

use crate::{collect, route};

/// A GIF of one transparent pixel.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00\
    !\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
/// A page of any other site may show the image.
const ANY_SITE: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderValue::from_static("cross-origin"),
);

pub async fn beacon(request: &Request) -> Result<Reply, Problem> {
    if !is_on().await {
        return Err(Problem::not_found());
    }
    route::reads(request)?;
    let headers = request.headers();
    let path = match asked_path(request.uri().query().unwrap_or_default())? {
        Some(path) => path,
        None => referring_path(headers),
    };
    let user_agent = headers.get(USER_AGENT).map(HeaderValue::as_bytes);
    let user_agent = String::from_utf8_lossy(user_agent.unwrap_or_default());
    let hit = json!({"method": "GET", "path": path, "userAgent": user_agent});
    let mut handed_on = HeaderMap::new();
    handed_on.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    sender::hand_on(headers, &mut handed_on);
    let recorded = collect::hand_on("/collect", handed_on, Bytes::from(hit.to_string())).await?;
    if !collect::is_recorded(recorded.status()) {
        return Ok(collect::reply(recorded));
    }
    let mut reply = reply::full(StatusCode::OK, "image/gif", PIXEL);
    let (name, value) = ANY_SITE;
    reply.headers_mut().insert(name, value);
    Ok(reply)
}

async fn is_on() -> bool {
    match variable::text("beacon").await.as_str() {
        "true" => true,
        "false" => false,
        got => {
            log!(
                Error,
                "variable-not-used",
                variable = "beacon",
                got = got,
                using = "false"
            );
            false
        }
    }
}

/// The parameter `path`. A page's author gives it, so a bad one is refused.
fn asked_path(query: &str) -> Result<Option<String>, Problem> {
    let mut asked: Option<String> = None;
    let mut bad = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let reason = match name.as_ref() {
            "path" if asked.is_some() => "given twice".to_owned(),
            "path" if !value.starts_with('/') || value.len() > PATH_BYTES_MAX => {
                format!("expected a path that begins with /, of at most {PATH_BYTES_MAX} bytes")
            }
            "path" => {
                asked = Some(value.into_owned());
                continue;
            }
            _ => "unknown parameter".to_owned(),
        };
        let name = name.into_owned();
        bad.push(BadParameter { name, reason });
    }
    match bad.is_empty() {
        true => Ok(asked),
        false => Err(Problem::bad_parameters(bad)),
    }
}

/// The path of the page, as the browser tells it. Empty if it tells none: the hit has an unknown
/// path, and counts.
fn referring_path(headers: &HeaderMap) -> String {
    let page = headers.get(REFERER).and_then(|page| page.to_str().ok());
    let page = page.and_then(|page| page.parse::<Uri>().ok());
    let page = page.filter(|page| page.authority().is_some());
    page.map_or_else(String::new, |page| page.path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixel_is_a_gif_of_43_bytes() {
        assert_eq!(PIXEL.len(), 43);
        assert!(PIXEL.starts_with(b"GIF89a") && PIXEL.ends_with(b";"));
    }

    #[test]
    fn the_path_is_that_of_the_parameter() {
        let check = |query: &str, expect: Result<Option<&str>, &[&str]>| {
            let asked = asked_path(query);
            let names = |problem: Problem| -> Vec<String> {
                let bad = problem.invalid_params().iter();
                bad.map(|bad| bad.name.clone()).collect()
            };
            let expect = expect.map(|path| path.map(str::to_owned));
            let expect = expect.map_err(|bad| bad.iter().map(|bad| (*bad).to_owned()).collect());
            assert_eq!(asked.map_err(names), expect, "{query}");
        };
        check("", Ok(None));
        check("path=/a", Ok(Some("/a")));
        check("path=%2Fa%20b", Ok(Some("/a b")));
        let longest = format!("/{}", "x".repeat(PATH_BYTES_MAX - 1));
        check(&format!("path={longest}"), Ok(Some(&longest)));
        check(&format!("path={longest}x"), Err(&["path"]));
        check("path=", Err(&["path"]));
        check("path=a", Err(&["path"]));
        check("path=/a&path=/b", Err(&["path"]));
        check("pth=/a&t=1", Err(&["pth", "t"]));
    }

    #[test]
    fn without_a_parameter_the_path_is_that_of_the_page() {
        let check = |page: &'static str, expect: &str| {
            let headers = HeaderMap::from_iter([(REFERER, HeaderValue::from_static(page))]);
            assert_eq!(referring_path(&headers), expect, "{page}");
        };
        check("https://example.com/a/b?c=d#e", "/a/b");
        check("https://example.com", "/");
        check("/a", "");
        check("about:blank", "");
        check("", "");
        assert_eq!(referring_path(&HeaderMap::new()), "");
    }
}
