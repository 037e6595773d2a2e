//! The pages as people see them, in a real browser.

use std::thread::sleep;
use std::time::Duration;

use rollcall_tally::question::Question;
use rollcall_tests::browser::{Browser, Key, Scheme, Screen};
use rollcall_tests::{ADMIN, App};
use serde_json::{Value, json};

const SIGN_IN: &str = "/admin/sign-in";
const LABEL: &str = "Admin or viewer token";
const DASHBOARD: &str = "/admin/dashboard/";

/// The pages that everybody can use, each with the name of its pictures.
pub const PAGES: [(&str, &str); 18] = [
    ("overview", "/admin/?timeRange=7d&method=GET"),
    ("country", "/admin/?timeRange=7d&country=DE"),
    ("paths", "/admin/dashboard/top-paths"),
    ("ips", "/admin/dashboard/top-ips"),
    ("countries", "/admin/dashboard/countries"),
    (
        "all",
        "/admin/dashboard/breakdown?by=path&search=e&order=asc",
    ),
    ("settings", "/admin/dashboard/settings"),
    ("breakdown", "/admin/dashboard/breakdown?by=host"),
    ("week", "/admin/dashboard/breakdown?by=hourOfWeek&limit=168"),
    (
        "group",
        "/admin/dashboard/group?by=host&name=api.example.com",
    ),
    ("changes", "/admin/dashboard/movers?minScore=0"),
    ("ip", "/admin/dashboard/ips/192.0.2.1"),
    ("path", "/admin/dashboard/paths?key=GET%20/users"),
    (
        "retirement",
        "/admin/dashboard/retirement?key=GET%20/users&timeRange=7d",
    ),
    ("api-usage", "/admin/dashboard/api-usage?limit=100"),
    ("backtest", "/admin/dashboard/backtest?max=30"),
    ("nothing", "/admin/?country=FR"),
    ("live", "/admin/live?method=GET"),
];

/// A day of traffic. One IP does well, and one IP fails.
pub fn record_traffic(app: &App) {
    let hit = |at: usize| {
        let is_bad = at.is_multiple_of(4);
        json!({
            "ip": if is_bad { "2001:db8::bad" } else { "192.0.2.1" }, "method": "GET",
            "path": (["/users", "/orders"][at % 2]), "status": if is_bad { 503 } else { 200 },
            "responseTimeMs": 10 + at, "country": if is_bad { "US" } else { "DE" }, "userAgent": "curl/8",
            "host": if is_bad { "shop.example.com" } else { "api.example.com" }
        })
    };
    app.record(&Value::from_iter((0..100).map(hit)));
}

pub fn sign_in(browser: &Browser, to: &str) {
    browser.open(to);
    browser.fill(LABEL, ADMIN);
    browser.click("Sign in");
    browser.expect_path(to);
}

/// Finds out which IP fails, as a person does. The steps are the same with and without JavaScript.
fn look_into_it(browser: &Browser) {
    sign_in(browser, "/admin/?timeRange=24h");
    browser.expect_text("Error rate\n25 %");
    browser.click("7d");
    browser.expect_path("/admin/?timeRange=7d");
    // Each row filters the page, and filters are combined.
    browser.click("5xx");
    browser.expect_path("/admin/?status=5xx&timeRange=7d");
    browser.expect_text("Error rate\n100 %");
    browser.click("2001:db8::bad");
    browser.expect_path("/admin/?ip=2001%3Adb8%3A%3Abad&status=5xx&timeRange=7d");
    browser.click("Remove the filter Status 5xx");
    browser.expect_path("/admin/?ip=2001%3Adb8%3A%3Abad&timeRange=7d");
    browser.click("Everything about 2001:db8::bad");
    browser.expect_text("overview of this IP alone");
    assert!(
        browser
            .path()
            .starts_with("/admin/dashboard/ips/2001:db8::bad?")
    );
    browser.expect_text("curl/8");
    browser.click("CSV");
    let (name, rows) = browser.downloaded();
    assert_eq!(name, "path-stats-7d.csv");
    let rows = String::from_utf8(rows).unwrap();
    assert_eq!(rows.lines().count(), 2, "{rows}");
    assert!(rows.contains("2001:db8::bad,GET /users,GET,25,"), "{rows}");
    browser.click("Sign out");
    browser.expect_path(SIGN_IN);
    browser.open("/admin/");
    browser.expect_text("Sign in to Rollcall");
}

