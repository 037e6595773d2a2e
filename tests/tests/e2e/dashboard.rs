//! The dashboard as the app sends it. It is whole without a script. `browser` tests it in a
//! browser.

use std::collections::{BTreeSet, VecDeque};

use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::{ADMIN, Answer, App, VIEWER};
use serde_json::{Value, json};

/// Opens a page with a token.
fn open(app: &App, path: &str) -> Answer {
    app.ask_with(path, &[("accept", "text/html")])
}

/// Opens a page. The answer must be a 200.
fn page(app: &App, path: &str) -> String {
    let answer = open(app, path);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    let content_type = answer.header("content-type");
    assert_eq!(content_type, Some("text/html; charset=utf-8"), "{path}");
    answer.text()
}

/// The links of a page to the app.
fn links(page: &str) -> Vec<String> {
    let after = page.split(" href=\"").skip(1);
    let links = after.filter_map(|rest| Some(rest.split_once('"')?.0.replace("&#38;", "&")));
    links.filter(|link| link.starts_with('/')).collect()
}

/// The text of the card with this label.
fn card(page: &str, label: &str) -> String {
    let after = page.split_once(&format!("<dt>{label}</dt>"));
    let card = after.and_then(|(_, rest)| rest.split_once("</div>"));
    let (card, _) = card.unwrap_or_else(|| panic!("no card {label}: {page}"));
    let texts = card
        .split('<')
        .filter_map(|part| Some(part.split_once('>')?.1.trim()));
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    texts.join(" | ")
}

fn traffic() -> Value {
    let hit = |ip: &str, method: &str, path: &str, status: u16, country: &str| {
        json!({
            "ip": ip, "method": method, "path": path, "status": status, "responseTimeMs": 10,
            "bytes": 1500, "country": country, "userAgent": "curl/8"
        })
    };
    json!([
        hit("192.0.2.1", "GET", "/users", 200, "DE"),
        hit("192.0.2.1", "GET", "/users", 503, "DE"),
        hit("192.0.2.1", "POST", "/orders", 201, "DE"),
        hit("2001:db8::1", "GET", "/a&b=<c>", 404, "US")
    ])
}

#[test]
fn the_first_page_tells_what_the_overview_tells() {
    let app = App::start();
    app.record(&traffic());
    let page = page(&app, "/admin/");
    assert_eq!(
        card(&page, "Requests"),
        "4 | 0 | in the period before | 6 kB sent"
    );
    assert_eq!(
        card(&page, "Unique IPs"),
        "2 | 0 | in the period before | 2 never seen before"
    );
    assert_eq!(card(&page, "Error rate"), "50 % | 2 errors");
    assert_eq!(card(&page, "Response time, p95"), "10 ms | median 10 ms");
    assert_eq!(card(&page, "Paths"), "3 | 1.5 for each IP");
    for text in [
        "GET /users",
        "192.0.2.1",
        "2001:db8::1",
        "DE",
        "5xx",
        "POST",
        "100 %",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert_eq!(
        page.matches("<svg width=").count(),
        6,
        "three plots, each wide and narrow"
    );
}

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let app = App::start();
    app.record(&traffic());
    let mut seen = BTreeSet::new();
    let mut ahead: VecDeque<String> = ["/admin/".to_owned()].into();
    let mut shapes = BTreeSet::new();
    while let Some(link) = ahead.pop_front() {
        // Filters can be combined without end. So each page is opened once with each set of
        // parameters.
        let (path, query) = link.split_once('?').unwrap_or((&link, ""));
        let names = query
            .split('&')
            .filter_map(|pair| Some(pair.split_once('=')?.0));
        let shape = (
            path.to_owned(),
            names.map(str::to_owned).collect::<BTreeSet<String>>(),
        );
        if !seen.insert(link.clone()) || !shapes.insert(shape) {
            continue;
        }
        let answer = app.ask_with(&link, &[("accept", "text/html")]);
        assert_eq!(answer.status, 200, "{link}: {answer:?}");
        if answer.header("content-type") == Some("text/html; charset=utf-8") {
            ahead.extend(links(&answer.text()));
        }
    }
    for page in [
        "/admin/dashboard/ips/2001:db8::1",
        "/admin/dashboard/paths",
        "/admin/export",
        "/admin/assets/dashboard.css",
    ] {
        assert!(
            seen.iter().any(|link| link.starts_with(page)),
            "{page}: {seen:?}"
        );
    }
    assert!(shapes.len() > 60, "{}", shapes.len());
}

