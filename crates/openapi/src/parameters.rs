//! Parameters of requests. The questions declare their own.

use std::fmt::Display;

use rollcall_tally::condition::VALUES_MAX;
use rollcall_tally::filter::{
    LABEL_CHARACTERS_MAX, NETWORK_CHARACTERS_MAX, SEARCH_CHARACTERS_MAX, Text, UNKNOWN,
};
use rollcall_tally::hit::OTHER_PATHS;
use rollcall_tally::hit::{METHOD_BYTES_MAX, PATH_BYTES_MAX};
use rollcall_tally::question::{self, Ask, Place, Value};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Schema, Type};

use crate::hit;
use crate::shapes::{
    COUNTRY, address, against, integer, method, moment, network, of, one_of, status, text,
};

/// The parameters of a question with all defaults. `example` is the same question with a value for
/// each required parameter.
pub fn of_question(question: &mut dyn Ask, example: &mut dyn Ask) -> Vec<Parameter> {
    let (parameters, examples) = (question.parameters(), example.parameters());
    let each = parameters.iter().zip(&examples);
    each.map(|(parameter, example)| described(parameter, &example.value))
        .collect()
}

/// The parameters of a question whose answer is kept, with its headers.
pub fn of_kept(question: &mut dyn Ask, example: &mut dyn Ask) -> Vec<Parameter> {
    let mut all = of_question(question, example);
    all.extend([
        header(
            "Cache-Control",
            "`no-cache`: the answer is computed anew, with everything that was acknowledged \
             before.",
        ),
        if_none_match(),
    ]);
    all
}

fn described(parameter: &question::Parameter, example: &Value) -> Parameter {
    let described = query(parameter.name, parameter.about, schema(&parameter.value));
    let described = match parameter.place {
        Place::Path => described.parameter_in(ParameterIn::Path),
        Place::Query | Place::Filter => described,
    };
    let described = match parameter.required {
        Some(_) => described
            .required(Required::True)
            .example(example.text().map(Into::into)),
        None => described,
    };
    described.build()
}

fn schema(value: &Value) -> Schema {
    match value {
        Value::Flag(value) => of(Type::Boolean).default(Some((**value).into())).into(),
        Value::Integer(value, range) => {
            let default = Some((**value).into());
            integer(range.clone()).default(default).into()
        }
        Value::OneOf(value) => {
            let default = value.chosen.map(Into::into);
            one_of(&value.names).default(default).into()
        }
        Value::SomeOf(value) => {
            let name = format!("({})", value.names.join("|"));
            text(format!("{name}(,{name})*")).into()
        }
        Value::Moment(_) => moment().into(),
        Value::Against(_) => against(),
        Value::Address(_) => address().into(),
        Value::PathKey(_) => {
            let key = format!("{} ({})|{}", method(), hit::path(), escaped(OTHER_PATHS));
            text(key).into()
        }
        Value::Status(_) => several(status()),
        Value::Text(Text::Address, _) => network().into(),
        Value::Text(Text::PathPrefix | Text::Path, _) => {
            let rest_max = PATH_BYTES_MAX - 1;
            several(format!(r"/([^|\\]|\\[!|\\]){{0,{rest_max}}}"))
        }
        Value::Text(Text::Method, _) => {
            let rest_max = METHOD_BYTES_MAX - 1;
            let first = "[A-Za-z0-9#$%&'*+.^_`~-]";
            several(format!("{first}({first}|!){{0,{rest_max}}}"))
        }
        Value::Text(Text::Network, _) => {
            let rest_max = NETWORK_CHARACTERS_MAX - 1;
            several(format!(r"[^!|\\]([^|\\]|\\[!|\\]){{0,{rest_max}}}"))
        }
        Value::Text(Text::Label, _) => {
            let rest_max = LABEL_CHARACTERS_MAX - 1;
            several(format!(r"[^!|\\]([^|\\]|\\[!|\\]){{0,{rest_max}}}"))
        }
        Value::Text(Text::Search, _) => {
            text(format!("[\\s\\S]{{1,{SEARCH_CHARACTERS_MAX}}}")).into()
        }
        Value::Text(Text::Country, _) => several(format!("{COUNTRY}|{UNKNOWN}")),
    }
}

/// A condition with one value of this pattern or several.
fn several(value: impl Display) -> Schema {
    text(format!(r"!?({value})(\|({value})){{0,{}}}", VALUES_MAX - 1)).into()
}

pub fn query(name: &str, about: &str, schema: impl Into<Schema>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema.into()))
}

/// A header with any value.
pub fn header(name: &str, about: &str) -> Parameter {
    query(name, about, of(Type::String))
        .parameter_in(ParameterIn::Header)
        .build()
}

/// The IP in a path.
pub fn ip() -> Parameter {
    let ip = query("ip", "IPv4 or IPv6, in any spelling.", address());
    let ip = ip.parameter_in(ParameterIn::Path).required(Required::True);
    ip.example(Some("192.0.2.1".into())).build()
}

pub fn if_none_match() -> Parameter {
    header(
        "If-None-Match",
        "An `ETag`. If the client has that answer, it gets 304.",
    )
}

/// Escapes a text for a regular expression.
fn escaped(text: &str) -> String {
    text.replace('(', r"\(").replace(')', r"\)")
}