#[test]
fn a_person_finds_out_who_fails_exports_it_and_signs_out() {
    let app = App::start();
    record_traffic(&app);
    for start in [Browser::start, Browser::start_without_javascript] {
        let Some(browser) = start(&app) else { return };
        look_into_it(&browser);
    }
}

#[test]
fn a_person_filters_by_a_form_and_is_told_what_cannot_be() {
    let app = App::start();
    record_traffic(&app);
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/?timeRange=24h");
    browser.click("Filter");
    browser.fill("Path begins with", "/ord");
    browser.press(Key::Enter);
    browser.expect_text("Path begins with /ord");
    browser.expect_text("Requests\n50");
    browser.click("Filter");
    browser.fill("Status", "503");
    browser.press(Key::Enter);
    browser.expect_text("Status 503");
    browser.click("Remove the filter Path begins with /ord");
    browser.expect_path("/admin/?status=503&timeRange=24h");
    browser.expect_text("Requests\n25");
    browser.click("Filter");
    browser.fill("IP", "nowhere");
    browser.press(Key::Enter);
    browser.expect_text("expected an IP address or a network");
    assert_eq!(browser.console().len(), 1, "the answer was a 400");
}

#[test]
fn the_script_shows_local_times_reads_the_plots_and_refreshes_in_place() {
    let app = App::start();
    record_traffic(&app);
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/?timeRange=24h");
    let time = browser.script(
        "const time = document.querySelector('.as-of time');
         const local = new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Kolkata'});
         return [time.textContent === local.format(new Date(time.dateTime)), time.title.endsWith(' UTC')]",
    );
    assert_eq!(time, json!([true, true]));

    let reading = browser.script(
        "const drawing = document.querySelector('.drawing');
         const box = drawing.getBoundingClientRect();
         drawing.dispatchEvent(new PointerEvent('pointermove', {clientX: box.right - 12, clientY: box.top + 9}));
         return document.querySelector('.reading').textContent",
    );
    let reading = reading.as_str().unwrap();
    assert!(
        reading.contains("Requests 100\n2xx 75\n5xx 25\n"),
        "{reading}"
    );

    // The page is updated in place. A variable of the document survives, and so does the focus.
    app.record(&json!({"ip": "192.0.2.7", "method": "GET", "path": "/new"}));
    let token = format!("Bearer {ADMIN}");
    let prewarmed = app.send("POST", "/admin/prewarm", &[("authorization", &token)], b"");
    assert_eq!(prewarmed.status, 200);
    // An instance trusts an answer that it has for two seconds.
    std::thread::sleep(std::time::Duration::from_secs(2));
    browser.script("window.mine = 7; document.querySelector('.ranges ul a').focus()");
    browser.script("refresh()");
    browser.expect_text("GET /new");
    let kept = browser.script("return [window.mine, document.activeElement.textContent]");
    assert_eq!(kept, json!([7, "1h"]));
}

#[test]
fn a_person_goes_through_time_by_plot_and_arrows() {
    let app = App::start();
    record_traffic(&app);
    for start in [Browser::start, Browser::start_without_javascript] {
        let Some(browser) = start(&app) else { return };
        sign_in(&browser, "/admin/?timeRange=24h&method=GET");
        // A bar is a link, and an arrow leads on and back to the window.
        browser.click_css(".columns li:nth-child(23) a");
        browser.until("to see one hour", || browser.path().contains("from="));
        browser.expect_text("No requests here");
        browser.click("The period after");
        browser.expect_text("Requests\n100");
        assert!(browser.path().contains("method=GET"), "{}", browser.path());
        browser.open("/admin/?timeRange=7d");
        browser.click("The period before");
        browser.expect_text("No requests here");
        browser.click("The period after");
        browser.expect_path("/admin/?timeRange=7d");
    }
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/?timeRange=24h");
    browser.drag(".columns li:nth-child(20) a", ".columns li:nth-child(24) a");
    browser.until("to see five hours", || browser.path().contains("from="));
    browser.expect_text("Requests\n100");
    assert_eq!(browser.texts(".numbers tbody tr").len(), 5);
}

