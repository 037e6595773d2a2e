//! Questions whose answers are kept.

use rollcall_tally::IpOrder;
use rollcall_tally::report::{
    GlobalStats, IpReport, Overview, PathOrder, PathReport, Timeseries, TopIps, TopPaths,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ASK, Path, get, operation};
use crate::examples;
use crate::parameters::Parameters;
use crate::responses::{Error, OF_A_QUESTION, errors, kept, not_modified, or_sign_in};
use crate::security::Access;

/// A question as it is put.
struct Asked {
    path: &'static str,
    id: &'static str,
    name: &'static str,
    about: &'static str,
    parameters: Parameters,
    /// Errors beside those of every question.
    errors: &'static [Error],
}

/// The path of a question, which is answered with a `T`.
fn question<T: ToSchema + Serialize>(asked: Asked, example: &impl Serialize) -> Path {
    let parameters = asked.parameters.and_headers();
    let (id, name, about) = (asked.id, asked.name, asked.about);
    let operation = operation(ASK, id, name, about, Access::Viewers, parameters);
    let operation = operation
        .response("200", kept::<T>("The answer.", example))
        .response("304", not_modified());
    let operation = errors(errors(operation, &OF_A_QUESTION), asked.errors);
    get(asked.path, or_sign_in(operation))
}

pub fn global_stats() -> Path {
    let asked = Asked {
        path: "/admin/global-stats",
        id: "globalStats",
        name: "Totals over all IPs",
        about: "Totals over all IPs, and the most called paths.",
        parameters: Parameters::of("global-stats", "")
            .window()
            .flag(
                "includeMetrics",
                "With status classes, errors, response times and bytes.",
            )
            .flag(
                "includeCosts",
                "With what the hits of the window would cost at the prices that are configured.",
            )
            .filter(),
        errors: &[],
    };
    question::<GlobalStats>(asked, &examples::global_stats())
}

pub fn overview() -> Path {
    let asked = Asked {
        path: "/admin/overview",
        id: "overview",
        name: "All that a dashboard opens with",
        about: "Totals, new IPs, the first of paths, IPs, countries and methods, and a timeline: of one moment, in one answer.",
        parameters: Parameters::of("overview", "").window().filter(),
        errors: &[],
    };
    question::<Overview>(asked, &examples::overview())
}

pub fn top_paths() -> Path {
    let orders = PathOrder::EVERY.map(PathOrder::name);
    let asked = Asked {
        path: "/admin/top-paths",
        id: "topPaths",
        name: "The first of all paths",
        about: "The first of all paths by an order: calls, callers, countries, errors and response times of each.",
        parameters: Parameters::of("top-paths", "")
            .window()
            .limit()
            .one_of(
                "sortBy",
                &orders,
                "The order, descending. Equals by path key; what told no response time last.",
            )
            .filter(),
        errors: &[],
    };
    question::<TopPaths>(asked, &examples::top_paths_of_all())
}

pub fn top_ips() -> Path {
    let orders = IpOrder::EVERY.map(IpOrder::name);
    let asked = Asked {
        path: "/admin/top-ips",
        id: "topIps",
        name: "The first of all IPs",
        about: "The first of all IPs by an order: calls, paths and errors of each, and when it was seen.",
        parameters: Parameters::of("top-ips", "")
            .window()
            .limit()
            .one_of(
                "sortBy",
                &orders,
                "The order, descending. Equals by address as text.",
            )
            .filter(),
        errors: &[],
    };
    question::<TopIps>(asked, &examples::top_ips())
}

pub fn timeseries() -> Path {
    let asked = Asked {
        path: "/admin/timeseries",
        id: "timeseries",
        name: "A timeline",
        about: "Requests, errors and response times over the window bucket by bucket, beside the period of the same length before it. \
                The example shows the newest buckets alone; an answer has all of them.",
        parameters: Parameters::of("timeseries", "").window().filter(),
        errors: &[],
    };
    question::<Timeseries>(asked, &examples::timeseries())
}

pub fn ip() -> Path {
    let asked = Asked {
        path: "/admin/ips/{ip}",
        id: "ip",
        name: "One IP in full",
        about: "What it did, the paths that it called, its user agents and its timeline. An IP that is tracked and did nothing in the \
                window is told with zeros.",
        parameters: Parameters::of("ips/192.0.2.1", "")
            .ip()
            .window()
            .limit()
            .offset()
            .filter_of_ip(),
        errors: &[Error::NotTracked],
    };
    question::<IpReport>(asked, &examples::ip())
}

pub fn path() -> Path {
    let asked = Asked {
        path: "/admin/paths",
        id: "path",
        name: "One path in full",
        about: "What was done on it, the IPs that called it most, and its timeline. A path that nobody called in the window is told with \
                zeros, whether it was ever called or not.",
        parameters: Parameters::of("paths", "key=GET%20/")
            .key()
            .window()
            .limit()
            .filter(),
        errors: &[],
    };
    question::<PathReport>(asked, &examples::path())
}
