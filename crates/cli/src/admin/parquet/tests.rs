#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use tempfile::tempfile;

use super::*;

fn row(n: usize) -> Row {
    Row {
        ip: format!("192.0.2.{n}").into(),
        path_key: "GET /é".into(),
        method: "GET".into(),
        count: n as u64,
        first_seen_ms: 1_790_000_000_123,
        last_accessed_ms: 1_790_000_000_124,
        country: "DE".into(),
        user_agent: "unknown".into(),
        path: "/é".into(),
        errors: 2,
        bytes: n.is_multiple_of(2).then_some(n as u64 + 7),
        avg_response_time: (n % 2 == 1).then_some(n as f64 + 0.25),
    }
}

fn written(rows: impl IntoIterator<Item = Row>) -> SerializedFileReader<std::fs::File> {
    let mut file = RowFile::start(tempfile().unwrap()).unwrap();
    rows.into_iter().for_each(|row| file.add(row).unwrap());
    SerializedFileReader::new(file.finish().unwrap()).unwrap()
}

/// The number of rows of each row group.
fn groups(file: &SerializedFileReader<std::fs::File>) -> Vec<usize> {
    let groups = file.metadata().row_groups().iter();
    groups.map(|group| group.num_rows() as usize).collect()
}

#[test]
fn the_columns_are_those_of_the_export_each_with_its_type() {
    let file = written((0..2).map(row));
    let text = |text: &str| Field::Str(text.to_owned());
    let expect = |n: i64| {
        [
            text(&format!("192.0.2.{n}")),
            text("GET /é"),
            text("GET"),
            Field::Long(n),
            Field::TimestampMillis(1_790_000_000_123),
            Field::TimestampMillis(1_790_000_000_124),
            text("DE"),
            text("unknown"),
            text("/é"),
            Field::Long(2),
        ]
    };
    let nullable = [
        [Field::Long(7), Field::Null],
        [Field::Null, Field::Double(1.25)],
    ];
    for ((row, n), nullable) in file.into_iter().zip(0..).zip(nullable) {
        let columns = row.unwrap().into_columns();
        let (names, values): (Vec<String>, Vec<Field>) = columns.into_iter().unzip();
        assert_eq!(names, Row::COLUMNS);
        assert_eq!(values, [&expect(n)[..], &nullable].concat());
    }
}

#[test]
fn times_are_of_utc() {
    let file = written([]);
    let schema = file.metadata().file_metadata().schema_descr();
    for name in ["firstSeen", "lastAccessed"] {
        let column = schema.columns().iter().find(|column| column.name() == name);
        let kind = format!("{:?}", column.unwrap().logical_type_ref());
        assert!(kind.contains("is_adjusted_to_u_t_c: true"), "{kind}");
    }
}

#[test]
fn a_file_without_rows_is_whole() {
    let file = written([]);
    assert_eq!(file.metadata().file_metadata().num_rows(), 0);
    assert_eq!(groups(&file), [0; 0]);
}

#[test]
fn a_row_group_has_a_bounded_number_of_rows() {
    let same = row(0);
    let of = |rows| groups(&written(std::iter::repeat_n(same.clone(), rows)));
    assert_eq!(of(GROUP_ROWS_MAX - 1), [GROUP_ROWS_MAX - 1]);
    assert_eq!(of(GROUP_ROWS_MAX), [GROUP_ROWS_MAX]);
    assert_eq!(of(GROUP_ROWS_MAX + 1), [GROUP_ROWS_MAX, 1]);
}

#[test]
fn a_row_group_has_a_bounded_length_of_texts() {
    let mut long = row(0);
    long.path = "x"
        .repeat(GROUP_TEXT_BYTES_MAX / 4 - text_bytes(&row(0)) + "/é".len())
        .into();
    assert_eq!(text_bytes(&long), GROUP_TEXT_BYTES_MAX / 4);
    let of = |rows| groups(&written(std::iter::repeat_n(long.clone(), rows)));
    assert_eq!(of(3), [3]);
    assert_eq!(of(4), [4]);
    assert_eq!(of(5), [4, 1]);
}

#[test]
fn a_number_that_parquet_cannot_hold_is_an_error() {
    let mut large = row(0);
    large.count = i64::MAX as u64;
    let [read] = written([large.clone()])
        .into_iter()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(read.unwrap().into_columns()[3].1, Field::Long(i64::MAX));
    large.count += 1;
    let mut file = RowFile::start(Vec::new()).unwrap();
    file.add(large).unwrap();
    assert!(file.finish().is_err());
}
