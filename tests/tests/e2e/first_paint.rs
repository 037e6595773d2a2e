//! How a page appears: at once, whole, and without a jump.

use rollcall_tests::browser::{Browser, Key};
use rollcall_tests::{ADMIN, App};
use serde_json::{Value, json};

/// The pages that are looked at: those that people keep open, and those with a map and long tables.
const PAGES: [&str; 4] = [
    "/admin/?timeRange=24h",
    "/admin/dashboard/countries",
    "/admin/dashboard/top-ips",
    "/admin/live",
];

/// The soonest of some first paints is to be sooner than this. The goal is 100 ms. This is ten times
/// as much, because other programs use the machine, too. A page that waits for a timer or for another
/// server is later.
const PAINTED_MS_MAX: f64 = 1_000.0;
const TRIES: usize = 5;

fn record_traffic(app: &App) {
    let hit = |at: usize| {
        json!({
            "ip": format!("192.0.2.{}", at % 50), "method": "GET",
            "path": format!("/{}", at % 40), "status": 200,
            "responseTimeMs": 1_234.5, "country": (["DE", "US", "CN", "BR"][at % 4])
        })
    };
    app.record(&Value::from_iter((0..1_500).map(hit)));
}

/// What a browser measured of the page that it shows: the first paint, and the end of the answer, in
/// ms since the page was asked for, and the sum of all shifts of the layout.
fn measured(browser: &Browser) -> [f64; 3] {
    let measured = browser.script_async(
        "const done = arguments[arguments.length - 1];
         let shifts = 0;
         new PerformanceObserver((list) => {
             for (const shift of list.getEntries()) shifts += shift.value;
         }).observe({type: 'layout-shift', buffered: true});
         const end = performance.getEntriesByType('navigation')[0].responseEnd;
         const paint = () => performance.getEntriesByName('first-contentful-paint')[0];
         const wait = () => paint() ? setTimeout(() => done([paint().startTime, end, shifts]), 300)
                                    : setTimeout(wait, 20);
         wait()",
    );
    [0, 1, 2].map(|at| measured[at].as_f64().unwrap())
}

#[test]
fn a_page_is_painted_soon_and_nothing_jumps() {
    let app = App::start();
    record_traffic(&app);
    for languages in ["en-US", "de-DE,de", "zh-CN,zh"] {
        let Some(browser) = Browser::start_in(&app, languages) else {
            return;
        };
        let to = "/admin/?timeRange=24h";
        browser.open(to);
        browser.press(ADMIN);
        browser.press(Key::Enter);
        browser.expect_path(to);
        for path in PAGES {
            let mut soonest_ms = f64::INFINITY;
            // From the second time on, the answers are kept.
            for _ in 0..TRIES {
                browser.open(path);
                let [painted_ms, answered_ms, shifts] = measured(&browser);
                println!(
                    "{languages} {path}: answer {answered_ms:.0} ms, paint {painted_ms:.0} ms"
                );
                assert_eq!(shifts, 0.0, "{languages} {path} jumps");
                soonest_ms = soonest_ms.min(painted_ms);
            }
            assert!(soonest_ms < PAINTED_MS_MAX, "{path}: {soonest_ms} ms");
            // Style and script are all that a page asks for.
            let asked = browser.script(
                "const asked = performance.getEntriesByType('resource');
                 return asked.map((one) => new URL(one.name).pathname).sort()",
            );
            let assets = ["/admin/assets/dashboard.css", "/admin/assets/dashboard.js"];
            assert_eq!(asked, json!(assets), "{path}");
        }
    }
}

#[test]
fn numbers_and_times_are_written_as_the_viewer_writes_them() {
    let app = App::start();
    record_traffic(&app);
    for (languages, requests, p95) in [
        ("en-GB", "1,500", "1.23 s"),
        ("de-DE,de", "1.500", "1,23 s"),
        ("fr-FR,fr", "1\u{202f}500", "1,23 s"),
        ("zh-CN,zh", "1,500", "1.23 s"),
    ] {
        let Some(browser) = Browser::start_in(&app, languages) else {
            return;
        };
        browser.open("/admin/?timeRange=7d");
        browser.press(ADMIN);
        browser.press(Key::Enter);
        browser.expect_path("/admin/?timeRange=7d");
        let cards = browser.texts(".card .value");
        assert_eq!(cards[0], requests, "{languages}");
        assert!(cards.contains(&p95.to_owned()), "{languages}: {cards:?}");
        // Names stay as they are.
        assert!(browser.text().contains("192.0.2.1"));
        let time = browser.script(
            "const time = document.querySelector('.as-of time');
             const form = {dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Kolkata'};
             const local = new Intl.DateTimeFormat(navigator.language, form);
             return time.textContent === local.format(new Date(time.dateTime))",
        );
        assert_eq!(time, true, "{languages}");
    }
}
