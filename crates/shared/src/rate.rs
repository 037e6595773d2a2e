//! The rate of a token: how many hits it may record, over all instances.
//!
//! Time is cut into windows. A window lasts for as long as the rate needs for a burst of hits. While
//! a window has fewer hits than the burst, a request is let in whole, however many hits it has. If
//! the window has more hits than the burst then, it lasts for as long as the rate needs for them. So
//! the rate holds on average, and a request of any size is let in at some time.
//!
//! A counter has the hits of the window, and a value has its end. The next window uses both keys
//! again. So a token has two keys, and nothing has to be cleaned up.
//!
//! Instances may begin a window at the same time. Then some hits of its first moment are not
//! counted. This lets in a few more hits. It never refuses a request for hits of an earlier window.

use std::str::FromStr;

use rollcall_store::value::{decode, encode};
use rollcall_store::{Clock, Store};
use thiserror::Error;

use crate::stored::Claim;
use crate::{Shared, SharedError, keys};

/// The largest rate: hits a second.
const HITS_PER_S_MAX: u64 = 1_000_000_000;
/// The burst, in seconds of the rate, if it is not given.
const BURST_S: u64 = 10;
/// The longest window of a burst: an hour.
const BURST_S_MAX: u64 = 3_600;

/// Hits a second, and the hits that may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    hits_per_s: u64,
    burst: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "expected RATE or RATE/BURST, as 1000 or 1000/5000: a rate of 1 to {HITS_PER_S_MAX} hits a \
     second, and a burst of 1 to {BURST_S_MAX} seconds of it"
)]
pub struct BadRate;

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let (rate, burst) = match text.split_once('/') {
            Some((rate, burst)) => (rate, Some(burst)),
            None => (text, None),
        };
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| BadRate);
        let hits_per_s = number(rate)?;
        if !(1..=HITS_PER_S_MAX).contains(&hits_per_s) {
            return Err(BadRate);
        }
        let burst = burst.map_or(Ok(hits_per_s * BURST_S), number)?;
        let bursts = hits_per_s..=hits_per_s * BURST_S_MAX;
        match bursts.contains(&burst) {
            true => Ok(Self { hits_per_s, burst }),
            false => Err(BadRate),
        }
    }
}

impl Rate {
    /// The milliseconds that the rate needs for some hits.
    fn ms_for(self, hits: u64) -> u64 {
        let ms = u128::from(hits) * 1_000;
        let ms = ms.div_ceil(self.hits_per_s.into());
        u64::try_from(ms).unwrap_or(u64::MAX)
    }
}

/// A window, as far as an instance knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    until_ms: u64,
    is_full: bool,
}

impl<S: Store, C: Clock> Shared<'_, S, C> {
    /// Lets in a request of a token with this many hits, or gives the milliseconds until the token
    /// may try again. Tokens have numbers from 1 on. `known`: the window that this instance knew
    /// last.
    ///
    /// Most requests cost one store call. A request that is refused in a window that is known to be
    /// full costs none.
    pub async fn let_in(
        &self,
        rate: Rate,
        token: usize,
        hits: u64,
        known: &mut Option<Window>,
    ) -> Result<Option<u64>, SharedError> {
        let mut window = match *known {
            Some(window) if self.is_on(window.until_ms, rate) => window,
            _ => self.window(rate, token).await?,
        };
        let mut is_let_in = false;
        if !window.is_full {
            let delta = i64::try_from(hits).unwrap_or(i64::MAX);
            let counter = keys::rate_hits(token);
            let total = self.store.increment(&counter, delta).await?;
            is_let_in = total.saturating_sub(hits) < rate.burst;
            if total >= rate.burst {
                window = self.filled(rate, token, is_let_in.then_some(total)).await?;
            }
        }
        *known = Some(window);
        let left_ms = window.until_ms.saturating_sub(self.clock.wall_ms());
        Ok((!is_let_in).then_some(left_ms))
    }

    /// The window of now. If the last one is over, begins another.
    async fn window(&self, rate: Rate, token: usize) -> Result<Window, SharedError> {
        if let Some(until_ms) = self.stored_end(rate, token).await? {
            return Ok(Window {
                until_ms,
                is_full: false,
            });
        }
        // The counter first. Else another instance could take the hits of the last window for those
        // of this one.
        self.store.delete(&keys::rate_hits(token)).await?;
        let until_ms = self.clock.wall_ms() + rate.ms_for(rate.burst);
        self.set_end(token, until_ms).await?;
        Ok(Window {
            until_ms,
            is_full: false,
        })
    }

    /// The window, now that it is full. `total`: its hits, if this request is the one that filled
    /// it. Only one request is, so no two of them move the end.
    async fn filled(
        &self,
        rate: Rate,
        token: usize,
        total: Option<u64>,
    ) -> Result<Window, SharedError> {
        let now_ms = self.clock.wall_ms();
        let mut until_ms = self.stored_end(rate, token).await?.unwrap_or(now_ms);
        let too_many = total.map_or(0, |total| total.saturating_sub(rate.burst));
        if too_many > 0 {
            until_ms = until_ms.saturating_add(rate.ms_for(too_many));
            self.set_end(token, until_ms).await?;
        }
        Ok(Window {
            until_ms,
            is_full: true,
        })
    }

    /// The end of the window in the store. None: there is no window, or it is over.
    async fn stored_end(&self, rate: Rate, token: usize) -> Result<Option<u64>, SharedError> {
        let key = keys::rate(token);
        let Some(bytes) = self.store.get(&key).await? else {
            return Ok(None);
        };
        // If it cannot be read, a new window begins.
        let end = decode::<Claim>(&key, &bytes).ok().map(|end| end.until_ms);
        Ok(end.filter(|end| self.is_on(*end, rate)))
    }

    async fn set_end(&self, token: usize, until_ms: u64) -> Result<(), SharedError> {
        let key = keys::rate(token);
        let end = encode(&key, &Claim { until_ms })?;
        Ok(self.store.set(&key, end).await?)
    }

    /// Whether a window lasts until then. If it ends later than any window of this rate may, a
    /// clock was wrong, or the rate was lower. Then it does not count.
    fn is_on(&self, until_ms: u64, rate: Rate) -> bool {
        let now_ms = self.clock.wall_ms();
        let longest_ms = rate.ms_for(rate.burst.saturating_add(self.limits.request_hits));
        let latest_ms = now_ms
            .saturating_add(longest_ms)
            .saturating_add(self.limits.clocks_ms);
        (now_ms + 1..=latest_ms).contains(&until_ms)
    }
}
