//! Parameters of requests, with the names, ranges and defaults that requests are read with.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rollcall_tally::filter::UNKNOWN;
use rollcall_tally::hit::PATH_BYTES_MAX;
use rollcall_tally::question::{LIMIT_MAX, OFFSET_MAX, Question};
use rollcall_tally::state::OTHER_PATHS;
use rollcall_tally::{StatusClass, Window};
use serde_json::Value;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::hit;
use crate::shapes::{COUNTRY, address, integer, method, network, of, one_of, text};

/// The parameters of one question. Their defaults are those of the question when it is asked without them.
pub struct Parameters {
    defaults: BTreeMap<String, String>,
    list: Vec<Parameter>,
}

impl Parameters {
    /// Those of the question `name`, which cannot do without those in `least`.
    pub fn of(name: &str, least: &str) -> Self {
        let written = Question::read(name, least).map_or_else(|_| String::new(), |q| q.write());
        let query = written.split_once('?').unwrap_or_default().1;
        let defaults = form_urlencoded::parse(query.as_bytes()).into_owned();
        Self {
            defaults: defaults.collect(),
            list: Vec::new(),
        }
    }

    pub fn window(self) -> Self {
        let about = "The window: the stretch of time up to now in which hits count.";
        self.one_of("timeRange", &Window::EVERY.map(Window::name), about)
    }

    /// Which hits count.
    pub fn filter(self) -> Self {
        let about = "Only hits of this address, or of this network (`192.0.2.0/24`).";
        self.with(query("ip", about, network())).filter_of_ip()
    }

    /// Which hits of one IP count.
    pub fn filter_of_ip(self) -> Self {
        let rest_max = PATH_BYTES_MAX - 1;
        let prefix = text(format!(r"/[\s\S]{{0,{rest_max}}}"));
        let status = one_of(&StatusClass::EVERY.map(StatusClass::name));
        let country = text(format!("{COUNTRY}|{UNKNOWN}"));
        let filters: [(&str, &str, ObjectBuilder); 4] = [
            ("pathPrefix", "Only hits on paths that start so.", prefix),
            (
                "method",
                "Only hits by this method, in any case.",
                text(method()),
            ),
            (
                "status",
                "Only hits with a status of this class. Bytes and response times are not kept by class, and are `null` then.",
                status,
            ),
            (
                "country",
                "Only hits of IPs that told this country last, or `unknown`.",
                country,
            ),
        ];
        let filters = filters.into_iter();
        filters.fold(self, |all, (name, about, schema)| {
            all.with(query(name, about, schema))
        })
    }

    /// The IP that is asked about.
    pub fn ip(self) -> Self {
        let ip = ParameterBuilder::new()
            .name("ip")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("IPv4 or IPv6, in any spelling."))
            .schema(Some(Schema::from(address())))
            .example(Some("192.0.2.1".into()));
        self.with(ip)
    }

    /// The path key that is asked about.
    pub fn key(self) -> Self {
        let key = format!("{} ({})|{}", method(), hit::path(), escaped(OTHER_PATHS));
        let about = "The path key: `METHOD /path`. `(other)` is what IPs with too many paths called beyond those.";
        let key = query("key", about, text(key)).required(Required::True);
        self.with(key.example(Some("GET /users".into())))
    }

    pub fn limit(self) -> Self {
        self.integer(
            "limit",
            1..=LIMIT_MAX,
            "How many entries the list has at most.",
        )
    }

    pub fn offset(self) -> Self {
        self.integer("offset", 0..=OFFSET_MAX, "How many paths are passed over.")
    }

    fn integer(self, name: &str, range: RangeInclusive<u32>, about: &str) -> Self {
        let default = self.default(name, |text| text.parse::<u32>().ok().map(Value::from));
        self.with(query(name, about, integer(range).default(default)))
    }

    pub fn flag(self, name: &str, about: &str) -> Self {
        let default = self.default(name, |text| text.parse::<bool>().ok().map(Value::from));
        self.with(query(name, about, of(Type::Boolean).default(default)))
    }

    pub fn one_of(self, name: &str, names: &[&str], about: &str) -> Self {
        let default = self.default(name, |text| Some(Value::from(text)));
        self.with(query(name, about, one_of(names).default(default)))
    }

    fn default(&self, name: &str, read: impl Fn(&str) -> Option<Value>) -> Option<Value> {
        read(self.defaults.get(name)?)
    }

    fn with(mut self, parameter: ParameterBuilder) -> Self {
        self.list.push(parameter.build());
        self
    }

    /// All of them, and the headers of a question whose answer is kept.
    pub fn and_headers(self) -> Vec<Parameter> {
        let mut all = self.list;
        all.extend([
            header("Cache-Control", "With `no-cache` the answer is computed anew, with everything that was acknowledged before."),
            if_none_match(),
        ]);
        all
    }

    pub fn all(self) -> Vec<Parameter> {
        self.list
    }
}

pub fn query(name: &str, about: &str, schema: impl Into<Schema>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema.into()))
}

/// A header of any value.
pub fn header(name: &str, about: &str) -> Parameter {
    query(name, about, of(Type::String))
        .parameter_in(ParameterIn::Header)
        .build()
}

pub fn if_none_match() -> Parameter {
    header("If-None-Match", "An `ETag`: who has that answer gets 304.")
}

/// For a regular expression.
fn escaped(text: &str) -> String {
    text.replace('(', r"\(").replace(')', r"\)")
}
