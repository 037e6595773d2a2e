//! The pages as people see them, in a real browser.

use rollcall_tests::browser::{Browser, Key, Scheme, Screen};
use rollcall_tests::{ADMIN, App};
use serde_json::json;

const SIGN_IN: &str = "/admin/sign-in";
const LABEL: &str = "Admin or viewer token";

#[test]
fn a_person_signs_in_by_keyboard_is_led_on_takes_an_export_and_signs_out() {
    let app = App::start();
    let Some(browser) = Browser::start(&app) else {
        return;
    };
    app.record(&json!({"ip": "192.0.2.1", "method": "GET", "path": "/users"}));
    let wanted = "/admin/aggregator-status";
    browser.open(wanted);
    browser.expect_path("/admin/sign-in?next=%2Fadmin%2Faggregator-status");
    // The field has the focus.
    browser.press(ADMIN);
    browser.press(Key::Enter);
    browser.expect_path(wanted);
    browser.expect_text("\"recordedHits\":1");

    browser.open("/admin/export?format=csv");
    let (name, rows) = browser.downloaded();
    assert_eq!(name, "path-stats-7d.csv");
    let rows = String::from_utf8(rows).unwrap();
    assert!(rows.contains("192.0.2.1,"), "{rows}");

    browser.script(
        "const form = document.createElement('form');
         Object.assign(form, {method: 'post', action: '/admin/sign-out'});
         document.body.append(form);
         form.submit()",
    );
    browser.expect_path(SIGN_IN);
    browser.open(wanted);
    browser.expect_text("Sign in to Rollcall");
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