#[test]
fn each_row_filters_the_whole_page_and_each_chip_takes_its_filter_away() {
    let app = App::start();
    app.record(&traffic());
    let follow = |from: &str, title: &str| {
        let text = page(&app, from);
        let (before, _) = text
            .split_once(&format!("title=\"{title}\""))
            .unwrap_or_else(|| panic!("{title}: {text}"));
        let link = before.rsplit_once("href=\"").unwrap().1;
        link.split_once('"').unwrap().0.replace("&#38;", "&")
    };
    for (title, requests) in [
        ("Filter by GET /users", "2"),
        ("Filter by GET /a&#38;b=&#60;c&#62;", "1"),
        ("Filter by 192.0.2.1", "3"),
        ("Filter by DE", "3"),
        ("Filter by 4xx", "1"),
        ("Filter by GET", "3"),
    ] {
        let link = follow("/admin/?timeRange=7d", title);
        let filtered = page(&app, &link);
        assert!(
            card(&filtered, "Requests").starts_with(&format!("{requests} |")),
            "{title}: {link}"
        );
        let chips = filtered.split_once("class=\"chips\"").unwrap().1;
        let without = &links(chips)[0];
        let chip_count = chips.split_once("</ul>").unwrap().0.matches("<li>").count();
        let left = page(&app, without);
        assert_eq!(
            left.contains("class=\"chips\""),
            chip_count == 2,
            "{without}"
        );
    }
    // Filters are combined.
    let first = follow("/admin/?timeRange=7d", "Filter by 192.0.2.1");
    let both = follow(&first, "Filter by 5xx");
    assert!(
        card(&page(&app, &both), "Requests").starts_with("1 |"),
        "{both}"
    );
}

/// The first link of a page with this text in it.
fn link_to(page: &str, part: &str) -> String {
    let link = links(page).into_iter().find(|link| link.contains(part));
    link.unwrap_or_else(|| panic!("{part}: {page}"))
}

