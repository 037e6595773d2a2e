//! The app under load: hits come in, and questions are asked. Every loop ends by itself.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::app::App;
use super::check;
use super::data::Plan;
use super::figures::{milliseconds, percentile};
use super::goals;
use super::ingest::{joined, post_until_acknowledged, wait_until_folded};
use super::table::{Table, thousands};

const SINGLE_CONNECTIONS: usize = 16;
const STEADY_CONNECTIONS: u32 = 4;
const STEADY_HITS_PER_SECOND: u32 = 20_000;
const STEADY_HITS_PER_REQUEST: u32 = 1_000;
const QUESTION: &str = "/admin/global-stats?timeRange=24h";
const PAUSE_BETWEEN_QUESTIONS: Duration = Duration::from_millis(50);
const BURST_REQUESTS: usize = 16;

pub struct Live<'a> {
    app: &'a App,
    /// Short lines, as of a gateway that sends a hit as soon as it sees it.
    lines: Vec<String>,
    /// The hits that were acknowledged so far, in all.
    recorded: AtomicU64,
    /// How long each loop runs.
    time: Duration,
    /// The number for the next key. No key may come twice.
    keys: AtomicU64,
}

impl<'a> Live<'a> {
    /// `recorded` is the number of hits that are in the app already.
    pub fn new(app: &'a App, plan: Plan, recorded: u64, time: Duration) -> Result<Self> {
        let hits = Plan {
            hits: 100_000,
            ..plan
        };
        let line = |hit: super::data::Hit| {
            let mut line = String::new();
            hit.write_short(&mut line).map(|()| line)
        };
        Ok(Self {
            app,
            lines: hits.hits().map(line).collect::<Result<_>>()?,
            recorded: AtomicU64::new(recorded),
            time,
            keys: AtomicU64::new(0),
        })
    }

    fn key(&self) -> String {
        format!("live-{}", self.keys.fetch_add(1, Relaxed))
    }

    fn settle(&self) -> Result<()> {
        wait_until_folded(self.app, self.recorded.load(Relaxed))
    }

    /// Measures requests with one hit each.
    pub fn one_hit(&self, table: &mut Table) -> Result<()> {
        table.add(&goals::ONE_HIT, self.one_hit_rate()?, "");
        self.settle()
    }

    /// The hits a second that are acknowledged if each request has one.
    pub fn one_hit_rate(&self) -> Result<f64> {
        let begun = Instant::now();
        let send = |first: usize| -> Result<u64> {
            let mut client = self.app.client()?;
            let lines = self.lines.iter().cycle().skip(first);
            let mut sent = 0;
            for line in lines.step_by(SINGLE_CONNECTIONS) {
                if begun.elapsed() >= self.time {
                    break;
                }
                post_until_acknowledged(&mut client, line.as_bytes(), &self.key())?;
                sent += 1;
            }
            Ok(sent)
        };
        let sent = thread::scope(|scope| {
            let senders: Vec<_> = (0..SINGLE_CONNECTIONS)
                .map(|first| scope.spawn(move || send(first)))
                .collect();
            let outcomes = senders.into_iter().map(|sender| joined(sender.join()));
            outcomes.sum::<Result<u64>>()
        })?;
        let took = begun.elapsed();
        self.recorded.fetch_add(sent, Relaxed);
        Ok(sent as f64 / took.as_secs_f64())
    }

    /// Measures questions alone, hits alone, and then both at once.
    pub fn steady(&self, table: &mut Table) -> Result<()> {
        let until = || Instant::now() + self.time;
        let mut idle_answers = self.ask(until())?.times;
        let mut idle = self.record(until())?;
        self.settle()?;
        let end = until();
        let (mut answers, mut busy) = thread::scope(|scope| {
            let asking = scope.spawn(|| self.ask(end));
            let busy = self.record(end)?;
            Ok::<_, anyhow::Error>((joined(asking.join())?, busy))
        })?;
        let p99 = |times: &mut [f64]| percentile(times, 0.99);
        let note = format!("{} answers, {} behind", answers.times.len(), answers.behind);
        table.add(&goals::FRESH, p99(&mut answers.times), note);
        table.refer(goals::FRESH.what, "idle", p99(&mut idle_answers));
        let rate = busy.hits as f64 / busy.took.as_secs_f64();
        let note = format!("{} hits/s", thousands(rate));
        table.add(&goals::RECORDED, p99(&mut busy.times), note);
        table.refer(goals::RECORDED.what, "idle", p99(&mut idle.times));
        self.settle()
    }

