//! The same answers over WIT, for components that ask without HTTP.

use std::net::IpAddr;

use rollcall_tally::against::Against;
use rollcall_tally::filter::read_path_key;
use rollcall_tally::question::Direction;
use rollcall_tally::question::{self, Scope, Survey};
use rollcall_tally::reports::{
    ApiUsageReport, BacktestReport, BreakdownReport, CountriesReport, GlobalStats, GroupReport,
    IpReport, MoversReport, Overview, PathOrder, PathReport, RetirementReport, Timeseries, TopIps,
    TopPaths,
};
use rollcall_tally::{Dimension, Failure, Filter, Grouping, IpOrder, Metric, Per, Window};

use crate::settings::Settings;
use crate::{answer, documents};

#[allow(unsafe_code, reason = "made by wit-bindgen")]
#[allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "aggregator-interfaces",
        with: {
            "rollcall:stats/types@0.1.0": rollcall_tally::contract,
            "rollcall:stats/reports@0.1.0": rollcall_tally::reports,
        },
        generate_all,
    });
    use super::Aggregator;
    export!(Aggregator with_types_in self);
}

use bindings::exports::rollcall::stats::aggregator::{Against as Other, Listing, MoversListing};

struct Aggregator;

impl bindings::exports::rollcall::stats::aggregator::Guest for Aggregator {
    async fn get_global_stats(
        window: Window,
        filter: Filter,
        include_metrics: bool,
        include_costs: bool,
    ) -> Result<GlobalStats, Failure> {
        let scope = scope(window, filter)?;
        answer(question::GlobalStats {
            scope,
            include_metrics,
            include_costs,
        })
        .await
    }

    async fn get_overview(window: Window, filter: Filter) -> Result<Overview, Failure> {
        let scope = scope(window, filter)?;
        answer(question::Overview { scope }).await
    }

    async fn get_top_paths(
        window: Window,
        filter: Filter,
        limit: u32,
        order: PathOrder,
    ) -> Result<TopPaths, Failure> {
        let scope = scope(window, filter)?;
        answer(question::TopPaths {
            scope,
            limit,
            order,
        })
        .await
    }

    async fn get_top_ips(
        window: Window,
        filter: Filter,
        limit: u32,
        order: IpOrder,
    ) -> Result<TopIps, Failure> {
        let scope = scope(window, filter)?;
        answer(question::TopIps {
            scope,
            limit,
            order,
        })
        .await
    }

    async fn get_countries(
        window: Window,
        filter: Filter,
        limit: u32,
        order: Metric,
    ) -> Result<CountriesReport, Failure> {
        let scope = scope(window, filter)?;
        answer(question::Countries {
            scope,
            limit,
            order,
        })
        .await
    }

    async fn get_breakdown(
        window: Window,
        filter: Filter,
        by: Grouping,
        listing: Listing,
    ) -> Result<BreakdownReport, Failure> {
        let scope = scope(window, filter)?;
        answer(question::Breakdown {
            scope,
            by,
            metrics: listing.metrics,
            order: listing.order,
            direction: match listing.ascending {
                true => Direction::Ascending,
                false => Direction::Descending,
            },
            limit: listing.limit,
            offset: listing.offset,
            search: listing.search,
            buckets: listing.buckets,
            estimate: false,
        })
        .await
    }

    async fn get_movers(
        window: Window,
        filter: Filter,
        by: Grouping,
        against: Other,
        listing: MoversListing,
    ) -> Result<MoversReport, Failure> {
        let scope = scope(window, filter)?;
        answer(question::Movers {
            scope,
            by,
            against: match against {
                Other::Previous => Against::Previous,
                Other::Week => Against::Week,
                Other::Between(interval) => Against::Between(interval),
            },
            changes: listing.changes,
            min_score: listing.min_score,
            limit: listing.limit,
            search: listing.search,
        })
        .await
    }

    async fn get_group(
        window: Window,
        by: Dimension,
        name: String,
    ) -> Result<GroupReport, Failure> {
        let scope = scope(window, Filter::default())?;
        let name = Some(name);
        answer(question::Group { scope, by, name }).await
    }

    async fn get_timeseries(window: Window, filter: Filter) -> Result<Timeseries, Failure> {
        let scope = scope(window, filter)?;
        answer(question::Timeseries { scope }).await
    }

    async fn get_ip(
        ip: String,
        window: Window,
        filter: Filter,
        offset: u32,
        limit: u32,
    ) -> Result<IpReport, Failure> {
        // The IP is the subject of the question, not a condition.
        let filter = Filter { ip: None, ..filter };
        let scope = scope(window, filter)?;
        let ip = ip.parse::<IpAddr>();
        let ip = ip.map_err(|error| Failure::Invalid(format!("ip: {error}")))?;
        answer(question::Ip {
            ip,
            scope,
            limit,
            offset,
        })
        .await
    }

    async fn get_path(
        path_key: String,
        window: Window,
        filter: Filter,
        limit: u32,
    ) -> Result<PathReport, Failure> {
        let scope = scope(window, filter)?;
        let key = path_key;
        answer(question::Path { key, scope, limit }).await
    }

    async fn get_retirement(
        path_key: String,
        window: Window,
        limit: u32,
    ) -> Result<RetirementReport, Failure> {
        let (key, scope) = (path_key, scope(window, Filter::default())?);
        answer(question::Retirement { key, scope, limit }).await
    }

    async fn get_api_usage(
        window: Window,
        filter: Filter,
        limit: u32,
    ) -> Result<ApiUsageReport, Failure> {
        let scope = scope(window, filter)?;
        answer(question::ApiUsage { scope, limit }).await
    }

    async fn get_backtest(
        window: Window,
        filter: Filter,
        by: Grouping,
        per: Option<Per>,
        max: u32,
        limit: u32,
    ) -> Result<BacktestReport, Failure> {
        let scope = scope(window, filter)?;
        answer(question::Backtest {
            scope,
            by,
            per,
            max,
            limit,
        })
        .await
    }
}

/// The path key of a filter is not a parameter of a question. So it is read here.
fn scope(window: Window, mut filter: Filter) -> Result<Scope, Failure> {
    let key = filter.path_key.as_deref().map(read_path_key).transpose();
    filter.path_key = key.map_err(|reason| Failure::Invalid(format!("key: {reason}")))?;
    Ok(Scope {
        window,
        filter,
        ..Scope::default()
    })
}

async fn answer<S: Survey>(survey: S) -> Result<S::Report, Failure> {
    let mut survey = question::checked(survey)?;
    let settings = Settings::read().await;
    let known = documents::current().await?;
    let query = survey.query();
    let asked = answer::ask_survey(&settings, &mut survey, query, &known).await?;
    survey.report(asked)
}
