//! Parameters of questions. Each is declared once, with its place, its range and its description.
//! Its default is its value in a new question. Reading, writing and the description of the API use
//! this one declaration.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::against::Against;
use crate::filter::{self, Text};
use crate::interval::{Interval, Moment};
use crate::status::StatusFilter;
use crate::window::Window;

/// The most entries of a list.
pub const LIMIT_MAX: u32 = 100;
/// The entries of a list, if the question has no `limit`.
pub const LIMIT_DEFAULT: u32 = 10;

const FROM: &str = "Asks for an interval instead of a window: the moment from which on hits count. \
                    It is a time (RFC 3339) or a date. A date is a day of `time_zone`. Only whole \
                    buckets count: `from` and `to` in the answer say which. Without `from`, the \
                    interval has no beginning.";
const TO: &str = "The moment up to which hits count. It is a time, or a date, which counts up to \
                  the end of the day. Without `to`, the interval ends now.";

/// An invalid parameter.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadParameter {
    pub name: String,
    pub reason: String,
}

impl BadParameter {
    /// All of them in one line.
    pub fn line(bad: &[Self]) -> String {
        let reasons = bad
            .iter()
            .map(|bad| format!("{}: {}", bad.name, bad.reason));
        reasons.collect::<Vec<_>>().join("; ")
    }
}

/// A parameter, and the field of the question that it sets.
pub struct Parameter<'a> {
    pub name: &'static str,
    /// The description for people.
    pub about: &'static str,
    pub place: Place,
    /// Some: the question needs the parameter. The text says how to spell it.
    pub required: Option<&'static str>,
    /// A parameter that cannot be given together with this one.
    pub instead_of: Option<&'static str>,
    pub value: Value<'a>,
}

/// The place of a parameter in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the end of the path.
    Path,
    Query,
    /// In the query, as one of the conditions of the filter.
    Filter,
}

