//! Questions, asked one after the other on a quiet app.

use anyhow::{Context, Result, ensure};

use super::app::App;
use super::check;
use super::data::Counts;
use super::figures::{median, milliseconds};
use super::goals;
use super::http;
use super::table::Table;

/// How often a cold question is asked.
const COLD_TIMES: usize = 7;
/// How often a kept answer is asked for.
const KEPT_TIMES: usize = 200;

/// Asks each question so that its answer is computed. Checks each answer.
pub fn cold(app: &App, counts: &Counts, table: &mut Table) -> Result<()> {
    let mut client = app.client()?;
    for question in &goals::COLD {
        let mut times = Vec::new();
        for _ in 0..COLD_TIMES {
            let (took, answer) = client.ask(question.path)?;
            check::answer(&answer, question.window, counts)
                .with_context(|| question.path.to_owned())?;
            times.push(milliseconds(took));
        }
        table.add(&question.goal, median(&mut times), "");
    }
    Ok(())
}

/// Asks for a kept answer, and for `/healthz`, which does not use the store.
pub fn kept(app: &App, counts: &Counts, table: &mut Table) -> Result<()> {
    let mut client = app.client()?;
    let (mut kept, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..KEPT_TIMES {
        let (took, answer) = client.ask_kept("/admin/global-stats?timeRange=7d")?;
        check::answer(&answer, check::Window::Days(7), counts)?;
        kept.push(milliseconds(took));
        idle.push(milliseconds(client.healthz()?));
    }
    table.add(&goals::CACHED, median(&mut kept), "");
    table.refer(goals::CACHED.what, "/healthz", median(&mut idle));
    Ok(())
}

/// Exports everything, and checks that the rows hold every hit.
pub fn export(app: &App, counts: &Counts, table: &mut Table) -> Result<()> {
    const PATH: &str = "/admin/export?format=ndjson&dateRange=90d";
    let mut client = app.client()?;
    app.forget_peak()?;
    let before = app.memory()?;
    let mut rows = Rows::default();
    let begun = std::time::Instant::now();
    let headers = client.export(PATH, |part| rows.take(part))?;
    let took = begun.elapsed();
    let after = app.memory()?;
    let complete = http::find(&headers, "export-complete").context("the export ended too early")?;
    let told = complete
        .strip_prefix("rows=")
        .context("no rows= in the trailer")?;
    check::equal("rows of the export", told.parse()?, rows.count)?;
    check::equal("hits of the export", rows.hits, counts.total(0))?;
    ensure!(rows.count > 0, "an export without rows");
    let note = format!("{} rows", super::table::thousands(rows.count as f64));
    table.add(&goals::EXPORT, rows.count as f64 / took.as_secs_f64(), note);
    table.add(&goals::EXPORT_MEMORY, after.peak as f64 / 1_024.0, "");
    table.refer(
        goals::EXPORT_MEMORY.what,
        "before",
        before.now as f64 / 1_024.0,
    );
    Ok(())
}

/// Counts rows of NDJSON as they come, and adds up their hits. It does not read all of the JSON,
/// because that would cost more than the export itself.
#[derive(Default)]
struct Rows {
    rest: Vec<u8>,
    count: u64,
    hits: u64,
}

impl Rows {
    fn take(&mut self, part: &[u8]) {
        let mut lines = part.split_inclusive(|&byte| byte == b'\n');
        if let (false, Some(end)) = (self.rest.is_empty(), lines.clone().next()) {
            lines.next();
            let mut line = std::mem::take(&mut self.rest);
            line.extend_from_slice(end);
            self.take_line(&line);
        }
        lines.for_each(|line| self.take_line(line));
    }

    fn take_line(&mut self, line: &[u8]) {
        const COUNT: &[u8] = br#","count":"#;
        if !line.ends_with(b"\n") {
            self.rest = line.to_vec();
            return;
        }
        self.count += 1;
        let at = line.windows(COUNT.len()).position(|text| text == COUNT);
        let digits = at
            .and_then(|at| line.get(at + COUNT.len()..))
            .unwrap_or_default();
        let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
        self.hits += digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_wherever_their_parts_end() {
        let text = br#"{"ip":"10.0.0.1","count":12,"path":"/"}
{"ip":"10.0.0.2","count":3}
"#;
        for end in 0..text.len() {
            for middle in 0..=end {
                let mut rows = Rows::default();
                rows.take(&text[..middle]);
                rows.take(&text[middle..end]);
                rows.take(&text[end..]);
                assert_eq!((rows.count, rows.hits), (2, 15), "{middle}, {end}");
            }
        }
    }
}
