//! Compares a run with many IPs with an earlier run with fewer IPs, on the same runtime.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::data::Plan;
use super::goals::{self, JUDGED_HITS, WIDE_IPS};
use super::table::Table;
use crate::up::Runtime;

/// The number of IPs in the earlier run.
const REFERENCE_IPS: u32 = 50_000;

/// If the run has 50,000 IPs, keeps its cold times. If it is a wide run, compares its cold times
/// with the kept ones.
pub fn compare(folder: &Path, runtime: Runtime, plan: &Plan, table: &mut Table) -> Result<()> {
    let file = file(folder, runtime);
    if plan.ips == REFERENCE_IPS && plan.hits >= JUDGED_HITS {
        let times: Map<String, Value> = goals::COLD
            .iter()
            .filter_map(|cold| Some((cold.name.to_owned(), table.measured(cold.goal.what)?.into())))
            .collect();
        fs::write(file, serde_json::to_string_pretty(&times)?)?;
    } else if plan.ips >= WIDE_IPS {
        let Ok(text) = fs::read_to_string(&file) else {
            eprintln!("SKIPPED growth: there is no earlier run with {REFERENCE_IPS} IPs");
            return Ok(());
        };
        let times: Value = serde_json::from_str(&text)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        for cold in &goals::COLD {
            if let Some(measured) = table.measured(cold.goal.what) {
                table.add(&cold.growth, measured, "");
            }
            if let Some(before) = times.get(cold.name).and_then(Value::as_f64) {
                table.refer(cold.growth.what, "50,000 IPs", before);
            }
        }
    }
    Ok(())
}

fn file(folder: &Path, runtime: Runtime) -> PathBuf {
    folder.join(match runtime {
        Runtime::Spin => "cold-spin.json",
        Runtime::Embedded => "cold-embedded.json",
    })
}
