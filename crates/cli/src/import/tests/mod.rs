#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod damage;
mod follow;
mod once;
mod sending;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use super::*;

use crate::server::{Act, Request, Server, log_line, log_lines, status};

/// A folder with logs, a server, and what is remembered of the imports.
struct Desk {
    folder: tempfile::TempDir,
    server: Server,
}

impl Desk {
    fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            server: Server::start(acts),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut file = fs::OpenOptions::new();
        let mut file = file
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Compresses a file, as logrotate does: into a new file, and deletes the old one.
    fn gzip(&self, from: &str, to: &str) {
        self.write(to, gzip(&fs::read(self.path(from)).unwrap()));
        self.remove(from);
    }

    fn forget_positions(&self) {
        fs::remove_dir_all(self.path("state")).unwrap();
    }

    fn args(&self, names: &[&str]) -> ImportArgs {
        ImportArgs {
            files: names.iter().map(|name| self.path(name)).collect(),
            source: None,
            follow: false,
            from_start: false,
            last_line: false,
            rebase: false,
            url: self.server.url.clone(),
            token: None,
            batch_size: 10,
            format: "auto".to_owned(),
            max_refused: None,
            retries: Some(3),
            state_dir: Some(self.path("state")),
        }
    }

    fn import(&self, names: &[&str]) -> Run {
        self.import_with(names, |_| ())
    }

    /// Imports files. `change` changes the arguments.
    fn import_with(&self, names: &[&str], change: impl FnOnce(&mut ImportArgs)) -> Run {
        let mut args = self.args(names);
        change(&mut args);
        let retry = quick(args.retries.unwrap());
        let mut report = Report::start();
        let outcome = import(&args, ("the-token", retry), &mut report, Arc::default());
        Run {
            outcome,
            report,
            requests: self.server.requests(),
        }
    }

    /// Imports files, and checks how many lines the server has counted since it began.
    #[track_caller]
    fn check(&self, names: &[&str], hits: usize) {
        let run = self.import(names);
        assert!(run.outcome.is_ok(), "{:?}", run.outcome);
        assert_eq!(self.server.hits().len(), hits);
        // The server forgets. From now on, the positions alone must be enough.
        self.server.forget_keys();
    }
}

fn quick(retries: u32) -> Retry {
    Retry {
        retries,
        delay_min: Duration::from_millis(2),
        delay_max: Duration::from_millis(10),
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

struct Run {
    outcome: Result<(), ImportError>,
    report: Report,
    requests: Vec<Request>,
}

impl Run {
    /// Lines, accepted, refused, batches.
    fn counts(&self) -> (u64, u64, u64, u64) {
        let report = &self.report;
        (
            report.lines,
            report.accepted,
            report.refused,
            report.batches,
        )
    }

    /// The reasons of the refused lines: their count, the first line, field and reason.
    fn reasons(&self) -> Vec<String> {
        let reasons = self.report.reasons.iter();
        let text = |((field, reason), tally): (&(Option<String>, String), &report::Tally)| {
            let field = field.as_deref().unwrap_or("-");
            format!(
                "{} from line {}: {field}: {reason}",
                tally.count, tally.first.1
            )
        };
        reasons.map(text).collect()
    }

    fn bodies(&self) -> String {
        let bodies = self.requests.iter().map(|request| request.body.as_str());
        bodies.collect()
    }

    fn keys(&self) -> Vec<String> {
        let keys = self.requests.iter().map(|request| request.key().to_owned());
        keys.collect()
    }
}

#[track_caller]
fn check_failure(run: &Run, expect: &str) {
    let error = run.outcome.as_ref().unwrap_err();
    assert!(error.to_string().starts_with(expect), "{error}");
}
