//! Made-up hits. The same plan makes the same hits each time. A few IPs call much, and a few paths
//! are called much. Most are rare. The counts of the hits are kept, so that answers can be checked.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use anyhow::Result;
use fastrand::Rng;
use jiff::Timestamp;

pub const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

const SEED: u64 = 7;
const SHARE_OF_SUCCESS: f64 = 0.93;
const FAILURES: [u16; 4] = [404, 500, 429, 301];
const RESPONSE_TIME_MEAN_MS: f64 = 40.0;
const COUNTRIES: [Option<&str>; 8] = [
    Some("DE"),
    Some("FR"),
    Some("US"),
    Some("GB"),
    Some("IN"),
    Some("BR"),
    Some("JP"),
    None,
];

#[derive(Clone, Copy)]
pub struct Plan {
    pub hits: u64,
    pub ips: u32,
    pub paths: u32,
    pub days: u32,
    /// The time of the newest hit.
    pub end_ms: u64,
}

pub struct Hit {
    pub ip: u32,
    pub path: u32,
    pub timestamp_ms: u64,
    status: u16,
    response_time_us: u64,
    bytes: u32,
    country: Option<&'static str>,
}

impl Plan {
    /// The hits, the oldest first.
    pub fn hits(self) -> impl Iterator<Item = Hit> {
        let mut rng = Rng::with_seed(SEED);
        let countries: Vec<_> = (0..self.ips)
            .map(|_| rng.choice(COUNTRIES).flatten())
            .collect();
        let length_ms = u64::from(self.days) * DAY_MS;
        let start_ms = self.end_ms.saturating_sub(length_ms);
        let step_ms = length_ms as f64 / self.hits as f64;
        (0..self.hits).map(move |number| {
            let (ip, path) = (skewed(&mut rng, self.ips), skewed(&mut rng, self.paths));
            let at_ms = (number as f64 + rng.f64()) * step_ms;
            let status = match rng.f64() < SHARE_OF_SUCCESS {
                true => 200,
                false => rng.choice(FAILURES).unwrap_or(500),
            };
            let time_ms = 1.0 - RESPONSE_TIME_MEAN_MS * (1.0 - rng.f64()).ln();
            Hit {
                ip,
                path,
                timestamp_ms: start_ms + at_ms as u64,
                status,
                response_time_us: (time_ms * 100.0).round() as u64 * 10,
                bytes: rng.u32(200..20_000),
                country: countries.get(ip as usize).copied().flatten(),
            }
        })
    }
}

/// An index below `count`. The lower it is, the more often it is drawn.
fn skewed(rng: &mut Rng, count: u32) -> u32 {
    (f64::from(count) * rng.f64().powi(3)) as u32
}

pub fn address(ip: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 + ip)
}

pub fn path_key(path: u32) -> String {
    format!("GET /api/v1/resource/{path}")
}

impl Hit {
    /// The hit as a line of NDJSON.
    pub fn write_json(&self, out: &mut String) -> Result<()> {
        write!(
            out,
            r#"{{"ip":"{}","method":"GET","path":"/api/v1/resource/{}","timestamp":{},"status":{},"responseTimeMs":{},"bytes":{}"#,
            address(self.ip),
            self.path,
            self.timestamp_ms,
            self.status,
            self.response_time_us as f64 / 1_000.0,
            self.bytes,
        )?;
        if let Some(country) = self.country {
            write!(out, r#","country":"{country}""#)?;
        }
        out.push_str("}\n");
        Ok(())
    }

    /// The hit as a short line of NDJSON. It has no time, so the app uses the time at which it is
    /// sent.
    pub fn write_short(&self, out: &mut String) -> Result<()> {
        writeln!(
            out,
            r#"{{"ip":"{}","method":"GET","path":"/api/v1/resource/{}","status":{}}}"#,
            address(self.ip),
            self.path,
            self.status,
        )?;
        Ok(())
    }

    /// The hit as a line of an access log in Combined format.
    pub fn write_combined(&self, out: &mut String) -> Result<()> {
        let at = Timestamp::from_millisecond(self.timestamp_ms as i64)?;
        writeln!(
            out,
            r#"{} - - [{}] "GET /api/v1/resource/{} HTTP/1.1" {} {} "-" "-""#,
            address(self.ip),
            at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            self.path,
            self.status,
            self.bytes,
        )?;
        Ok(())
    }
}

/// The hits of each day, by path and by IP.
pub struct Counts {
    first_day: u64,
    days: Vec<Day>,
}

struct Day {
    paths: Vec<u32>,
    ips: Vec<u32>,
}

impl Counts {
    pub fn new(plan: &Plan) -> Self {
        let last_day = plan.end_ms / DAY_MS;
        let first_day = plan.end_ms.saturating_sub(u64::from(plan.days) * DAY_MS) / DAY_MS;
        let day = |_| Day {
            paths: vec![0; plan.paths as usize],
            ips: vec![0; plan.ips as usize],
        };
        Self {
            first_day,
            days: (first_day..=last_day).map(day).collect(),
        }
    }

