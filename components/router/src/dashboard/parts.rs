//! What the pages are made of: cards, plots, tables, and what stands around them.

use rollcall_tally::question::{ExportFormat, LIMIT_MAX, Question};
use rollcall_tally::report::{
    CountryShare, IpStats, MethodShare, Metrics, PathOrder, PathStats, Period, Provenance, Status,
    Timeline, TimelineBucket,
};
use rollcall_tally::tally::ratio;
use rollcall_tally::{Filter, IpOrder, StatusClass, StatusCounts, Window};

use super::chart::{self, Chart};
use super::format::{self, Change, Moment, More};
use super::link::{self, Condition};

/// A link that may be the one that is shown.
pub struct Link {
    pub text: &'static str,
    pub href: String,
    pub is_current: bool,
}

/// A condition of the filter, and where it is not.
pub struct Chip {
    pub label: &'static str,
    pub value: String,
    pub without: String,
}

/// A field of the form that filters.
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub value: String,
    /// What it may be, if that is a list.
    pub options: Vec<&'static str>,
    pub example: &'static str,
}

/// One line of what tells whether the numbers can be trusted.
pub struct Health {
    pub label: &'static str,
    pub value: String,
    pub is_well: bool,
    pub hint: String,
}

/// What surrounds every page that shows an answer.
pub struct Frame {
    pub title: String,
    pub places: Vec<Link>,
    pub ranges: Vec<Link>,
    pub chips: Vec<Chip>,
    pub fields: Vec<Field>,
    /// Where the form goes, and what it keeps.
    pub form: (String, Vec<(String, String)>),
    /// The page with no filter.
    pub unfiltered: String,
    /// The same page.
    pub here: String,
    pub exports: Vec<Link>,
    pub export_range: &'static str,
    pub as_of: Moment,
    pub is_stale: bool,
    pub warnings: Vec<String>,
    pub health: Vec<Health>,
    /// A person who can sign out.
    pub by_cookie: bool,
}

impl Frame {
    pub fn new(title: String, question: &Question, provenance: &Provenance) -> Self {
        let (window, filter) = scope(question);
        let of_ip = match question {
            Question::Ip { ip, .. } => Condition::Ip.set(&filter, Some(&ip.to_string())),
            _ => filter.clone(),
        };
        let exported = match question {
            Question::Path { key, .. } => of_path(&of_ip, key).unwrap_or(of_ip),
            _ => of_ip,
        };
        let exports = ExportFormat::EVERY.map(|format| Link {
            text: match format {
                ExportFormat::Json => "JSON",
                ExportFormat::Csv => "CSV",
                ExportFormat::Ndjson => "NDJSON",
            },
            href: link::export(window, exported.clone(), format),
            is_current: false,
        });
        Self {
            title,
            places: places(question),
            ranges: ranges(question),
            chips: chips(question),
            fields: fields(question),
            form: link::form_of(question),
            unfiltered: link::page(&question.clone().with_scope(window, Filter::default())),
            here: link::page(question),
            exports: exports.into(),
            export_range: link::export_range(window).name(),
            as_of: Moment::new(provenance.as_of_ms),
            is_stale: false,
            warnings: provenance.warnings.clone(),
            health: Vec::new(),
            by_cookie: false,
        }
    }
}

/// The window and the filter that a page is about.
pub fn scope(question: &Question) -> (Window, Filter) {
    let scope = question.scope();
    scope.map_or((Window::Day, Filter::default()), |(window, filter)| {
        (window, filter.clone())
    })
}

/// What one can always go to, about the same window and filter: the overview, all paths, all IPs.
pub fn always(question: &Question) -> [Question; 3] {
    let (window, filter) = scope(question);
    [
        Question::Overview {
            window,
            filter: filter.clone(),
        },
        Question::TopPaths {
            window,
            filter: filter.clone(),
            limit: LIMIT_MAX,
            order: PathOrder::Requests,
        },
        Question::TopIps {
            window,
            filter,
            limit: LIMIT_MAX,
            order: IpOrder::Requests,
        },
    ]
}

fn places(question: &Question) -> Vec<Link> {
    let texts = ["Overview", "Paths", "IPs"].into_iter();
    let place = |(text, there): (&'static str, Question)| Link {
        text,
        href: link::page(&there),
        is_current: std::mem::discriminant(&there) == std::mem::discriminant(question),
    };
    texts.zip(always(question)).map(place).collect()
}

fn ranges(question: &Question) -> Vec<Link> {
    let (current, filter) = scope(question);
    let range = |window: Window| Link {
        text: window.name(),
        href: link::page(&question.clone().with_scope(window, filter.clone())),
        is_current: window == current,
    };
    Window::EVERY.map(range).into()
}

