//! Each threat of `docs/threats.md` has a test.

use std::fs;

use rollcall_tests::workspace;

#[test]
fn each_threat_names_a_test_that_is_there() {
    let page = fs::read_to_string(workspace().join("docs/threats.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| to "));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        let test = cells
            .last()
            .unwrap()
            .trim_end_matches(" |")
            .trim_matches('`');
        let (file, name) = test.split_once("::").expect(row);
        let file = workspace().join(format!("tests/tests/e2e/{file}.rs"));
        let source = fs::read_to_string(file).expect(row);
        assert!(
            source.contains(&format!("#[test]\nfn {name}() {{")),
            "{row}"
        );
        count += 1;
    }
    assert!(count > 20, "{count} rows");
}
