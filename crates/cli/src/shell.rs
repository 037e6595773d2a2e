//! `rollcall completions` and `rollcall man`: files for the shell and for `man`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap_complete::Shell;

/// Write completions for a shell to the standard output
#[derive(clap::Args, Debug)]
pub struct CompletionsArgs {
    shell: Shell,
}

/// Write the pages for `man` into a folder
#[derive(clap::Args, Debug)]
pub struct ManArgs {
    /// The folder. It must exist
    #[arg(default_value = ".")]
    folder: PathBuf,
}

pub fn completions(args: &CompletionsArgs, mut command: clap::Command) -> ExitCode {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    end(
        "completions",
        io::Write::write_all(&mut io::stdout(), &script),
    )
}

pub fn man(args: &ManArgs, command: clap::Command) -> ExitCode {
    end("man", clap_mangen::generate_to(command, &args.folder))
}

fn end(name: &str, written: io::Result<()>) -> ExitCode {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("rollcall {name}: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser};

    #[derive(Parser)]
    #[command(name = "rollcall")]
    struct Cli {
        #[command(flatten)]
        import: crate::import::ImportArgs,
    }

    #[test]
    fn pages_are_written_for_man() {
        let folder = tempfile::tempdir().unwrap();
        let args = ManArgs {
            folder: folder.path().to_owned(),
        };
        man(&args, Cli::command());
        let page = std::fs::read_to_string(folder.path().join("rollcall.1")).unwrap();
        assert!(page.contains("follow"), "{page}");
    }
}
