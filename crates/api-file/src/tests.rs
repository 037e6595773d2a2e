#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::{Duration, Instant};

use rollcall_tally::hit::API_OPERATIONS_MAX;
use tempfile::TempDir;

use super::*;

fn load_all(files: &[(&str, &str)]) -> Result<Option<Api>, Unusable> {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    load(folder.path(), Spelling::default())
}

fn read_as(name: &str, text: &str) -> Result<Vec<String>, String> {
    let api = load_all(&[(name, text)]).map_err(|unusable| unusable.to_string())?;
    Ok(api.unwrap().operations().collect())
}

#[track_caller]
fn check(yaml: &str, expect: &[&str]) {
    assert_eq!(read_as("openapi.yaml", yaml).unwrap(), expect, "{yaml}");
}

#[track_caller]
fn refused(name: &str, text: &str, why: &str) {
    let error = read_as(name, text).unwrap_err();
    assert!(error.starts_with(name) && error.contains(why), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn json_and_yaml_of_each_version_give_paths_and_methods() {
    let json = r##"{
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "paths": {
            "/users/{id}": {
                "summary": "One user",
                "parameters": [{"$ref": "#/components/parameters/id"}],
                "get": {"responses": {"200": {"description": "ok"}}},
                "put": {}
            },
            "/empty": {},
            "x-internal": "anything"
        },
        "components": {"parameters": {"id": {"name": "id", "in": "path"}}}
    }"##;
    let expect = ["GET /users/{id}", "PUT /users/{id}"];
    assert_eq!(read_as("openapi.json", json).unwrap(), expect);
    // JSON is YAML.
    assert_eq!(read_as("openapi.yml", json).unwrap(), expect);
    let yaml = "
openapi: 3.0.3
paths:
  /users/{id}:
    get: &get
      responses: {200: {description: ok}}
    put: *get
  /none:
  x-more: [1, 2]
";
    check(yaml, &expect);
    let swagger = "swagger: '2.0'\nbasePath: /v1/\npaths: {/a: {get: {}}}";
    check(swagger, &["GET /v1/a"]);
    check("swagger: 2.0\npaths: {/a: {head: {}}}", &["HEAD /a"]);
    let newest = "openapi: 3.2.0\npaths: {/a: {query: {}, additionalOperations: {COPY: {}}}}";
    check(newest, &["COPY /a", "QUERY /a"]);
}

#[test]
fn each_path_is_behind_the_path_of_each_server() {
    check(
        "
openapi: 3.0.0
servers:
- url: https://api.example.com/v1/
- url: https://staging.example.com/v1?x=y
- url: /v2
- url: //cdn.example.com
- url: '{scheme}://{host}/{base}/{tenant}'
  variables:
    scheme: {default: https}
    base: {default: eu/api, enum: [eu/api, us/api]}
paths:
  /a: {get: {}, post: {servers: [{url: /post}]}}
  /b: {servers: [{url: 'http://b.example.com/b0'}], get: {}}
",
        &[
            "POST /post/a",
            "GET /a",
            "GET /eu/api/{tenant}/a",
            "GET /v1/a",
            "GET /v2/a",
            "GET /b0/b",
        ],
    );
    check(
        "openapi: 3.0.0\nservers: []\npaths: {/a: {get: {}}}",
        &["GET /a"],
    );
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let head = "openapi: 3.0.0\n";
    for (text, why) in [
        ("openapi: 4.0.0\npaths: {}".to_owned(), "version 4.0.0"),
        ("swagger: '1.2'\npaths: {}".to_owned(), "version 1.2"),
        ("paths: {}".to_owned(), "neither openapi nor swagger"),
        (head.to_owned(), "it has no paths"),
        (format!("{head}paths: [a]"), "mapping"),
        (
            format!("{head}paths: {{a: {{}}}}"),
            "\"a\" does not begin with /",
        ),
        (format!("{head}paths: {{'/{{a': {{}}}}"), "a { without a }"),
        (
            format!("{head}paths: {{/a: {{$ref: a.yaml}}}}"),
            "is a $ref",
        ),
        (format!("{head}paths: {{/a: {{}}, /a: {{}}}}"), "/a"),
        (
            format!("{head}servers: [{{url: api/v1}}]\npaths: {{}}"),
            "\"api/v1\"",
        ),
        (format!("{head}paths: {{/a: 'x"), "line"),
        ("[1, 2]".to_owned(), "line"),
        (String::new(), ""),
    ] {
        refused("openapi.yaml", &text, why);
    }
    refused("openapi.json", "{\"openapi\": \"3.0.0\", ", "line 1");
    refused("openapi.json", "openapi: 3.0.0", "line 1");
}

#[test]
fn without_a_file_there_is_no_api_and_two_files_are_refused() {
    assert!(load_all(&[("README.md", "x")]).unwrap().is_none());
    let text = "openapi: 3.0.0\npaths: {}";
    let two = load_all(&[("openapi.yaml", text), ("openapi.yml", text)]).unwrap_err();
    let expect = "openapi.yml: there is openapi.yaml, too; leave one of them";
    assert_eq!(two.to_string(), expect);
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("openapi.json")).unwrap();
    assert!(load(folder.path(), Spelling::default()).is_err());
}

#[test]
fn a_file_may_have_8_mib() {
    let text = "openapi: 3.0.0\npaths: {/a: {get: {}}}\n#";
    let long = |bytes: u64| text.to_owned() + &"x".repeat(bytes as usize - text.len());
    check(&long(BYTES_MAX), &["GET /a"]);
    refused(
        "openapi.yaml",
        &long(BYTES_MAX + 1),
        "longer than 8388608 bytes",
    );
}

#[test]
fn servers_times_paths_are_bounded() {
    let text = |servers: usize| {
        let servers: String = (0..servers).map(|n| format!("- url: /v{n}\n")).collect();
        let paths: String = (0..API_OPERATIONS_MAX / 100)
            .map(|n| format!("  /p{n}: {{get: {{}}}}\n"))
            .collect();
        format!("openapi: 3.0.0\nservers:\n{servers}paths:\n{paths}")
    };
    let most = read_as("openapi.yaml", &text(100)).unwrap();
    assert_eq!(most.len(), API_OPERATIONS_MAX);
    refused(
        "openapi.yaml",
        &text(101),
        "more than 10000 paths or operations",
    );
    let began = Instant::now();
    refused(
        "openapi.yaml",
        &text(50_000),
        "more than 10000 paths or operations",
    );
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn aliases_within_aliases_do_not_grow_without_end() {
    let mut bomb = "openapi: 3.0.0\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = format!("*a{}", n - 1);
        bomb += &format!("a{n}: &a{n} [{}]\n", [before.as_str(); 10].join(", "));
    }
    bomb += "paths: {/a: {get: *a11}}\n";
    let began = Instant::now();
    refused("openapi.yaml", &bomb, "");
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn many_levels_are_refused_and_no_error() {
    refused(
        "openapi.yaml",
        &("a: ".to_owned() + &"[".repeat(100_000)),
        "",
    );
    refused(
        "openapi.json",
        &("{\"a\": ".to_owned() + &"[".repeat(100_000)),
        "",
    );
}
