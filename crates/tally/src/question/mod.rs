//! The questions of the admin API. Each is one file. The file has the question's name, path and
//! parameters, the details that each IP is asked for, and the code that makes the report. The
//! router, the aggregator, the dashboard and the description of the API take all of this from here.
//!
//! If a parameter is unknown, given twice or out of its range, the question is refused. The refusal
//! names all such parameters at once.

mod api_usage;
mod ask;
mod backtest;
mod breakdown;
mod conditions;
mod countries;
mod export;
mod global_stats;
mod group;
mod ip;
mod movers;
mod overview;
mod parameter;
mod path;
mod retirement;
mod status;
mod survey;
#[cfg(test)]
mod tests;
mod timeseries;
mod top_ips;
mod top_paths;

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::hit::{Dimension, Grouping};
use crate::interval::Interval;

pub use api_usage::NO_API;
pub use ask::{About, Ask};
pub use backtest::MAX_MAX;
pub use breakdown::{Direction, OFFSET_MAX as GROUPS_OFFSET_MAX};
pub use export::{DateRange, Export, ExportFormat};
pub use ip::OFFSET_MAX;
pub use parameter::{
    BadParameter, LIMIT_DEFAULT, LIMIT_MAX, OneMoment, OneOf, Parameter, Place, SomeOf, Value,
};
pub use retirement::CALLERS_MAX;
pub use status::Status;
pub use survey::{Query, Responses, Scope, Survey, Tracked, Via};

/// Makes an enum of all surveys. Each line gives the file and the name of a survey.
macro_rules! surveys {
    ($($file:ident::$Survey:ident,)*) => {
        $(pub use $file::$Survey;)*

        /// Any survey.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum AnySurvey {
            $($Survey($Survey),)*
        }

        impl AnySurvey {
            /// Each survey, with all defaults.
            pub fn every() -> Vec<Self> {
                vec![$(Self::$Survey(Default::default()),)*]
            }

            /// Each survey with the parameters of its example, for the description of the API.
            pub fn examples() -> Vec<Self> {
                vec![$(Self::$Survey(Survey::example()),)*]
            }

            /// The details that every IP is asked for.
            pub fn query(&self) -> Query {
                match self {
                    $(Self::$Survey(survey) => survey.query(),)*
                }
            }

            /// Makes the answer, as JSON, from the responses of the IPs.
            pub fn answer(&self, responses: Responses) -> Result<Vec<u8>, Failure> {
                match self {
                    $(Self::$Survey(survey) => survey.write(&survey.report(responses)?),)*
                }
            }

            /// The window and the filter of the survey.
            pub fn scope(&self) -> &Scope {
                match self {
                    $(Self::$Survey(survey) => &survey.scope,)*
                }
            }

            /// The same survey with another window and filter. A list begins at its first entry
            /// again.
            pub fn with_scope(mut self, scope: Scope) -> Self {
                match &mut self {
                    $(Self::$Survey(survey) => {
                        survey.scope = scope;
                        survey.rewind();
                    })*
                }
                self
            }

            fn about(&self) -> &'static About {
                match self {
                    $(Self::$Survey(survey) => survey.about(),)*
                }
            }

            pub fn ask(&mut self) -> &mut dyn Ask {
                match self {
                    $(Self::$Survey(survey) => survey,)*
                }
            }

            /// The schemas of the answer: first that of the answer itself, then those of its parts.
            #[cfg(feature = "openapi")]
            pub fn schemas(&self) -> Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)> {
                match self {
                    $(Self::$Survey(_) => schemas_of::<<$Survey as Survey>::Report>(),)*
                }
            }
        }

        $(impl From<$Survey> for AnySurvey {
            fn from(survey: $Survey) -> Self {
                Self::$Survey(survey)
            }
        })*
    };
}

surveys! {
    global_stats::GlobalStats,
    overview::Overview,
    top_paths::TopPaths,
    top_ips::TopIps,
    countries::Countries,
    breakdown::Breakdown,
    movers::Movers,
    group::Group,
    timeseries::Timeseries,
    ip::Ip,
    path::Path,
    retirement::Retirement,
    api_usage::ApiUsage,
    backtest::Backtest,
}

