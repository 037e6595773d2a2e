//! The variables of the alerts.

use std::ops::RangeInclusive;

use rollcall_tally::alert::Thresholds;
use rollcall_web::{log, variable};

use super::webhook::Webhook;

const ERROR_RATE: RangeInclusive<f64> = 0.001..=1.0;
const ERROR_RATE_MIN_HITS: RangeInclusive<u64> = 1..=1_000_000_000;
const REQUESTS_PER_MINUTE: RangeInclusive<f64> = 1.0..=1e9;
const NEW_IPS: RangeInclusive<f64> = 1.0..=1e6;
/// Up to a day.
const LAG_SECONDS: RangeInclusive<f64> = 1.0..=86_400.0;
/// Up to a week. With 0, each check sends a notification.
const COOLDOWN_MINUTES: RangeInclusive<f64> = 0.0..=10_080.0;

pub struct Variables {
    pub thresholds: Thresholds,
    pub cooldown_ms: u64,
    /// None: no notification is sent.
    pub webhook: Option<Webhook>,
    /// Rules that are off because their threshold is invalid.
    pub warnings: Vec<String>,
}

impl Variables {
    pub async fn read() -> Self {
        let mut warnings = Vec::new();
        let thresholds = Thresholds {
            error_rate: threshold("alert_error_rate", ERROR_RATE, &mut warnings).await,
            error_rate_min_hits: variable::number(
                "alert_error_rate_min_hits",
                100,
                ERROR_RATE_MIN_HITS,
            )
            .await,
            requests_per_minute: threshold(
                "alert_requests_per_minute",
                REQUESTS_PER_MINUTE,
                &mut warnings,
            )
            .await,
            new_ips: threshold("alert_new_ips", NEW_IPS, &mut warnings).await,
            lag_seconds: threshold("alert_lag_seconds", LAG_SECONDS, &mut warnings).await,
        };
        let minutes = variable::number("alert_cooldown_minutes", 30.0, COOLDOWN_MINUTES).await;
        Self {
            thresholds,
            cooldown_ms: (minutes * 60_000.0) as u64,
            webhook: Webhook::configured().await,
            warnings,
        }
    }
}

/// Reads a rule's threshold. If it is invalid, the rule is off, and every check warns of it.
async fn threshold(
    name: &str,
    range: RangeInclusive<f64>,
    warnings: &mut Vec<String>,
) -> Option<f64> {
    variable::number_if_any(name, range)
        .await
        .unwrap_or_else(|reason| {
            let warning = format!("{reason}; the rule is off");
            log!(
                Error,
                "variable-not-used",
                variable = name,
                reason = warning
            );
            warnings.push(warning);
            None
        })
}
