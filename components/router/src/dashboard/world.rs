//! The countries of the world, with their names and their outlines on a map. `cargo xtask world`
//! makes the file of them.

use std::sync::LazyLock;

use crate::texts::Text;

/// Width and height of the map, in the units of the outlines.
pub const MAP: (u32, u32) = (2000, 902);

pub struct Country {
    /// As ISO 3166-1.
    pub code: &'static str,
    english: &'static str,
    chinese: &'static str,
    /// The `d` of an SVG path. Empty: it is not on the map.
    pub outline: &'static str,
}

impl Country {
    pub fn name(&self) -> Text {
        Text::Both {
            english: self.english.to_owned(),
            chinese: self.chinese.to_owned(),
        }
    }
}

/// By code.
static WORLD: LazyLock<Vec<Country>> = LazyLock::new(|| {
    let lines = include_str!("../../assets/world.txt").lines();
    let country = |line: &'static str| {
        let mut parts = line.split('\t');
        let (code, english, chinese) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Country {
            code,
            english,
            chinese,
            outline: parts.next()?,
        })
    };
    lines.filter_map(country).collect()
});

pub fn every() -> &'static [Country] {
    &WORLD
}

/// The country with this code.
pub fn country(code: &str) -> Option<&'static Country> {
    let at = WORLD.binary_search_by_key(&code, |country| country.code);
    WORLD.get(at.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_is_found_by_its_code() {
        assert!(every().len() > 240, "{}", every().len());
        for known in every() {
            let found = country(known.code).map(|country| country.english);
            assert_eq!(found, Some(known.english), "{}", known.code);
        }
        let germany = country("DE").unwrap();
        assert_eq!((germany.english, germany.chinese), ("Germany", "德国"));
        for unknown in ["", "XX", "unknown", "de"] {
            assert!(country(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn an_outline_is_a_path_and_nothing_else() {
        let is_of_path = |char: char| char.is_ascii_digit() || "Mlaz -".contains(char);
        for country in every() {
            assert!(country.outline.chars().all(is_of_path), "{}", country.code);
        }
        // Small countries are dots.
        for code in ["US", "CN", "SG", "HK", "LU"] {
            assert!(country(code).is_some_and(|country| !country.outline.is_empty()));
        }
    }
}