    fn ask(&self, until: Instant) -> Result<Answers> {
        let mut client = self.app.client()?;
        let mut answers = Answers::default();
        while Instant::now() < until {
            let (took, answer) = client.ask(QUESTION)?;
            check::covers(&answer)?;
            answers.times.push(milliseconds(took));
            answers.behind += u64::from(answer.get("behind").is_some());
            sleep(PAUSE_BETWEEN_QUESTIONS);
        }
        Ok(answers)
    }

    /// Records at a fixed rate. The time of a request counts from the moment at which it was due.
    /// So the wait for earlier requests is part of it.
    fn record(&self, until: Instant) -> Result<Recorded> {
        let begun = Instant::now();
        let pace = Duration::from_secs(1) * STEADY_HITS_PER_REQUEST / STEADY_HITS_PER_SECOND;
        let pieces: Vec<String> = self
            .lines
            .chunks(STEADY_HITS_PER_REQUEST as usize)
            .map(|piece| piece.concat())
            .collect();
        let pieces = &pieces;
        let send = |first: u32| -> Result<Vec<f64>> {
            let mut client = self.app.client()?;
            let mut times = Vec::new();
            for number in (first..).step_by(STEADY_CONNECTIONS as usize) {
                let due = begun + pace * number;
                let Some(piece) = pieces.get(number as usize % pieces.len()) else {
                    break;
                };
                if due.max(Instant::now()) >= until {
                    break;
                }
                sleep(due.saturating_duration_since(Instant::now()));
                post_until_acknowledged(&mut client, piece.as_bytes(), &self.key())?;
                times.push(milliseconds(due.elapsed()));
            }
            Ok(times)
        };
        let times = thread::scope(|scope| {
            let senders: Vec<_> = (0..STEADY_CONNECTIONS)
                .map(|first| scope.spawn(move || send(first)))
                .collect();
            let mut times = Vec::new();
            for sender in senders {
                times.extend(joined(sender.join())?);
            }
            Ok::<_, anyhow::Error>(times)
        })?;
        let hits = times.len() as u64 * u64::from(STEADY_HITS_PER_REQUEST);
        self.recorded.fetch_add(hits, Relaxed);
        Ok(Recorded {
            times,
            hits,
            took: begun.elapsed(),
        })
    }

    /// Measures a question right after many hits in a few requests, which are all sent at once.
    pub fn burst(&self, hits_per_request: usize, table: &mut Table) -> Result<()> {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        let body = lines.get(..hits_per_request).unwrap_or(&lines);
        let hits = (body.len() * BURST_REQUESTS) as u64;
        let body = body.concat();
        let (body, start) = (body.as_bytes(), &Barrier::new(BURST_REQUESTS));
        let begun = Instant::now();
        thread::scope(|scope| {
            let send = || -> Result<()> {
                let client = self.app.client();
                start.wait();
                post_until_acknowledged(&mut client?, body, &self.key())
            };
            let senders: Vec<_> = (0..BURST_REQUESTS).map(|_| scope.spawn(send)).collect();
            senders
                .into_iter()
                .try_for_each(|sender| joined(sender.join()))
        })?;
        let acknowledged = begun.elapsed();
        self.recorded.fetch_add(hits, Relaxed);
        let (took, answer) = self
            .app
            .client()?
            .ask("/admin/global-stats?timeRange=all")?;
        let mut note = format!(
            "{} hits, acknowledged in {:.1} s",
            thousands(hits as f64),
            acknowledged.as_secs_f64()
        );
        match answer.get("behind") {
            Some(behind) => {
                note += &format!(
                    ", behind by {} batches",
                    behind.get("batches").unwrap_or(behind)
                )
            }
            None => check::equal(
                "totalRequests",
                check::total(&answer)?,
                self.recorded.load(Relaxed),
            )?,
        }
        self.settle()?;
        note += &format!(", folded after {:.1} s", begun.elapsed().as_secs_f64());
        table.add(&goals::BURST, took.as_secs_f64(), note);
        Ok(())
    }
}

#[derive(Default)]
struct Answers {
    times: Vec<f64>,
    behind: u64,
}

struct Recorded {
    times: Vec<f64>,
    hits: u64,
    took: Duration,
}