fn chips(question: &Question) -> Vec<Chip> {
    let (window, filter) = scope(question);
    let chip = |condition: Condition| {
        let without = condition.set(&filter, None);
        Some(Chip {
            label: condition.label(),
            value: condition.of(&filter)?.to_owned(),
            without: link::page(&question.clone().with_scope(window, without)),
        })
    };
    Condition::EVERY.into_iter().filter_map(chip).collect()
}

fn fields(question: &Question) -> Vec<Field> {
    let (_, filter) = scope(question);
    let is_of_ip = matches!(question, Question::Ip { .. });
    let wanted = |condition: &Condition| !(is_of_ip && *condition == Condition::Ip);
    let field = |condition: Condition| Field {
        name: condition.parameter(),
        label: condition.label(),
        value: condition.of(&filter).unwrap_or_default().to_owned(),
        options: match condition {
            Condition::Status => StatusClass::EVERY.map(StatusClass::name).into(),
            _ => Vec::new(),
        },
        example: match condition {
            Condition::Ip => "192.0.2.1 or 192.0.2.0/24",
            Condition::PathPrefix => "/users",
            Condition::Method => "GET",
            Condition::Status => "",
            Condition::Country => "DE",
        },
    };
    Condition::EVERY
        .into_iter()
        .filter(wanted)
        .map(field)
        .collect()
}

/// A filter narrowed to a path and its method. None: the key names neither.
fn of_path(filter: &Filter, key: &str) -> Option<Filter> {
    let (method, path) = key.split_once(' ')?;
    let filter = Condition::Method.set(filter, Some(method));
    path.starts_with('/')
        .then(|| Condition::PathPrefix.set(&filter, Some(path)))
}

/// The same page, narrowed.
fn narrowed(question: &Question, condition: Condition, value: &str) -> String {
    let (window, filter) = scope(question);
    let filter = condition.set(&filter, Some(value));
    link::page(&question.clone().with_scope(window, filter))
}

/// A number with what it was before.
pub struct Card {
    pub label: &'static str,
    pub value: String,
    pub note: String,
    pub change: Option<Change>,
}

impl Card {
    fn new(label: &'static str, value: String, note: String, change: Option<Change>) -> Self {
        Self {
            label,
            value,
            note,
            change,
        }
    }
}

/// Requests, errors and response times of a page, each with its change against the period before.
pub fn cards(metrics: Option<&Metrics>, timeline: &Timeline) -> Vec<Card> {
    let now = &timeline.current;
    let before = timeline.previous.as_ref();
    let change =
        |of: fn(&Period) -> Option<f64>, more| Change::new(of(now), before.and_then(of), more);
    let rate = |period: &Period| {
        let has_some = period.total_requests > 0;
        has_some.then(|| ratio(period.errors, period.total_requests))
    };
    let sent = metrics.and_then(|metrics| metrics.total_bytes);
    let p50 = now.p50_response_time;
    vec![
        Card::new(
            "Requests",
            format::count(now.total_requests),
            sent.map_or_else(String::new, |sent| {
                format!("{} sent", format::bytes(Some(sent)))
            }),
            change(|period| Some(period.total_requests as f64), More::IsNeutral),
        ),
        Card::new(
            "Error rate",
            format::share(rate(now)),
            format!("{} errors", format::count(now.errors)),
            change(rate, More::IsBad),
        ),
        Card::new(
            "Response time, p95",
            format::duration(now.p95_response_time),
            match p50 {
                Some(_) => format!("median {}", format::duration(p50)),
                None => "not known of these requests".to_owned(),
            },
            change(|period| period.p95_response_time, More::IsBad),
        ),
    ]
}

/// How many IPs called.
pub fn ips_card(timeline: &Timeline, note: String) -> Card {
    let now = timeline.current.unique_ips;
    let before = timeline.previous.as_ref();
    let before = before.map(|period| period.unique_ips as f64);
    let change = Change::new(Some(now as f64), before, More::IsNeutral);
    Card::new("Unique IPs", format::count(now), note, change)
}

pub fn plain_card(label: &'static str, value: String, note: String) -> Card {
    Card::new(label, value, note, None)
}

/// A timeline as two plots and one table.
pub struct Plots {
    pub requests: Chart,
    pub requests_said: String,
    /// None where no response time is known.
    pub response_times: Option<Chart>,
    pub has_previous: bool,
    pub ticks: Vec<Moment>,
    /// Days are UTC's whatever the viewer's zone.
    pub by_day: bool,
    pub rows: Vec<TimeRow>,
    pub bucket: &'static str,
    pub before: Option<String>,
}

pub struct TimeRow {
    pub start: Moment,
    pub requests: String,
    pub errors: String,
    pub p50: String,
    pub p95: String,
    pub p99: String,
}

