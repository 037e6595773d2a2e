//! A release: every file that repeats the version has that of the workspace, and `.ci/release`
//! takes the text of a release from `CHANGELOG.md`.

use std::fs;
use std::process::{Command, Output};

use rollcall_tests::workspace;
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The files that repeat the version once, and the text before it. The version of `rollcall:stats`
/// in `wit/` is another one: that of the contract.
const REPEATED: [(&str, &str); 6] = [
    ("spin.toml", "\nversion = \""),
    ("examples/gateway/spin.toml", "\nversion = \""),
    (
        "deploy/kubernetes/examples/own-redis/kustomization.yaml",
        "newTag: ",
    ),
    (
        "deploy/kubernetes/examples/with-redis/kustomization.yaml",
        "newTag: ",
    ),
    ("deploy/spinkube/README.md", "REGISTRY/rollcall:"),
    (
        "deploy/spinkube/spin-app.yaml",
        "image: example.com/rollcall:",
    ),
];

#[test]
fn every_file_that_repeats_the_version_has_that_of_the_workspace() {
    for (file, before) in REPEATED {
        let text = fs::read_to_string(workspace().join(file)).unwrap();
        let repeated = text.split(before).skip(1);
        let repeated: Vec<&str> = repeated
            .map(|rest| rest.split(['"', '}', '\n']).next().unwrap())
            .collect();
        assert_eq!(repeated, [VERSION], "{file}");
    }
}

/// What `.ci/release/notes` says to a tag, with this text in `CHANGELOG.md`.
fn notes(tag: &str, changelog: &str) -> Output {
    let checkout = TempDir::new().unwrap();
    let script = checkout.path().join(".ci/release/notes");
    fs::create_dir_all(script.parent().unwrap()).unwrap();
    for file in [".ci/release/notes", "Cargo.toml"] {
        fs::copy(workspace().join(file), checkout.path().join(file)).unwrap();
    }
    fs::write(checkout.path().join("CHANGELOG.md"), changelog).unwrap();
    Command::new("bash").arg(script).arg(tag).output().unwrap()
}

#[test]
fn a_release_has_the_text_of_its_version_and_a_tag_without_one_is_refused() {
    let tag = format!("v{VERSION}");
    let unreleased = "# Changelog\n\n## [Unreleased]\n\n- Next.\n".to_owned();
    let before = "## [0.0.1] - 2026-01-31\n\n- Before.\n\n[0.0.1]: https://example.com\n";
    let released = format!("{unreleased}\n## [{VERSION}] - 2026-02-28\n\n- This.\n\n{before}");

    let told = notes(&tag, &released);
    assert!(told.status.success(), "{told:?}");
    assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), "- This.");

    let refused = [
        ("v0.0.1", released.clone()),
        (tag.as_str(), released.replace(" - 2026-02-28", "")),
        (tag.as_str(), released.replace("- This.\n", "")),
        (tag.as_str(), unreleased),
    ];
    for (tag, changelog) in refused {
        let told = notes(tag, &changelog);
        assert!(!told.status.success(), "{tag}: {changelog}");
        assert!(told.stdout.is_empty(), "{told:?}");
    }
}
