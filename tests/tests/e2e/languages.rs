//! The languages of the pages: each is whole, and the reader or the browser chooses.

use rollcall_tests::browser::{Browser, Screen};
use rollcall_tests::{ADMIN, App};

use crate::browser::{PAGES, record_traffic, sign_in};

const CHINESE: (&str, &str) = ("accept-language", "zh-CN,zh;q=0.9,en;q=0.8");

fn page(app: &App, path: &str, headers: &[(&str, &str)]) -> String {
    let headers = [&[("accept", "text/html")], headers].concat();
    app.ask_with(path, &headers).text()
}

/// Words in Latin letters that a page in Chinese may have: names, as those of the
/// hours of a week in the API, units, and parts of what is sent.
const NAMES: [&str; 43] = [
    "B",
    "API",
    "CI",
    "CSV",
    "DE",
    "FR",
    "Fri",
    "GET",
    "IP",
    "JSON",
    "Markdown",
    "Mon",
    "NDJSON",
    "OpenAPI",
    "POST",
    "ROLLCALL",
    "Rollcall",
    "Sat",
    "Sun",
    "TOKEN",
    "Thu",
    "Tue",
    "US",
    "User-Agent",
    "UTC",
    "Wed",
    "all",
    "asc",
    "curl",
    "dialogs",
    "e",
    "h",
    "healthz",
    "kB",
    "min",
    "monitoring",
    "ms",
    "office",
    "orders",
    "other",
    "s",
    "unknown",
    "users",
];

/// The words in Latin letters that a person reads on a page. Left out are plots, code, keys, the
/// name of another language, and words that are marked as English.
fn latin_words(page: &str) -> Vec<String> {
    let (_, body) = page.split_once("</head>").unwrap();
    let mut body = body.to_owned();
    for (begin, end) in [
        ("<p lang=\"en\"", "</p>"),
        ("<ul lang=\"en\"", "</ul>"),
        ("<button name=\"language\"", "</button>"),
        ("<svg", "</svg>"),
        ("<pre", "</pre>"),
        ("<code", "</code>"),
        ("<kbd", "</kbd>"),
    ] {
        let mut parts = body.split(begin);
        let first = parts.next().unwrap().to_owned();
        body = parts.fold(first, |left, part| left + part.split_once(end).unwrap().1);
    }
    let mut words = Vec::new();
    for part in body.split('<') {
        let (tag, text) = part.split_once('>').unwrap_or(("", part));
        let values = tag.split('"').collect::<Vec<_>>();
        let read = values.chunks(2).filter_map(|pair| {
            let is_read = ["title=", "label=", "placeholder="]
                .iter()
                .any(|name| pair[0].ends_with(name));
            (is_read || tag.starts_with("template")).then(|| *pair.get(1).unwrap_or(&""))
        });
        for text in read.chain([text]) {
            let each = text.split(|char: char| char.is_whitespace() || !char.is_ascii());
            words.extend(each.map(|word| {
                word.trim_matches(|char: char| !char.is_alphanumeric())
                    .to_owned()
            }));
        }
    }
    // A word with a digit or a sign in it is a path, an address or the like.
    let is_word = |word: &String| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
    };
    words.retain(is_word);
    words
}

#[test]
fn every_page_is_whole_in_chinese() {
    let app = App::start();
    let nothing = page(&app, "/admin/", &[CHINESE]);
    assert!(nothing.contains("还没有请求记录"), "{nothing}");
    record_traffic(&app);
    let unsigned = app.send("GET", "/admin/sign-in", &[CHINESE], b"").text();
    let pages = PAGES.map(|(_, path)| (path, page(&app, path, &[CHINESE])));
    let refused = page(&app, "/admin/?status=9xx", &[CHINESE]);
    let pages = pages.into_iter().chain([
        ("nothing yet", nothing),
        ("sign-in", unsigned),
        ("refused", refused),
    ]);
    let mut found = Vec::new();
    for (path, page) in pages {
        assert!(page.contains("<html lang=\"zh-CN\">"), "{path}: {page}");
        let mut words = latin_words(&page);
        words.retain(|word| !NAMES.contains(&word.as_str()));
        found.extend(words.into_iter().map(|word| (path, word)));
    }
    assert!(found.is_empty(), "{found:?}");
    // The same test finds the words of a page in English.
    let english = page(&app, "/admin/", &[]);
    assert!(english.contains("<html lang=\"en\">"), "{english}");
    assert!(latin_words(&english).contains(&"Overview".to_owned()));
}

#[test]
fn a_reader_chooses_a_language_and_the_choice_is_kept() {
    let app = App::start();
    let choose = |language: &str, site: &str| {
        let referer = app.url("/admin/?country=DE");
        let headers = [
            ("referer", referer.as_str()),
            ("sec-fetch-site", site),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let form = format!("language={language}");
        app.send("POST", "/admin/language", &headers, form.as_bytes())
    };
    let chosen = choose("zh", "same-origin");
    assert_eq!(
        (chosen.status, chosen.header("location")),
        (303, Some("/admin/?country=DE"))
    );
    let cookie = chosen.header("set-cookie").unwrap();
    let (cookie, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(cookie, "rollcall_language=zh");
    assert!(attributes.contains("HttpOnly") && attributes.contains("Path=/admin/"));
    // The choice goes before the language of the browser.
    let english = ("accept-language", "en");
    let chinese = page(&app, "/admin/", &[("cookie", cookie), english]);
    assert!(chinese.contains("<html lang=\"zh-CN\">"), "{chinese}");
    // No text of the form comes back.
    let longer = choose("zh-x%3B%20Domain%3Devil.example", "same-origin");
    assert_eq!(longer.header("set-cookie"), chosen.header("set-cookie"));
    for (language, site, status) in [
        ("de", "same-origin", 400),
        ("", "same-origin", 400),
        ("zh", "cross-site", 403),
    ] {
        let refused = choose(language, site);
        assert_eq!(
            (refused.status, refused.header("set-cookie")),
            (status, None)
        );
    }
    let long = "x".repeat(2_000);
    assert_eq!(choose(&long, "same-origin").status, 413);
    let token = format!("Bearer {ADMIN}");
    let get = app.send("GET", "/admin/language", &[("authorization", &token)], b"");
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
}

#[test]
fn a_person_reads_the_pages_in_chinese() {
    let app = App::start();
    record_traffic(&app);
    for start in [Browser::start, Browser::start_without_javascript] {
        let Some(browser) = start(&app) else { return };
        sign_in(&browser, "/admin/?timeRange=7d&country=DE");
        browser.click("中文");
        browser.expect_text("请求数");
        browser.expect_path("/admin/?timeRange=7d&country=DE");
        browser.expect_text("德国");
        browser.click("English");
        browser.expect_text("Germany");
    }
    let Some(mut browser) = Browser::start_in(&app, "zh-CN,zh") else {
        return;
    };
    browser.open("/admin/sign-in");
    browser.fill("管理员或查看者令牌", ADMIN);
    browser.click("登录");
    browser.expect_path("/admin/");
    // What the script writes is in Chinese, too.
    browser.click("热门路径的菜单");
    browser.expect_text("复制为 CSV");
    for (name, screen) in [("desktop", Screen::DESKTOP), ("phone", Screen::PHONE)] {
        browser.resize(screen);
        for (at, path) in [
            "/admin/",
            "/admin/dashboard/countries",
            "/admin/dashboard/movers?minScore=0",
        ]
        .into_iter()
        .enumerate()
        {
            browser.open(path);
            browser.check_accessibility();
            browser.screenshot(&format!("chinese-{at}-{name}"));
        }
    }
}
