//! `rollcall demo`: a month of made-up traffic, as NDJSON on the standard output.
//!
//! The traffic looks like an API's: busy by day, quiet at night and at weekends. A few callers call
//! much, and many call little. A scanner finds nothing. In one bad hour, one endpoint is slow and
//! fails. A release this morning brought a new endpoint, took one away, and made two worse.

use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use rollcall_formats::write_json;
use rollcall_tally::Hit;
use rollcall_tally::hit::{ByDimension, Dimension};

const HOUR_MS: u64 = 60 * 60 * 1_000;
const HOURS: u64 = 30 * 24;
/// Hits in the busiest hour of a working day.
const HITS_AN_HOUR: f64 = 200.0;
const CALLERS: usize = 600;
/// The hour in which `/v1/orders` is slow and fails, counted back from now.
const BAD_HOUR: u64 = 30;
/// The release was this many hours ago.
const RELEASE_HOURS: u64 = 20;

/// Method, path, share of the traffic, typical milliseconds.
const ENDPOINTS: [(&str, &str, f64, f64); 12] = [
    ("GET", "/v1/products", 0.24, 18.0),
    ("GET", "/v1/products/search", 0.16, 65.0),
    ("GET", "/v1/users/me", 0.14, 9.0),
    ("POST", "/v1/sessions", 0.08, 120.0),
    ("GET", "/v1/cart", 0.08, 14.0),
    ("POST", "/v1/cart/items", 0.06, 22.0),
    ("POST", "/v1/orders", 0.04, 240.0),
    ("GET", "/v1/orders", 0.05, 30.0),
    ("GET", "/v1/reports/monthly", 0.01, 1_900.0),
    ("PUT", "/v1/users/me", 0.02, 25.0),
    ("DELETE", "/v1/cart/items", 0.02, 16.0),
    ("GET", "/healthz", 0.10, 1.0),
];
const SCANNED: [&str; 5] = [
    "/.env",
    "/wp-login.php",
    "/admin.php",
    "/.git/config",
    "/phpmyadmin",
];
const COUNTRIES: [&str; 10] = ["DE", "US", "DE", "FR", "CN", "US", "GB", "NL", "BR", "IN"];
const USER_AGENTS: [&str; 5] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
    "okhttp/4.12.0",
    "python-requests/2.32.3",
    "curl/8.7.1",
];

