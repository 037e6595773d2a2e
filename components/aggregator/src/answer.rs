//! Makes answers as they are sent.

use std::sync::Arc;
use std::time::Instant;

use futures::future::try_join;
use rollcall_tally::hit::Api;
use rollcall_tally::question::{AnySurvey, Ask, NO_API, Query, Question, Responses, Tracked};
use rollcall_tally::report::{FanOut, Provenance};
use rollcall_tally::window::Ranges;
use rollcall_tally::{Failure, IpOrder, Snapshot, Summary, Window, freshness, warning};
use rollcall_web::api;

use crate::clock::now_ms;
use crate::documents::Current;
use crate::fan_out::Answers;
use crate::settings::Settings;
use crate::targets::Targets;
use crate::{collector, counters, status, sums};

/// An answer, and the values that decide how long it is kept.
pub struct Answer {
    /// JSON.
    pub body: Vec<u8>,
    /// Share of the IPs asked that answered.
    pub coverage: f64,
    /// Some recorded batches are not in the answer yet.
    pub is_behind: bool,
    /// Hits in the window.
    pub hits: u64,
    /// Hits in the window that came within the last hour.
    pub last_hour: u64,
}

impl Answer {
    /// How long the answer is fresh. If it lacks something, it is fresh only for the shortest time.
    pub fn ttl_ms(&self, question: &Question) -> u64 {
        if self.is_behind {
            return freshness::TTL_BEHIND_MS;
        }
        if self.coverage < 1.0 {
            return freshness::TTL_MIN_MS;
        }
        let volatility = freshness::volatility(self.hits, self.last_hour);
        freshness::ttl_ms(question.about().ttl_ms, volatility)
    }
}

/// Answers any question except an export. An export is never whole in memory.
pub async fn compute(
    settings: &Settings,
    question: &Question,
    known: &Current,
) -> Result<Answer, Failure> {
    match question {
        Question::Survey(survey) => {
            let mut asked = survey.clone();
            let responses = ask_survey(settings, asked.ask(), survey.query(), known).await?;
            answer_from(survey, responses)
        }
        Question::Status(_) => {
            let body = serde_json::to_vec(&status::status(settings).await?);
            let unwritable = |error| Failure::Unavailable(format!("the status as JSON: {error}"));
            Ok(Answer {
                body: body.map_err(unwritable)?,
                coverage: 1.0,
                is_behind: false,
                hits: 0,
                last_hour: 0,
            })
        }
        Question::Export(_) => Err(Failure::Invalid("an export is streamed".to_owned())),
    }
}

fn answer_from(survey: &AnySurvey, responses: Responses) -> Result<Answer, Failure> {
    Ok(Answer {
        coverage: responses.provenance.coverage,
        is_behind: responses.provenance.behind.is_some(),
        hits: responses.summary.tally.count,
        last_hour: responses.summary.last_hour,
        body: survey.answer(responses)?,
    })
}

/// Asks what a survey needs to know. Labels may decide which hits count.
pub async fn ask_survey(
    settings: &Settings,
    survey: &mut dyn Ask,
    mut query: Query,
    known: &Current,
) -> Result<Responses, Failure> {
    let takes_labels = survey.takes_labels();
    if takes_labels {
        known.resolve(&mut query.filter)?;
    }
    let is_of_one_ip = query.filter.one_ip().is_some();
    let by = query.details.groups.as_ref().map(|groups| groups.by);
    let mut responses = ask(settings, query).await?;
    responses.label(known.labels.clone(), by);
    if !takes_labels && !is_of_one_ip {
        responses.warn_of_left_out();
    }
    Ok(responses)
}

