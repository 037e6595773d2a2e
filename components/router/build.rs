//! Writes the description of the API, and the page to read it, for `assets` to include.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = env::var("OUT_DIR")?;
    let document = rollcall_openapi::document()?;
    let page = rollcall_openapi::page(&document)?;
    fs::write(
        Path::new(&folder).join("openapi.json"),
        document.to_string(),
    )?;
    fs::write(Path::new(&folder).join("docs.html"), page)?;
    Ok(())
}
