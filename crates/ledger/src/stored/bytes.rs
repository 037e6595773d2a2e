//! Numbers, texts, tallies and sets of IPs as bytes of a rollup.

use roaring::RoaringBitmap;
use rollcall_store::Unreadable;
use rollcall_store::value::damaged;
use rollcall_tally::histogram::add_bucket_from;
use rollcall_tally::rollup::IpSet;
use rollcall_tally::status::add_status;
use rollcall_tally::{self as live, StatusCount};

/// A larger set of IPs is stored as a bitmap.
const LISTED_IPS_MAX: u64 = 64;

pub(super) fn put(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

pub(super) fn put_text(to: &mut Vec<u8>, text: &str) {
    put(to, text.len() as u64);
    to.extend(text.as_bytes());
}

pub(super) fn put_tally(to: &mut Vec<u8>, tally: &live::Tally) {
    put(to, tally.statuses.len() as u64);
    for of in &tally.statuses {
        put(to, of.code.into());
        put(to, of.count);
    }
    put(to, tally.bytes);
    put(to, tally.timed);
    if tally.timed == 0 {
        return;
    }
    put(to, tally.time_sum_us);
    put(to, tally.time_max_us);
    put_histogram(to, &tally.histogram);
}

pub(super) fn put_histogram(to: &mut Vec<u8>, histogram: &[live::Bucket]) {
    put(to, histogram.len() as u64);
    let mut index = 0;
    for of in histogram {
        put(to, u64::from(of.index) - index);
        put(to, of.count);
        index = of.index.into();
    }
}

pub(super) fn put_ips(to: &mut Vec<u8>, ips: &mut IpSet) {
    let sorted = ips.sorted();
    put(to, sorted.len());
    if sorted.len() <= LISTED_IPS_MAX {
        let mut last = 0;
        for number in sorted {
            put(to, u64::from(number - last));
            last = number;
        }
        return;
    }
    let length = sorted.serialized_size();
    put(to, length as u64);
    to.reserve(length);
    // Writing into memory does not fail.
    _ = sorted.serialize_into(to);
}

/// Reads a whole content, with nothing after it.
pub(super) fn whole<'b, T>(
    key: &str,
    content: &'b [u8],
    read: impl FnOnce(&mut Reader<'b>) -> Option<T>,
) -> Result<T, Unreadable> {
    let mut from = Reader(content);
    match (read(&mut from), from.0) {
        (Some(value), []) => Ok(value),
        _ => Err(damaged(key, "it is cut short or too long")),
    }
}

/// Reads a content. `None`: the bytes are damaged.
pub(super) struct Reader<'b>(pub &'b [u8]);

impl<'b> Reader<'b> {
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub fn take(&mut self, length: u64) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn text(&mut self) -> Option<&'b str> {
        let length = self.number()?;
        str::from_utf8(self.take(length)?).ok()
    }

    /// Adds a tally to another.
    pub fn tally(&mut self, to: &mut live::Tally) -> Option<()> {
        for _ in 0..self.number()? {
            let code = u16::try_from(self.number()?).ok()?;
            let count = self.number()?;
            to.count += count;
            add_status(&mut to.statuses, StatusCount { code, count });
        }
        to.bytes = to.bytes.saturating_add(self.number()?);
        let timed = self.number()?;
        if timed == 0 {
            return Some(());
        }
        to.timed += timed;
        to.time_sum_us = to.time_sum_us.saturating_add(self.number()?);
        to.time_max_us = to.time_max_us.max(self.number()?);
        let (mut index, mut at) = (0, 0);
        for _ in 0..self.number()? {
            index += self.number()?;
            let count = self.number()?;
            let index = u16::try_from(index).ok()?;
            at = add_bucket_from(&mut to.histogram, at, live::Bucket { index, count });
        }
        Some(())
    }

    pub fn skip_tally(&mut self) -> Option<()> {
        for _ in 0..self.number()? {
            self.number()?;
            self.number()?;
        }
        self.number()?;
        if self.number()? == 0 {
            return Some(());
        }
        self.number()?;
        self.number()?;
        for _ in 0..self.number()? {
            self.number()?;
            self.number()?;
        }
        Some(())
    }

    /// Adds IPs to others.
    pub fn ips(&mut self, to: &mut IpSet) -> Option<()> {
        let count = self.number()?;
        if count <= LISTED_IPS_MAX {
            let mut last = 0u32;
            for _ in 0..count {
                last = last.checked_add(u32::try_from(self.number()?).ok()?)?;
                to.insert(last);
            }
            return Some(());
        }
        let length = self.number()?;
        let bitmap = RoaringBitmap::deserialize_from(self.take(length)?).ok()?;
        to.union_sorted(bitmap);
        Some(())
    }
}
