//! Sets of IPs. An IP is in a set as the number that the ledger gave it.

use std::fmt;

use roaring::RoaringBitmap;

/// If there are more loose numbers than this, they are sorted.
const LOOSE_MAX: usize = 4_096;

/// A set of IP numbers. Adding a number is cheap. If there are many loose numbers, or if the set is
/// read, they are sorted and duplicates are dropped.
#[derive(Clone, Default)]
pub struct IpSet {
    loose: Vec<u32>,
    /// The numbers that are sorted already.
    sorted: RoaringBitmap,
}

impl IpSet {
    pub fn insert(&mut self, number: u32) {
        if self.loose.last() != Some(&number) {
            self.loose.push(number);
        }
        if self.loose.len() > LOOSE_MAX {
            self.settle();
        }
    }

    pub fn remove(&mut self, number: u32) {
        self.loose.retain(|known| *known != number);
        self.sorted.remove(number);
    }

    pub fn union(&mut self, other: &Self) {
        self.sorted |= &other.sorted;
        for number in &other.loose {
            self.insert(*number);
        }
    }

    /// Adds a set that is sorted as a whole.
    pub fn union_sorted(&mut self, sorted: RoaringBitmap) {
        if self.sorted.is_empty() {
            self.sorted = sorted;
        } else {
            self.sorted |= sorted;
        }
    }

    /// Removes the numbers that are in `other`.
    pub fn subtract(&mut self, mut other: Self) {
        self.settle();
        other.settle();
        self.sorted -= other.sorted;
    }

    /// The number of IPs that are not in `other`.
    pub fn count_outside(&mut self, other: &mut Self) -> u64 {
        self.settle();
        other.settle();
        self.sorted.difference_len(&other.sorted)
    }

    /// The number of IPs.
    pub fn count(&mut self) -> u64 {
        self.tidy();
        match self.sorted.is_empty() {
            true => self.loose.len() as u64,
            false => {
                self.settle();
                self.sorted.len()
            }
        }
    }

    /// The numbers as a sorted set.
    pub fn sorted(&mut self) -> &RoaringBitmap {
        self.settle();
        &self.sorted
    }

    fn tidy(&mut self) {
        self.loose.sort_unstable();
        self.loose.dedup();
    }

    fn settle(&mut self) {
        if self.loose.is_empty() {
            return;
        }
        self.tidy();
        match self.sorted.is_empty() {
            true => self.sorted = self.loose.drain(..).collect(),
            false => self.sorted.extend(self.loose.drain(..)),
        }
    }
}

impl FromIterator<u32> for IpSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut set = Self::default();
        for number in numbers {
            set.insert(number);
        }
        set
    }
}

impl fmt::Debug for IpSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = self.clone();
        out.debug_set().entries(set.sorted().iter()).finish()
    }
}

impl PartialEq for IpSet {
    fn eq(&self, other: &Self) -> bool {
        self.clone().sorted() == other.clone().sorted()
    }
}

impl Eq for IpSet {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_is_the_set_of_what_was_put_in_however_that_was_done(
            one in proptest::collection::vec(0..9_000u32, 0..9_000),
            two in proptest::collection::vec(any::<u32>(), 0..100),
            out in proptest::collection::vec(0..9_000u32, 0..100),
        ) {
            let mut set: IpSet = one.iter().copied().collect();
            set.union(&two.iter().copied().collect());
            set.union_sorted(one.iter().take(3).copied().collect());
            let mut known: BTreeSet<u32> = one.iter().chain(&two).copied().collect();
            prop_assert_eq!(set.clone().count(), known.len() as u64);
            for number in &out {
                set.remove(*number);
                known.remove(number);
            }
            let mut others: IpSet = two.iter().copied().collect();
            let outside = set.count_outside(&mut others);
            set.subtract(others);
            prop_assert_eq!(set.clone().count(), outside);
            known.retain(|number| !two.contains(number));
            prop_assert_eq!(set.count(), known.len() as u64);
            prop_assert!(set.sorted().iter().eq(known));
        }
    }
}
