mod damage;
mod writer;

use super::*;
use writer::{Value, Writer, map, text};

fn iso_code(code: &str) -> Value {
    map([
        ("names", map([("en", text("A name"))])),
        ("iso_code", text(code)),
    ])
}

/// As GeoLite2, GeoIP2 and DB-IP write it.
fn country(code: &str) -> Value {
    map([("continent", iso_code("EU")), ("country", iso_code(code))])
}

/// As ip-location-db writes it.
fn flat_country(code: &str) -> Value {
    map([("country_code", text(code))])
}

/// As GeoLite2, GeoIP2, DB-IP and ip-location-db write it.
fn network(number: u32, name: &str) -> Value {
    map([
        ("autonomous_system_number", Value::Number(number)),
        ("autonomous_system_organization", text(name)),
    ])
}

/// As IPinfo writes it.
fn both(code: &str, number: &str, name: &str) -> Value {
    map([
        ("asn", text(number)),
        ("as_name", text(name)),
        ("country", text("A name")),
        ("country_code", text(code)),
    ])
}

fn countries(file: &Writer) -> Places {
    Places::new(Some(file.write()), None).unwrap()
}

fn networks(file: &Writer) -> Places {
    Places::new(None, Some(file.write())).unwrap()
}

#[track_caller]
fn check(places: &Places, ip: &str, country: Option<&str>, network: Option<&str>) {
    let place = places.of(ip.parse().unwrap());
    let got = (place.country.as_deref(), place.network.as_deref());
    assert_eq!(got, (country, network), "{ip}");
}

#[test]
fn without_files_every_place_is_unknown() {
    let places = Places::new(None, None).unwrap();
    assert_eq!(places.of([192, 0, 2, 1].into()), Place::default());
    assert_eq!(places.version(), 0);
}

#[test]
fn an_address_is_in_a_country_and_in_a_network() {
    let places = Places::new(
        Some(
            Writer::new(6, 24)
                .add("192.0.2.0/24", country("DE"))
                .write(),
        ),
        Some(
            Writer::new(6, 24)
                .add("192.0.0.0/16", network(64_496, "Example, Inc."))
                .write(),
        ),
    )
    .unwrap();
    check(
        &places,
        "192.0.2.1",
        Some("DE"),
        Some("AS64496 Example, Inc."),
    );
    check(&places, "192.0.3.1", None, Some("AS64496 Example, Inc."));
    check(&places, "198.51.100.1", None, None);
}

#[test]
fn the_registered_country_counts_if_there_is_no_other() {
    let file = Writer::new(4, 24)
        .add(
            "192.0.2.0/25",
            map([
                ("registered_country", iso_code("FR")),
                ("country", iso_code("DE")),
            ]),
        )
        .add(
            "192.0.2.128/25",
            map([("registered_country", iso_code("FR"))]),
        );
    check(&countries(&file), "192.0.2.1", Some("DE"), None);
    check(&countries(&file), "192.0.2.129", Some("FR"), None);
}

#[test]
fn a_file_with_both_is_given_twice() {
    let file = Writer::new(6, 28)
        .add("192.0.2.0/24", both("DE", "AS64496", "Example"))
        .write();
    let places = Places::new(Some(file.clone()), Some(file)).unwrap();
    check(&places, "192.0.2.1", Some("DE"), Some("AS64496 Example"));
}

#[test]
fn a_country_is_two_upper_case_characters_or_unknown() {
    for (code, expect) in [
        ("de", Some("DE")),
        ("T1", Some("T1")),
        ("", None),
        ("D", None),
        ("DEU", None),
        ("1T", None),
        ("D\n", None),
        ("é", None),
    ] {
        let file = Writer::new(4, 24).add("192.0.2.0/24", flat_country(code));
        check(&countries(&file), "192.0.2.1", expect, None);
    }
}

#[test]
fn a_code_that_cannot_be_used_gives_way_to_the_next() {
    let record = map([("country_code", text("None")), ("country", iso_code("DE"))]);
    let file = Writer::new(4, 24).add("192.0.2.0/24", record);
    check(&countries(&file), "192.0.2.1", Some("DE"), None);
}

