//! Asks both the sums over all IPs and the IPs themselves for everything, and compares.

use std::time::Instant;

use rollcall_tally::hit::OTHER_PATHS;
use rollcall_tally::question::Query;
use rollcall_tally::report::{Verified, WindowVerified};
use rollcall_tally::{CountryDetail, Details, Failure, Filter, PathOrder, Window};

use crate::settings::Settings;
use crate::{answer, collector, sums};

/// Paths compared by name: the ones with the most hits.
const PATHS: u32 = 1_000;

pub async fn verify() -> Result<Verified, Failure> {
    let settings = Settings::read().await;
    let snapshot = collector::SNAPSHOT.take_snapshot().await?;
    let mut windows = Vec::new();
    for window in Window::EVERY {
        let query = Query {
            window,
            filter: Filter::default(),
            details: Details {
                paths: PATHS,
                path_order: PathOrder::Requests,
                path_keys: true,
                countries: CountryDetail::All,
                timeline: true,
                ..Details::default()
            },
            via: None,
            against: None,
            is_of_api: false,
        };
        let of_sums = sums::ask(&settings, &query, &snapshot).await?.summary;
        let of_other_paths = Query {
            filter: Filter {
                path_key: Some(OTHER_PATHS.to_owned()),
                ..Filter::default()
            },
            details: Details::default(),
            ..query.clone()
        };
        let of_other_paths = sums::ask(&settings, &of_other_paths, &snapshot)
            .await?
            .summary;
        // All paths of the IPs are asked for. If some IPs left, the remaining IPs may have other
        // paths at the top.
        let of_ips = Query {
            details: Details {
                paths: u32::MAX,
                ..query.details.clone()
            },
            ..query
        };
        let (of_ips, _) = answer::ask_ips(&settings, &of_ips, &snapshot, Instant::now()).await?;
        if of_ips.coverage < 1.0 {
            let reason = "not every IP answered, so that nothing can be compared";
            return Err(Failure::Unavailable(reason.to_owned()));
        }
        let named = |path_key: &str| of_sums.paths.iter().any(|path| path.path_key == path_key);
        let mut of_ips = of_ips.summary;
        if of_sums.paths.len() == PATHS as usize {
            of_ips.paths.retain(|path| named(&path.path_key));
        }
        let left = snapshot.drops.into();
        windows.push(WindowVerified::new(
            window,
            &of_sums,
            &of_ips,
            left,
            of_other_paths.tally.count,
        ));
    }
    Ok(Verified::new(windows, snapshot.drops, snapshot.as_of_ms))
}
