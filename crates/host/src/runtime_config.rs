//! The store behind each label: from Spin's runtime-config file, or else Spin's default.
//!
//! ```toml
//! [key_value_store.default]
//! type = "spin"           # SQLite; without a path, in memory
//! path = "state/kv.db"    # relative to this file
//!
//! [key_value_store.shared]
//! type = "redis"
//! url = "redis://127.0.0.1:6379/0"
//! ```
//!
//! Every other setting is refused by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::kv::{Database, KeyValue, Redis, StoreMap};

/// The label that exists without a configuration.
const DEFAULT_LABEL: &str = "default";

/// The name of the default store's file in the state folder. It is Spin's name.
const DEFAULT_FILE: &str = "sqlite_key_value.db";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key_value_store: BTreeMap<String, StoreConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum StoreConfig {
    Spin { path: Option<PathBuf> },
    Redis { url: String },
}

/// Opens the configured stores. If the default store is not configured, opens Spin's default.
pub fn open_stores(config: Option<&Path>, state_dir: &Path) -> Result<StoreMap> {
    let mut stores = BTreeMap::new();
    if let Some(path) = config {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the runtime config {}", path.display()))?;
        let file: File = toml::from_str(&text)
            .with_context(|| format!("in the runtime config {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for (label, store) in file.key_value_store {
            let store = open(&label, store, folder)
                .with_context(|| format!("in key_value_store.{label}"))?;
            stores.insert(label, store);
        }
    }
    if !stores.contains_key(DEFAULT_LABEL) {
        let database = Database::open(&state_dir.join(DEFAULT_FILE))?;
        stores.insert(DEFAULT_LABEL.to_owned(), database.store(DEFAULT_LABEL));
    }
    Ok(stores)
}

fn open(label: &str, config: StoreConfig, folder: &Path) -> Result<Arc<dyn KeyValue>> {
    Ok(match config {
        StoreConfig::Spin { path: Some(path) } => Database::open(&folder.join(path))?.store(label),
        StoreConfig::Spin { path: None } => Database::in_memory()?.store(label),
        StoreConfig::Redis { url } => Arc::new(Redis::new(&url)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_text(text: &str) -> (tempfile::TempDir, Result<StoreMap>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runtime.toml");
        std::fs::write(&path, text).unwrap();
        let stores = open_stores(Some(&path), &folder.path().join("state"));
        (folder, stores)
    }

    #[test]
    fn paths_are_relative_to_the_file_and_the_default_stays() {
        let (folder, stores) =
            open_text("[key_value_store.extra]\ntype = \"spin\"\npath = \"x/extra.db\"");
        assert_eq!(
            stores.unwrap().into_keys().collect::<Vec<_>>(),
            ["default", "extra"]
        );
        assert!(folder.path().join("x/extra.db").exists());
        assert!(folder.path().join("state/sqlite_key_value.db").exists());
    }

    #[test]
    fn a_configured_default_replaces_the_file() {
        let (folder, stores) = open_text("[key_value_store.default]\ntype = \"spin\"");
        assert_eq!(stores.unwrap().len(), 1);
        assert!(!folder.path().join("state").exists());
    }

    #[test]
    fn a_redis_store_needs_a_url_but_no_server_to_start() {
        let text = "[key_value_store.default]\ntype = \"redis\"\nurl = \"redis://127.0.0.1:1/0\"";
        assert_eq!(open_text(text).1.unwrap().len(), 1);
        let bad = open_text(&text.replace("redis://", "http://"))
            .1
            .err()
            .unwrap();
        assert!(format!("{bad:#}").contains("key_value_store.default"));
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let refused = |text| format!("{:#}", open_text(text).1.err().unwrap());
        assert!(
            refused("[key_value_store.default]\ntype = \"azure_cosmos\"").contains("azure_cosmos")
        );
        assert!(refused("[key_value_store.default]\ntype = \"redis\"").contains("url"));
        assert!(refused("[llm_compute]\ntype = \"spin\"").contains("llm_compute"));
    }
}
