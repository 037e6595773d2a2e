//! Prints answers and errors.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde_json::Value;

use super::ask::AskError;
use super::table;

/// Does the work of a command. A reader of the output that has enough is no error.
pub fn end(name: &str, work: impl FnOnce() -> Result<(), AskError>) -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(AskError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollcall {name}: {error}");
            error.exit_code()
        }
    }
}

/// Prints what the answer lacks on the standard error.
pub fn warn(answer: &Value) {
    let warnings = answer.get("warnings").and_then(Value::as_array);
    for warning in warnings.into_iter().flatten().filter_map(Value::as_str) {
        eprintln!("{}", table::printable(warning));
    }
    if let Some(batches) = answer.pointer("/behind/batches") {
        eprintln!("{batches} recorded batches are not in the answer yet");
    }
}

pub fn print(text: &str) -> Result<(), AskError> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Prints JSON: for people on a terminal, else in one line.
pub fn print_json(answer: &Value) -> Result<(), AskError> {
    let text = match io::stdout().is_terminal() {
        true => serde_json::to_string_pretty(answer),
        false => serde_json::to_string(answer),
    };
    print(&text.map_err(io::Error::from)?)
}