#[test]
fn a_network_is_a_number_and_perhaps_a_name() {
    let number = |number| map([("autonomous_system_number", Value::Number(number))]);
    for (record, expect) in [
        (network(1, "A"), Some("AS1 A")),
        (network(u32::MAX, "A"), Some("AS4294967295 A")),
        (network(1, ""), Some("AS1")),
        (network(1, " \t"), Some("AS1")),
        (number(1), Some("AS1")),
        (network(0, "Not routed"), None),
        (both("DE", "AS1", "A"), Some("AS1 A")),
        (both("DE", "AS", "A"), None),
        (both("DE", "", ""), None),
        (both("DE", "AS4294967296", "A"), None),
        (map([("asn", text("AS1"))]), Some("AS1")),
    ] {
        let file = Writer::new(4, 24)
            .add("192.0.2.0/24", record)
            .add("198.51.100.0/24", network(2, "B"));
        check(&networks(&file), "192.0.2.1", None, expect);
    }
}

#[test]
fn control_characters_of_a_name_are_replaced() {
    let file = Writer::new(4, 24).add("192.0.2.0/24", network(1, "A\u{1b}[2J\nB"));
    check(
        &networks(&file),
        "192.0.2.1",
        None,
        Some("AS1 A\u{FFFD}[2J\u{FFFD}B"),
    );
}

#[test]
fn a_long_name_is_cut_at_the_edge_of_a_character() {
    let head = "AS1 ".len();
    let just = "a".repeat(NETWORK_BYTES_MAX - head);
    let umlaut = "a".repeat(NETWORK_BYTES_MAX - head - 1) + "ü";
    for (name, length) in [
        (just.clone(), NETWORK_BYTES_MAX),
        (just + "a", NETWORK_BYTES_MAX),
        (umlaut, NETWORK_BYTES_MAX - 1),
        ("ü".repeat(1_000), NETWORK_BYTES_MAX),
    ] {
        let file = Writer::new(4, 24).add("192.0.2.0/24", network(1, &name));
        let network = networks(&file).of([192, 0, 2, 1].into()).network.unwrap();
        assert_eq!(network.len(), length);
        assert!(format!("AS1 {name}").starts_with(&network));
    }
}

#[test]
fn every_shape_of_tree_is_read() {
    for bits in [24, 28, 32] {
        let four = Writer::new(4, bits).add("192.0.2.0/24", flat_country("DE"));
        check(&countries(&four), "192.0.2.255", Some("DE"), None);
        check(&countries(&four), "192.0.3.0", None, None);
        check(&countries(&four), "2001:db8::1", None, None);
        check(&countries(&four), "::ffff:192.0.2.1", Some("DE"), None);
        let six = Writer::new(6, bits)
            .add("192.0.2.0/24", flat_country("DE"))
            .add("2001:db8::/32", flat_country("FR"));
        check(&countries(&six), "192.0.2.255", Some("DE"), None);
        check(&countries(&six), "192.0.3.0", None, None);
        check(&countries(&six), "2001:db8::1", Some("FR"), None);
        check(&countries(&six), "2001:db9::1", None, None);
        check(&countries(&six), "::ffff:192.0.2.1", Some("DE"), None);
    }
}

#[test]
fn a_value_of_the_wrong_type_is_unknown() {
    let file = Writer::new(4, 24)
        .add("192.0.2.0/24", map([("country_code", Value::Number(7))]))
        .add("198.51.100.0/24", text("country_code"));
    check(&countries(&file), "192.0.2.1", None, None);
    check(&countries(&file), "198.51.100.1", None, None);
}

#[test]
fn the_version_is_that_of_both_contents() {
    let one = Writer::new(4, 24)
        .add("192.0.2.0/24", both("DE", "AS1", "A"))
        .write();
    let other = Writer::new(4, 24)
        .add("192.0.2.0/24", both("FR", "AS1", "A"))
        .write();
    let version = |countries: Option<&Vec<u8>>, networks: Option<&Vec<u8>>| {
        Places::new(countries.cloned(), networks.cloned())
            .unwrap()
            .version()
    };
    let versions = [
        version(None, None),
        version(Some(&one), None),
        version(None, Some(&one)),
        version(Some(&one), Some(&one)),
        version(Some(&other), Some(&one)),
        version(Some(&one), Some(&other)),
        version(Some(&other), Some(&other)),
    ];
    for (place, left) in versions.iter().enumerate() {
        assert!(!versions[..place].contains(left), "{versions:?}");
    }
    assert_eq!(version(Some(&one), Some(&other)), versions[5]);
}
