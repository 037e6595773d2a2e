//! The reports: each asks the IPs that can matter, and shapes what they say.

use std::net::IpAddr;

use rollcall_tally::report::{
    self, CostMetrics, GlobalStats, IpReport, Overview, PathOrder, PathReport, Provenance,
    Timeline, Timeseries, TopIps, TopPaths,
};
use rollcall_tally::{Details, Failure, Filter, IpOrder, Summary, Window};

use crate::alerts;
use crate::audience::Audience;
use crate::clock::now_ms;
use crate::query::Query;
use crate::settings::Settings;

/// A report, and what it was made of.
pub struct Told<T> {
    pub report: T,
    /// Share of the IPs asked that answered.
    pub coverage: f64,
    /// Something recorded is not in it yet.
    pub is_behind: bool,
    /// Hits in the window.
    pub hits: u64,
    /// ... of which within the last hour.
    pub last_hour: u64,
}

pub async fn global_stats(
    settings: &Settings,
    window: Window,
    filter: &Filter,
    include_metrics: bool,
    include_costs: bool,
) -> Result<Told<GlobalStats>, Failure> {
    let details = Details {
        paths: true,
        ..Details::default()
    };
    let asked = ask(settings, window, filter, details).await?;
    let active = asked.active;
    Ok(asked.tell(|summary, provenance| {
        let days = report::days(&provenance, summary.first_seen_ms);
        let costs = CostMetrics::new(&summary.tally, days, settings.prices, &provenance);
        let mut stats = GlobalStats::new(summary, active, provenance);
        stats.cost_metrics = include_costs.then_some(costs);
        stats.metrics = stats.metrics.filter(|_| include_metrics);
        stats
    }))
}

pub async fn overview(
    settings: &Settings,
    window: Window,
    filter: &Filter,
) -> Result<Told<Overview>, Failure> {
    let details = Details {
        paths: true,
        callers: report::OVERVIEW_IPS,
        timeline: true,
        ..Details::default()
    };
    let asked = ask(settings, window, filter, details).await?;
    let active = asked.active;
    Ok(asked.tell(|summary, provenance| Overview::new(summary, active, provenance)))
}

pub async fn top_paths(
    settings: &Settings,
    window: Window,
    filter: &Filter,
    limit: u32,
    order: PathOrder,
) -> Result<Told<TopPaths>, Failure> {
    let details = Details {
        paths: true,
        ..Details::default()
    };
    let asked = ask(settings, window, filter, details).await?;
    Ok(asked.tell(|summary, provenance| TopPaths {
        paths: report::top_paths(summary.paths, order, 0, limit, &provenance),
        provenance,
    }))
}

pub async fn top_ips(
    settings: &Settings,
    window: Window,
    filter: &Filter,
    limit: u32,
    order: IpOrder,
) -> Result<Told<TopIps>, Failure> {
    let details = Details {
        callers: limit,
        order,
        ..Details::default()
    };
    let asked = ask(settings, window, filter, details).await?;
    Ok(asked.tell(TopIps::new))
}

pub async fn timeseries(
    settings: &Settings,
    window: Window,
    filter: &Filter,
) -> Result<Told<Timeseries>, Failure> {
    let details = Details {
        timeline: true,
        ..Details::default()
    };
    let asked = ask(settings, window, filter, details).await?;
    Ok(asked.tell(|summary, provenance| Timeseries {
        timeline: Timeline::new(&summary, &provenance),
        provenance,
    }))
}

/// One IP in full; `not-found` if it is not tracked.
pub async fn ip(
    settings: &Settings,
    ip: IpAddr,
    window: Window,
    filter: &Filter,
    offset: u32,
    limit: u32,
) -> Result<Told<IpReport>, Failure> {
    let details = Details {
        paths: true,
        callers: 1,
        timeline: true,
        profiles: true,
        ..Details::default()
    };
    let of_ip = Filter {
        ip: Some(ip.to_string()),
        ..filter.clone()
    };
    let mut asked = ask(settings, window, &of_ip, details).await?;
    if asked.ips == 0 {
        return Err(Failure::NotFound(format!("The IP {ip} is not tracked.")));
    }
    // What is asked about is no condition.
    asked.provenance.filter = filter.some();
    let told = asked.tell(|summary, provenance| IpReport::new(summary, offset, limit, provenance));
    let silent = || Failure::Unavailable(format!("the state of {ip} was not read"));
    Ok(Told {
        report: told.report.ok_or_else(silent)?,
        coverage: told.coverage,
        is_behind: told.is_behind,
        hits: told.hits,
        last_hour: told.last_hour,
    })
}

/// One path in full; zeros if nobody called it in the window.
pub async fn path(
    settings: &Settings,
    key: &str,
    window: Window,
    filter: &Filter,
    limit: u32,
) -> Result<Told<PathReport>, Failure> {
    let details = Details {
        paths: true,
        callers: limit,
        timeline: true,
        ..Details::default()
    };
    let of_path = Filter {
        path_key: Some(key.to_owned()),
        ..filter.clone()
    };
    let mut asked = ask(settings, window, &of_path, details).await?;
    // What is asked about is no condition.
    asked.provenance.filter = filter.some();
    Ok(asked.tell(|summary, provenance| PathReport::new(key.to_owned(), summary, provenance)))
}

/// What the IPs said.
struct Asked {
    summary: Summary,
    provenance: Provenance,
    /// IPs seen within `active_days`, whatever the window.
    active: u64,
    /// IPs that were asked.
    ips: usize,
}

async fn ask(
    settings: &Settings,
    window: Window,
    filter: &Filter,
    details: Details,
) -> Result<Asked, Failure> {
    let query = Query {
        window,
        filter: filter.clone(),
        details,
    };
    let audience = Audience::gather(settings, &query).await?;
    let mut answers = audience.ask(settings, &query).await?;
    alerts::check_later_if_due();
    let behind = audience.snapshot.behind;
    answers
        .warnings
        .extend(behind.map(|behind| behind.to_string()));
    Ok(Asked {
        summary: answers.summary,
        provenance: Provenance {
            time_range: window,
            filter: filter.some(),
            as_of_ms: audience.snapshot.as_of_ms,
            generated_at_ms: now_ms(),
            coverage: answers.coverage,
            warnings: answers.warnings,
            behind,
        },
        active: audience.active,
        ips: audience.ips.len(),
    })
}

impl Asked {
    fn tell<T>(self, report: impl FnOnce(Summary, Provenance) -> T) -> Told<T> {
        Told {
            coverage: self.provenance.coverage,
            is_behind: self.provenance.behind.is_some(),
            hits: self.summary.tally.count,
            last_hour: self.summary.last_hour,
            report: report(self.summary, self.provenance),
        }
    }
}
