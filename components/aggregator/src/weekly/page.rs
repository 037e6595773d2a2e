//! The weekly report as a page for mail programs.

use std::borrow::Cow;

use askama::Template;
use rollcall_tally::number::grouped;
use rollcall_tally::question::reports::{MoverStats, MoversReport};
use rollcall_tally::shown::shown;
use rollcall_tally::weekly::{WeeklyReport, change_of};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'r> {
    report: &'r WeeklyReport,
    text: Cow<'r, str>,
    tables: [Table; 4],
}

/// A table without rows is left out.
struct Table {
    title: &'static str,
    heads: [&'static str; 4],
    rows: Vec<[String; 4]>,
}

pub fn render(report: &WeeklyReport) -> Result<String, askama::Error> {
    let stats = &report.overview.stats;
    let paths = stats.top_paths.iter().map(|path| {
        [
            shown(&path.path_key).into_owned(),
            grouped(path.total_requests),
            grouped(path.unique_ips),
            percent(path.metrics.error_rate),
        ]
    });
    let ips = report.overview.top_ips.iter().map(|ip| {
        [
            named(&ip.ip, &ip.labels),
            grouped(ip.total_requests),
            grouped(ip.unique_paths),
            percent(ip.metrics.error_rate),
        ]
    });
    let tables = [
        Table {
            title: "Paths called most",
            heads: ["Path", "Requests", "IPs", "Errors"],
            rows: paths.collect(),
        },
        Table {
            title: "IPs that called most",
            heads: ["IP", "Requests", "Paths", "Errors"],
            rows: ips.collect(),
        },
        changes("Paths that changed", "Path", &report.paths),
        changes("IPs that changed", "IP", &report.ips),
    ];
    let text = shown(&report.text);
    let page = Page {
        report,
        text,
        tables,
    };
    page.render()
}

fn changes(title: &'static str, name: &'static str, of: &MoversReport) -> Table {
    let row = |of: &MoverStats| {
        [
            named(&of.name, &of.labels),
            change_of(of).to_owned(),
            grouped(of.current.total_requests),
            grouped(of.against.total_requests),
        ]
    };
    Table {
        title,
        heads: [name, "Change", "Requests", "The week before"],
        rows: of.movers.iter().map(row).collect(),
    }
}

fn named(name: &str, labels: &[String]) -> String {
    let name = shown(name);
    match labels {
        [] => name.into_owned(),
        labels => format!("{name} ({})", labels.join(", ")),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
