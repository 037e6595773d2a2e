//! Files that cannot be used, and files that are damaged.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_refused(content: Vec<u8>, reason: &str) {
    let error = Places::new(None, Some(content.clone())).unwrap_err();
    assert_eq!(error.kind, FileKind::Networks);
    let text = error.to_string();
    assert!(
        text.starts_with("the file of networks: ") && text.contains(reason),
        "{text}"
    );
    let error = Places::new(Some(content), None).unwrap_err();
    assert_eq!(error.kind, FileKind::Countries);
    let text = error.to_string();
    assert!(
        text.starts_with("the file of countries: ") && text.contains(reason),
        "{text}"
    );
}

#[test]
fn a_file_of_another_format_is_refused_by_name() {
    for content in [
        &b""[..],
        b"country_code",
        b"\xab\xcd\xefMaxMind.com",
        &[0; 1_000],
    ] {
        check_refused(
            content.to_vec(),
            "it is damaged, or not in MaxMind's format: ",
        );
    }
}

#[test]
fn a_file_that_is_in_the_wrong_place_is_refused() {
    let of_countries = Writer::new(4, 24)
        .add("192.0.2.0/24", country("DE"))
        .write();
    let error = Places::new(None, Some(of_countries)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file of networks: its records have no networks: none has a key \
         autonomous_system_number or asn"
    );
    let of_networks = Writer::new(4, 24)
        .add("192.0.2.0/24", network(1, "A"))
        .write();
    let error = Places::new(Some(of_networks), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file of countries: its records have no countries: none has a key country_code or \
         iso_code"
    );
}

#[test]
fn the_longest_file_is_read_and_a_longer_one_is_refused() {
    let file = |padding| {
        Writer::new(4, 24)
            .add("192.0.2.0/24", both("DE", "AS1", "A"))
            .pad(padding)
            .write()
    };
    let length = file(0).len();
    let longest = file(FILE_BYTES_MAX - length);
    assert_eq!(longest.len(), FILE_BYTES_MAX);
    check(
        &Places::new(Some(longest), None).unwrap(),
        "192.0.2.1",
        Some("DE"),
        None,
    );
    check_refused(
        file(FILE_BYTES_MAX - length + 1),
        "at most 134217728 are read",
    );
}

fn file() -> Vec<u8> {
    let mut file = Writer::new(6, 28)
        .add("192.0.2.0/25", both("DE", "AS64496", "Example"))
        .add(
            "198.51.100.0/24",
            network(64_497, &"A long name. ".repeat(30)),
        )
        .add("2001:db8::/32", country("FR"));
    for end in 0..32 {
        file = file.add(&format!("192.0.2.{}/32", 128 + end), flat_country("IT"));
    }
    file.write()
}

/// Opens a file, and asks for places, in both roles. Whatever the content is, nothing panics, and
/// what is given is within the limits.
fn use_file(content: &[u8]) -> Result<(), TestCaseError> {
    let content = Some(content.to_vec());
    for given in [
        (content.clone(), None),
        (None, content.clone()),
        (content.clone(), content),
    ] {
        let Ok(places) = Places::new(given.0, given.1) else {
            continue;
        };
        for ip in [
            "192.0.2.1",
            "192.0.2.130",
            "198.51.100.1",
            "2001:db8::1",
            "::",
            "255.255.255.255",
        ] {
            let place = places.of(ip.parse::<IpAddr>().unwrap());
            let country = place.country.unwrap_or("DE".to_owned());
            prop_assert!(country.len() == 2 && country.is_ascii(), "{country:?}");
            let network = place.network.unwrap_or("AS1".to_owned());
            prop_assert!(network.starts_with("AS") && network.len() <= NETWORK_BYTES_MAX);
            prop_assert!(!network.contains(char::is_control), "{network:?}");
        }
    }
    Ok(())
}

#[test]
fn a_file_that_was_cut_off_anywhere_is_refused() {
    let file = file();
    for length in 0..file.len() {
        assert!(
            Places::new(Some(file[..length].to_vec()), None).is_err(),
            "{length} bytes"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damaged_bytes_make_no_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut file = file();
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        use_file(&file)?;
    }

    /// The end of a file says how the rest is read.
    #[test]
    fn damaged_ends_make_no_panic(
        damage in prop::collection::vec((0..200_usize, any::<u8>()), 1..4),
    ) {
        let mut file = file();
        for (place, byte) in damage {
            let place = file.len() - 1 - place;
            file[place] = byte;
        }
        use_file(&file)?;
    }

    #[test]
    fn a_stretch_that_is_missing_makes_no_panic(
        start in any::<prop::sample::Index>(),
        length in 1..100_usize,
    ) {
        let mut file = file();
        let start = start.index(file.len());
        file.drain(start..(start + length).min(file.len()));
        use_file(&file)?;
    }

    #[test]
    fn any_bytes_make_no_panic(
        tree in prop::collection::vec(any::<u8>(), 0..200),
        metadata in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        use_file(&[tree.as_slice(), b"\xab\xcd\xefMaxMind.com", &metadata].concat())?;
    }
}
