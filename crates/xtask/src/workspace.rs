//! The paths of this checkout.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout in which `cargo xtask` was called. If the binary was started by hand, the
    /// checkout from which it was built.
    pub fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package
            .ancestors()
            .nth(2)
            .context("the workspace has no root folder")?;
        ensure!(
            root.join("Cargo.toml").is_file(),
            "{} is not the workspace: start this as `cargo xtask` inside the checkout",
            root.display()
        );
        Ok(Self {
            root: root.to_owned(),
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Everything that is made for Wasm is below this folder, even if cargo has another target
    /// folder, because spin.toml names paths in it.
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    pub fn env_file(&self) -> PathBuf {
        self.root.join(".env")
    }
}