#[test]
fn a_status_has_one_colour_on_the_whole_page() {
    let app = App::start();
    record_traffic(&app);
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/?timeRange=24h&status=5xx");
    for scheme in [Scheme::Light, Scheme::Dark] {
        browser.prefer(scheme);
        let colors = browser.script(
            "const style = (css, of, pseudo) =>
                 getComputedStyle(document.querySelector(css), pseudo)[of];
             return [style('.drawing [fill=\"#B01F2E\"]', 'fill'),
                     style('.legend .of-5xx', 'backgroundColor', '::before'),
                     style('.chips .of-5xx', 'backgroundColor', '::before'),
                     style('tr.of-5xx .row', 'backgroundColor', '::before')]",
        );
        let colors = colors.as_array().unwrap();
        assert!(
            colors.iter().all(|color| color == &colors[0]),
            "{scheme:?}: {colors:?}"
        );
    }
    browser.click("5xx");
    browser.expect_path("/admin/?timeRange=24h");
}

fn record_path(app: &App, path: &str) {
    app.record(&json!({"ip": "192.0.2.7", "method": "GET", "path": path, "status": 200}));
}

/// The texts or values of the elements that a CSS selector selects, also of those that nobody sees.
fn all(browser: &Browser, css: &str, of: &str) -> Vec<String> {
    let found = browser.script(&format!(
        "return [...document.querySelectorAll('{css}')].map((element) => element.{of})"
    ));
    serde_json::from_value(found).unwrap()
}

#[test]
fn the_filter_suggests_a_few_values_that_hold_what_is_typed() {
    let app = App::start();
    record_traffic(&app);
    app.record(&Value::from_iter((0..30).map(
        |n| json!({"ip": "192.0.2.1", "method": "GET", "path": format!("/many|/{n}"), "status": 200}),
    )));
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/?timeRange=7d");
    browser.click("Filter");
    let suggested = |field: &str| all(&browser, &format!("#{field}-suggestions option"), "value");
    for (label, typed, field, expect) in [
        ("Path", "ORD", "path", "/orders"),
        ("IP", "!192.0.2.7|2001", "ip", "!192.0.2.7|2001:db8::bad"),
        ("Country", "u", "country", "US"),
    ] {
        browser.fill(label, typed);
        browser.until(expect, || suggested(field) == [expect]);
    }
    // The classes are always suggested, and codes as they are typed.
    browser.fill("Status", "50");
    browser.until("codes", || {
        suggested("status").ends_with(&["503".to_owned()])
    });
    assert_eq!(suggested("status")[0], "1xx");
    browser.fill("Path begins with", "many");
    browser.until("20 paths", || suggested("pathPrefix").len() == 20);
    assert!(suggested("pathPrefix")[0].starts_with("/many\\|/"));
}

#[test]
fn a_table_is_copied_for_other_programs_and_its_question_as_a_command() {
    let app = App::start();
    record_traffic(&app);
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/?timeRange=7d&country=!US");
    browser.script(
        "navigator.clipboard.writeText = async (text) => { window.copied = text; };
         window.addEventListener('copy', (event) => {
             window.copied = event.clipboardData.getData('text/plain');
         })",
    );
    let copied = |menu: &str, form: &str| {
        browser.script("window.copied = null");
        browser.click(menu);
        browser.click(form);
        browser.until("to have a copy", || {
            !browser.script("return window.copied").is_null()
        });
        browser.until("the menu to close", || {
            all(&browser, ".menu[open]", "className").is_empty()
        });
        browser
            .script("return window.copied")
            .as_str()
            .unwrap()
            .to_owned()
    };
    let curl = copied("Menu of top paths", "Copy as curl");
    let url = curl.strip_prefix("curl -H \"Authorization: Bearer $ROLLCALL_TOKEN\" '");
    let url = url.and_then(|url| url.strip_suffix("'\n")).unwrap();
    let answer = app.json(url.strip_prefix(&app.url("")).unwrap());
    assert_eq!(answer["paths"].as_array().unwrap().len(), 2, "{curl}");
    assert_eq!(answer["filter"], json!({"country": "!US"}));
    let csv = copied("Menu of Countries", "Copy as CSV");
    assert_eq!(csv, "Country,Requests,Share\r\nDE,75,100 %\r\n");
    let markdown = copied("Menu of Methods", "Copy as Markdown");
    assert_eq!(
        markdown,
        "| Method | Requests | Share |\n| --- | ---: | ---: |\n| GET | 75 | 100 % |\n"
    );
    let numbers = copied("Menu of requests by status", "Copy as CSV");
    assert_eq!(numbers.lines().count(), 8, "{numbers}");
    let safe = browser.script("return asCsv([['=1', '-a', 'b\"c', 'd,e']])");
    assert_eq!(safe, "'=1,'-a,\"b\"\"c\",\"d,e\"\r\n");
    // Over plain HTTP there is no clipboard but the one of the event.
    browser.script("Object.defineProperty(navigator, 'clipboard', {value: undefined})");
    assert_eq!(copied("Menu of Methods", "Copy as Markdown"), markdown);
}

