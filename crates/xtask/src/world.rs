//! Makes the countries of the dashboard, `components/router/assets/world.txt`: their names and
//! their outlines on a map. A script in `world/` makes them with npm packages, and Node runs it.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;
use crate::{command, npm};

const FILE: &str = "components/router/assets/world.txt";
const SCRIPT: (&str, &str) = ("make.mjs", include_str!("world/make.mjs"));
const PACKAGES: (&str, &str) = ("package.json", include_str!("world/package.json"));

/// The package with the outlines, and its license.
const OUTLINES: (&str, &str) = ("world-atlas", "ISC");

/// The most bytes of the file: a page with the map has all of its outlines.
const BYTES_MAX: usize = 60_000;

pub fn run(workspace: &Workspace) -> Result<()> {
    let folder = workspace.target().join("npm").join("world");
    fs::create_dir_all(&folder)?;
    for (name, text) in [SCRIPT, PACKAGES] {
        fs::write(folder.join(name), text)?;
    }
    npm::install(&folder)?;
    let (name, license) = OUTLINES;
    let package = npm::find(&folder, name)?;
    package.is_under(license)?;
    let notice = package.folder.join("LICENSE");
    let notice = fs::read_to_string(&notice).with_context(|| notice.display().to_string())?;

    let mut node = Command::new("node");
    let countries = command::read(node.arg(SCRIPT.0).current_dir(&folder))?;
    let mut text = format!(
        "# Countries: the code of ISO 3166-1, the names in English and in Chinese, the outline.\n\
         # `cargo xtask world` made this.\n#\n\
         # The names are those of Unicode CLDR, under the license Unicode-3.0:\n\
         # Copyright © 1991 and later, Unicode, Inc. All rights reserved.\n#\n\
         # The outlines are made from those of Natural Earth, which are in the public domain, as\n\
         # the npm package {name} {} has them. Its license is {license}:\n#\n",
        package.version
    );
    for line in notice.trim().lines() {
        text += format!("# {line}").trim_end();
        text += "\n";
    }
    text += &countries;
    text += "\n";
    ensure!(
        text.len() <= BYTES_MAX,
        "{FILE} would have {} bytes, and may have {BYTES_MAX}. LEAST_TRIANGLE in {} says how \
         simple the outlines are",
        text.len(),
        SCRIPT.0
    );
    let path = workspace.root().join(FILE);
    fs::write(&path, &text).with_context(|| path.display().to_string())?;
    println!(
        "{FILE}: {} countries, {} bytes",
        countries.lines().count(),
        text.len()
    );
    Ok(())
}
