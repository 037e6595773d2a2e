//! libFuzzer, for one target. `cargo xtask fuzz` builds this with instructions that tell libFuzzer
//! which code an input reaches.

// libFuzzer calls the target from C++.
#![no_main]
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

use std::env;
use std::sync::LazyLock;

use rollcall_fuzz::TARGETS;

/// The variable that names the target.
const VARIABLE: &str = "ROLLCALL_FUZZ_TARGET";

static RUN: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = env::var(VARIABLE).unwrap_or_default();
    let target = TARGETS.iter().find(|target| target.name == name);
    target
        .unwrap_or_else(|| panic!("{VARIABLE}: `{name}` is no target"))
        .run
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| RUN(input));
