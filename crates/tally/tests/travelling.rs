//! What travels between components: whatever bytes come, there is a value or an error.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::*;
use proptest::prelude::*;
use rollcall_tally::window::Ranges;
use rollcall_tally::{
    Batch, Count, Failure, Found, IpList, IpRef, IpRows, Kept, LedgerStatus, ShardRange, Snapshot,
    Summary,
};
use serde::de::DeserializeOwned;

/// Reads bytes as each of the arguments and results.
fn read_as_everything(bytes: &[u8]) {
    fn read<T: DeserializeOwned>(bytes: &[u8]) {
        let _ = postcard::from_bytes::<T>(bytes);
    }
    read::<ShardRange>(bytes);
    read::<Batch>(bytes);
    read::<(String, u64)>(bytes);
    read::<(Kept, u64)>(bytes);
    read::<Vec<Count>>(bytes);
    read::<Snapshot>(bytes);
    read::<IpList>(bytes);
    read::<Summary>(bytes);
    read::<Vec<IpRows>>(bytes);
    read::<LedgerStatus>(bytes);
    read::<Found>(bytes);
    read::<Failure>(bytes);
}

proptest! {
    #[test]
    fn no_bytes_make_reading_what_travels_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn no_flipped_byte_makes_reading_what_travels_panic(
        hits in prop::collection::vec(any_hit(), 1..9),
        window in any_window(),
        filter in any_filter(),
        details in any_details(),
        at: prop::sample::Index,
        to: u8,
    ) {
        let mut batch = batch(NOW_MS, window, &filter, details);
        batch.ips.push(IpRef { ip: "192.0.2.1".to_owned(), version: 3 });
        let rows = state(&hits).rows("192.0.2.1", &window.span(&Ranges::utc(NOW_MS)), &filter);
        for mut bytes in [
            postcard::to_allocvec(&batch).unwrap(),
            postcard::to_allocvec(&summary(1, &hits, &batch)).unwrap(),
            postcard::to_allocvec(&rows).unwrap(),
        ] {
            let at = at.index(bytes.len());
            bytes[at] = to;
            read_as_everything(&bytes);
        }
    }

    #[test]
    fn no_moment_makes_counting_panic(hits in prop::collection::vec(any_hit(), 1..9), as_of_ms: u64, window in any_window(), details in any_details()) {
        let batch = batch(as_of_ms, window, &Default::default(), details);
        prop_assert!(summary(1, &hits, &batch).tally.count <= hits.len() as u64);
    }
}
