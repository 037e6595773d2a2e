//! The schemas of all requests and answers, by name. They come from the types in the code.

use rollcall_formats::REJECTIONS_SHOWN;
use rollcall_tally::alert::{AlertState, Event, Finding, FoundGroup, Rule};
use rollcall_tally::document::{AlertRule, Compare, Note, View};
use rollcall_tally::label::Label;
use rollcall_tally::question::{AnySurvey, BadParameter};
use rollcall_tally::reports::{
    Alert, AlertCheck, AlertNotification, AlertWindow, CacheStatus, Computed, DIFFERENCES_MAX,
    Difference, Estimate, EstimateSource, ExportRecord, FanOut, FanOutStatus, FoldStatus,
    GLOBAL_TOP_PATHS, Left, Length, ListedIn, Notification, OVERVIEW_COUNTRIES, OVERVIEW_IPS,
    Prewarmed, RefusedRequests, SeenText, Status, StoredBucket, StoredIp, StoredPath,
    TOP_COUNTRIES, UpTo, Verified, WindowVerified,
};
use rollcall_tally::state::USER_AGENTS_MAX;
use rollcall_tally::weekly::WeeklyReport;
use rollcall_tally::{
    BackupHead, BatchReceipt, BatchState, Drops, Receipt, Rejection, Repairs, Window,
};
use rollcall_web::Problem;
use rollcall_web::problem::Rejected;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, Components, ComponentsBuilder, Schema, Type};

use crate::bodies::{Export, SignIn, Stale};
use crate::{hit, responses, security, shapes};

/// The most entries of each list in an answer.
const LISTS: [(&str, &str, usize); 8] = [
    ("GlobalStats", "topPaths", GLOBAL_TOP_PATHS as usize),
    ("WindowVerified", "differences", DIFFERENCES_MAX),
    ("Overview", "topIPs", OVERVIEW_IPS as usize),
    ("Overview", "topCountries", OVERVIEW_COUNTRIES),
    ("PathStats", "topCountries", TOP_COUNTRIES),
    ("IpReport", "userAgents", USER_AGENTS_MAX),
    ("StoredIp", "userAgents", USER_AGENTS_MAX),
    ("Receipt", "rejections", REJECTIONS_SHOWN),
];

pub fn components() -> Components {
    let schemes = security::schemes().into_iter();
    let components = schemes.fold(ComponentsBuilder::new(), |all, (name, scheme)| {
        all.security_scheme(name, scheme)
    });
    let components = responses::headers()
        .into_iter()
        .fold(components, |all, (name, header)| all.header(name, header));
    let components = responses::shared()
        .into_iter()
        .fold(components, |all, (name, response)| {
            all.response(name, response)
        });
    let surveys = AnySurvey::every().into_iter();
    let components = surveys
        .flat_map(|survey| survey.schemas())
        .fold(components, |all, (name, schema)| all.schema(name, schema));
    let mut components = components
        .schema("Hit", hit::schema())
        .schema("OwnHit", hit::own())
        .schema_from::<Receipt>()
        .schema_from::<Rejection>()
        .schema_from::<BackupHead>()
        .schema_from::<BatchReceipt>()
        .schema_from::<BatchState>()
        .schema_from::<Stale>()
        .schema_from::<Export>()
        .schema_from::<ExportRecord>()
        .schema_from::<Status>()
        .schema_from::<CacheStatus>()
        .schema_from::<FoldStatus>()
        .schema_from::<FanOutStatus>()
        .schema_from::<FanOut>()
        .schema_from::<RefusedRequests>()
        .schema_from::<Drops>()
        .schema_from::<Repairs>()
        .schema_from::<Prewarmed>()
        .schema_from::<Verified>()
        .schema_from::<WindowVerified>()
        .schema_from::<Difference>()
        .schema_from::<Left>()
        .schema_from::<StoredIp>()
        .schema_from::<SeenText>()
        .schema_from::<StoredPath>()
        .schema_from::<StoredBucket>()
        .schema_from::<UpTo>()
        .schema_from::<ListedIn>()
        .schema_from::<Length>()
        .schema_from::<Computed>()
        .schema_from::<Estimate>()
        .schema_from::<EstimateSource>()
        .schema_from::<AlertCheck>()
        .schema_from::<Alert>()
        .schema_from::<Finding>()
        .schema_from::<Rule>()
        .schema_from::<AlertState>()
        .schema_from::<Notification>()
        .schema_from::<AlertNotification>()
        .schema_from::<AlertWindow>()
        .schema_from::<Event>()
        .schema_from::<FoundGroup>()
        .schema_from::<Label>()
        .schema_from::<Note>()
        .schema_from::<View>()
        .schema_from::<AlertRule>()
        .schema_from::<Compare>()
        .schema_from::<WeeklyReport>()
        .schema_from::<SignIn>()
        .schema_from::<Problem>()
        .schema_from::<Rejected>()
        .schema_from::<BadParameter>()
        .schema_from::<Window>()
        .build();
    components.schemas.values_mut().for_each(may_lack_parts);
    for (schema, list, items_max) in LISTS {
        limit(components.schemas.get_mut(schema), list, items_max);
    }
    components
}

/// Corrects a part that may be absent. utoipa describes such a part as `null`, like a field. But if
/// the part is absent, all of its fields are left out.
fn may_lack_parts(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::AllOf(whole)) = schema else {
        return;
    };
    for part in &mut whole.items {
        if let RefOr::T(Schema::OneOf(one)) = part {
            let there = one.items.iter().find(|item| matches!(item, RefOr::Ref(_)));
            let there = AnyOfBuilder::new().item(there.cloned().unwrap_or_default());
            *part = there.item(shapes::of(Type::Object)).into();
        }
    }
}

/// Sets how long a list can be.
fn limit(schema: Option<&mut RefOr<Schema>>, list: &str, items_max: usize) {
    let fields = match schema {
        Some(RefOr::T(Schema::Object(object))) => Some(object),
        Some(RefOr::T(Schema::AllOf(whole))) => {
            whole.items.iter_mut().find_map(|part| match part {
                RefOr::T(Schema::Object(object)) => Some(object),
                _ => None,
            })
        }
        _ => None,
    };
    let field = fields.and_then(|object| object.properties.get_mut(list));
    if let Some(RefOr::T(Schema::Array(array))) = field {
        array.max_items = Some(items_max);
    }
}