#[test]
fn all_countries_are_told_in_the_order_asked_for_and_have_a_page() {
    let app = App::start();
    let hit = |ip: &str, country: Option<&str>, status: u16| json!({"ip": ip, "method": "GET", "path": "/", "country": country, "status": status});
    app.record(&json!([
        hit("192.0.2.1", Some("DE"), 200),
        hit("192.0.2.1", Some("DE"), 200),
        hit("192.0.2.1", Some("DE"), 500),
        hit("192.0.2.2", Some("FR"), 200),
        hit("192.0.2.3", Some("FR"), 404),
        hit("192.0.2.4", None, 503),
    ]));
    let told = |query: &str| {
        let answer = app.json(&format!("/admin/countries?{query}"));
        let countries = answer["countries"].as_array().unwrap().iter();
        let told = countries.map(|country| {
            (
                country["country"].as_str().unwrap().to_owned(),
                country["totalRequests"].as_u64().unwrap(),
                country["uniqueIPs"].as_u64().unwrap(),
                country["errorRate"].as_f64().unwrap(),
            )
        });
        told.collect::<Vec<_>>()
    };
    let de = ("DE".to_owned(), 3, 1, 1.0 / 3.0);
    let fr = ("FR".to_owned(), 2, 2, 0.5);
    let unknown = ("unknown".to_owned(), 1, 1, 1.0);
    let by_requests = [de.clone(), fr.clone(), unknown.clone()];
    assert_eq!(told(""), by_requests);
    assert_eq!(
        told("sortBy=uniqueIPs"),
        [fr.clone(), de.clone(), unknown.clone()]
    );
    assert_eq!(told("sortBy=errorRate&limit=1"), by_requests[2..]);
    assert_eq!(told("country=unknown"), [unknown]);
    assert_eq!(told("status=5xx&timeRange=1h&ip=192.0.2.1").len(), 1);
    assert_eq!(app.ask("/admin/countries?sortBy=country").status, 400);

    let countries = page(&app, "/admin/dashboard/countries?timeRange=7d");
    // A row leads to what it is made of.
    let of_france = page(&app, &link_to(&countries, "country=FR"));
    assert!(
        card(&of_france, "Requests").starts_with("2 |"),
        "{of_france}"
    );
    assert!(of_france.contains("<h1>France</h1>"), "{of_france}");
    let all = link_to(&of_france, "by=country");
    assert!(
        !all.contains("country=FR") && page(&app, &all).contains(">DE<"),
        "{all}"
    );
    // The row of an IP and its page lead there, too.
    for from in ["/admin/", "/admin/dashboard/ips/192.0.2.2"] {
        let of_france = link_to(&page(&app, from), "country=FR");
        assert!(
            page(&app, &of_france).contains("<h1>France</h1>"),
            "{of_france}"
        );
    }
    // A hit without a country is in the table alone.
    let (_, map) = countries.split_once("class=\"panel map\"").unwrap();
    let (map, table) = map.split_once("</figure>").unwrap();
    for said in ["Germany: 3 requests, 50 %", "France: 2 requests, 33.3 %"] {
        assert!(map.contains(&format!("<title>{said}</title>")), "{map}");
    }
    assert_eq!(map.matches("<title>").count(), 2, "{map}");
    assert!(
        table.contains(">unknown<") && map.contains("no request"),
        "{table}"
    );
    // Every head sorts, and sorts the other way if it is asked again.
    let places = |page: &str| ["FR", "DE"].map(|name| page.find(&format!(">{name}<")).unwrap());
    assert!(
        places(&countries).is_sorted_by(|fr, de| fr > de),
        "{countries}"
    );
    let by_ips = page(&app, &link_to(&countries, "sortBy=uniqueIPs"));
    assert!(places(&by_ips).is_sorted() && by_ips.contains("aria-sort=\"descending\""));
    let ascending = page(&app, &link_to(&by_ips, "sortBy=uniqueIPs&order=asc"));
    assert!(
        places(&ascending).is_sorted_by(|fr, de| fr > de),
        "{ascending}"
    );
}

#[test]
fn what_is_left_out_is_left_out_of_the_whole_page() {
    let app = App::start();
    let hit =
        |ip: &str, path: &str| json!({"ip": ip, "method": "GET", "path": path, "status": 200});
    app.record(&json!([
        hit("192.0.2.1", "/healthz"),
        hit("192.0.2.1", "/healthz/a|b"),
        hit("192.0.2.2", "/users"),
    ]));
    let link_of = |page: &str, label: &str| {
        let (_, from) = page.split_once("<main").unwrap();
        let (before, _) = from.split_once(&format!("aria-label=\"{label}\"")).unwrap();
        let (_, link) = before.rsplit_once("href=\"").unwrap();
        link.split('"').next().unwrap().replace("&#38;", "&")
    };
    let first = page(&app, "/admin/?timeRange=7d");
    let without_one = page(&app, &link_of(&first, "Leave out the path of GET /healthz"));
    assert!(
        card(&without_one, "Requests").starts_with("2 |"),
        "{without_one}"
    );
    assert!(
        without_one.contains("Path <b>not /healthz</b>"),
        "{without_one}"
    );
    let link = link_of(&without_one, "Leave out the path of GET /healthz/a|b");
    let without_both = page(&app, &link);
    assert!(
        card(&without_both, "Requests").starts_with("1 |"),
        "{link}: {without_both}"
    );
    assert!(
        without_both.contains("Path <b>not /healthz or /healthz/a|b</b>"),
        "{without_both}"
    );
    let without_ip = page(&app, &link_of(&first, "Leave out 192.0.2.1"));
    assert!(
        card(&without_ip, "Requests").starts_with("1 |"),
        "{without_ip}"
    );
    let (_, content) = without_ip.split_once("<main").unwrap();
    assert!(!content.contains("GET /healthz"), "{without_ip}");
}

