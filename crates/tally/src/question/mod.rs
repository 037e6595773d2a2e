//! The questions of the admin API: a file each, which says the question's name and path, its parameters, what it asks of the IPs and how
//! its report is made. The router, the aggregator, the dashboard and the description of the API take all of that from here.
//!
//! A parameter that is unknown, given twice or out of its range is refused by its name; all of them are named at once.

mod conditions;
mod export;
mod parameter;
mod status;
mod survey;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::interval::Interval;

pub use export::{DateRange, Export, ExportFormat};
pub use ip::OFFSET_MAX;
pub use parameter::{OneMoment, OneOf, Parameter, Place, Value};
pub use status::Status;
pub use survey::{Query, Responses, Scope, Survey, Via};

/// The most entries of a list.
pub const LIMIT_MAX: u32 = 100;
/// The entries of a list, if the question does not say.
pub const LIMIT_DEFAULT: u32 = 10;

/// What is said of a question, to whoever is not asked it but routes or describes it.
pub struct About {
    /// How its texts begin, and the addresses of its page. What is in braces is a parameter, and stands last.
    pub name: &'static str,
    /// Where the admin API has it.
    pub path: &'static str,
    /// Its name for programs.
    pub id: &'static str,
    /// Its name for people.
    pub summary: &'static str,
    pub description: &'static str,
    /// How long its answer is fresh when nothing changes. 0: it is never kept.
    pub ttl_ms: u64,
    /// It is asked so often that its answer, with all defaults, is worth having ready.
    pub is_prewarmed: bool,
}

/// A question: what is said of it, and its parameters.
pub trait Ask {
    fn about(&self) -> &'static About;

    /// Each parameter, with the field that it is about: in the order of the API's description, the conditions of the filter last.
    fn parameters(&mut self) -> Vec<Parameter<'_>>;
}

/// Makes an enum of all surveys, each of the file and of the name given here.
macro_rules! surveys {
    ($($file:ident::$Survey:ident,)*) => {
        $(mod $file;)*
        $(pub use $file::$Survey;)*

        /// Any question that is put to the IPs.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum AnySurvey {
            $($Survey($Survey),)*
        }

        impl AnySurvey {
            /// Each survey, with all defaults.
            pub fn every() -> Vec<Self> {
                vec![$(Self::$Survey(Default::default()),)*]
            }

            /// Each survey, as the description of the API shows it.
            pub fn examples() -> Vec<Self> {
                vec![$(Self::$Survey(Survey::example()),)*]
            }

            /// What every IP is asked.
            pub fn query(&self) -> Query {
                match self {
                    $(Self::$Survey(survey) => survey.query(),)*
                }
            }

            /// The answer as JSON, of what the IPs said.
            pub fn answer(&self, responses: Responses) -> Result<Vec<u8>, Failure> {
                match self {
                    $(Self::$Survey(survey) => json(&survey.report(responses)?),)*
                }
            }

            /// The window and the filter that it is about.
            pub fn scope(&self) -> &Scope {
                match self {
                    $(Self::$Survey(survey) => &survey.scope,)*
                }
            }

            /// The same about another window and filter; a list begins anew.
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

            /// The schemas of what it is answered with: that of the answer first, then those of its parts.
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
    timeseries::Timeseries,
    ip::Ip,
    path::Path,
}

/// The shapes of reports that stand beside their question.
pub mod reports {
    pub use super::countries::{CountriesReport, CountryOrder, CountryStats};
    pub use super::ip::IpReport;
    pub use super::path::PathReport;
}

/// What the aggregator can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    Survey(AnySurvey),
    Export(Export),
    Status(Status),
}

/// A parameter that is not as it must be.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadParameter {
    pub name: String,
    pub reason: String,
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

    /// Reads a question by its name, as its texts have it, and its query string.
    pub fn read(name: &str, query: &str) -> Result<Self, NotUnderstood> {
        Self::find(query, |about| after(about.name, name))
    }

    /// Reads a question as the admin API is asked it.
    pub fn at(path: &str, query: &str) -> Result<Self, NotUnderstood> {
        Self::find(query, |about| after(about.path, path))
    }

    /// The question that tells what stands behind its name.
    fn find<'t>(
        query: &str,
        behind: impl Fn(&About) -> Option<&'t str>,
    ) -> Result<Self, NotUnderstood> {
        let mut every = Self::every().into_iter();
        let found = every.find_map(|question| Some((behind(question.about())?, question)));
        let (behind, mut question) = found.ok_or(NotUnderstood::Unknown)?;
        let mut bad = read(question.ask(), behind, query);
        bad.extend(question.interval().and_then(inverted));
        if bad.is_empty() {
            Ok(question)
        } else {
            Err(NotUnderstood::Parameters(bad))
        }
    }

    /// The same, if each parameter is one that it could have been read with; in its one spelling. For a question that was not read here.
    pub fn checked(mut self) -> Result<Self, Vec<BadParameter>> {
        let mut bad = check(self.ask());
        bad.extend(self.interval().and_then(inverted));
        if bad.is_empty() { Ok(self) } else { Err(bad) }
    }

    /// The question as [`Question::read`] reads it, each parameter written out: `name?query`. Equal questions are equal texts.
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

/// What stands in the place of the parameter that a name may end with. None: it is another name.
fn after<'t>(name: &str, text: &'t str) -> Option<&'t str> {
    match name.split_once('{') {
        Some((start, _)) => text.strip_prefix(start),
        None => (name == text).then_some(""),
    }
}

/// Gives a question the parameters that a client gave. Returns the bad ones.
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
        refuse(&name, "unknown parameter".to_owned());
    }
    bad
}

/// Reads each parameter of a question from its own text. Returns the bad ones.
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
    if bad.is_empty() {
        return Ok(survey);
    }
    let reasons = bad
        .iter()
        .map(|bad| format!("{}: {}", bad.name, bad.reason));
    Err(Failure::Invalid(reasons.collect::<Vec<_>>().join("; ")))
}

/// An interval that ends before it begins.
fn inverted(interval: Interval) -> Option<BadParameter> {
    let reason = interval.refusal()?.to_owned();
    let name = "to".to_owned();
    Some(BadParameter { name, reason })
}

/// The conditions of the filter come first.
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

fn json(report: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let unwritable = |error| Failure::Unavailable(format!("an answer as JSON: {error}"));
    serde_json::to_vec(report).map_err(unwritable)
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