#[test]
fn a_hit_shows_on_the_live_page_within_seconds_and_not_while_it_is_hidden() {
    let app = App::start();
    record_traffic(&app);
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/live?method=GET");
    browser.expect_text("Requests a minute");
    // A test waits for 10 s at most.
    record_path(&app, "/fresh");
    browser.expect_text("GET /fresh");
    browser.expect_text("Updated every few seconds");
    let hide = |is_hidden: bool| {
        browser.script(&format!(
            "Object.defineProperty(document, 'hidden', {{value: {is_hidden}, configurable: true}});
             document.dispatchEvent(new Event('visibilitychange', {{bubbles: true}}))"
        ))
    };
    hide(true);
    record_path(&app, "/later");
    sleep(Duration::from_secs(7));
    assert!(!browser.text().contains("GET /later"), "{}", browser.text());
    hide(false);
    browser.expect_text("GET /later");
    browser.click("Remove the filter Method GET");
    browser.expect_path("/admin/live?timeRange=1h");
}

#[test]
fn a_person_goes_to_places_by_keyboard() {
    let app = App::start();
    record_traffic(&app);
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/?timeRange=24h");
    browser.press("/");
    browser.press("7d");
    browser.press(Key::Enter);
    browser.expect_path("/admin/?timeRange=7d");
    browser.script(
        "document.body.dispatchEvent(
             new KeyboardEvent('keydown', {key: 'k', ctrlKey: true, bubbles: true}))",
    );
    browser.press("2001");
    let texts = || browser.texts(".palette li");
    browser.until("to find the IP", || {
        texts().contains(&"2001:db8::bad".to_owned())
    });
    browser.check_accessibility();
    browser.screenshot("palette");
    let at = texts().iter().position(|text| text == "2001:db8::bad");
    for _ in 0..at.unwrap() {
        browser.press(Key::Down);
    }
    browser.press(Key::Enter);
    browser.expect_path("/admin/dashboard/ips/2001:db8::bad?timeRange=7d");
    // A path is found, too. Enter before the answer goes to the list of all.
    browser.press("/");
    browser.press("users");
    browser.until("to find the path", || {
        texts().contains(&"GET /users".to_owned())
    });
    browser.press(Key::Enter);
    browser.expect_text("1 to 1 of 1");
    let is_open = || !all(&browser, "dialog[open]", "className").is_empty();
    browser.press("?");
    browser.expect_text("Find a page, a time range, a path or an IP");
    browser.check_accessibility();
    browser.press(Key::Escape);
    browser.until("the dialog to close", || !is_open());
    // In a field, a key is a character.
    browser.fill("A part of the name", "/");
    browser.press("/?");
    assert!(!is_open());
}

#[test]
fn a_printed_page_has_one_column_and_no_controls() {
    let app = App::start();
    record_traffic(&app);
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/?timeRange=24h&method=GET");
    browser.expect_text("DE Germany");
    browser.prefer(Scheme::Dark);
    browser.show_as_printed();
    for css in [
        ".ranges", ".filter", ".menu", ".open", ".find", ".exports", ".columns",
    ] {
        let shown = format!("return document.querySelector('{css}').offsetParent === null");
        assert_eq!(browser.script(&shown), true, "{css}");
    }
    let columns = browser.script(
        "const lefts = [...document.querySelectorAll('.plot, .panel')].map((one) => one.offsetLeft);
         return new Set(lefts).size",
    );
    assert_eq!(columns, 1);
    browser.expect_text("Method GET");
    browser.screenshot("overview-print");
}

#[test]
fn a_keyboard_reaches_the_content_first() {
    let app = App::start();
    record_traffic(&app);
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/?timeRange=24h");
    browser.press(Key::Tab);
    browser.press(Key::Enter);
    let focused = browser.script("return document.activeElement.id");
    assert_eq!(focused, "main");
}