/// Reports that are defined in the file of their question.
pub mod reports {
    pub use super::api_usage::{ApiUsageReport, CalledPath};
    pub use super::backtest::{BacktestReport, LimitBucket, SparingLimit};
    pub use super::breakdown::{BreakdownReport, GroupStats};
    pub use super::countries::{CountriesReport, CountryStats};
    pub use super::group::GroupReport;
    pub use super::ip::IpReport;
    pub use super::movers::{AgainstStats, GroupChange, GroupNumbers, MoverStats, MoversReport};
    pub use super::path::PathReport;
    pub use super::retirement::{PathCaller, RetirementReport, Verdict};
}

/// A question that the aggregator answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    Survey(AnySurvey),
    Export(Export),
    Status(Status),
}

/// Why a question was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotUnderstood {
    /// No question has this name.
    Unknown,
    Parameters(Vec<BadParameter>),
}

impl Question {
    /// Each question, with all defaults.
    pub fn every() -> Vec<Self> {
        let mut every: Vec<Self> = AnySurvey::every().into_iter().map(Self::Survey).collect();
        every.extend([Self::Export(Export::default()), Self::Status(Status)]);
        every
    }

    /// Reads a question from its name, as [`Question::write`] spells it, and from its query string.
    pub fn read(name: &str, query: &str) -> Result<Self, NotUnderstood> {
        Self::find(query, |about| after(about.name, name))
    }

    /// Reads a question from its path in the admin API and from its query string.
    pub fn at(path: &str, query: &str) -> Result<Self, NotUnderstood> {
        Self::find(query, |about| after(about.path, path))
    }

    /// Finds the question whose name or path matches, and reads its parameters. `behind` gives the
    /// text in the place of the braces.
    fn find<'t>(
        query: &str,
        behind: impl Fn(&About) -> Option<&'t str>,
    ) -> Result<Self, NotUnderstood> {
        let mut every = Self::every().into_iter();
        let found = every.find_map(|question| Some((behind(question.about())?, question)));
        let (behind, mut question) = found.ok_or(NotUnderstood::Unknown)?;
        let mut bad = read(question.ask(), behind, query);
        bad.extend(question.interval().and_then(inverted));
        bad.extend(question.ask().conflict());
        if bad.is_empty() {
            Ok(question)
        } else {
            Err(NotUnderstood::Parameters(bad))
        }
    }

    /// Checks a question that was not read here. Returns the question with each parameter in its
    /// one spelling, if each is valid.
    pub fn checked(mut self) -> Result<Self, Vec<BadParameter>> {
        let mut bad = check(self.ask());
        bad.extend(self.interval().and_then(inverted));
        bad.extend(self.ask().conflict());
        if bad.is_empty() { Ok(self) } else { Err(bad) }
    }

    /// Writes the question as [`Question::read`] reads it, with every parameter: `name?query`.
    /// Equal questions give equal texts.
    pub fn write(&self) -> String {
        write(self.clone().ask())
    }

    fn interval(&self) -> Option<Interval> {
        match self {
            Self::Survey(survey) => Some(survey.scope().window.interval()),
            Self::Export(export) => Some(export.range.interval()),
            Self::Status(_) => None,
        }
    }

    pub fn about(&self) -> &'static About {
        match self {
            Self::Survey(survey) => survey.about(),
            Self::Export(export) => export.about(),
            Self::Status(status) => status.about(),
        }
    }

    pub fn ask(&mut self) -> &mut dyn Ask {
        match self {
            Self::Survey(survey) => survey.ask(),
            Self::Export(export) => export,
            Self::Status(status) => status,
        }
    }
}

impl AnySurvey {
    /// See [`Question::write`].
    pub fn write(&self) -> String {
        write(self.clone().ask())
    }
}

/// The text in the place of the parameter at the end of a name. None: the text has another name.
fn after<'t>(name: &str, text: &'t str) -> Option<&'t str> {
    match name.split_once('{') {
        Some((start, _)) => text.strip_prefix(start),
        None => (name == text).then_some(""),
    }
}