/// A value that is read and written as text.
pub enum Value<'a> {
    Flag(&'a mut bool),
    Integer(&'a mut u32, RangeInclusive<u32>),
    OneOf(OneOf<'a>),
    SomeOf(SomeOf<'a>),
    Moment(OneMoment<'a>),
    Against(&'a mut Against),
    Address(&'a mut IpAddr),
    PathKey(&'a mut String),
    /// None: the parameter is not given.
    Status(&'a mut Option<StatusFilter>),
    /// None: the parameter is not given.
    Text(Text, &'a mut Option<String>),
}

/// One of a few values, each with a name.
pub struct OneOf<'a> {
    pub names: Vec<&'static str>,
    /// None: the parameter is not given.
    pub chosen: Option<&'static str>,
    /// Sets the value, by the position of its name among the names.
    choose: Box<dyn FnMut(usize) + 'a>,
}

/// Some of a few values, each with a name.
pub struct SomeOf<'a> {
    pub names: Vec<&'static str>,
    /// In the order of the names. Empty: the parameter is not given.
    pub chosen: Vec<&'static str>,
    /// Sets the values, by the positions of their names.
    choose: ChooseSome<'a>,
}

type ChooseSome<'a> = Box<dyn FnMut(&[usize]) + 'a>;

/// A moment, or a day.
pub struct OneMoment<'a> {
    /// None: the parameter is not given.
    pub chosen: Option<Moment>,
    choose: Box<dyn FnMut(Moment) + 'a>,
}

/// A range of time: one of a few that have names, or an interval.
pub trait TimeRange: Copy + 'static {
    /// Those that have names.
    const EVERY: &'static [Self];

    fn name(self) -> &'static str;

    /// Not given: it is one that has a name.
    fn interval(self) -> Interval;

    fn between(interval: Interval) -> Self;
}

impl TimeRange for Window {
    const EVERY: &'static [Self] = &Self::EVERY;

    fn name(self) -> &'static str {
        self.name()
    }

    fn interval(self) -> Interval {
        self.interval()
    }

    fn between(interval: Interval) -> Self {
        Self::Between(interval)
    }
}

impl<'a> Parameter<'a> {
    pub fn new(name: &'static str, about: &'static str, value: Value<'a>) -> Self {
        Self {
            name,
            about,
            place: Place::Query,
            required: None,
            instead_of: None,
            value,
        }
    }

    pub fn flag(name: &'static str, about: &'static str, value: &'a mut bool) -> Self {
        Self::new(name, about, Value::Flag(value))
    }

    pub fn integer(
        name: &'static str,
        about: &'static str,
        value: &'a mut u32,
        range: RangeInclusive<u32>,
    ) -> Self {
        Self::new(name, about, Value::Integer(value, range))
    }

    /// A parameter with one of some values. `spell` gives the name of each.
    pub fn one_of<T: Copy>(
        name: &'static str,
        about: &'static str,
        value: &'a mut T,
        every: &'static [T],
        spell: fn(T) -> &'static str,
    ) -> Self {
        let one_of = OneOf {
            names: every.iter().copied().map(spell).collect(),
            chosen: Some(spell(*value)),
            choose: choose(every, move |chosen| *value = chosen),
        };
        Self::new(name, about, Value::OneOf(one_of))
    }

    /// A parameter with one of some values, followed by `from` and `to`, which ask for an interval
    /// instead.
    pub fn range<T: TimeRange>(
        name: &'static str,
        about: &'static str,
        value: &'a mut T,
    ) -> [Self; 3] {
        let value = Cell::from_mut(value);
        let given = value.get().interval();
        let one_of = OneOf {
            names: T::EVERY.iter().map(|range| range.name()).collect(),
            chosen: (!given.is_given()).then(|| value.get().name()),
            choose: choose(T::EVERY, |chosen| value.set(chosen)),
        };
        let moment = |of: fn(&mut Interval) -> &mut Option<Moment>| {
            let mut given = given;
            let choose = Box::new(move |chosen| {
                let mut interval = value.get().interval();
                *of(&mut interval) = Some(chosen);
                value.set(T::between(interval));
            });
            let chosen = *of(&mut given);
            Value::Moment(OneMoment { chosen, choose })
        };
        let instead = |parameter: Self| Self {
            instead_of: Some(name),
            ..parameter
        };
        [
            Self::new(name, about, Value::OneOf(one_of)),
            instead(Self::new(
                "from",
                FROM,
                moment(|interval| &mut interval.from),
            )),
            instead(Self::new("to", TO, moment(|interval| &mut interval.to))),
        ]
    }

    /// A parameter with one of some values, or with none.
    pub fn one_of_if_any<T: Copy>(
        name: &'static str,
        about: &'static str,
        value: &'a mut Option<T>,
        every: &'static [T],
        spell: fn(T) -> &'static str,
    ) -> Self {
        let one_of = OneOf {
            names: every.iter().copied().map(spell).collect(),
            chosen: value.map(spell),
            choose: choose(every, move |chosen| *value = Some(chosen)),
        };
        Self::new(name, about, Value::OneOf(one_of))
    }

    /// A parameter with some of some values, or with none. They are read in any order, and written
    /// in the order of `every`.
    pub fn some_of<T: Copy + PartialEq>(
        name: &'static str,
        about: &'static str,
        value: &'a mut Vec<T>,
        every: &'static [T],
        spell: fn(T) -> &'static str,
    ) -> Self {
        let chosen = every.iter().copied().filter(|each| value.contains(each));
        let some_of = SomeOf {
            names: every.iter().copied().map(spell).collect(),
            chosen: chosen.map(spell).collect(),
            choose: Box::new(|places| {
                let chosen = places.iter().filter_map(|place| every.get(*place));
                *value = chosen.copied().collect();
            }),
        };
        Self::new(name, about, Value::SomeOf(some_of))
    }

    /// The parameter `limit`: the most entries of a list.
    pub fn limit(value: &'a mut u32) -> Self {
        let about = "The most entries of the list.";
        Self::integer("limit", about, value, 1..=LIMIT_MAX)
    }

    pub fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    pub fn required(self, form: &'static str) -> Self {
        let required = Some(form);
        Self { required, ..self }
    }
}

fn choose<'a, T: Copy>(
    every: &'static [T],
    mut set: impl FnMut(T) + 'a,
) -> Box<dyn FnMut(usize) + 'a> {
    Box::new(move |place| {
        if let Some(chosen) = every.get(place) {
            set(*chosen);
        }
    })
}

impl Value<'_> {
    /// Reads the value from a text. The error says which text was expected.
    pub fn read(&mut self, text: &str) -> Result<(), String> {
        match self {
            Self::Flag(value) => {
                **value = text.parse().map_err(|_| "expected one of true, false")?
            }
            Self::Integer(value, range) => {
                let number = text.parse().ok().filter(|number| range.contains(number));
                let (from, to) = (range.start(), range.end());
                **value =
                    number.ok_or_else(|| format!("expected an integer from {from} to {to}"))?;
            }
            Self::OneOf(one_of) => {
                let place = one_of.names.iter().position(|name| *name == text);
                let expected = || format!("expected one of {}", one_of.names.join(", "));
                (one_of.choose)(place.ok_or_else(expected)?);
            }
            Self::SomeOf(some_of) => {
                let names = &some_of.names;
                let place = |text: &str| names.iter().position(|name| *name == text);
                let places: Option<BTreeSet<usize>> = text.split(',').map(place).collect();
                let expected = || format!("expected some of {}, as a,b", names.join(", "));
                let places: Vec<usize> = places.ok_or_else(expected)?.into_iter().collect();
                (some_of.choose)(&places);
            }
            Self::Moment(moment) => (moment.choose)(Moment::read(text)?),
            Self::Against(value) => **value = Against::read(text)?,
            Self::Address(value) => {
                let address: Result<IpAddr, _> = text.parse();
                **value = address
                    .map_err(|_| "expected an IP address")?
                    .to_canonical();
            }
            Self::PathKey(value) => **value = filter::read_path_key(text)?,
            Self::Status(value) => **value = Some(StatusFilter::read(text)?),
            Self::Text(kind, value) => **value = Some(kind.read(text)?),
        }
        Ok(())
    }

    /// Writes the value as text. None: the parameter is not given.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Flag(value) => Some(value.to_string()),
            Self::Integer(value, _) => Some(value.to_string()),
            Self::OneOf(one_of) => one_of.chosen.map(str::to_owned),
            Self::SomeOf(some_of) => {
                let chosen = &some_of.chosen;
                (!chosen.is_empty()).then(|| chosen.join(","))
            }
            Self::Moment(moment) => moment.chosen.map(Moment::text),
            Self::Against(value) => Some(value.text()),
            Self::Address(value) => Some(value.to_string()),
            Self::PathKey(value) => Some((*value).clone()),
            Self::Status(value) => value.as_ref().map(StatusFilter::name),
            Self::Text(_, value) => (*value).clone(),
        }
    }
}
