//! Every key of the layout.
//!
//! Keys use only `[A-Za-z0-9:._-]`, because some stores allow no other characters. An address has
//! its canonical text.

use std::net::IpAddr;

use rollcall_store::stable_hash;

use crate::stored::Bucket;

/// Counter: the newest number of the log.
pub const LOG_NEXT: &str = "log:next";
/// Counter: the newest fold number.
pub const FOLD: &str = "fold";
/// The folder, and until when its lease runs. A hint.
pub const LEASE: &str = "lease";
/// The newest root known to be confirmed.
pub const HEAD: &str = "head";
/// How far cleaning got. A hint.
pub const CLEANED: &str = "cleaned";
/// The instance that waits until something is to be cleaned, and until when. A hint.
pub const CLEANER: &str = "cleaner";
/// The oldest root that a backup reads, and until when. A hint.
pub const BACKUP: &str = "backup";
/// How far a restore got.
pub const RESTORE: &str = "restore";
/// The version of the layout, the number of shards, and the time zone.
pub const META: &str = "meta";

/// A segment of the log.
pub fn log(n: u64) -> String {
    format!("log:{n}")
}

/// The values that the fold `k` is going to write, and the versions that they replace. Written
/// before all these values.
pub fn plan(k: u64, part: u64) -> String {
    match part {
        0 => format!("plan:{k}"),
        _ => format!("plan:{k}:{part}"),
    }
}

/// The record of the fold `k`. Written after all values that it names.
pub fn root(k: u64) -> String {
    format!("root:{k}")
}

/// The index of a share of the IPs, as the fold `k` wrote it.
pub fn shard(s: usize, k: u64) -> String {
    format!("shard:{s}:{k}")
}

/// The documents, as the fold `k` wrote them.
pub fn documents(k: u64) -> String {
    format!("documents:{k}")
}

/// A share of the batch ids, as the fold `k` wrote it.
pub fn ids(chunk: u64, k: u64) -> String {
    format!("ids:{chunk}:{k}")
}

/// A version with this bit has a key as up to layout 6: the address comes before the fold's number.
pub const ADDRESS_FIRST: u64 = 1 << 63;
/// The oldest layout whose shards and plans say by that bit which key a state has. In an older one,
/// the address always comes first.
pub const FOLD_FIRST_SINCE: u8 = 7;

/// The state of an IP, as the fold `k` wrote it. The states of one fold have their keys beside each
/// other. So a store that is sorted by key writes, reads and deletes them in few places.
pub fn ip(ip: &IpAddr, k: u64) -> String {
    match k & ADDRESS_FIRST {
        0 => format!("ip:{k}:{ip}"),
        _ => format!("ip:{ip}:{}", k & !ADDRESS_FIRST),
    }
}

/// The sums over all paths in a bucket, as the fold `k` wrote them.
pub fn totals(bucket: Bucket, k: u64) -> String {
    format!("totals:{bucket}:{k}")
}

/// A part of the paths of a bucket, as the fold `k` wrote it.
pub fn paths(bucket: Bucket, part: u16, k: u64) -> String {
    format!("paths:{bucket}:{part}:{k}")
}

/// A share of the facts known of every path, as the fold `k` wrote it.
pub fn known(part: u16, k: u64) -> String {
    format!("known:{part}:{k}")
}

/// The IPs that called most in a stretch of time, as the fold `k` wrote them.
pub fn heaviest(bucket: Bucket, k: u64) -> String {
    format!("heaviest:{bucket}:{k}")
}

/// The hash of a path key decides its part and its slice. It is the same for ever, on every
/// machine.
pub fn path_hash(path_key: &str) -> u32 {
    crc32c::crc32c(path_key.as_bytes())
}

/// The part that has the paths with this hash. `parts` is a power of two.
pub fn part_of(hash: u32, parts: u16) -> u16 {
    ((u64::from(hash) * u64::from(parts)) >> 32) as u16
}

/// The shard of an IP, by the SHA-256 of its octets. It is the same for ever, on every machine.
pub fn shard_of(ip: &IpAddr, shards: usize) -> usize {
    let hash = match ip {
        IpAddr::V4(v4) => stable_hash(&v4.octets()),
        IpAddr::V6(v6) => stable_hash(&v6.octets()),
    };
    (hash % shards as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_use_only_what_every_store_allows() {
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        for key in [
            log(7),
            plan(7, 0),
            plan(7, 2),
            root(7),
            shard(255, 7),
            ids(3, 7),
            documents(7),
            ip(&v6, 7),
            ip(&v6, 7 | ADDRESS_FIRST),
        ] {
            assert!(
                key.chars()
                    .all(|c| c.is_ascii_alphanumeric() || ":._-".contains(c)),
                "{key}"
            );
        }
    }

    #[test]
    fn ips_are_spread_evenly_over_the_shards() {
        let mut shards = vec![0u32; 256];
        for i in 0..25_600u32 {
            shards[shard_of(&IpAddr::from((0x0a00_0000 + i).to_be_bytes()), 256)] += 1;
        }
        let most = shards.iter().max().unwrap();
        let least = shards.iter().min().unwrap();
        assert!(
            *most <= 200 && *least >= 30,
            "{least} to {most} instead of 100"
        );
    }
}
