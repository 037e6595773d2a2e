//! A browser that looks at the app: Chromium without a window, driven by chromedriver, both from
//! Debian.
//!
//! A test names things on the page as a person sees them, by text or label, and waits for them. A
//! browser ends when it is dropped, even if the test panics. If the console then has warnings or
//! errors that the test did not take, the test fails.
//!
//! A browser needs `chromium`, `chromedriver` and, for [`Browser::check_accessibility`], axe-core,
//! which `cargo xtask test` fetches. If one is missing, the test says so and ends. With `CI=true`
//! in the environment, it fails instead.

mod chromedriver;
mod session;

use std::fs;
use std::path::PathBuf;
use std::thread::{self, sleep};
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;
use thirtyfour::cdp::domains::emulation::{
    MediaFeature, MediaType, SetDeviceMetricsOverride, SetEmulatedMedia,
};
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, TypingData, WebDriver, WebElement};

pub use chromedriver::ZONE;
pub use thirtyfour::Key;

use crate::{App, workspace};
use chromedriver::{PATIENCE, PAUSE};
use session::Session;

/// The size of the window, in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    pub width: u32,
    pub height: u32,
    is_phone: bool,
}

impl Screen {
    pub const DESKTOP: Self = Self {
        width: 1280,
        height: 800,
        is_phone: false,
    };
    pub const PHONE: Self = Self {
        width: 390,
        height: 844,
        is_phone: true,
    };
}

/// The colour scheme that a viewer's system prefers.
#[derive(Clone, Copy, Debug)]
pub enum Scheme {
    Light,
    Dark,
}

/// The languages of a viewer who reads English.
const ENGLISH: &str = "en-US,en";

/// A browser of one test, with a profile of its own.
pub struct Browser<'a> {
    app: &'a App,
    screen: Screen,
    session: Session,
    downloads: PathBuf,
    _folder: TempDir,
}

impl<'a> Browser<'a> {
    /// A browser on a desktop that prefers light. `None`: a program or a file is missing.
    pub fn start(app: &'a App) -> Option<Self> {
        Self::start_with(app, true, ENGLISH)
    }

    /// The same for a viewer who reads these languages, as `de-DE,de`.
    pub fn start_in(app: &'a App, languages: &str) -> Option<Self> {
        Self::start_with(app, true, languages)
    }

    /// The same for a viewer who has switched JavaScript off.
    pub fn start_without_javascript(app: &'a App) -> Option<Self> {
        Self::start_with(app, false, ENGLISH)
    }

