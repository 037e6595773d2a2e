//! Hits in little memory, for many hits at once. Their texts are kept once, in [`Names`].

use indexmap::IndexSet;

use super::{ByDimension, Hit};

/// A number that stands for "none". No field has it as a value: see the limits of [`crate::hit`].
const NO_NUMBER: u64 = u64::MAX;
const NO_TEXT: u32 = u32::MAX;
const NO_STATUS: u16 = u16::MAX;
/// The bytes that a text needs beside its own.
const TEXT_BYTES: usize = 200;
/// The bytes that one combination of the dimensions needs, with its sums.
const TOLD_BYTES: usize = 600;

/// The numbers of a hit that a tally counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    pub status: Option<u16>,
    pub response_time_us: Option<u64>,
    pub bytes: Option<u64>,
}

/// A hit whose texts are elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HitRef<'h> {
    pub timestamp_ms: u64,
    pub method: &'h str,
    pub path: &'h str,
    pub measures: Measures,
    pub country: Option<&'h str>,
    pub user_agent: Option<&'h str>,
    pub told: ByDimension<Option<&'h str>>,
}

/// A hit of a known IP. Its texts are numbers of [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactHit {
    pub timestamp_ms: u64,
    response_time_us: u64,
    bytes: u64,
    pub path_key: u32,
    country: u32,
    user_agent: u32,
    /// The number of all that the hit tells by dimension.
    told: u32,
    status: u16,
}

impl Hit {
    pub fn as_hit_ref(&self) -> HitRef<'_> {
        HitRef {
            timestamp_ms: self.timestamp_ms,
            method: &self.method,
            path: &self.path,
            measures: Measures {
                status: self.status,
                response_time_us: self.response_time_us,
                bytes: self.bytes,
            },
            country: self.country.as_deref(),
            user_agent: self.user_agent.as_deref(),
            told: ByDimension::from_fn(|dimension| self.told.get(dimension).as_deref()),
        }
    }
}

impl CompactHit {
    pub fn measures(&self) -> Measures {
        let some = |number: u64| (number != NO_NUMBER).then_some(number);
        Measures {
            status: (self.status != NO_STATUS).then_some(self.status),
            response_time_us: some(self.response_time_us),
            bytes: some(self.bytes),
        }
    }

    pub fn country(&self) -> Option<u32> {
        (self.country != NO_TEXT).then_some(self.country)
    }

    pub fn user_agent(&self) -> Option<u32> {
        (self.user_agent != NO_TEXT).then_some(self.user_agent)
    }

    /// The number of all that the hit tells by dimension. `None`: it tells nothing.
    pub fn told(&self) -> Option<u32> {
        (self.told != NO_TEXT).then_some(self.told)
    }
}

/// Texts, each kept once. Each has a number, from 0 on.
#[derive(Clone, Debug, Default)]
pub struct Names {
    texts: IndexSet<Box<str>>,
    /// All that a hit may tell by dimension. Many hits tell the same.
    told: IndexSet<ByDimension<Option<u32>>>,
    bytes: usize,
    path_key: String,
}

impl Names {
    pub fn number(&mut self, text: &str) -> u32 {
        let at = self.texts.get_index_of(text).unwrap_or_else(|| {
            self.bytes += text.len() + TEXT_BYTES;
            self.texts.insert_full(text.into()).0
        });
        at as u32
    }

    /// The text with this number.
    pub fn text(&self, number: u32) -> &str {
        let text = self.texts.get_index(number as usize);
        text.map_or("", Box::as_ref)
    }

    /// The numbers of the texts that a hit tells by dimension.
    pub fn told(&self, number: u32) -> ByDimension<Option<u32>> {
        let told = self.told.get_index(number as usize);
        told.copied().unwrap_or_default()
    }

    /// All texts, in the order of their numbers.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(Box::as_ref)
    }

    /// Takes a hit without a copy of texts that are known.
    pub fn compact(&mut self, hit: &HitRef<'_>) -> CompactHit {
        let mut path_key = std::mem::take(&mut self.path_key);
        path_key.clear();
        path_key.extend([hit.method, " ", hit.path]);
        let told = self.number_of_told(&hit.told);
        let mut number = |text: Option<&str>| text.map_or(NO_TEXT, |text| self.number(text));
        let compact = CompactHit {
            timestamp_ms: hit.timestamp_ms,
            response_time_us: hit.measures.response_time_us.unwrap_or(NO_NUMBER),
            bytes: hit.measures.bytes.unwrap_or(NO_NUMBER),
            path_key: number(Some(&path_key)),
            country: number(hit.country),
            user_agent: number(hit.user_agent),
            told,
            status: hit.measures.status.unwrap_or(NO_STATUS),
        };
        self.path_key = path_key;
        compact
    }

    fn number_of_told(&mut self, told: &ByDimension<Option<&str>>) -> u32 {
        if *told == ByDimension::default() {
            return NO_TEXT;
        }
        let told = ByDimension::from_fn(|dimension| {
            let text = told.get(dimension);
            text.map(|text| self.number(text))
        });
        let (at, is_new) = self.told.insert_full(told);
        self.bytes += if is_new { TOLD_BYTES } else { 0 };
        at as u32
    }

    /// About how many bytes of memory the texts need, with all that is kept of each while it is
    /// counted.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Dimension;
    use super::*;

    proptest! {
        #[test]
        fn a_compact_hit_is_the_hit(
            status in proptest::option::of(100..600u16),
            response_time_us in proptest::option::of(0..=super::super::RESPONSE_TIME_US_MAX),
            bytes in proptest::option::of(0..=super::super::RESPONSE_BYTES_MAX),
            texts in proptest::collection::vec("[a-c]{0,2}", 4),
            has in any::<(bool, bool)>(),
        ) {
            let [method, path, country, user_agent] = texts.as_slice() else { unreachable!() };
            let hit = HitRef {
                timestamp_ms: 7,
                method,
                path,
                measures: Measures { status, response_time_us, bytes },
                country: has.0.then_some(country),
                user_agent: has.1.then_some(user_agent),
                told: ByDimension::from_fn(|dimension| match dimension {
                    Dimension::Host => has.0.then_some(path.as_str()),
                    Dimension::Bot => has.1.then_some(method.as_str()),
                    _ => None,
                }),
            };
            let mut names = Names::default();
            names.number("before");
            let compact = names.compact(&hit);
            prop_assert_eq!(compact.timestamp_ms, 7);
            prop_assert_eq!(compact.measures(), hit.measures);
            prop_assert_eq!(names.text(compact.path_key), format!("{method} {path}"));
            prop_assert_eq!(compact.country().map(|n| names.text(n)), hit.country);
            prop_assert_eq!(compact.user_agent().map(|n| names.text(n)), hit.user_agent);
            let told = compact.told().map(|number| names.told(number)).unwrap_or_default();
            for (dimension, text) in hit.told.iter() {
                prop_assert_eq!(told.get(dimension).map(|n| names.text(n)), *text);
            }
            let known = names.bytes();
            prop_assert_eq!(names.compact(&hit), compact);
            prop_assert_eq!(names.bytes(), known);
        }
    }
}