#[test]
fn a_breakdown_has_a_tab_for_each_property_a_search_and_pages() {
    let app = App::start();
    let hits = (0..205).map(
        |n| json!({"ip": "192.0.2.1", "method": "GET", "path": format!("/p{n:03}"), "status": 200}),
    );
    app.record(&hits.collect());
    let first = page(&app, "/admin/dashboard/breakdown?limit=100&ip=192.0.2.1");
    assert!(
        first.contains("1 to 100 of 205") && !first.contains(">Previous<"),
        "{first}"
    );
    let second = page(&app, &link_to(&first, "offset=100"));
    assert!(
        second.contains("101 to 200 of 205") && second.contains(">GET /p100<"),
        "{second}"
    );
    let third = page(&app, &link_to(&second, "offset=200"));
    assert!(
        third.contains("201 to 205 of 205") && !third.contains(">Next<"),
        "{third}"
    );
    let found = page(&app, "/admin/dashboard/breakdown?limit=100&search=P20");
    assert!(
        found.contains("1 to 5 of 5") && found.contains(">GET /p204<"),
        "{found}"
    );
    let none = page(&app, "/admin/dashboard/breakdown?search=%3Cb%3E");
    assert!(none.contains("with “&#60;b&#62;” in its name"), "{none}");
    // A property that goes together with no filter has a tab without it.
    let hosts = link_to(&first, "by=host");
    assert!(
        !hosts.contains("ip=") && link_to(&first, "by=method").contains("ip="),
        "{hosts}"
    );
    let hosts = page(&app, &hosts);
    assert!(
        hosts.contains("A gateway can send it") && !hosts.contains("name=\"ip\""),
        "{hosts}"
    );
    assert!(first.contains("name=\"ip\""), "{first}");
    // All that a row of a status tells.
    let codes = page(&app, &link_to(&first, "by=statusCode"));
    assert!(
        codes.contains(">200<") && !codes.contains("sortBy=bytes"),
        "{codes}"
    );
}

#[test]
fn an_ip_and_a_path_have_pages_of_their_own() {
    let app = App::start();
    app.record(&traffic());
    let ip = page(&app, "/admin/dashboard/ips/192.0.2.1?timeRange=7d&limit=1");
    assert!(ip.contains("1–1 of 2") && ip.contains("curl/8"), "{ip}");
    assert!(card(&ip, "Requests").starts_with("3 |"));
    let next = links(&ip)
        .into_iter()
        .find(|link| link.contains("offset=1"));
    let next = page(&app, &next.expect("a link to the second path"));
    assert!(
        next.contains("2–2 of 2") && next.contains("POST /orders"),
        "{next}"
    );

    let path = page(&app, "/admin/dashboard/paths?key=GET%20/users&timeRange=7d");
    assert!(card(&path, "Requests").starts_with("2 |"));
    assert!(
        path.contains("192.0.2.1") && !path.contains("2001:db8::1"),
        "{path}"
    );
}

#[test]
fn what_callers_sent_stays_text() {
    let app = App::start();
    let script = "<script>alert(1)</script>";
    app.record(&json!({
        "ip": "192.0.2.1", "method": "GET", "path": format!("/{script}\"'"), "userAgent": script
    }));
    for path in [
        "/admin/",
        "/admin/dashboard/ips/192.0.2.1",
        "/admin/dashboard/top-paths",
    ] {
        let page = page(&app, path);
        assert!(
            !page.contains("<script>") && page.contains("&#60;script&#62;"),
            "{page}"
        );
    }
    let key = "/admin/dashboard/paths?key=GET%20/%3Cscript%3Ealert(1)%3C/script%3E%22%27";
    assert!(!page(&app, key).contains("<script>"));
    let refused = open(&app, "/admin/?status=%3Cscript%3E").text();
    assert!(!refused.contains("<script>"), "{refused}");
}

#[test]
fn what_cannot_be_seen_is_an_escape() {
    let app = App::start();
    let agent = "a\u{202E}b\u{2028}c\u{1B}[2J";
    app.record(&json!({
        "ip": "192.0.2.1", "method": "GET", "path": "/a\u{202E}gpj.exe", "userAgent": agent
    }));
    let is_hidden = |char: char| rollcall_tally::shown::is_hidden(char) && char != '\n';
    for path in [
        "/admin/",
        "/admin/dashboard/ips/192.0.2.1",
        "/admin/dashboard/breakdown?by=path",
        "/admin/?label=a%E2%80%AEb",
    ] {
        let page = open(&app, path).text();
        assert!(!page.contains(is_hidden), "{path}: {page}");
    }
    let shown = "a\\u{202e}b\\u{2028}c\\u{1b}[2J";
    let of_ip = page(&app, "/admin/dashboard/ips/192.0.2.1");
    assert!(of_ip.contains(shown), "{of_ip}");
    let told = app.json("/admin/ips/192.0.2.1");
    assert_eq!(told["userAgents"], json!([agent]));
}

