//! The process of chromedriver.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest wait for something on the page, and for chromedriver.
pub const PATIENCE: Duration = Duration::from_secs(10);
pub const PAUSE: Duration = Duration::from_millis(50);

/// The viewer's time zone. It is half an hour off any full hour, so that local times differ from
/// UTC.
pub const ZONE: &str = "Asia/Kolkata";

/// It is killed when this is dropped. Its browser goes on.
pub struct Chromedriver {
    child: Child,
    log: PathBuf,
}

impl Chromedriver {
    pub fn start(folder: &Path) -> Self {
        let log = folder.join("chromedriver.log");
        let file = File::create(&log).unwrap();
        let child = Command::new("chromedriver")
            // 0: any free port.
            .arg("--port=0")
            .env("TZ", ZONE)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// The port on 127.0.0.1 on which it listens.
    pub fn port(&self) -> u16 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            let said = log.split("started successfully on port ").nth(1);
            if let Some((port, _)) = said.and_then(|said| said.split_once('.')) {
                return port.parse().unwrap();
            }
            assert!(
                Instant::now() < deadline,
                "chromedriver does not start: {log}"
            );
            sleep(PAUSE);
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
