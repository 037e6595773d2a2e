//! The output of an app. Components print to the standard error of their host's process, so such a
//! test needs a process of its own.

use std::process::Command;

/// Set in the process that only makes the components print.
const PRINTING: &str = "ROLLCALL_TESTS_PRINTING";

/// Whether this is the process that only makes the components print.
pub fn is_here() -> bool {
    std::env::var_os(PRINTING).is_some()
}

/// Runs a test of this program (`module::name`) in a process of its own, with everything logged.
/// Returns the output.
pub fn of(test: &str) -> String {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args([test, "--exact", "--nocapture"])
        .env(PRINTING, "1")
        .env("RUST_LOG", "debug")
        .output()
        .expect("it runs");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    assert!(output.status.success(), "{printed}");
    printed
}
