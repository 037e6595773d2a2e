//! Schemas that are referred to by their name.

use rollcall_tally::question::AnySurvey;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr};

/// The schema of a type that is sent.
pub fn of<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

/// The name of a survey's report.
pub fn of_survey(survey: &AnySurvey) -> String {
    let mut schemas = survey.schemas().into_iter();
    schemas.next().map(|(name, _)| name).unwrap_or_default()
}
