//! A Redis for this run alone. It writes to disk before it answers.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::process;
use crate::command;

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Redis {
    server: Child,
    config: PathBuf,
}

pub fn is_installed() -> Result<bool> {
    let version = command::read_if_installed(Command::new("redis-server").arg("--version"))?;
    Ok(version.is_some())
}

impl Redis {
    /// Starts Redis on a free port. Its data are in `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        fs::create_dir(folder)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let config = folder.join("runtime-config.toml");
        fs::write(
            &config,
            format!(
                "[key_value_store.default]\ntype = \"redis\"\nurl = \"redis://127.0.0.1:{port}/0\"\n"
            ),
        )?;
        let server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "always", "--dir"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server cannot be started")?;
        let mut redis = Self { server, config };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if redis.server.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("redis-server does not start");
            }
            sleep(Duration::from_millis(10));
        }
        Ok(redis)
    }

    /// The runtime configuration that makes the app use this Redis.
    pub fn runtime_config(&self) -> &Path {
        &self.config
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Err(error) = process::end(&mut self.server, PATIENCE) {
            eprintln!("Redis could not be ended: {error:#}");
        }
    }
}