/// Sets the parameters that a client gave. Returns the bad ones.
fn read(question: &mut dyn Ask, behind: &str, query: &str) -> Vec<BadParameter> {
    let mut bad = Vec::new();
    let mut refuse = |name: &str, reason: String| {
        let name = name.to_owned();
        bad.push(BadParameter { name, reason });
    };
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        if given.insert(name.clone(), value).is_some() {
            refuse(&name, "given twice".to_owned());
        }
    }
    let parameters = question.parameters();
    for parameter in &parameters {
        let other = parameter
            .instead_of
            .filter(|other| given.contains_key(*other));
        if let Some(other) = other.filter(|_| given.contains_key(parameter.name)) {
            refuse(parameter.name, format!("not beside {other}"));
        }
    }
    for mut parameter in parameters {
        let text = match parameter.place {
            Place::Path => Some(percent_decode_str(behind).decode_utf8_lossy().into_owned()),
            Place::Query | Place::Filter => given.remove(parameter.name),
        };
        let read = match (text, parameter.required) {
            (Some(text), _) => parameter.value.read(&text),
            (None, Some(form)) => Err(format!("required: {form}")),
            (None, None) => Ok(()),
        };
        read.unwrap_or_else(|reason| refuse(parameter.name, reason));
    }
    for name in given.into_keys() {
        let reason = no_filter(&name).unwrap_or_else(|| "unknown parameter".to_owned());
        refuse(&name, reason);
    }
    bad
}

/// Why a property of hits is no parameter, and which request answers instead. None: the name is
/// that of no property, or of one that is a filter.
fn no_filter(name: &str) -> Option<String> {
    let mut all = Dimension::EVERY.into_iter();
    let of = all.find(|of| of.name() == name && !Grouping::Of(*of).is_known_of_ips())?;
    let name = of.name();
    Some(format!(
        "no filter: hits by {name} are counted over all IPs and paths alone. Ask \
         /admin/group?by={name}&name=… for one {name}, or /admin/breakdown?by={name} for all"
    ))
}

/// Writes each parameter as text and reads it again. Returns the bad ones.
fn check(question: &mut dyn Ask) -> Vec<BadParameter> {
    let parameters = question.parameters().into_iter();
    let bad = parameters.filter_map(|mut parameter| {
        let text = parameter.value.text()?;
        let reason = parameter.value.read(&text).err()?;
        let name = parameter.name.to_owned();
        Some(BadParameter { name, reason })
    });
    bad.collect()
}

/// Checks a survey that did not come as text.
///
/// # Errors
/// `Invalid`, naming every bad parameter.
pub fn checked<S: Survey>(mut survey: S) -> Result<S, Failure> {
    let mut bad = check(&mut survey);
    bad.extend(inverted(survey.query().window.interval()));
    bad.extend(survey.conflict());
    if bad.is_empty() {
        return Ok(survey);
    }
    Err(Failure::Invalid(BadParameter::line(&bad)))
}

/// An interval that ends before it begins.
fn inverted(interval: Interval) -> Option<BadParameter> {
    let reason = interval.refusal()?.to_owned();
    let name = "to".to_owned();
    Some(BadParameter { name, reason })
}

/// Writes `name?query`. The conditions of the filter come first.
fn write(question: &mut dyn Ask) -> String {
    let name = question.about().name;
    let mut parameters = question.parameters();
    if parameters.is_empty() {
        return name.to_owned();
    }
    parameters.sort_by_key(|parameter| parameter.place != Place::Filter);
    let (start, _) = name.split_once('{').unwrap_or((name, ""));
    let mut text = start.to_owned();
    let mut query = Serializer::new(String::new());
    for (parameter, value) in parameters
        .iter()
        .filter_map(|parameter| Some((parameter, parameter.value.text()?)))
    {
        match parameter.place {
            Place::Path => text += &value,
            Place::Query | Place::Filter => _ = query.append_pair(parameter.name, &value),
        }
    }
    format!("{text}?{}", query.finish())
}

#[cfg(feature = "openapi")]
fn schemas_of<T: utoipa::ToSchema>() -> Vec<(
    String,
    utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>,
)> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    schemas
}
