//! What must hold for the operator's rules, and for any hit under them.

use rollcall_tally::hit::{
    AddressRules, Dimension, Hit, PathRules, Privacy, RawHit, Repairs, Rules,
};

use crate::hits::{NOW, check_hit, stays_the_same};

/// A line for each: four lists of rules, options, and the fields of a hit.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let [trusted, excluded, templates, excluded_paths, options] = [(); 5].map(|()| line());
    let Some(rules) = read([trusted, excluded], [templates, excluded_paths], options) else {
        return;
    };
    let raw = RawHit {
        ip: line().to_owned(),
        method: line().to_owned(),
        path: line().to_owned(),
        timestamp_ms: line().parse().ok(),
        status: line().parse().ok(),
        response_time_us: line().parse().ok(),
        bytes: line().parse().ok(),
        country: Some(line().to_owned()),
        user_agent: Some(line().to_owned()),
        host: Some(line().to_owned()),
        consumer: Some(line().to_owned()),
        protocol: Some(line().to_owned()),
        referrer: Some(line().to_owned()),
    };
    if let Some(hit) = hit(&raw, &Rules::NONE) {
        stays_the_same(&hit);
        // The address and the time decide alone, and they are the same.
        if let Some(mut ruled) = self::hit(&raw, &rules) {
            assert_eq!(ruled.timestamp_ms, hit.timestamp_ms);
            assert_eq!(ruled.method, hit.method);
            if rules.no_user_agents {
                // The names of programs stay. Without the user agent, they are not known again.
                *ruled.told.get_mut(Dimension::Bot) = None;
                *ruled.told.get_mut(Dimension::UserAgent) = None;
            }
            stays_the_same(&ruled);
        }
    }
}

/// None: a list has a bad word.
fn read(addresses: [&str; 2], paths: [&str; 2], options: &str) -> Option<Rules> {
    let has = |option: char| options.contains(option);
    let prefix = options
        .trim_matches(|char: char| !char.is_ascii_digit())
        .parse();
    let read = AddressRules::new(addresses[0], addresses[1], prefix.unwrap_or(128));
    let addresses = named(read, addresses)?;
    let mut paths = named(PathRules::new(paths[0], paths[1]), paths)?;
    paths.ids = has('i');
    paths.spelling.no_trailing_slash = has('s');
    paths.spelling.lower_case = has('l');
    Some(Rules {
        addresses: addresses.with_privacy(match (has('t'), has('h')) {
            (true, _) => Privacy::Truncated,
            (_, true) => Privacy::Hashed(options.as_bytes().into()),
            _ => Privacy::Full,
        }),
        paths,
        no_user_agents: has('u'),
    })
}

/// The error of a list is one of its words.
fn named<T>(read: Result<T, String>, lists: [&str; 2]) -> Option<T> {
    if let Err(word) = &read {
        let is_in = |list: &&str| {
            list.split([','])
                .flat_map(str::split_whitespace)
                .any(|w| w == word)
        };
        assert!(lists.iter().any(is_in), "{word}");
    }
    read.ok()
}

fn hit(raw: &RawHit, rules: &Rules) -> Option<Hit> {
    let mut repairs = Repairs::default();
    let checked = raw.clone().check(NOW, rules, &mut repairs);
    let mut again = Repairs::default();
    assert_eq!(checked, raw.clone().check(NOW, rules, &mut again));
    assert_eq!(repairs, again);
    assert!(repairs.hits <= 1);
    let hit = checked.ok().flatten();
    match &hit {
        Some(hit) => check_hit(hit),
        None => assert_eq!(repairs, Repairs::default(), "there is no hit to repair"),
    }
    hit
}
