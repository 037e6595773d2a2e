//! Questions whose answers are kept: the surveys, and the status.

use rollcall_tally::question::{AnySurvey, Ask, Status};
use rollcall_tally::report;
use serde::Serialize;
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};

use super::group::{ASK, OPERATE};
use super::path::{Path, get, operation};
use crate::responses::{Error, OF_A_QUESTION, errors, kept, not_modified, or_sign_in};
use crate::security::Access;
use crate::{examples, parameters, refs};

/// Every survey.
pub fn surveys() -> Vec<Path> {
    let each = AnySurvey::every().into_iter().zip(AnySurvey::examples());
    let path = |(mut survey, mut example): (AnySurvey, AnySurvey)| {
        let answer = examples::answer(&example);
        let report = Ref::from_schema_name(refs::of_survey(&survey));
        let schema = match survey {
            AnySurvey::Breakdown(_) => {
                let either = AnyOfBuilder::new().item(report);
                Schema::from(either.item(refs::of::<report::Estimate>()).build()).into()
            }
            _ => report.into(),
        };
        // If the path has a value, such as an IP, nothing may be known of the value.
        let own: &[Error] = match survey.query().is_of_api {
            true => &[Error::NoApi],
            false if survey.ask().about().path.contains('{') => &[Error::NotTracked],
            false => &[],
        };
        path(ASK, survey.ask(), example.ask(), schema, &answer, own)
    };
    each.map(path).collect()
}

pub fn aggregator_status() -> Path {
    let schema = refs::of::<report::Status>();
    let answer = examples::status();
    path(OPERATE, &mut Status, &mut Status, schema, &answer, &[])
}

fn path(
    group: &str,
    question: &mut dyn Ask,
    example: &mut dyn Ask,
    schema: RefOr<Schema>,
    answer: &impl Serialize,
    own_errors: &[Error],
) -> Path {
    let about = question.about();
    let operation = operation(
        group,
        about.id,
        about.summary,
        about.description,
        Access::Viewers,
        parameters::of_kept(question, example),
    );
    let operation = operation
        .response("200", kept("The answer.", schema, answer))
        .response("304", not_modified());
    let operation = errors(errors(operation, &OF_A_QUESTION), own_errors);
    get(about.path, or_sign_in(operation))
}