#[test]
fn everybody_can_use_the_pages() {
    let app = App::start();
    let Some(mut browser) = Browser::start(&app) else {
        return;
    };
    sign_in(&browser, "/admin/");
    browser.expect_text("No hits yet");
    browser.check_accessibility();
    record_traffic(&app);
    for (name, path) in PAGES {
        for (look, screen, scheme) in [
            ("light", Screen::DESKTOP, Scheme::Light),
            ("dark", Screen::DESKTOP, Scheme::Dark),
            ("phone", Screen::PHONE, Scheme::Light),
        ] {
            browser.resize(screen);
            browser.prefer(scheme);
            browser.open(path);
            browser.check_accessibility();
            // What is wider than the screen, and cannot be scrolled by itself.
            let wide = browser.script(
                "const page = document.documentElement;
                 if (page.scrollWidth === page.clientWidth) return [];
                 const all = [...document.querySelectorAll('body *')].filter((part) => !part.closest('.scroll'));
                 const wide = all.filter((part) => part.getBoundingClientRect().right > page.clientWidth);
                 return wide.map((part) => `${part.tagName}.${part.className}`)",
            );
            assert_eq!(wide, json!([]), "{path} is wider than the {look} screen");
            browser.screenshot(&format!("{name}-{look}"));
        }
    }
}

#[test]
fn each_question_that_has_a_page_is_among_the_pages_that_everybody_can_use() {
    let app = App::start();
    let listed = PAGES.map(|(_, page)| {
        let (path, query) = page.split_once('?').unwrap_or((page, ""));
        let name = path.strip_prefix(DASHBOARD).unwrap_or("overview");
        // The page of names and rules has no question.
        let question = Question::read(name, query).ok()?;
        Some(question.about().name)
    });
    for question in Question::every() {
        let name = question.about().name;
        let (start, _) = name.split_once('{').unwrap_or((name, ""));
        let has_page = app.ask(&format!("{DASHBOARD}{start}")).status != 404;
        assert_eq!(has_page, listed.contains(&Some(name)), "{name} in PAGES");
    }
}

#[test]
fn a_person_signs_in_by_keyboard_and_is_led_on() {
    let app = App::start();
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    let wanted = "/admin/dashboard/top-ips";
    browser.open(wanted);
    browser.expect_path("/admin/sign-in?next=%2Fadmin%2Fdashboard%2Ftop-ips");
    // The token field has the focus.
    browser.press(ADMIN);
    browser.press(Key::Enter);
    browser.expect_path(wanted);
    browser.expect_text("No requests here");
}

#[test]
fn a_wrong_token_is_said_to_be_wrong_and_the_right_one_leads_home() {
    let app = App::start();
    for start in [Browser::start, Browser::start_without_javascript] {
        let Some(browser) = start(&app) else { return };
        browser.open("/");
        browser.expect_path(SIGN_IN);
        browser.fill(LABEL, "wrong");
        browser.click("Sign in");
        browser.expect_text("This token is not known.");
        let console = browser.console();
        assert_eq!(console.len(), 1, "{console:?}");
        assert!(console[0].contains("status of 401"), "{console:?}");
        browser.fill(LABEL, ADMIN);
        browser.click("Sign in");
        browser.expect_path("/admin/");
    }
}

#[test]
fn everybody_can_use_the_page_to_sign_in() {
    let app = App::start();
    let Some(mut browser) = Browser::start(&app) else {
        return;
    };
    browser.open(SIGN_IN);
    for (look, screen, scheme) in [
        ("light", Screen::DESKTOP, Scheme::Light),
        ("dark", Screen::DESKTOP, Scheme::Dark),
        ("phone", Screen::PHONE, Scheme::Light),
    ] {
        browser.resize(screen);
        browser.prefer(scheme);
        browser.check_accessibility();
        browser.screenshot(&format!("sign-in-{look}"));
    }
    browser.fill(LABEL, "wrong");
    browser.press(Key::Enter);
    browser.expect_text("This token is not known.");
    browser.check_accessibility();
    browser.screenshot("sign-in-refused");
    assert_eq!(browser.console().len(), 1, "the answer was a 401");
}

#[test]
fn what_hinders_people_and_what_the_policy_forbids_is_noticed() {
    let app = App::start();
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    browser.open(SIGN_IN);
    browser.script(
        "document.querySelector('label').remove();
         const script = document.createElement('script');
         script.textContent = '0';
         document.body.append(script)",
    );
    let hindrances = browser.hindrances();
    let is_of_the_label = |finding: &String| finding.contains("\"label\" (\"critical\")");
    assert!(hindrances.iter().any(is_of_the_label), "{hindrances:?}");
    let console = browser.console();
    assert_eq!(console.len(), 1, "{console:?}");
    assert!(
        console[0].contains("Content Security Policy"),
        "{console:?}"
    );
}