/// Write a month of made-up traffic, as in `rollcall demo | rollcall import -`
#[derive(clap::Args, Debug)]
pub struct DemoArgs {
    /// The seed of the traffic. Another seed makes other traffic
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn run(args: &DemoArgs) -> ExitCode {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = since_1970.unwrap_or_default().as_millis() as u64;
    let mut out = BufWriter::new(io::stdout().lock());
    let written = write(args.seed, now_ms, &mut out).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("rollcall demo: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Writes the month that ends at `now_ms`. The oldest hit comes first.
fn write(seed: u64, now_ms: u64, out: &mut impl Write) -> io::Result<()> {
    let mut rng = Rng::with_seed(seed);
    for hours_ago in (0..HOURS).rev() {
        let start_ms = now_ms.saturating_sub((hours_ago + 1) * HOUR_MS);
        let hits = (HITS_AN_HOUR * busyness(start_ms / HOUR_MS) * (0.85 + 0.3 * rng.f64())) as u64;
        for i in 0..hits {
            let at_ms = start_ms + HOUR_MS * i / hits + rng.u64(0..1_000);
            write_json(&hit(&mut rng, at_ms, hours_ago), &mut *out)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

/// How busy the hour is, from 0 to 1: by the hour of the day and the day of the week, in UTC.
fn busyness(hour: u64) -> f64 {
    let of_day = (hour % 24) as f64;
    let day = 0.15 + 0.85 * (0.5 - 0.5 * ((of_day - 2.0) / 24.0 * std::f64::consts::TAU).cos());
    // 1970 began with a Thursday.
    let is_weekend = matches!((hour / 24 + 4) % 7, 0 | 6);
    if is_weekend { day * 0.45 } else { day }
}

fn hit(rng: &mut Rng, timestamp_ms: u64, hours_ago: u64) -> Hit {
    // The product of two draws is small most of the time. So few callers are drawn often.
    let caller = (rng.f64() * rng.f64() * CALLERS as f64) as usize;
    let is_scanner = caller == 7;
    let (method, path, typical_ms) = if is_scanner {
        ("GET", rng.choice(SCANNED).unwrap_or("/"), 1.0)
    } else {
        endpoint(rng.f64())
    };
    let is_released = hours_ago < RELEASE_HOURS;
    let (method, path, typical_ms) = match (method, path) {
        (method, "/v1/products") if is_released && rng.bool() => {
            (method, "/v2/products", typical_ms)
        }
        ("DELETE", "/v1/cart/items") if is_released => ("PATCH", "/v1/cart/items", typical_ms),
        (method, "/v1/cart") if is_released => (method, path, 4.0 * typical_ms),
        as_before => (as_before.0, as_before.1, typical_ms),
    };
    let is_failing = hours_ago == BAD_HOUR && path == "/v1/orders";
    let status = match rng.f64() {
        _ if is_scanner => 404,
        draw if is_released && path == "/v1/sessions" && draw < 0.25 => 500,
        draw if is_failing && draw < 0.7 => 503,
        draw if draw < 0.004 => 500,
        draw if draw < 0.03 => 404,
        draw if draw < 0.05 => 401,
        draw if draw < 0.09 && method == "GET" => 304,
        _ if method == "POST" => 201,
        _ => 200,
    };
    // Most response times are near the typical one. A few are many times as long.
    let spread =
        (rng.f64() + rng.f64() + rng.f64() - 1.5).exp() * if rng.f64() < 0.02 { 8.0 } else { 1.0 };
    Hit {
        ip: address(caller),
        timestamp_ms,
        method: method.to_owned(),
        path: path.to_owned(),
        status: Some(status),
        response_time_us: Some(
            (typical_ms * spread * if is_failing { 20.0 } else { 1.0 } * 1_000.0) as u64,
        ),
        bytes: Some(if status == 304 {
            0
        } else {
            rng.u64(120..24_000)
        }),
        country: COUNTRIES
            .get(caller % COUNTRIES.len())
            .map(|&country| country.to_owned()),
        user_agent: USER_AGENTS
            .get(caller % USER_AGENTS.len())
            .map(|&name| name.to_owned()),
        told: ByDimension::from_fn(|dimension| {
            told(dimension, caller, is_scanner).map(str::to_owned)
        }),
    }
}

/// What the gateway tells of a caller. A program of a partner has a consumer, and a person comes
/// from a page.
fn told(dimension: Dimension, caller: usize, is_scanner: bool) -> Option<&'static str> {
    let is_person = caller % USER_AGENTS.len() < 2;
    let pick = |texts: &[&'static str]| texts.get(caller % texts.len()).copied();
    match dimension {
        Dimension::Host if is_scanner => Some("203.0.113.10"),
        Dimension::Host => pick(&["api.example.com", "api.example.com", "shop.example.com"]),
        Dimension::Protocol => pick(&["HTTP/2", "HTTP/1.1", "HTTP/3", "HTTP/2"]),
        Dimension::Consumer if !is_person && !is_scanner => {
            pick(&["mobile app", "partner X", "partner Y", "warehouse"])
        }
        Dimension::Referrer if is_person => pick(&["www.example.com", "search.example"]),
        _ => None,
    }
}

fn endpoint(mut draw: f64) -> (&'static str, &'static str, f64) {
    for (method, path, share, typical_ms) in ENDPOINTS {
        draw -= share;
        if draw < 0.0 {
            return (method, path, typical_ms);
        }
    }
    ("GET", "/", 5.0)
}

/// Addresses that are reserved for examples: RFC 5737 and RFC 3849.
fn address(caller: usize) -> IpAddr {
    let low = (caller % 250 + 1) as u8;
    match caller % 4 {
        0 => Ipv4Addr::new(192, 0, 2, low).into(),
        1 => Ipv4Addr::new(198, 51, 100, low).into(),
        2 => Ipv4Addr::new(203, 0, 113, low).into(),
        _ => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, caller as u16).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_formats::{Format, read};

    const NOW_MS: u64 = 1_800_000_000_000;

    fn month(seed: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write(seed, NOW_MS, &mut out).unwrap();
        out
    }

    #[test]
    fn a_month_is_made_of_good_hits_up_to_now() {
        let text = month(1);
        let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        assert!((30_000..150_000).contains(&lines.len()), "{}", lines.len());
        let mut hits = Vec::new();
        for part in lines.chunks(50_000) {
            let intake = read(&part.concat(), Format::Ndjson, NOW_MS).unwrap();
            assert_eq!(intake.rejections, []);
            hits.extend(intake.hits);
        }
        let oldest_ms = hits.iter().map(|hit| hit.timestamp_ms).min().unwrap();
        let newest_ms = hits.iter().map(|hit| hit.timestamp_ms).max().unwrap();
        assert!(NOW_MS - oldest_ms > 29 * 24 * HOUR_MS, "{oldest_ms}");
        assert!(
            newest_ms <= NOW_MS && NOW_MS - newest_ms < HOUR_MS,
            "{newest_ms}"
        );
    }

    #[test]
    fn a_seed_makes_the_same_traffic_every_time_and_another_one_other_traffic() {
        assert!(month(1) == month(1));
        assert!(month(1) != month(2));
    }
}
