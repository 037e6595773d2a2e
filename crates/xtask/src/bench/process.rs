//! The memory and the end of processes that this tool started. Spin serves in a child process. So a
//! process counts together with its descendants.

use std::fs;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// In KiB.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory {
    pub peak: u64,
    pub now: u64,
}

/// The memory of the process or of one of its descendants: the one with the highest peak.
pub fn memory(id: u32) -> Result<Memory> {
    let memories = family(id).into_iter().filter_map(memory_of);
    memories.max().context("the process has ended")
}

/// Sets the peak to the present memory.
pub fn forget_peak(id: u32) -> Result<()> {
    for id in family(id) {
        // Writing 5 makes Linux reset the peak.
        fs::write(format!("/proc/{id}/clear_refs"), "5")
            .context("the peak of the memory cannot be reset")?;
    }
    Ok(())
}

/// Asks the process to end. If it has not ended after `patience`, kills it. Then kills its
/// descendants that are still alive.
pub fn end(child: &mut Child, patience: Duration) -> Result<()> {
    let family = family(child.id());
    if child.try_wait()?.is_none() {
        let kill = format!("kill -TERM {}", child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status()?;
        ensure!(sent.success(), "`{kill}` failed");
        let deadline = Instant::now() + patience;
        while child.try_wait()?.is_none() && Instant::now() < deadline {
            sleep(Duration::from_millis(20));
        }
        child.kill()?;
        child.wait()?;
    }
    for id in family.into_iter().filter(|&id| is_alive(id)) {
        let kill = format!("kill -KILL {id}");
        Command::new("sh").args(["-c", &kill]).status()?;
    }
    Ok(())
}

fn memory_of(id: u32) -> Option<Memory> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().trim_end_matches(" kB").parse().ok()
    };
    Some(Memory {
        peak: field("VmHWM:")?,
        now: field("VmRSS:")?,
    })
}

/// The process and all its descendants.
fn family(id: u32) -> Vec<u32> {
    let processes: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id| Some((id, parent(id)?)))
        .collect();
    let mut family = vec![id];
    let mut seen = 0;
    while let Some(&member) = family.get(seen) {
        let children = processes.iter().filter(|(_, parent)| *parent == member);
        family.extend(children.map(|(id, _)| *id));
        seen += 1;
    }
    family
}

fn is_alive(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map(|(_, fields)| fields.trim_start());
    state.is_some_and(|state| !state.starts_with('Z'))
}

fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may hold any character. Behind it are: state, parent.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    fields.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_process_ends_with_those_that_it_started() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & wait"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while family(shell.id()).len() < 2 {
            assert!(Instant::now() < deadline, "the shell starts nothing");
            sleep(Duration::from_millis(5));
        }
        assert!(memory(shell.id()).unwrap().peak > 0);
        let members = family(shell.id());
        end(&mut shell, Duration::from_secs(5)).unwrap();
        while members.iter().any(|&id| is_alive(id)) {
            assert!(Instant::now() < deadline, "something is left");
            sleep(Duration::from_millis(5));
        }
    }
}
