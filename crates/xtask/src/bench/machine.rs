//! Describes the server and the machine that were measured.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::Result;

use crate::command;
use crate::up::Runtime;

/// The server and its version.
pub fn server(runtime: Runtime) -> Result<String> {
    Ok(match runtime {
        Runtime::Embedded => "The embedded host".to_owned(),
        Runtime::Spin => {
            let said = command::read(Command::new("spin").arg("--version"))?;
            let version = said.split_whitespace().nth(1).unwrap_or_default();
            format!("Spin {version}")
        }
    })
}

/// Cores, processor, memory and system.
pub fn describe() -> Result<String> {
    let cores = available_parallelism()?;
    let processor = field("/proc/cpuinfo", "model name")?;
    let memory = field("/proc/meminfo", "MemTotal")?;
    let memory = memory.trim_end_matches(" kB").parse().unwrap_or(0.0) / 1_048_576.0;
    let system = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{cores} cores of {processor}, {memory:.0} GiB, Linux {}",
        system.trim()
    ))
}

fn field(file: &str, name: &str) -> Result<String> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.unwrap_or_default().trim_start();
    Ok(value.trim_start_matches(':').trim().to_owned())
}
