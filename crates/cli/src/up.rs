//! `rollcall up`: serves the built app on the host of this workspace, until a signal ends it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use rollcall_host::{Host, HostConfig};
use tokio::runtime::Runtime;

/// Serve the app, without Spin
///
/// The components must have been built. Variables come from the environment, as in
/// SPIN_VARIABLE_ADMIN_TOKEN, or from .env beside the manifest.
#[derive(clap::Args, Debug)]
pub struct UpArgs {
    /// Address to listen on. Port 0 takes a free port
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Folder for the data and the compiled components [default: .spin beside the manifest]
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// Spin's runtime-config file. It says which database is behind each key-value store
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
    /// The app's manifest
    #[arg(long, default_value = "spin.toml")]
    manifest: PathBuf,
}

/// Serves until Ctrl-C or SIGTERM. Prints the address as soon as connections are taken.
pub fn run(args: UpArgs) -> ExitCode {
    match Runtime::new()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(serve(args)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollcall up: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: UpArgs) -> Result<()> {
    let host = Host::start(config(args)).await?;
    println!("Serving http://{}", host.addr());
    stop_signal().await?;
    // A second signal ends the program at once. It does not wait for requests in flight.
    tokio::select! {
        () = host.shutdown() => Ok(()),
        asked_again = stop_signal() => asked_again,
    }
}

fn config(args: UpArgs) -> HostConfig {
    let mut config = HostConfig::new(args.manifest);
    config.listen = args.listen;
    config.runtime_config = args.runtime_config_file;
    if let Some(state_dir) = args.state_dir {
        config.cache_dir = Some(state_dir.join("cache"));
        config.state_dir = state_dir;
    }
    config
}

#[cfg(unix)]
async fn stop_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => (),
    }
    Ok(())
}

#[cfg(not(unix))]
async fn stop_signal() -> Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