    pub fn add(&mut self, hit: &Hit) {
        let day = (hit.timestamp_ms / DAY_MS).saturating_sub(self.first_day);
        if let Some(day) = self.days.get_mut(day as usize) {
            for (counts, index) in [(&mut day.paths, hit.path), (&mut day.ips, hit.ip)] {
                if let Some(count) = counts.get_mut(index as usize) {
                    *count += 1;
                }
            }
        }
    }

    /// The hits since `since_ms`, which is the start of a day.
    pub fn total(&self, since_ms: u64) -> u64 {
        self.since(since_ms)
            .flat_map(|day| &day.paths)
            .map(|&count| u64::from(count))
            .sum()
    }

    /// The ten path keys with most hits, as the app orders them.
    pub fn top_paths(&self, since_ms: u64) -> Vec<(String, u64)> {
        top(self.since(since_ms).map(|day| &day.paths), path_key)
    }

    /// The ten IPs with most hits, as the app orders them.
    pub fn top_ips(&self, since_ms: u64) -> Vec<(String, u64)> {
        let name = |ip| address(ip).to_string();
        top(self.since(since_ms).map(|day| &day.ips), name)
    }

    fn since(&self, since_ms: u64) -> impl Iterator<Item = &Day> {
        let skipped = (since_ms / DAY_MS).saturating_sub(self.first_day);
        self.days.iter().skip(skipped as usize)
    }
}

fn top<'a>(
    days: impl Iterator<Item = &'a Vec<u32>>,
    name: impl Fn(u32) -> String,
) -> Vec<(String, u64)> {
    let mut sums: Vec<u64> = Vec::new();
    for day in days {
        sums.resize(day.len(), 0);
        for (sum, count) in sums.iter_mut().zip(day) {
            *sum += u64::from(*count);
        }
    }
    let mut all: Vec<(u32, u64)> = (0..).zip(sums).filter(|&(_, sum)| sum > 0).collect();
    all.sort_unstable_by_key(|&(_, sum)| std::cmp::Reverse(sum));
    // If several have as many hits as the tenth, the name decides.
    let tenth = all.get(9).map_or(0, |&(_, sum)| sum);
    let mut named: Vec<(String, u64)> = all
        .into_iter()
        .take_while(|&(_, sum)| sum >= tenth)
        .map(|(index, sum)| (name(index), sum))
        .collect();
    named.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    named.truncate(10);
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan {
        hits: 5_000,
        ips: 200,
        paths: 40,
        days: 30,
        end_ms: 1_800_000_000_000,
    };

    fn lines(plan: Plan) -> String {
        let mut text = String::new();
        for hit in plan.hits() {
            hit.write_json(&mut text).unwrap();
            hit.write_short(&mut text).unwrap();
            hit.write_combined(&mut text).unwrap();
        }
        text
    }

    #[test]
    fn a_plan_makes_the_same_hits_each_time_and_another_one_makes_others() {
        assert!(lines(PLAN) == lines(PLAN));
        assert!(lines(PLAN) != lines(Plan { ips: 201, ..PLAN }));
    }

    #[test]
    fn hits_are_sorted_in_the_plans_time_and_skewed() {
        let hits: Vec<Hit> = PLAN.hits().collect();
        assert_eq!(hits.len() as u64, PLAN.hits);
        assert!(hits.is_sorted_by_key(|hit| hit.timestamp_ms));
        let start_ms = PLAN.end_ms - 30 * DAY_MS;
        let is_inside = |hit: &Hit| (start_ms..=PLAN.end_ms).contains(&hit.timestamp_ms);
        assert!(hits.iter().all(is_inside));
        let of_the_first = hits.iter().filter(|hit| hit.ip < PLAN.ips / 10).count();
        assert!(of_the_first * 3 > hits.len(), "{of_the_first}");
    }

    #[test]
    fn the_counts_are_those_of_the_hits() {
        let mut counts = Counts::new(&PLAN);
        PLAN.hits().for_each(|hit| counts.add(&hit));
        assert_eq!(counts.total(0), PLAN.hits);
        let since_ms = PLAN.end_ms / DAY_MS * DAY_MS - 6 * DAY_MS;
        let is_recent = |hit: &Hit| hit.timestamp_ms >= since_ms;
        let recent = PLAN.hits().filter(is_recent).count() as u64;
        assert_eq!(counts.total(since_ms), recent);
        let of_zero = |hit: &Hit| is_recent(hit) && hit.path == 0;
        let of_zero = PLAN.hits().filter(of_zero).count() as u64;
        let paths = counts.top_paths(since_ms);
        assert_eq!(paths.len(), 10);
        assert_eq!(paths[0], (path_key(0), of_zero));
        assert!(paths.is_sorted_by(|a, b| a.1 >= b.1));
        assert_eq!(counts.top_ips(0)[0].0, "10.0.0.0");
    }
}
