//! A value in a backup, and `restore`: how far a restore got.

use rollcall_store::Stored;
use rollcall_store::value::{decode, encode, resealed};
use serde::{Deserialize, Serialize};

use super::{Documents, Shard, Versioned};
use crate::{LedgerError, keys};

/// One value of a backup. It has its stored form, under its key with the version 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Framed<'b> {
    /// None: the root.
    pub of: Option<Versioned>,
    pub value: &'b [u8],
}

/// The key that a value has in a backup.
pub(crate) fn framed_key(of: Option<Versioned>) -> String {
    of.map_or_else(|| keys::root(0), |of| of.key(0))
}

/// A value of a backup as the fold `k` writes it: its key and its bytes.
pub(crate) fn restored(
    framed: Framed<'_>,
    of: Versioned,
    k: u64,
) -> Result<(String, Vec<u8>), LedgerError> {
    let (from, to) = (framed_key(Some(of)), of.key(k));
    let value = framed.value;
    let value = match of {
        Versioned::Shard(_) => encode(&to, &Shard::decode(&from, value)?.with_version(k))?,
        // Numbers of the log are those of the store that the documents come from.
        Versioned::Documents => {
            let mut documents: Documents = decode(&from, value)?;
            documents.0.values_mut().for_each(|of| of.log = 0);
            encode(&to, &documents)?
        }
        // A state that was damaged in the store is damaged in the backup. A fold counts it as such.
        Versioned::Ip(_) => resealed(&from, &to, value).unwrap_or_else(|_| value.to_vec()),
        _ => resealed(&from, &to, value)?,
    };
    Ok((to, value))
}

/// `restore`: how far a restore got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restoring {
    /// The backup, as the client names it.
    pub id: String,
    /// The fold that restores, and the root that it builds on.
    pub k: u64,
    pub base: u64,
    /// The owner of the lease between two requests.
    pub owner: u64,
    /// The part that is to come next.
    pub next: u64,
    /// The values that were written.
    pub values: u64,
    pub is_done: bool,
}

impl Stored for Restoring {
    const SINCE: u8 = 11;
}
