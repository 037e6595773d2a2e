//! A browser and its chromedriver.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use thirtyfour::{
    ChromiumLikeCapabilities as _, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver,
};
use tokio::runtime::Runtime;

use super::chromedriver::{Chromedriver, PATIENCE};

/// The flags with which Chromium runs as root, without a screen, and calls nobody but the app.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-US",
];

/// Both end when this is dropped.
pub struct Session {
    runtime: Runtime,
    driver: WebDriver,
    browser_id: u64,
    _chromedriver: Chromedriver,
}

impl Session {
    pub fn begin(folder: &Path, downloads: &Path, runs_scripts: bool, languages: &str) -> Self {
        let chromedriver = Chromedriver::start(folder);
        let port = chromedriver.port();
        let mut wanted = DesiredCapabilities::chrome();
        let profile = format!("--user-data-dir={}", folder.join("profile").display());
        for flag in FLAGS.into_iter().chain([profile.as_str()]) {
            wanted.add_arg(flag).unwrap();
        }
        let scripts = if runs_scripts { 1 } else { 2 };
        let preferences = json!({
            "download.default_directory": downloads,
            "intl.accept_languages": languages,
            "profile.managed_default_content_settings.javascript": scripts,
        });
        wanted
            .add_experimental_option("prefs", preferences)
            .unwrap();
        wanted
            .set_browser_log_level(LoggingPrefsLogLevel::All)
            .unwrap();
        let runtime = Runtime::new().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let driver = runtime.block_on(async { WebDriver::new(url, wanted).await });
        let driver = driver.unwrap_or_else(|error| panic!("{error}\n{}", chromedriver.log()));
        let browser_id = driver.capabilities().get("goog:processID").unwrap();
        let browser_id = browser_id.as_u64().unwrap();
        Self {
            runtime,
            driver,
            browser_id,
            _chromedriver: chromedriver,
        }
    }

    pub fn wait<T>(&self, ask: impl AsyncFnOnce(&WebDriver) -> T) -> T {
        self.runtime.block_on(ask(&self.driver))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let quit = self.driver.clone().quit();
        let quit = async { tokio::time::timeout(PATIENCE, quit).await };
        if !matches!(self.runtime.block_on(quit), Ok(Ok(()))) {
            let _ = self.driver.clone().leak();
            let kill = format!("kill -KILL {}", self.browser_id);
            let _ = Command::new("sh").args(["-c", &kill]).status();
        }
    }
}
