//! Other tools that answer the same questions from the same hits: DuckDB and GoAccess. If a tool is
//! missing, it is skipped, and its name is printed.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use super::check::{self, Window};
use super::goals;
use super::ingest::Data;
use super::table::{Table, thousands};
use crate::command;

/// The script that asks DuckDB, in Python.
const SCRIPT: &str = include_str!("peer.py");

/// Asks DuckDB. Returns its name and version.
pub fn duckdb(
    python: &Path,
    work: &Path,
    data: &Data,
    now_ms: u64,
    table: &mut Table,
) -> Result<String> {
    let since = |days| Window::Days(days).since_ms(now_ms);
    let script = work.join("peer.py");
    fs::write(&script, SCRIPT)?;
    let said = command::read(
        Command::new(python)
            .arg(&script)
            .arg(work.join("peer.duckdb"))
            .arg(work.join("*.ndjson"))
            .args([since(7), since(30)].map(|ms| ms.to_string())),
    )?;
    let said: Value = serde_json::from_str(&said).context("DuckDB's numbers are not JSON")?;
    check::equal(
        "DuckDB's hits",
        said.pointer("/hits").and_then(Value::as_u64),
        Some(data.counts.total(0)),
    )?;
    let top = said.get("top_paths").cloned().unwrap_or_default();
    let top: Vec<(String, u64)> = serde_json::from_value(top)?;
    check::equal("DuckDB's top paths", top, data.counts.top_paths(since(7)))?;
    for question in &goals::COLD {
        let median = said.pointer(&format!("/median_ms/{}", question.name));
        let median = median.and_then(Value::as_f64);
        let median = median.with_context(|| format!("DuckDB has no {}", question.name))?;
        table.refer(question.goal.what, "DuckDB", median);
    }
    let loaded = said.get("loaded_s").and_then(Value::as_f64);
    eprintln!(
        "  DuckDB loaded the hits in {:.1} s",
        loaded.unwrap_or_default()
    );
    let version = said.get("version").and_then(Value::as_str);
    Ok(format!("DuckDB {}", version.unwrap_or_default()))
}

/// GoAccess reads the same hits from an access log, and writes its report. Its speed is the
/// reference for `rollcall import` of the same file with its first answer. Returns the name and
/// version of GoAccess. `None`: it is not installed.
pub fn goaccess(work: &Path, data: &Data, table: &mut Table) -> Result<Option<String>> {
    let Some(version) = command::read_if_installed(Command::new("goaccess").arg("--version"))?
    else {
        eprintln!("SKIPPED GoAccess: it is not installed");
        return Ok(None);
    };
    let report = work.join("goaccess.json");
    let begun = Instant::now();
    command::read(
        Command::new("goaccess")
            .arg(&data.access_log)
            .args([
                "--log-format=COMBINED",
                "--no-global-config",
                "--no-progress",
            ])
            .arg("--output")
            .arg(&report),
    )?;
    let took = begun.elapsed();
    let told: Value = serde_json::from_str(&fs::read_to_string(&report)?)?;
    let hits = data.counts.total(0);
    check::equal(
        "GoAccess's hits",
        told.pointer("/general/valid_requests")
            .and_then(Value::as_u64),
        Some(hits),
    )?;
    let rate = hits as f64 / took.as_secs_f64();
    eprintln!("  GoAccess: {} hits/s, to its report", thousands(rate));
    table.refer(goals::IMPORT_LOG.what, "GoAccess, to its report", rate);
    // GoAccess prints `GoAccess - 1.7.`, and more.
    let version = version.lines().next().unwrap_or_default();
    Ok(Some(
        version.replace(" - ", " ").trim_end_matches('.').to_owned(),
    ))
}
