//! The same answers for components that ask with no HTTP.

use std::net::IpAddr;

use rollcall_tally::question::BadParameter;
use rollcall_tally::report::{
    GlobalStats, IpReport, Overview, PathOrder, PathReport, Timeseries, TopIps, TopPaths,
};
use rollcall_tally::{Failure, Filter, IpOrder, Window};

use crate::reports;
use crate::settings::Settings;

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
            "rollcall:stats/reports@0.1.0": rollcall_tally::report,
        },
        generate_all,
    });
    use super::Aggregator;
    export!(Aggregator with_types_in self);
}

struct Aggregator;

impl bindings::exports::rollcall::stats::aggregator::Guest for Aggregator {
    async fn get_global_stats(
        window: Window,
        filter: Filter,
        include_metrics: bool,
        include_costs: bool,
    ) -> Result<GlobalStats, Failure> {
        let filter = checked(filter)?;
        let settings = Settings::read().await;
        let told =
            reports::global_stats(&settings, window, &filter, include_metrics, include_costs);
        Ok(told.await?.report)
    }

    async fn get_overview(window: Window, filter: Filter) -> Result<Overview, Failure> {
        let filter = checked(filter)?;
        let settings = Settings::read().await;
        let told = reports::overview(&settings, window, &filter);
        Ok(told.await?.report)
    }

    async fn get_top_paths(
        window: Window,
        filter: Filter,
        limit: u32,
        order: PathOrder,
    ) -> Result<TopPaths, Failure> {
        let filter = checked(filter)?;
        let settings = Settings::read().await;
        let told = reports::top_paths(&settings, window, &filter, limit, order);
        Ok(told.await?.report)
    }

    async fn get_top_ips(
        window: Window,
        filter: Filter,
        limit: u32,
        order: IpOrder,
    ) -> Result<TopIps, Failure> {
        let filter = checked(filter)?;
        let settings = Settings::read().await;
        let told = reports::top_ips(&settings, window, &filter, limit, order);
        Ok(told.await?.report)
    }

    async fn get_timeseries(window: Window, filter: Filter) -> Result<Timeseries, Failure> {
        let filter = checked(filter)?;
        let settings = Settings::read().await;
        let told = reports::timeseries(&settings, window, &filter);
        Ok(told.await?.report)
    }

    async fn get_ip(
        ip: String,
        window: Window,
        filter: Filter,
        offset: u32,
        limit: u32,
    ) -> Result<IpReport, Failure> {
        let address = ip.parse::<IpAddr>();
        let address = address.map_err(|error| Failure::Invalid(format!("ip: {error}")))?;
        let filter = checked(filter)?;
        let settings = Settings::read().await;
        let ip = address.to_canonical();
        let told = reports::ip(&settings, ip, window, &filter, offset, limit);
        Ok(told.await?.report)
    }

    async fn get_path(
        path_key: String,
        window: Window,
        filter: Filter,
        limit: u32,
    ) -> Result<PathReport, Failure> {
        let mut filter = checked(Filter {
            path_key: Some(path_key),
            ..filter
        })?;
        let key = filter.path_key.take().unwrap_or_default();
        let settings = Settings::read().await;
        let told = reports::path(&settings, &key, window, &filter, limit);
        Ok(told.await?.report)
    }
}

fn checked(filter: Filter) -> Result<Filter, Failure> {
    let reason = |bad: &BadParameter| format!("{}: {}", bad.name, bad.reason);
    filter.check().map_err(|bad| {
        let reasons: Vec<String> = bad.iter().map(reason).collect();
        Failure::Invalid(reasons.join("; "))
    })
}
