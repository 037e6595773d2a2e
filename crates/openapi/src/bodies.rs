//! Bodies that have no type in the code that sends or reads them.

use rollcall_tally::filter::as_parameters::Parameters;
use rollcall_tally::question::DateRange;
use rollcall_tally::reports::ExportRecord;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::shapes;

/// What an old answer says, beside what it always says.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is wanted")]
pub struct Stale {
    /// `true` in an old answer that is given for want of a new one; else left out.
    #[schema(required = false, nullable = false)]
    stale: Option<bool>,
}

/// An export as JSON, with `includeMetadata=true`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    #[schema(format = DateTime)]
    pub exported_at: String,
    /// Left out: `from` or `to` was given.
    #[schema(schema_with = date_range, required = false)]
    pub date_range: String,
    /// When the first bucket begins that counts. `null`: all hits up to `to` count.
    #[schema(format = DateTime, required)]
    pub from: Option<String>,
    /// When the last bucket ends that counts.
    #[schema(format = DateTime)]
    pub to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Parameters, required = false)]
    pub filter: Option<()>,
    /// In no order.
    pub data: Vec<ExportRecord>,
    /// How many there are in `data`.
    pub total_records: u64,
}

fn date_range() -> Object {
    shapes::one_of(&DateRange::EVERY.map(DateRange::name)).build()
}

/// The form of the sign-in page.
#[derive(Serialize, ToSchema)]
pub struct SignIn {
    /// Of an admin or a viewer.
    pub token: String,
    /// Where to go then: a path under `/admin/`. Else to `/admin/`.
    #[schema(required = false)]
    pub next: String,
}
