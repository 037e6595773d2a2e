//! The parameters of a query string, while they are taken out one by one.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{BadParameter, LIMIT_DEFAULT, LIMIT_MAX};
use crate::filter::Filter;
use crate::status::StatusClass;
use crate::window::Window;

pub struct Parameters {
    given: BTreeMap<String, String>,
    bad: Vec<BadParameter>,
}

impl Parameters {
    pub fn read(query: &str) -> Self {
        let mut parameters = Self {
            given: BTreeMap::new(),
            bad: Vec::new(),
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if parameters
                .given
                .insert(name.to_string(), value.into_owned())
                .is_some()
            {
                parameters.refuse(&name, "given twice");
            }
        }
        parameters
    }

    pub fn refuse(&mut self, name: &str, reason: impl Into<String>) {
        let (name, reason) = (name.to_owned(), reason.into());
        self.bad.push(BadParameter { name, reason });
    }

    pub fn window(&mut self) -> Window {
        self.one_of("timeRange", &Window::EVERY, Window::name, Window::Day)
    }

    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        let spell = |value| if value { "true" } else { "false" };
        self.one_of(name, &[true, false], spell, default)
    }

    pub fn limit(&mut self) -> u32 {
        self.integer("limit", 1..=LIMIT_MAX, LIMIT_DEFAULT)
    }

    pub fn integer(&mut self, name: &str, range: RangeInclusive<u32>, default: u32) -> u32 {
        let Some(text) = self.text(name) else {
            return default;
        };
        let value = text.parse().ok().filter(|value| range.contains(value));
        value.unwrap_or_else(|| {
            let (from, to) = (range.start(), range.end());
            self.refuse(name, format!("expected an integer from {from} to {to}"));
            default
        })
    }

    pub fn one_of<T: Copy>(
        &mut self,
        name: &str,
        every: &[T],
        spell: impl Fn(T) -> &'static str,
        default: T,
    ) -> T {
        self.one_of_if_any(name, every, spell).unwrap_or(default)
    }

    /// The conditions on hits: which IP called, and everything of [`Self::filter_of_ip`].
    pub fn filter(&mut self) -> Filter {
        let ip = self.text("ip");
        self.filter_with(ip, None)
    }

    /// The conditions on the hits of one IP.
    pub fn filter_of_ip(&mut self) -> Filter {
        self.filter_with(None, None)
    }

    /// The conditions on the hits of the path key that `key` names.
    pub fn filter_of_path(&mut self) -> Filter {
        let (ip, key) = (self.text("ip"), self.text("key"));
        if key.is_none() {
            self.refuse("key", "required: METHOD /path");
        }
        self.filter_with(ip, key)
    }

    fn filter_with(&mut self, ip: Option<String>, path_key: Option<String>) -> Filter {
        let filter = Filter {
            ip,
            path_prefix: self.text("pathPrefix"),
            method: self.text("method"),
            status: self.one_of_if_any("status", &StatusClass::EVERY, StatusClass::name),
            country: self.text("country"),
            path_key,
        };
        filter.check().unwrap_or_else(|bad| {
            self.bad.extend(bad);
            Filter::default()
        })
    }

    fn one_of_if_any<T: Copy>(
        &mut self,
        name: &str,
        every: &[T],
        spell: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = every.iter().copied().find(|value| spell(*value) == text);
        if value.is_none() {
            let names: Vec<&str> = every.iter().map(|value| spell(*value)).collect();
            self.refuse(name, format!("expected one of {}", names.join(", ")));
        }
        value
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.given.remove(name)
    }

    /// Whatever was not taken out is unknown.
    pub fn finish(mut self) -> Vec<BadParameter> {
        for name in std::mem::take(&mut self.given).into_keys() {
            self.refuse(&name, "unknown parameter");
        }
        self.bad
    }
}
