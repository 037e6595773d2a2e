//! The size of the store on disk.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::app::App;
use super::goals;
use super::table::Table;
use crate::command;

/// The longest wait for cleaning. Replaced values stay for two minutes, and then cleaning needs
/// some time.
pub const CLEANED_WITHIN: Duration = Duration::from_secs(420);
const MEBIBYTE: f64 = 1_048_576.0;

/// Prints the bytes of all values. Python comes with SQLite. This tool would have to build it.
const SUM: &str = "import sqlite3, sys
store = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)
print(store.execute('SELECT sum(length(value)) FROM spin_key_value').fetchone()[0])";

pub fn file_size(app: &App) -> Result<u64> {
    let file = fs::metadata(app.store_file());
    Ok(file.context("the store has no file")?.len())
}

/// Waits until cleaning has deleted every replaced value, so that all values are live. Then adds up
/// their bytes. `file_size` is the file's size right after the import.
pub fn live(
    app: &App,
    file_size: u64,
    hits: u64,
    patience: Duration,
    table: &mut Table,
) -> Result<()> {
    table.add(&goals::FILE_SIZE, file_size as f64 / MEBIBYTE, "");
    let uncleaned = wait_until_cleaned(app, patience)?;
    let mut python = Command::new("python3");
    python.args(["-c", SUM]).arg(app.store_file());
    let Some(bytes) = command::read_if_installed(&mut python)? else {
        eprintln!("SKIPPED live values: python3 is not installed. It adds them up");
        return Ok(());
    };
    let bytes: f64 = bytes.parse().context("SQLite has no sum")?;
    let note = match uncleaned {
        0 => String::new(),
        folds => format!("with replaced values of {folds} folds"),
    };
    table.add(&goals::LIVE_BYTES, bytes / hits as f64, note);
    table.refer(goals::FILE_SIZE.what, "live values", bytes / MEBIBYTE);
    Ok(())
}

/// Waits until cleaning is done or the time is over. Returns the number of folds that are still
/// uncleaned.
fn wait_until_cleaned(app: &App, patience: Duration) -> Result<u64> {
    let mut client = app.client()?;
    let deadline = Instant::now() + patience;
    loop {
        let (_, status) = client.ask("/admin/aggregator-status")?;
        let uncleaned = status.pointer("/folds/uncleaned").and_then(Value::as_u64);
        let uncleaned = uncleaned.context("a status without uncleaned folds")?;
        if uncleaned == 0 || Instant::now() > deadline {
            return Ok(uncleaned);
        }
        sleep(Duration::from_secs(1));
    }
}
