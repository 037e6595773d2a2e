//! Serves the app: builds it, makes the secrets, says how to reach it, and starts the server.
//!
//! The server replaces this process, so that signals reach it directly.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{self, Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Error, Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::components;
use crate::host::{self, Profile};
use crate::secrets::{Origin, Secret, Secrets};
use crate::spin::Spin;
use crate::workspace::Workspace;

#[derive(Args)]
pub struct Options {
    /// Address and port to serve on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Folder that keeps the data [default: .spin in the workspace]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// The server for the app [default: spin if 4.1 or later is installed, else embedded]
    #[arg(long, value_enum)]
    runtime: Option<Runtime>,
    /// Spin's runtime configuration, for another key-value store than SQLite
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Import a month of made-up traffic, once the app serves
    #[arg(long)]
    demo: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Runtime {
    /// The `spin` on PATH
    Spin,
    /// The host that comes with this workspace
    Embedded,
}

pub fn run(workspace: &Workspace, options: Options) -> Result<()> {
    let runtime = choose(options.runtime)?;
    let config = options
        .runtime_config_file
        .map(path::absolute)
        .transpose()?;
    if let Some(config) = &config {
        ensure!(
            config.is_file(),
            "The runtime configuration {} does not exist",
            config.display()
        );
    }
    let state = options
        .state_dir
        .map_or_else(|| Ok(workspace.root().join(".spin")), path::absolute)?;

    components::build(workspace)?;
    let mut server = match runtime {
        Runtime::Spin => Command::new("spin"),
        Runtime::Embedded => Command::new(host::build(workspace, Profile::Debug)?),
    };
    server
        .current_dir(workspace.root())
        .arg("up")
        .arg("--listen")
        .arg(options.listen.to_string());
    server.arg("--state-dir").arg(state);
    if let Some(config) = config {
        server.arg("--runtime-config-file").arg(config);
    }
    let secrets = Secrets::find_or_make(workspace)?;
    for secret in secrets.both() {
        server.env(secret.variable, &secret.value);
    }
    print!(
        "{}",
        greeting(options.listen, runtime, &secrets, &workspace.env_file())
    );
    if options.demo {
        start_demo(workspace, options.listen, &secrets)?;
    }
    // This returns only if it fails.
    Err(Error::new(server.exec()).context(format!(
        "{} cannot be started",
        server.get_program().to_string_lossy()
    )))
}

/// Chooses the server: the runtime that was asked for, or else Spin, if it can serve the app.
pub fn choose(asked: Option<Runtime>) -> Result<Runtime> {
    if let Some(Runtime::Embedded) = asked {
        return Ok(Runtime::Embedded);
    }
    let spin = Spin::look()?;
    match (asked, spin.problem()) {
        (_, None) => Ok(Runtime::Spin),
        (Some(_), Some(problem)) => bail!("Spin cannot serve the app: {problem}"),
        (None, Some(problem)) => {
            if !matches!(spin, Spin::Missing) {
                eprintln!("The embedded host serves the app, because Spin cannot: {problem}.");
            }
            Ok(Runtime::Embedded)
        }
    }
}

/// Starts `rollcall demo | rollcall import -` beside the server. The import waits for the server.
fn start_demo(workspace: &Workspace, listen: SocketAddr, secrets: &Secrets) -> Result<()> {
    let rollcall = host::build(workspace, Profile::Debug)?;
    let mut month = Command::new(&rollcall)
        .arg("demo")
        .stdout(Stdio::piped())
        .spawn()
        .context("The demo cannot be started")?;
    Command::new(&rollcall)
        .args(["import", "-", "--url", &format!("http://{listen}")])
        .env(secrets.ingest.variable, &secrets.ingest.value)
        .stdin(month.stdout.take().map_or_else(Stdio::null, Stdio::from))
        .spawn()
        .context("The demo cannot be imported")?;
    Ok(())
}

fn greeting(listen: SocketAddr, runtime: Runtime, secrets: &Secrets, env_file: &Path) -> String {
    let on = match runtime {
        Runtime::Spin => "Spin",
        Runtime::Embedded => "the embedded host",
    };
    let mut text = format!("\nRollcall on http://{listen}, served by {on}\n\n");
    for secret in secrets.both() {
        let name = secret.variable;
        text += &match secret.origin {
            Origin::New => format!(
                "  {name}={}  (new, shown this once; kept in {})\n",
                secret.value,
                env_file.display()
            ),
            Origin::EnvFile => format!("  {name} is in {}\n", env_file.display()),
            Origin::Environment => format!("  {name} is taken from the environment\n"),
        };
    }
    let ingest = shell_value(&secrets.ingest, env_file);
    let admin = shell_value(&secrets.admin, env_file);
    text += &format!(
        "\nRecord a hit:\n  curl -i http://{listen}/collect -H \"Authorization: Bearer {ingest}\" \\\n    \
         -H 'Content-Type: application/json' -d '{{\"ip\":\"192.0.2.1\",\"method\":\"GET\",\"path\":\"/users\"}}'\n\
         Ask about all hits:\n  curl http://{listen}/admin/global-stats -H \"Authorization: Bearer {admin}\"\n\
         In a browser, with the admin token:\n  http://{listen}/admin/\n\n"
    );
    text
}

/// A shell expression for the token, so that the token is not shown. If there are several tokens,
/// it gives the first one.
fn shell_value(secret: &Secret, env_file: &Path) -> String {
    match secret.origin {
        Origin::Environment => format!("${{{}%%[ ,]*}}", secret.variable),
        Origin::EnvFile | Origin::New => {
            format!(
                "$(sed -n 's/^{}=\\([^ ,]*\\).*/\\1/p' '{}')",
                secret.variable,
                env_file.display()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origin: Origin, shown: bool) {
        let secret = |variable, value: &str| Secret {
            variable,
            value: value.to_owned(),
            origin,
        };
        let secrets = Secrets {
            admin: secret("ADMIN", "aaaa"),
            ingest: secret("INGEST", "iiii"),
        };
        let listen = SocketAddr::from(([127, 0, 0, 1], 3000));
        let text = greeting(listen, Runtime::Embedded, &secrets, Path::new("/w/.env"));
        for value in ["aaaa", "iiii"] {
            assert_eq!(text.matches(value).count(), usize::from(shown), "{text}");
        }
    }

    #[test]
    fn a_token_is_shown_once_and_only_when_it_is_new() {
        check(Origin::New, true);
        check(Origin::EnvFile, false);
        check(Origin::Environment, false);
    }
}
