//! The shape of a value, in a line: `integer (1 to 100)`.

use serde_json::Value;

/// Pieces of a text in a row.
pub type Shape = Vec<Piece>;

pub struct Piece {
    pub text: String,
    /// The name of the schema that the piece links to.
    pub schema: Option<String>,
}

/// The longest pattern that is shown. A longer one would tell a reader nothing.
const PATTERN_MAX: usize = 48;

pub fn of(schema: &Value) -> Shape {
    if let Some(name) = name(schema) {
        return vec![Piece {
            text: name.to_owned(),
            schema: Some(name.to_owned()),
        }];
    }
    for (alternatives, between) in [("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")] {
        if let Some(several) = schema[alternatives].as_array() {
            return joined(several, between);
        }
    }
    match types(schema).as_slice() {
        ["array"] => array(schema),
        types => plain(single(schema, types)),
    }
}

/// The schema that a reference names.
fn name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn joined(several: &[Value], between: &str) -> Shape {
    let mut shape = Shape::new();
    for (number, schema) in several.iter().enumerate() {
        if number > 0 {
            shape.extend(plain(between.to_owned()));
        }
        shape.extend(of(schema));
    }
    shape
}

fn array(schema: &Value) -> Shape {
    let start = match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
        (_, Some(most)) => format!("array of at most {most} "),
        (Some(least), None) => format!("array of {least} or more "),
        (None, None) => "array of ".to_owned(),
    };
    let mut shape = plain(start);
    shape.extend(of(&schema["items"]));
    shape
}

fn single(schema: &Value, types: &[&str]) -> String {
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(shown).collect();
        return values.join(", ");
    }
    let limits = [format(schema, types), range(schema), pattern(schema)];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    match limits.is_empty() {
        true => types.join(" or "),
        false => format!("{} ({})", types.join(" or "), limits.join(", ")),
    }
}

/// The format of a text. The format of a number says only its size in memory, and is left out.
fn format(schema: &Value, types: &[&str]) -> Option<String> {
    let format = schema["format"].as_str()?;
    types.contains(&"string").then(|| format.to_owned())
}

fn range(schema: &Value) -> Option<String> {
    match (&schema["minimum"], &schema["maximum"]) {
        (Value::Null, Value::Null) => None,
        (from, Value::Null) if from.as_u64() == Some(0) => None,
        (from, Value::Null) => Some(format!("{from} or more")),
        (from, to) => Some(format!("{from} to {to}")),
    }
}

fn pattern(schema: &Value) -> Option<String> {
    let pattern = schema["pattern"].as_str()?;
    (pattern.len() <= PATTERN_MAX).then(|| format!("as {pattern}"))
}

fn plain(text: String) -> Shape {
    let schema = None;
    vec![Piece { text, schema }]
}

/// A value as it is written in a URL.
pub fn shown(value: &Value) -> String {
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.to_string())
}