    fn start_with(app: &'a App, runs_scripts: bool, languages: &str) -> Option<Self> {
        if let Some(missing) = missing() {
            let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!is_ci, "{missing}");
            crate::skipped(&format!("browser: {missing}"));
            return None;
        }
        let folder = TempDir::new().unwrap();
        let downloads = folder.path().join("downloads");
        let session = Session::begin(folder.path(), &downloads, runs_scripts, languages);
        let mut browser = Self {
            app,
            screen: Screen::DESKTOP,
            session,
            downloads,
            _folder: folder,
        };
        browser.resize(Screen::DESKTOP);
        browser.prefer(Scheme::Light);
        Some(browser)
    }

    pub fn resize(&mut self, screen: Screen) {
        self.screen = screen;
        self.show(screen.height);
    }

    fn show(&self, height: u32) {
        let screen = SetDeviceMetricsOverride {
            width: self.screen.width,
            height,
            device_scale_factor: if self.screen.is_phone { 2.0 } else { 1.0 },
            mobile: self.screen.is_phone,
            scale: None,
            screen_orientation: None,
        };
        self.session
            .wait(async |driver| driver.cdp().send(screen.clone()).await)
            .unwrap();
    }

    pub fn prefer(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let media = SetEmulatedMedia {
            media: None,
            features: Some(vec![MediaFeature {
                name: "prefers-color-scheme".to_owned(),
                value: value.to_owned(),
            }]),
        };
        self.session
            .wait(async |driver| driver.cdp().send(media.clone()).await)
            .unwrap();
    }

    /// Shows the page as it is printed.
    pub fn show_as_printed(&self) {
        let media = SetEmulatedMedia {
            media: Some(MediaType::Print),
            features: None,
        };
        self.session
            .wait(async |driver| driver.cdp().send(media.clone()).await)
            .unwrap();
    }

    /// Goes to a path of the app.
    pub fn open(&self, path: &str) {
        let url = self.app.url(path);
        self.session
            .wait(async |driver| driver.goto(url.as_str()).await)
            .unwrap();
    }

    /// Path and query of the page.
    pub fn path(&self) -> String {
        let url = self.session.wait(async |driver| driver.current_url().await);
        let url = url.unwrap().to_string();
        let path = url.strip_prefix(&self.app.url("")).unwrap_or(&url);
        path.to_owned()
    }

    /// Waits until the page has this path and query.
    #[track_caller]
    pub fn expect_path(&self, path: &str) {
        self.until(&format!("to be at {path}"), || self.path() == path);
    }

    /// The text that can be read on the page.
    pub fn text(&self) -> String {
        self.texts("body").join("\n")
    }

    /// Waits until this text can be read on the page.
    #[track_caller]
    pub fn expect_text(&self, text: &str) {
        self.until(&format!("to read {text:?}"), || self.text().contains(text));
    }

    /// The readable text of each element that a CSS selector selects, in the order of the page.
    pub fn texts(&self, css: &str) -> Vec<String> {
        self.eventually(&format!("the text of {css}"), async |driver| {
            let mut texts = Vec::new();
            for element in driver.find_all(By::Css(css)).await? {
                texts.push(element.text().await?);
            }
            Ok(texts)
        })
    }

    /// Waits until a condition holds.
    #[track_caller]
    pub fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            if Instant::now() >= deadline {
                panic!("in vain, {what}, at {}:\n{}", self.path(), self.text());
            }
            sleep(PAUSE);
        }
    }

    /// Clicks the first link, button or summary with this text or `aria-label`.
    #[track_caller]
    pub fn click(&self, name: &str) {
        let name = quoted(name);
        let named = format!("normalize-space()={name} or @aria-label={name}");
        let path = format!("(//a[@href] | //button | //summary)[{named}]");
        self.eventually(&format!("to click {name}"), async |driver| {
            visible(driver, By::XPath(path.as_str()))
                .await?
                .click()
                .await
        });
    }

    /// Clicks the first element that a CSS selector selects. For elements without a text of their
    /// own.
    #[track_caller]
    pub fn click_css(&self, css: &str) {
        self.eventually(&format!("to click {css}"), async |driver| {
            visible(driver, By::Css(css)).await?.click().await
        });
    }

    /// Drags with the mouse from the middle of one element to the middle of another one. Both are
    /// given by a CSS selector.
    #[track_caller]
    pub fn drag(&self, from: &str, to: &str) {
        self.eventually(&format!("to drag from {from} to {to}"), async |driver| {
            let from = visible(driver, By::Css(from)).await?;
            let to = visible(driver, By::Css(to)).await?;
            let chain = driver.action_chain().move_to_element_center(&from);
            let chain = chain.click_and_hold().move_to_element_center(&to);
            chain.release().perform().await
        });
    }

    /// Types into the field with this label or `aria-label`. The old text is replaced.
    #[track_caller]
    pub fn fill(&self, label: &str, text: &str) {
        let label = quoted(label);
        let path = format!(
            "//*[@id=//label[normalize-space()={label}]/@for] | //label[normalize-space()={label}]//input | //input[@aria-label={label}]"
        );
        self.eventually(&format!("to fill {label}"), async |driver| {
            let field = visible(driver, By::XPath(path.as_str())).await?;
            field.clear().await?;
            field.send_keys(text).await
        });
    }

    /// Presses a key, or types a text, where the focus is.
    pub fn press(&self, keys: impl Into<TypingData>) {
        self.session
            .wait(async |driver| driver.action_chain().send_keys(keys).perform().await)
            .unwrap();
    }

    /// Runs the body of a function in the page, and returns its result. This works even if the
    /// page's own scripts do not run.
    pub fn script(&self, body: &str) -> Value {
        let returned = self
            .session
            .wait(async |driver| driver.execute(body, Vec::new()).await);
        returned.unwrap().json().clone()
    }

    /// The same for a function whose last argument takes the result.
    pub fn script_async(&self, body: &str) -> Value {
        let returned = self
            .session
            .wait(async |driver| driver.execute_async(body, Vec::new()).await);
        returned.unwrap().json().clone()
    }

    /// Waits for a download to finish. Returns its name and its bytes.
    #[track_caller]
    pub fn downloaded(&self) -> (String, Vec<u8>) {
        let files = || match fs::read_dir(&self.downloads) {
            Ok(files) => files.map(|file| file.unwrap().path()).collect(),
            Err(_) => Vec::new(),
        };
        let is_whole = |file: &PathBuf| {
            let name = file.file_name().unwrap().to_string_lossy();
            // Chromium gives an unfinished download such a name.
            !name.starts_with('.') && !name.ends_with(".crdownload")
        };
        self.until("to have a download", || {
            let files = files();
            !files.is_empty() && files.iter().all(is_whole)
        });
        let file = files().remove(0);
        let body = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        (name, body)
    }

    /// Takes the warnings and errors from the console. A refused answer is an error, and so is
    /// anything that the page's policy forbids. If a test does not call this, the console must be
    /// empty when the browser ends.
    pub fn console(&self) -> Vec<String> {
        let log = self.session.wait(async |driver| driver.browser_log().await);
        let entries = log.unwrap().into_iter();
        let bad = entries.filter(|entry| ["WARNING", "SEVERE"].contains(&entry.level.as_str()));
        bad.map(|entry| format!("{}: {}", entry.level, entry.message))
            .collect()
    }

    /// Checks the page as it is shown now against the rules of axe-core. A serious or critical
    /// finding fails the test.
    #[track_caller]
    pub fn check_accessibility(&self) {
        let hindrances = self.hindrances();
        let path = self.path();
        assert!(hindrances.is_empty(), "{path}: {}", hindrances.join("\n"));
    }

    /// The serious and critical findings of axe-core on the page as it is shown now.
    pub fn hindrances(&self) -> Vec<String> {
        self.script(&fs::read_to_string(axe()).unwrap());
        let run = "const done = arguments[arguments.length - 1];
            axe.run(document, {resultTypes: ['violations']})
                .then(result => done(result.violations), error => done(String(error)))";
        let found = self.script_async(run);
        let Value::Array(found) = found else {
            panic!("axe-core failed: {found}");
        };
        let is_serious =
            |rule: &&Value| rule["impact"] == "serious" || rule["impact"] == "critical";
        found.iter().filter(is_serious).map(finding).collect()
    }

    /// Takes a picture of the whole page. Writes it to `target/browser-tests/screenshots/NAME.png`,
    /// over an older one, and returns the path.
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let folder = made_by_browser_tests().join("screenshots");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.png"));
        let length = self.script("return document.documentElement.scrollHeight");
        let length = u32::try_from(length.as_u64().unwrap()).unwrap();
        self.show(length.max(self.screen.height));
        let taken = self
            .session
            .wait(async |driver| driver.screenshot(&file).await);
        taken.unwrap();
        self.show(self.screen.height);
        file
    }

    /// Tries until it succeeds, because a page may change while it is looked at.
    #[track_caller]
    fn eventually<T>(
        &self,
        what: &str,
        attempt: impl AsyncFn(&WebDriver) -> WebDriverResult<T>,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.session.wait(&attempt) {
                Ok(done) => return done,
                Err(_) if Instant::now() < deadline => sleep(PAUSE),
                Err(error) => panic!("in vain, {what}, at {}: {error}", self.path()),
            }
        }
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            let console = self.console();
            assert!(console.is_empty(), "the console says {console:#?}");
        }
    }
}

