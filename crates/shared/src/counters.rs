//! Counters of the app's actions, over all instances, since the store was filled. Nothing depends
//! on them.

use rollcall_store::{Clock, Store};
use rollcall_tally::Count;

use crate::{Shared, SharedError, keys};

impl<S: Store, C: Clock> Shared<'_, S, C> {
    /// Adds to counters, and returns their new values. If 0 is added, a counter is only read.
    pub async fn count(&self, counts: &[Count]) -> Result<Vec<Count>, SharedError> {
        let mut totals = Vec::with_capacity(counts.len());
        for Count { name, times } in counts {
            let delta = i64::try_from(*times).unwrap_or(i64::MAX);
            let times = self.store.increment(&keys::count(name), delta).await?;
            let name = name.clone();
            totals.push(Count { name, times });
        }
        Ok(totals)
    }
}
