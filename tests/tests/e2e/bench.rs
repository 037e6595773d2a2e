//! `cargo xtask bench` with few hits. It checks every answer itself, so it fails if one is wrong.

use crate::process::{cargo, program};

#[test]
fn the_measurements_run_and_their_answers_are_right() {
    let mut bench = cargo();
    // The tool was built by rustc before the tests were.
    bench.env_remove("RUSTC_WORKSPACE_WRAPPER");
    bench.args(["run", "--quiet", "--bin", "xtask", "--", "bench"]);
    bench.args(["--hits", "2000", "--ips", "300", "--host"]);
    let measured = bench.arg(program()).output().unwrap();
    let said = String::from_utf8_lossy(&measured.stderr);
    assert!(measured.status.success(), "{said}");
    let table = String::from_utf8(measured.stdout).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| cold "));
    assert_eq!(rows.count(), 8, "{table}{said}");
}
