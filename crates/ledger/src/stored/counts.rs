//! Counts over all IPs, as parts of the root.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tally::{LiveTally, Statuses, Tally, Tally4};

pub(super) mod drops {
    use super::*;
    use rollcall_tally::Drops;

    #[derive(Serialize, Deserialize)]
    struct Stored {
        evicted_ips: u64,
        evicted_hits: u64,
        unreadable_ips: u64,
        unreadable_hits: u64,
        other_path_hits: u64,
        repeated_batches: u64,
        skipped_numbers: u64,
    }

    pub fn serialize<S: Serializer>(drops: &Drops, to: S) -> Result<S::Ok, S::Error> {
        let stored = Stored {
            evicted_ips: drops.evicted_ips,
            evicted_hits: drops.evicted_hits,
            unreadable_ips: drops.unreadable_ips,
            unreadable_hits: drops.unreadable_hits,
            other_path_hits: drops.other_path_hits,
            repeated_batches: drops.repeated_batches,
            skipped_numbers: drops.skipped_numbers,
        };
        stored.serialize(to)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Drops, D::Error> {
        let stored = Stored::deserialize(from)?;
        Ok(Drops {
            evicted_ips: stored.evicted_ips,
            evicted_hits: stored.evicted_hits,
            unreadable_ips: stored.unreadable_ips,
            unreadable_hits: stored.unreadable_hits,
            other_path_hits: stored.other_path_hits,
            repeated_batches: stored.repeated_batches,
            skipped_numbers: stored.skipped_numbers,
            ..Drops::default()
        })
    }
}

pub(super) mod repairs {
    use super::*;
    use rollcall_tally::Repairs;

    #[derive(Default, Serialize, Deserialize)]
    pub struct Stored {
        hits: u64,
        unknown_requests: u64,
        cut_paths: u64,
        replaced_text: u64,
        unknown_statuses: u64,
        unknown_response_times: u64,
        unknown_bytes: u64,
        unknown_countries: u64,
    }

    pub fn serialize<S: Serializer>(repairs: &Repairs, to: S) -> Result<S::Ok, S::Error> {
        let stored = Stored {
            hits: repairs.hits,
            unknown_requests: repairs.unknown_requests,
            cut_paths: repairs.cut_paths,
            replaced_text: repairs.replaced_text,
            unknown_statuses: repairs.unknown_statuses,
            unknown_response_times: repairs.unknown_response_times,
            unknown_bytes: repairs.unknown_bytes,
            unknown_countries: repairs.unknown_countries,
        };
        stored.serialize(to)
    }

    /// The end of a value. Up to layout 7 it is not there.
    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Repairs, D::Error> {
        Ok(Stored::deserialize(from).unwrap_or_default().into())
    }

    impl From<Stored> for Repairs {
        fn from(stored: Stored) -> Self {
            Self {
                hits: stored.hits,
                unknown_requests: stored.unknown_requests,
                cut_paths: stored.cut_paths,
                replaced_text: stored.replaced_text,
                unknown_statuses: stored.unknown_statuses,
                unknown_response_times: stored.unknown_response_times,
                unknown_bytes: stored.unknown_bytes,
                unknown_countries: stored.unknown_countries,
            }
        }
    }
}

pub(super) mod traffic {
    use super::*;
    use rollcall_tally::{MethodCounts, Traffic};

    /// `T` is the tally of a layout.
    #[derive(Serialize, Deserialize)]
    struct Stored<T> {
        total: T,
        /// In the order in which the methods were first seen.
        methods: Vec<(String, Statuses)>,
    }

    pub fn serialize<S: Serializer>(traffic: &Traffic, to: S) -> Result<S::Ok, S::Error> {
        let pair = |of: &MethodCounts| (of.method.clone(), of.statuses.into());
        let stored = Stored::<LiveTally> {
            total: (&traffic.total).into(),
            methods: traffic.methods.iter().map(pair).collect(),
        };
        stored.serialize(to)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Traffic, D::Error> {
        Ok(read(Stored::<Tally>::deserialize(from)?))
    }

    /// Reads the form of layout 4.
    pub fn deserialize_4<'d, D: Deserializer<'d>>(from: D) -> Result<Traffic, D::Error> {
        Ok(read(Stored::<Tally4>::deserialize(from)?))
    }

    fn read<T: Into<rollcall_tally::Tally>>(stored: Stored<T>) -> Traffic {
        let counts = |(method, statuses): (String, Statuses)| MethodCounts {
            method,
            statuses: statuses.into(),
        };
        Traffic {
            total: stored.total.into(),
            methods: stored.methods.into_iter().map(counts).collect(),
        }
    }
}