impl Plots {
    pub fn new(timeline: &Timeline) -> Self {
        let buckets = &timeline.current.buckets;
        let by_day = timeline.bucket_minutes >= 24 * 60;
        let row = |bucket: &TimelineBucket| TimeRow {
            start: match by_day {
                true => Moment::day(bucket.start_ms),
                false => Moment::short(bucket.start_ms),
            },
            requests: format::count(bucket.requests),
            errors: format::count(bucket.errors),
            p50: format::duration(bucket.p50_response_time),
            p95: format::duration(bucket.p95_response_time),
            p99: format::duration(bucket.p99_response_time),
        };
        let most = buckets.iter().map(|bucket| bucket.requests).max();
        let bucket = match timeline.bucket_minutes {
            5 => "5 minutes",
            60 => "hour",
            _ => "day (UTC)",
        };
        let has_times = timeline.current.p50_response_time.is_some();
        Self {
            requests: chart::requests(timeline),
            requests_said: format!(
                "{} requests, {} of them errors; at most {} in a {bucket}",
                format::count(timeline.current.total_requests),
                format::count(timeline.current.errors),
                format::count(most.unwrap_or(0)),
            ),
            response_times: has_times.then(|| chart::response_times(timeline)),
            has_previous: timeline.previous.is_some(),
            ticks: ticks(timeline, by_day),
            by_day,
            rows: buckets.iter().map(row).collect(),
            bucket,
            before: timeline
                .before
                .filter(|before| *before > 0)
                .map(format::count),
        }
    }
}

/// Labels below a plot: as many as divide its buckets evenly, each where its bucket begins.
fn ticks(timeline: &Timeline, by_day: bool) -> Vec<Moment> {
    let buckets = &timeline.current.buckets;
    let parts = [6, 5, 4, 7]
        .into_iter()
        .find(|parts| buckets.len().is_multiple_of(*parts));
    let step = (buckets.len() / parts.unwrap_or(1)).max(1);
    let label = |start_ms| match by_day {
        true => Moment::day(start_ms),
        false => Moment::time(start_ms),
    };
    buckets
        .iter()
        .step_by(step)
        .map(|bucket| label(bucket.start_ms))
        .collect()
}

/// Rows of the page of one IP or path.
const ROWS: u32 = 25;

pub struct PathRow {
    pub key: String,
    /// None of paths that no filter can name.
    pub filter: Option<String>,
    pub page: String,
    pub requests: String,
    /// Of the longest bar, 0 to 100.
    pub bar: u64,
    pub ips: String,
    pub error_rate: String,
    pub has_errors: bool,
    pub p95: String,
}

pub fn path_rows(question: &Question, paths: &[PathStats]) -> Vec<PathRow> {
    let (window, filter) = scope(question);
    let most = paths.iter().map(|path| path.total_requests).max();
    let row = |path: &PathStats| {
        let narrowed = of_path(&filter, &path.path_key);
        PathRow {
            key: path.path_key.clone(),
            filter: narrowed.map(|filter| link::page(&question.clone().with_scope(window, filter))),
            page: link::page(&Question::Path {
                key: path.path_key.clone(),
                window,
                filter: filter.clone(),
                limit: ROWS,
            }),
            requests: format::count(path.total_requests),
            bar: bar(path.total_requests, most),
            ips: format::count(path.unique_ips),
            error_rate: format::percent(path.metrics.error_rate),
            has_errors: path.metrics.error_rate > 0.0,
            p95: format::duration(path.metrics.p95_response_time),
        }
    };
    paths.iter().map(row).collect()
}

pub struct IpRow {
    pub ip: String,
    pub filter: String,
    pub page: String,
    pub requests: String,
    pub bar: u64,
    pub country: String,
    pub paths: String,
    pub error_rate: String,
    pub has_errors: bool,
    pub last_seen: Option<Moment>,
}

pub fn ip_rows(question: &Question, ips: &[IpStats]) -> Vec<IpRow> {
    let (window, filter) = scope(question);
    let most = ips.iter().map(|ip| ip.total_requests).max();
    let row = |stats: &IpStats| {
        let ip = stats.ip.parse().ok()?;
        Some(IpRow {
            ip: stats.ip.clone(),
            filter: narrowed(question, Condition::Ip, &stats.ip),
            page: link::page(&Question::Ip {
                ip,
                window,
                filter: Condition::Ip.set(&filter, None),
                offset: 0,
                limit: ROWS,
            }),
            requests: format::count(stats.total_requests),
            bar: bar(stats.total_requests, most),
            country: stats.country.clone().unwrap_or_else(|| "–".to_owned()),
            paths: format::count(stats.unique_paths),
            error_rate: format::percent(stats.metrics.error_rate),
            has_errors: stats.metrics.error_rate > 0.0,
            last_seen: stats.last_seen_ms.map(Moment::short),
        })
    };
    ips.iter().filter_map(row).collect()
}

