//! An operation as a command for a shell.

use serde_json::Value;

use super::shape::shown;

/// A command that sends the examples of the parameters and of the body. `$ROLLCALL` is the app's
/// address.
pub fn command(method: &str, path: &str, operation: &Value) -> String {
    let mut path = path.to_owned();
    let mut options = Vec::new();
    if let Some(token) = token(operation) {
        options.push(format!("-H \"Authorization: Bearer ${token}\""));
    }
    let mut has_query = false;
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, example) = (shown(&parameter["name"]), &parameter["example"]);
        if example.is_null() {
            continue;
        }
        let example = shown(example);
        match parameter["in"].as_str() {
            Some("path") => path = path.replace(&format!("{{{name}}}"), &example),
            Some("header") => options.push(format!("-H {}", quoted(&format!("{name}: {example}")))),
            _ => {
                has_query = true;
                options.push(format!(
                    "--data-urlencode {}",
                    quoted(&format!("{name}={example}"))
                ));
            }
        }
    }
    let body = body(&operation["requestBody"]["content"]);
    let is_plain = body.is_empty() && !has_query;
    options.extend(body);
    let how = match method {
        "GET" if has_query => "-G ",
        "POST" if is_plain => "-X POST ",
        _ => "",
    };
    let mut command = format!("curl {how}\"$ROLLCALL{path}\"");
    for option in options {
        command += &format!(" \\\n  {option}");
    }
    command
}

/// The shell variable with the token for the first scheme.
fn token(operation: &Value) -> Option<&'static str> {
    let first = operation["security"].as_array()?.first()?.as_object()?;
    match first.keys().next()?.as_str() {
        "adminToken" => Some("ADMIN_TOKEN"),
        "metricsToken" => Some("METRICS_TOKEN"),
        "ingestToken" => Some("INGEST_TOKEN"),
        _ => None,
    }
}

fn body(content: &Value) -> Vec<String> {
    let json = "application/json";
    let example = &content[json]["examples"]["one"]["value"];
    if !example.is_null() {
        let media_type = quoted(&format!("Content-Type: {json}"));
        return vec![
            format!("-H {media_type}"),
            format!("-d {}", quoted(&example.to_string())),
        ];
    }
    let form = content["application/x-www-form-urlencoded"]["example"].as_object();
    let fields = form.into_iter().flatten();
    let fields = fields.map(|(name, value)| quoted(&format!("{name}={}", shown(value))));
    fields
        .map(|field| format!("--data-urlencode {field}"))
        .collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
