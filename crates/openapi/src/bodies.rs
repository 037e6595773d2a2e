//! Bodies that have no type in the code that sends or reads them.

use rollcall_tally::filter::as_parameters::Parameters;
use rollcall_tally::question::DateRange;
use rollcall_tally::reports::ExportRecord;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::shapes;

/// The field that only an old answer has.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is wanted")]
pub struct Stale {
    /// `true` in an old answer that is given because there is no new one. Otherwise absent.
    #[schema(required = false, nullable = false)]
    stale: Option<bool>,
}

/// An export as JSON, with `includeMetadata=true`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    #[schema(format = DateTime)]
    pub exported_at: String,
    /// Absent if `from` or `to` was given.
    #[schema(schema_with = date_range, required = false)]
    pub date_range: String,
    /// The start of the first bucket that counts. `null`: all hits up to `to` count.
    #[schema(format = DateTime, required)]
    pub from: Option<String>,
    /// The end of the last bucket that counts.
    #[schema(format = DateTime)]
    pub to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Parameters, required = false)]
    pub filter: Option<()>,
    /// Says how many IPs are not tracked any more, and how many hits have no row for it.
    pub warnings: Vec<String>,
    /// The rows, in no order.
    pub data: Vec<ExportRecord<'static>>,
    /// The number of rows in `data`.
    pub total_records: u64,
}

fn date_range() -> Object {
    shapes::one_of(&DateRange::EVERY.map(DateRange::name)).build()
}

/// The form of the sign-in page.
#[derive(Serialize, ToSchema)]
pub struct SignIn {
    /// The token of an admin or a viewer.
    pub token: String,
    /// The page to go to after signing in, if it is a path under `/admin/`. Otherwise the client
    /// goes to `/admin/`.
    #[schema(required = false)]
    pub next: String,
}