/// A part of all requests.
pub struct Share {
    pub name: String,
    /// None where no filter can name it.
    pub filter: Option<String>,
    pub requests: String,
    pub percent: String,
    pub bar: u64,
}

/// A list of parts, with its title.
pub struct Shares {
    pub title: &'static str,
    pub of: &'static str,
    pub rows: Vec<Share>,
}

pub fn countries(question: &Question, countries: &[CountryShare]) -> Shares {
    let each = countries
        .iter()
        .map(|share| (share.country.clone(), share.requests, share.percentage));
    shares(question, "Countries", Condition::Country, each.collect())
}

pub fn methods(question: &Question, methods: &[MethodShare]) -> Shares {
    let each = methods
        .iter()
        .map(|share| (share.method.clone(), share.requests, share.percentage));
    shares(question, "Methods", Condition::Method, each.collect())
}

pub fn statuses(question: &Question, counts: &StatusCounts) -> Shares {
    let total: u64 = StatusClass::EVERY
        .iter()
        .map(|class| counts.of(*class))
        .sum();
    let each = StatusClass::EVERY
        .into_iter()
        .filter(|class| counts.of(*class) > 0);
    let each = each.map(|class| {
        let count = counts.of(class);
        (class.name().to_owned(), count, 100.0 * ratio(count, total))
    });
    shares(
        question,
        "Status classes",
        Condition::Status,
        each.collect(),
    )
}

fn shares(
    question: &Question,
    title: &'static str,
    condition: Condition,
    each: Vec<(String, u64, f64)>,
) -> Shares {
    let most = each.iter().map(|(_, requests, _)| *requests).max();
    let row = |(name, requests, percentage): (String, u64, f64)| Share {
        filter: (name != rollcall_tally::state::OTHER_PATHS)
            .then(|| narrowed(question, condition, &name)),
        name,
        requests: format::count(requests),
        percent: format::percent(percentage / 100.0),
        bar: bar(requests, most),
    };
    Shares {
        title,
        of: condition.label(),
        rows: each.into_iter().map(row).collect(),
    }
}

/// How long the bar of a row is beside the longest one's 100. Whatever is there is seen.
fn bar(part: u64, most: Option<u64>) -> u64 {
    match most {
        None | Some(0) => 0,
        Some(most) => (part * 100 / most).max(u64::from(part > 0)),
    }
}

/// What waits longer than this is marked; the next answer that is computed brings it in.
const LAG_WELL_MS: u64 = 60_000;

/// What tells whether the numbers can be trusted. Without a status, only what the answer itself says.
pub fn health(coverage: f64, age_s: u64, status: Option<&Status>) -> Vec<Health> {
    let health = |label, value, is_well, hint: &str| Health {
        label,
        value,
        is_well,
        hint: hint.to_owned(),
    };
    let mut strip = vec![
        health(
            "Coverage",
            // Never rounded up to the whole.
            format!("{} %", (coverage * 1_000.0).floor() / 10.0),
            coverage >= 1.0,
            "Share of the IPs asked that answered",
        ),
        health(
            "Answer",
            match age_s {
                0..=1 => "computed just now".to_owned(),
                2..=119 => format!("{age_s} s old"),
                _ => format!("{} min old", age_s / 60),
            },
            true,
            "Answers are kept for a few minutes; reload past the cache for a new one",
        ),
    ];
    let Some(status) = status else {
        strip.push(health(
            "Status",
            "not known".to_owned(),
            false,
            "The status could not be read",
        ));
        return strip;
    };
    let dropped = status.dropped;
    let lag = format::duration(Some(status.lag_ms as f64));
    let lost = dropped.evicted_hits + dropped.unreadable_hits;
    strip.extend([
        health(
            "Waiting",
            match status.pending_segments {
                0 => "nothing".to_owned(),
                1 => format!("1 batch, {lag}"),
                more => format!("{} batches, {lag}", format::count(more)),
            },
            status.lag_ms < LAG_WELL_MS,
            "Recorded, and in the answers with the next fold, which any new answer begins with",
        ),
        health(
            "Dropped",
            format!("{} hits", format::count(lost)),
            lost == 0,
            "Hits of IPs that left because too many others were seen later, or whose state could not be read",
        ),
        health(
            "Under (other)",
            format!("{} hits", format::count(dropped.other_path_hits)),
            dropped.other_path_hits == 0,
            "Hits of IPs with too many paths; counted, but not by path",
        ),
        health(
            "Tracked",
            format!("{} IPs", format::count(status.tracked_ips)),
            true,
            "IPs with a state of their own, seen lately or not",
        ),
    ]);
    strip
}
