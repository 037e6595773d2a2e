//! `rollcall completions`: a script for each shell, with every command and its options.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn completions(shell: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(["completions", shell]).output().unwrap()
}

#[test]
fn the_script_of_each_shell_has_every_command_and_option() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let Output {
            status,
            stdout,
            stderr,
        } = completions(shell);
        assert!(status.success() && stderr.is_empty(), "{shell}");
        let script = String::from_utf8(stdout).unwrap();
        for word in [
            "import",
            "demo",
            "status",
            "top",
            "query",
            "export",
            "completions",
            "man",
            "follow",
            "max-refused",
            "countries",
        ] {
            assert!(script.contains(word), "{shell} has no {word}");
        }
        assert_eq!(
            script.contains("runtime-config-file"),
            cfg!(feature = "up"),
            "{shell}"
        );
    }
}

#[test]
fn bash_completes_a_command() {
    let script = String::from_utf8(completions("bash").stdout).unwrap();
    let asked = r#"
        COMP_WORDS=(rollcall exp); COMP_CWORD=1
        complete -p rollcall >/dev/null || exit 1
        _rollcall rollcall exp rollcall
        echo "${COMPREPLY[@]}"
    "#;
    let mut bash = match Command::new("bash")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    {
        Ok(bash) => bash,
        Err(error) => return eprintln!("SKIPPED: no bash: {error}"),
    };
    let mut input = bash.stdin.take().unwrap();
    input
        .write_all([script.as_str(), asked].concat().as_bytes())
        .unwrap();
    drop(input);
    let output = bash.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (&*String::from_utf8_lossy(&output.stdout), &*said),
        ("export\n", "")
    );
}

#[test]
fn an_unknown_shell_is_refused() {
    let Output {
        status,
        stdout,
        stderr,
    } = completions("tcl");
    assert_eq!((status.code(), stdout.as_slice()), (Some(2), &b""[..]));
    assert!(String::from_utf8(stderr).unwrap().contains("tcl"));
}