/// The first of these elements that can be seen.
async fn visible(driver: &WebDriver, by: By) -> WebDriverResult<WebElement> {
    for element in driver.find_all(by.clone()).await? {
        if element.is_displayed().await? {
            return Ok(element);
        }
    }
    driver.find(by).await
}

/// The text as an XPath literal.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') { '"' } else { '\'' };
    format!("{quote}{text}{quote}")
}

fn finding(rule: &Value) -> String {
    let nodes = rule["nodes"].as_array().into_iter().flatten();
    let nodes = nodes.map(|node| format!("  {}: {}", node["html"], node["failureSummary"]));
    let head = format!("{} ({}): {}", rule["id"], rule["impact"], rule["help"]);
    [head]
        .into_iter()
        .chain(nodes)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Says which program or file is missing. `None`: none is missing.
fn missing() -> Option<String> {
    for program in ["chromium", "chromedriver"] {
        if !crate::is_installed(program) {
            return Some(format!("{program} is not installed"));
        }
    }
    (!axe().is_file()).then(|| "axe-core is not there: `cargo xtask test` fetches it".to_owned())
}

fn axe() -> PathBuf {
    made_by_browser_tests().join("node_modules/axe-core/axe.min.js")
}

fn made_by_browser_tests() -> PathBuf {
    workspace().join("target/browser-tests")
}
