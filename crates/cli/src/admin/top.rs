//! `rollcall top`: the heaviest paths, IPs or countries as a table, once or again and again.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::Value;

use super::ask::{AskError, Parameter, Server, parse_parameter};
use super::output::{end, print, print_json, warn};
use super::table;

/// The longest pause of `--watch`, in seconds: a day.
const PAUSE_MAX: u64 = 24 * 60 * 60;
/// Empties a terminal, and goes to its first line.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Show the paths, IPs or countries with the most hits
///
/// For example: rollcall top paths timeRange=7d status=5xx limit=20
#[derive(clap::Args, Debug)]
pub struct TopArgs {
    #[arg(value_enum)]
    of: Top,
    /// Parameters and filters of the API, as timeRange=7d, sortBy=errorRate or ip=192.0.2.0/24
    #[arg(value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<Parameter>,
    #[command(flatten)]
    server: Server,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    /// Ask again this many seconds after each answer, until Ctrl-C. Each answer is computed anew.
    /// Without a number: 5
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "5", value_parser = clap::value_parser!(u64).range(1..=PAUSE_MAX))]
    watch: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Top {
    Paths,
    Ips,
    Countries,
}

pub fn top(args: TopArgs) -> ExitCode {
    end("top", || match args.watch {
        None => args.show(&args.server.ask(args.path(), &args.parameters)?),
        Some(seconds) => args.watch(Duration::from_secs(seconds)),
    })
}

impl TopArgs {
    /// Never ends without an error. If the first question fails, this is the error. A later one is
    /// shown below the last answer.
    fn watch(&self, pause: Duration) -> Result<(), AskError> {
        let ask = || self.server.ask_anew(self.path(), &self.parameters);
        let mut answer = ask()?;
        loop {
            if !self.json {
                let as_of = answer.get("asOf").and_then(Value::as_str).unwrap_or("-");
                let clear = if io::stdout().is_terminal() {
                    CLEAR
                } else {
                    ""
                };
                print(&format!("{clear}as of {}", table::printable(as_of)))?;
            }
            self.show(&answer)?;
            answer = loop {
                thread::sleep(pause);
                match ask() {
                    Ok(answer) => break answer,
                    Err(error) => eprintln!("rollcall top: {error}"),
                }
            };
        }
    }

    fn path(&self) -> &'static str {
        match self.of {
            Top::Paths => "top-paths",
            Top::Ips => "top-ips",
            Top::Countries => "countries",
        }
    }

    fn show(&self, answer: &Value) -> Result<(), AskError> {
        if self.json {
            return print_json(answer);
        }
        warn(answer);
        let list = match self.of {
            Top::Paths => "paths",
            Top::Ips => "ips",
            Top::Countries => "countries",
        };
        print(&table::rows(answer.get(list).unwrap_or(&Value::Null)))
    }
}