#[test]
fn where_there_is_nothing_the_page_says_what_to_do() {
    let app = App::start();
    let first = page(&app, "/admin/");
    assert!(
        first.contains("No hits yet") && first.contains("curl -i"),
        "{first}"
    );
    app.record(&traffic());
    let page = page(&app, "/admin/?timeRange=1h&country=FR");
    assert!(page.contains("No requests here"), "{page}");
    for (text, link) in [
        ("Remove all filters", "/admin/?timeRange=1h"),
        ("Look at all time", "/admin/?country=FR&timeRange=all"),
    ] {
        assert!(
            page.contains(text) && links(&page).iter().any(|found| found == link),
            "{link}: {page}"
        );
    }
}

#[test]
fn a_form_may_leave_its_fields_empty() {
    let app = App::start();
    app.record(&traffic());
    let page = page(
        &app,
        "/admin/?timeRange=7d&ip=&pathPrefix=%2Fusers&method=&status=&country=",
    );
    assert!(card(&page, "Requests").starts_with("2 |"), "{page}");
}

#[test]
fn a_page_shows_the_status_code_that_was_asked_for_and_keeps_it_in_its_links() {
    let app = App::start();
    app.record(&traffic());
    let page = page(&app, "/admin/?status=404&timeRange=7d");
    assert!(card(&page, "Requests").starts_with("1 |"), "{page}");
    assert!(page.contains("Status <b>404</b>"), "{page}");
    assert!(page.contains("name=\"status\" value=\"404\""), "{page}");
    // The chip and the link to all requests take the filter away. One link turns it around, and the
    // legend has the whole class.
    let links = links(&page).into_iter();
    let without = links.filter(|link| link.contains('?') && !link.contains("status=404"));
    let without: BTreeSet<String> = without.collect();
    let expect = [
        "/admin/?timeRange=7d",
        "/admin/?status=%21404&timeRange=7d",
        "/admin/?status=4xx&timeRange=7d",
    ];
    assert_eq!(without, expect.map(str::to_owned).into());
    // A page that is filtered by a class has the codes of the class.
    let of_class = self::page(&app, "/admin/?status=4xx&timeRange=7d");
    assert!(of_class.contains("title=\"Filter by 404\""), "{of_class}");
    let refused = open(&app, "/admin/?status=40x");
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("a status code from 100 to 599"));
}

#[test]
fn a_page_shows_the_days_that_were_chosen_and_keeps_them_in_its_links() {
    let app = App::start();
    app.record(&traffic());
    let today = jiff::Timestamp::now().to_string();
    let today = &today[..10];
    // The form sends a field that was left empty, too.
    let page = page(
        &app,
        &format!("/admin/dashboard/top-paths?from={today}&to=&limit=5"),
    );
    assert!(
        page.contains(&format!("Days: <b>since {today}</b>")),
        "{page}"
    );
    assert!(
        page.contains(&format!("name=\"from\" value=\"{today}\"")),
        "{page}"
    );
    // Only the arrow leads to other days.
    let (arrows, others): (Vec<_>, Vec<_>) = links(&page)
        .into_iter()
        .partition(|link| link.contains("&to="));
    assert_eq!(arrows.len(), 1, "{arrows:?}");
    for link in others {
        let is_of_days = link.contains(&format!("from={today}"));
        let is_of_window = link.contains("timeRange=");
        let has_neither = !link.contains('?');
        assert!(is_of_days != is_of_window || has_neither, "{link}");
    }
    let export = format!("/admin/export?format=csv&from={today}");
    let links = links(&page);
    assert!(
        links.iter().any(|link| link.starts_with(&export)),
        "{links:?}"
    );
    let refused = open(&app, "/admin/?from=2026-02-30");
    assert_eq!(refused.status, 400);
}