/// Asks the sums over all IPs. If they do not tell everything, asks the IPs, too.
pub async fn ask(settings: &Settings, mut query: Query) -> Result<Responses, Failure> {
    let began = Instant::now();
    let api = match query.is_of_api {
        true => api(settings)?,
        false => Arc::default(),
    };
    let snapshot = collector::SNAPSHOT.take_snapshot().await?;
    let ranges = snapshot.ranges();
    let span = query.span(&ranges);
    refuse_empty(query.window, &ranges)?;
    query.compare(&span, &ranges)?;
    refuse_unkept(&query, &ranges)?;
    let mut tracked = None;
    let (mut answers, ips) = match query.is_of_sums() {
        false => {
            let (answers, ips) = ask_ips(settings, &query, &snapshot, began).await?;
            tracked = Some(Tracked::from(&answers.summary));
            (answers, ips)
        }
        true => {
            let of_sums = sums::ask(settings, &query, &snapshot);
            let of_callers = async {
                match query.details.callers {
                    0 => Ok(None),
                    _ => {
                        let query = query.of_callers();
                        ask_callers(settings, &query, &snapshot, began)
                            .await
                            .map(Some)
                    }
                }
            };
            let (of_sums, callers) = match &query.filter.path_key {
                None => try_join(of_sums, of_callers).await?,
                // The sums have every hit of every IP. If nobody called the path, no IP is asked.
                Some(_) => {
                    let of_sums = of_sums.await?;
                    let summary = &of_sums.summary;
                    let callers = match summary.tally.count + summary.other_path_hits {
                        0 => None,
                        _ => of_callers.await?,
                    };
                    (of_sums, callers)
                }
            };
            match callers {
                Some((callers, ips)) => {
                    tracked = Some(Tracked::from(&callers.summary));
                    let summary = Summary {
                        callers: callers.summary.callers,
                        ..of_sums.summary
                    };
                    (Answers { summary, ..callers }, ips)
                }
                None => {
                    counters::fan_out(FanOut {
                        batches: of_sums.slices,
                        retried: of_sums.retried,
                        failed: 0,
                        unreadable_states: 0,
                        coverage: 1.0,
                        duration_ms: began.elapsed().as_millis() as u64,
                    });
                    let answers = Answers {
                        summary: of_sums.summary,
                        coverage: 1.0,
                        warnings: Vec::new(),
                    };
                    (answers, snapshot.ips)
                }
            }
        }
    };
    let hidden = answers.summary.other_path_hits;
    if hidden > 0 {
        let warning = warning::say(warning::OTHER_IN_FILTER, &[&hidden]);
        answers.warnings.push(warning);
    }
    let behind = snapshot.behind;
    let sentences = behind.map(|behind| behind.sentences());
    answers.warnings.extend(sentences.into_iter().flatten());
    Ok(Responses {
        provenance: Provenance {
            time_range: query.window.named(),
            from_ms: span.begin_ms(&ranges),
            to_ms: span.end_ms(ranges.now_ms),
            time_zone: snapshot.time_zone,
            filter: query.filter.some(),
            as_of_ms: snapshot.as_of_ms,
            generated_at_ms: now_ms(),
            coverage: answers.coverage,
            warnings: answers.warnings,
            behind,
        },
        span,
        ranges,
        comparison: query.comparison(),
        active: answers.summary.active,
        summary: answers.summary,
        ips,
        prices: settings.prices,
        api,
        root: snapshot.root,
        drops: snapshot.drops,
        tracked,
        labels: Arc::default(),
    })
}

/// The operator's API.
fn api(settings: &Settings) -> Result<Arc<Api>, Failure> {
    match api::api(settings.spelling) {
        Ok(Some(api)) => Ok(api),
        Ok(None) => Err(Failure::NotFound(NO_API.to_owned())),
        Err(unusable) => Err(Failure::NotFound(format!(
            "The OpenAPI file of your API cannot be used. Mend it and restart the app. {unusable}"
        ))),
    }
}

/// Refuses an interval that no hit can be in. Only the calendar tells which intervals these are.
pub fn refuse_empty(window: Window, ranges: &Ranges) -> Result<(), Failure> {
    let reason = match window.interval().moments(&ranges.calendar) {
        (from_ms, _) if from_ms > ranges.now_ms => "from: expected a time that has come",
        (from_ms, Some(to_ms)) if from_ms >= to_ms => "to: expected a time after from",
        _ => return Ok(()),
    };
    Err(Failure::Invalid(reason.to_owned()))
}

/// Refuses a limit that counts in buckets which are not kept for all of the window.
fn refuse_unkept(query: &Query, ranges: &Ranges) -> Result<(), Failure> {
    let backtest = query.details.backtest.as_ref();
    match backtest.and_then(|limit| limit.refusal(query.window, ranges)) {
        Some(reason) => Err(Failure::Invalid(reason)),
        None => Ok(()),
    }
}

/// Asks for the first callers. It asks the IPs that can be among them. If that does not prove who is
/// first, it asks all IPs.
async fn ask_callers(
    settings: &Settings,
    query: &Query,
    snapshot: &Snapshot,
    began: Instant,
) -> Result<(Answers, u64), Failure> {
    if query.details.order == IpOrder::Requests && !query.filter.is_on_paths() {
        let (targets, others) = Targets::heaviest(query, snapshot, began).await?;
        let mut answers = targets.ask(settings, query).await?;
        let callers = &answers.summary.callers;
        let last = callers.get(query.details.callers.saturating_sub(1) as usize);
        let last = last.map(|caller| (caller.tally.count, caller.ip.as_str()));
        if answers.coverage >= 1.0 && others.come_after(last) {
            answers.warnings.extend(snapshot.drops.warning());
            return Ok((answers, snapshot.ips));
        }
    }
    ask_ips(settings, query, snapshot, began).await
}

/// Asks the IPs that can matter. Returns how many there are.
pub async fn ask_ips(
    settings: &Settings,
    query: &Query,
    snapshot: &Snapshot,
    began: Instant,
) -> Result<(Answers, u64), Failure> {
    let targets = Targets::gather(settings, query, snapshot, began).await?;
    let mut answers = targets.ask(settings, query).await?;
    answers.summary.active = targets.active;
    answers.warnings.extend(snapshot.drops.warning());
    Ok((answers, targets.ips.len() as u64))
}
