//! apt with a state of its own: reads one suite of Debian, and downloads from it. The machine's
//! package lists stay as they are.
//!
//! Signatures are always checked, against the machine's Debian archive keyring. The machine's own
//! apt settings apply, such as a proxy or the allowed age of a mirror's lists. Its sources,
//! preferences and hooks do not apply.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;

const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];

/// rustc depends on a C compiler. The machine's own compiler links everything that runs here. So
/// Debian's compiler counts as installed.
const INSTALLED: &str = "Package: machine-linker
Status: install ok installed
Architecture: all
Version: 1
Provides: gcc, libc-dev, binutils (= 999)
Maintainer: nobody <nobody@localhost>
Description: the C compiler of this machine
";

pub struct Apt {
    folder: PathBuf,
    config: PathBuf,
}

impl Apt {
    /// Fetches the lists of `suite` into `folder`. Makes the folder.
    pub fn open(folder: &Path, mirror: &str, suite: &str) -> Result<Self> {
        let Some(keyring) = KEYRINGS.iter().find(|path| Path::new(path).is_file()) else {
            bail!(
                "the Debian archive keyring is missing. `apt-get install debian-archive-keyring` installs it"
            );
        };
        for each in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(each))?;
        }
        fs::write(folder.join("status"), INSTALLED)?;
        fs::write(
            folder.join("sources.list"),
            format!("deb [signed-by={keyring}] {mirror} {suite} main\n"),
        )?;
        let config = folder.join("apt.conf");
        fs::write(&config, configuration(folder))?;
        let apt = Self {
            folder: folder.to_owned(),
            config,
        };
        apt.update(suite)?;
        Ok(apt)
    }

    /// The suite's records of these packages. A package that the suite lacks is left out.
    pub fn show(&self, packages: &[&str]) -> Result<String> {
        let mut shown = String::new();
        for package in packages {
            // If a package is unknown, apt-cache fails. This is an answer, not an error.
            shown += &command::read(self.command("apt-cache").args(["show", package]))
                .unwrap_or_default();
            shown += "\n\n";
        }
        Ok(shown)
    }

    /// Downloads these packages and all packages that they depend on. Returns the files.
    pub fn download(&self, packages: &[String]) -> Result<Vec<PathBuf>> {
        let mut install = self.command("apt-get");
        install
            .args(["install", "--download-only", "--yes", "--quiet=2"])
            .args(packages);
        command::read(&mut install)?;
        let archives = self.folder.join("cache/archives");
        let mut files: Vec<PathBuf> = fs::read_dir(&archives)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "deb"));
        files.sort();
        Ok(files)
    }

    fn update(&self, suite: &str) -> Result<()> {
        let mut update = self.command("apt-get");
        // Without this, a failed download is only a warning for apt, and apt goes on without the
        // file.
        update.args(["update", "--quiet=2", "-o", "APT::Update::Error-Mode=any"]);
        command::read(&mut update).with_context(|| {
            format!(
                "the lists of Debian {suite} cannot be fetched and verified. If a key is unknown, a newer \
                 debian-archive-keyring may have it. If a mirror is frozen on purpose, the machine's own apt \
                 settings may allow its age"
            )
        })?;
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .arg("--config-file")
            .arg(&self.config)
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "{folder}";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::State::extended_states "{folder}/extended_states";
Dir::Cache "{folder}/cache";
Dir::Cache::archives "{folder}/cache/archives";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Default-Release "";
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
"#
    )
}