#[test]
fn what_cannot_be_shown_is_a_page_with_its_reason() {
    let app = App::start();
    app.record(&traffic());
    for (path, status, text) in [
        ("/admin/?ip=x&status=9xx", 400, "expected an IP address"),
        ("/admin/?nonsense=1", 400, "unknown parameter"),
        (
            "/admin/dashboard/ips/nonsense",
            400,
            "expected an IP address",
        ),
        ("/admin/dashboard/ips/192.0.2.99", 404, "is not tracked"),
        ("/admin/dashboard/paths", 400, "required"),
        ("/admin/dashboard/status", 404, "nothing at this path"),
        ("/admin/dashboard/export-data", 404, "nothing at this path"),
        ("/admin/dashboard/", 404, "nothing at this path"),
    ] {
        let answer = open(&app, path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let page = answer.text();
        assert!(
            page.contains(text) && page.contains("To the overview"),
            "{path}: {page}"
        );
    }
    let token = format!("Bearer {ADMIN}");
    let post = app.send("POST", "/admin/", &[("authorization", &token)], b"");
    assert_eq!(
        (post.status, post.header("allow")),
        (405, Some("GET, HEAD"))
    );
}

#[test]
fn without_an_answer_the_page_says_that_nothing_is_lost() {
    let calls = Calls::default();
    let app = App::start_with(|config| config.chain_layer = Some(calls.layer()));
    app.record(&traffic());
    calls.rule("/summarize", |_| Fate::CalleeTraps);
    let answer = open(&app, "/admin/");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    let page = answer.text();
    assert!(page.contains("Nothing is lost"), "{page}");
}

#[test]
fn what_is_missing_is_said_on_the_page() {
    let calls = Calls::default();
    let app = App::start_with(|config| {
        config.chain_layer = Some(calls.layer());
        let one = ("batch_size".to_owned(), "1".to_owned());
        let few = ("min_success_rate".to_owned(), "0.1".to_owned());
        config.variables.extend([one, few]);
    });
    app.record(&traffic());
    // One of the two batches fails, at both tries.
    calls.rule("/summarize", |n| match n {
        0 | 2 => Fate::CalleeTraps,
        _ => Fate::Call(0),
    });
    let page = page(&app, "/admin/dashboard/top-paths?via=ips");
    assert!(
        page.contains("1 of 2 batches of IPs did not answer"),
        "{page}"
    );
    assert!(page.contains("<dt>Coverage</dt><dd>50 %</dd>"), "{page}");
}

#[test]
fn nobody_sees_a_page_without_a_token_and_a_viewer_sees_all() {
    let app = App::start_with(|config| {
        let viewer = ("viewer_token".to_owned(), VIEWER.to_owned());
        config.variables.extend([viewer]);
    });
    app.record(&traffic());
    let viewer = format!("Bearer {VIEWER}");
    for path in [
        "/admin/",
        "/admin/dashboard/top-ips",
        "/admin/dashboard/ips/192.0.2.1",
    ] {
        assert_eq!(app.send("GET", path, &[], b"").status, 401, "{path}");
        let browser = app.send("GET", path, &[("accept", "text/html")], b"");
        assert_eq!(browser.status, 303, "{path}");
        let answer = app.send("GET", path, &[("authorization", &viewer)], b"");
        assert_eq!(answer.status, 200, "{path}");
    }
    let short = app.send("GET", "/admin", &[], b"");
    assert_eq!(
        (short.status, short.header("location")),
        (303, Some("/admin/"))
    );
}

#[test]
fn style_and_script_are_kept_by_the_browser_until_they_change() {
    let app = App::start();
    for (path, content_type) in [
        ("/admin/assets/dashboard.css", "text/css; charset=utf-8"),
        (
            "/admin/assets/dashboard.js",
            "text/javascript; charset=utf-8",
        ),
    ] {
        let answer = app.send("GET", path, &[], b"");
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(content_type))
        );
        let etag = answer.header("etag").unwrap();
        let again = app.send("GET", path, &[("if-none-match", etag)], b"");
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(app.send("POST", path, &[], b"").status, 405);
    }
    assert_eq!(
        app.send("GET", "/admin/assets/nothing.css", &[], b"")
            .status,
        401
    );
}
