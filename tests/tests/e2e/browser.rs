//! The pages as people see them, in a real browser.

use rollcall_tally::question::Question;
use rollcall_tests::browser::{Browser, Key, Scheme, Screen};
use rollcall_tests::{ADMIN, App};
use serde_json::{Value, json};

const SIGN_IN: &str = "/admin/sign-in";
const LABEL: &str = "Admin or viewer token";
const DASHBOARD: &str = "/admin/dashboard/";

/// The pages that everybody can use, each with the name of its pictures.
const PAGES: [(&str, &str); 11] = [
    ("overview", "/admin/?timeRange=7d&method=GET"),
    ("paths", "/admin/dashboard/top-paths"),
    ("ips", "/admin/dashboard/top-ips"),
    ("countries", "/admin/dashboard/countries"),
    (
        "all",
        "/admin/dashboard/breakdown?by=path&search=e&order=asc",
    ),
    ("breakdown", "/admin/dashboard/breakdown?by=host"),
    ("ip", "/admin/dashboard/ips/192.0.2.1"),
    ("path", "/admin/dashboard/paths?key=GET%20/users"),
    (
        "retirement",
        "/admin/dashboard/retirement?key=GET%20/users&timeRange=7d",
    ),
    ("api-usage", "/admin/dashboard/api-usage?limit=100"),
    ("nothing", "/admin/?country=FR"),
];

/// A day of traffic. One IP does well, and one IP fails.
fn record_traffic(app: &App) {
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

fn sign_in(browser: &Browser, to: &str) {
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
    assert!(reading.contains("100 requests, 25 errors"), "{reading}");

    // The page is updated in place. A variable of the document survives, and so does the focus.
    app.record(&json!({"ip": "192.0.2.7", "method": "GET", "path": "/new"}));
    let token = format!("Bearer {ADMIN}");
    let prewarmed = app.send("POST", "/admin/prewarm", &[("authorization", &token)], b"");
    assert_eq!(prewarmed.status, 200);
    browser.script("window.mine = 7; document.querySelector('.ranges a').focus()");
    browser.script("refresh()");
    browser.expect_text("GET /new");
    let kept = browser.script("return [window.mine, document.activeElement.textContent]");
    assert_eq!(kept, json!([7, "1h"]));
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
            let overflow = browser.script(
                "const page = document.documentElement; return page.scrollWidth - page.clientWidth",
            );
            assert_eq!(overflow, 0, "{path} is wider than the {look} screen");
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
        Question::read(name, query).unwrap().about().name
    });
    for question in Question::every() {
        let name = question.about().name;
        let (start, _) = name.split_once('{').unwrap_or((name, ""));
        let has_page = app.ask(&format!("{DASHBOARD}{start}")).status != 404;
        assert_eq!(has_page, listed.contains(&name), "{name} in PAGES");
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
