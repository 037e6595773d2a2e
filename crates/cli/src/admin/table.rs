//! Answers as tables.

use comfy_table::{CellAlignment, Table, presets};
use indicatif::HumanCount;
use serde_json::Value;

/// The columns of a list: the field, the title, and whether it is a share. A column is left out if
/// no row has its field.
const COLUMNS: [(&str, &str, bool); 11] = [
    ("pathKey", "path", false),
    ("ip", "IP", false),
    ("country", "country", false),
    ("totalRequests", "requests", false),
    ("requests", "requests", false),
    ("percentage", "%", false),
    ("uniqueIPs", "IPs", false),
    ("uniquePaths", "paths", false),
    ("errorRate", "errors", true),
    ("p95ResponseTime", "p95 ms", false),
    ("lastSeen", "last seen", false),
];

/// A list of objects, a row each.
pub fn rows(list: &Value) -> String {
    let rows = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return "no hits".to_owned();
    }
    let is_used = |field: &str| rows.iter().any(|row| row.get(field).is_some());
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter(|(field, ..)| is_used(field))
        .collect();
    let mut table = table();
    table.set_header(columns.iter().map(|(_, title, _)| *title));
    for row in rows {
        let cell = |(field, _, is_share): &&(&str, &str, bool)| {
            let value = row.get(field).unwrap_or(&Value::Null);
            match (value.as_f64(), is_share) {
                (Some(share), true) => format!("{:.1} %", share * 100.0),
                _ => text(value),
            }
        };
        table.add_row(columns.iter().map(cell));
    }
    for (column, (field, ..)) in table.column_iter_mut().zip(&columns) {
        let is_number = |row: &Value| row.get(field).is_some_and(Value::is_number);
        if rows.iter().any(is_number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// The fields of an object, a row each. A field of an object within is named `outer.inner`.
pub fn fields(object: &Value) -> String {
    let mut table = table();
    add_fields(&mut table, "", object);
    table.trim_fmt()
}

fn add_fields(table: &mut Table, prefix: &str, object: &Value) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let name = format!("{prefix}{name}");
        match value {
            Value::Object(_) => add_fields(table, &format!("{name}."), value),
            value => {
                table.add_row([printable(&name), text(value)]);
            }
        }
    }
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => printable(text),
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(count), _) => HumanCount(count).to_string(),
            (None, Some(number)) => format!("{number:.1}"),
            (None, None) => number.to_string(),
        },
        value => printable(&value.to_string()),
    }
}

/// The text without control characters: a caller must not send commands to the terminal.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}
