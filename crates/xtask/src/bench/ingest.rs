//! The import: all hits, in large requests over a few connections. And the import of an access log
//! by `rollcall import`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};

use super::app::{App, Client};
use super::check;
use super::data::{Counts, Plan};
use crate::command;

const CONNECTIONS: usize = 4;
/// The most hits in a request. With these hits, a request is less than 10 MiB.
const HITS_PER_REQUEST: u64 = 50_000;
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);
/// How long the app may take to fold all recorded hits.
const FOLDED_WITHIN: Duration = Duration::from_secs(1_200);

/// The hits of a plan, in one file for each request and in one access log, and their counts.
pub struct Data {
    pub requests: Vec<PathBuf>,
    pub access_log: PathBuf,
    pub counts: Counts,
}

pub struct Import {
    pub acknowledged: Duration,
    pub folded: Duration,
}

/// Writes the hits into `folder`, which must exist.
pub fn write(plan: Plan, folder: &Path) -> Result<Data> {
    use std::io::Write as _;
    let mut data = Data {
        requests: Vec::new(),
        access_log: folder.join("access.log"),
        counts: Counts::new(&plan),
    };
    let mut log = std::io::BufWriter::new(fs::File::create(&data.access_log)?);
    let (mut lines, mut combined) = (String::new(), String::new());
    let mut count = 0;
    for hit in plan.hits() {
        data.counts.add(&hit);
        hit.write_json(&mut lines)?;
        combined.clear();
        hit.write_combined(&mut combined)?;
        log.write_all(combined.as_bytes())?;
        count += 1;
        if count % HITS_PER_REQUEST == 0 || count == plan.hits {
            let file = folder.join(format!("{}.ndjson", data.requests.len()));
            fs::write(&file, &lines)?;
            data.requests.push(file);
            lines.clear();
        }
    }
    log.flush()?;
    Ok(data)
}

/// Imports all hits, and waits until an answer holds them.
pub fn import(app: &App, data: &Data) -> Result<Import> {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        let send = || -> Result<()> {
            let mut client = app.client()?;
            while let Some(file) = data.requests.get(next.fetch_add(1, Relaxed)) {
                let name = file.file_stem().unwrap_or_default().to_string_lossy();
                post_until_acknowledged(&mut client, &fs::read(file)?, &format!("import-{name}"))?;
            }
            Ok(())
        };
        let senders: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(send)).collect();
        senders
            .into_iter()
            .try_for_each(|sender| joined(sender.join()))
    })?;
    let acknowledged = begun.elapsed();
    wait_until_folded(app, data.counts.total(0))?;
    Ok(Import {
        acknowledged,
        folded: begun.elapsed(),
    })
}

/// Runs `rollcall import` on the access log, and waits until an answer holds its hits. `rollcall` is
/// the program, and `state` the folder for its records.
pub fn import_log(app: &App, data: &Data, rollcall: &Path, state: &Path) -> Result<Import> {
    let begun = Instant::now();
    let mut import = Command::new(rollcall);
    import.arg("import").arg(&data.access_log);
    import.arg("--state-dir").arg(state);
    command::read(app.with_access(&mut import))?;
    let acknowledged = begun.elapsed();
    wait_until_folded(app, data.counts.total(0))?;
    Ok(Import {
        acknowledged,
        folded: begun.elapsed(),
    })
}

/// Waits until an answer counts every recorded hit. Checks that there are `hits` of them.
pub fn wait_until_folded(app: &App, hits: u64) -> Result<()> {
    let mut client = app.client()?;
    let deadline = Instant::now() + FOLDED_WITHIN;
    while Instant::now() < deadline {
        // This answer costs little. An answer for all time would take time from the folds.
        let (_, answer) = client.ask("/admin/timeseries?timeRange=1h")?;
        if answer.get("behind").is_none() {
            let (_, answer) = client.ask("/admin/global-stats?timeRange=all")?;
            if answer.get("behind").is_none() {
                check::whole(&answer)?;
                return check::equal("totalRequests", check::total(&answer)?, hits);
            }
        }
        sleep(Duration::from_millis(50));
    }
    bail!("the hits are not counted after {FOLDED_WITHIN:?}")
}

/// Posts lines. All of them must be good. If the app is too busy, posts them again under the same
/// key.
pub fn post_until_acknowledged(client: &mut Client, lines: &[u8], key: &str) -> Result<()> {
    for _ in 0..TRIES {
        let answer = client.post(lines, key)?;
        match answer.status {
            202 => return Ok(()),
            429 | 503 => {
                eprintln!("  {} for {key}: it is sent again", answer.status);
                sleep(PAUSE);
            }
            status => bail!("/collect answered {status}: {}", answer.text()),
        }
    }
    bail!("/collect did not accept {key} in {TRIES} tries")
}

/// The result of a thread.
pub fn joined<T>(outcome: thread::Result<Result<T>>) -> Result<T> {
    outcome.map_err(|_| anyhow!("a thread of the measurement panicked"))?
}
