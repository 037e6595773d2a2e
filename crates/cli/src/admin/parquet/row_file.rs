//! Writes the rows of an export as Parquet. The file has the columns of the export, each with its
//! type.

use std::io::Write;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use rollcall_tally::report::ExportRecord;

pub type Row = ExportRecord<'static>;

/// The most rows of a row group. One row group is in memory at a time. A reader of the file may
/// read several at once.
const GROUP_ROWS_MAX: usize = 100_000;
/// The texts of a row group are not longer than this by more than one row. With long paths, a row
/// group has fewer rows.
const GROUP_TEXT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The column of a row group, from its rows.
enum Column {
    Text(fn(&Row) -> &str),
    /// Milliseconds since 1970.
    Time(fn(&Row) -> u64),
    Count(fn(&Row) -> Option<u64>),
    Number(fn(&Row) -> Option<f64>),
}

use Column::{Count, Number, Text, Time};

/// Each column in the language of Parquet's schemas, and its values.
const COLUMNS: [(&str, Column); 12] = [
    ("required binary ip (STRING)", Text(|row| &row.ip)),
    (
        "required binary pathKey (STRING)",
        Text(|row| &row.path_key),
    ),
    ("required binary method (STRING)", Text(|row| &row.method)),
    ("required int64 count", Count(|row| Some(row.count))),
    (
        "required int64 firstSeen (TIMESTAMP(MILLIS,true))",
        Time(|row| row.first_seen_ms),
    ),
    (
        "required int64 lastAccessed (TIMESTAMP(MILLIS,true))",
        Time(|row| row.last_accessed_ms),
    ),
    ("required binary country (STRING)", Text(|row| &row.country)),
    (
        "required binary userAgent (STRING)",
        Text(|row| &row.user_agent),
    ),
    ("required binary path (STRING)", Text(|row| &row.path)),
    ("required int64 errors", Count(|row| Some(row.errors))),
    ("optional int64 bytes", Count(|row| row.bytes)),
    (
        "optional double avgResponseTime",
        Number(|row| row.avg_response_time),
    ),
];

/// A Parquet file that is being written. It is whole only after [`RowFile::finish`].
pub struct RowFile<W: Write + Send> {
    file: SerializedFileWriter<W>,
    /// The rows of the next row group.
    rows: Vec<Row>,
    text_bytes: usize,
}

impl<W: Write + Send> RowFile<W> {
    pub fn start(out: W) -> Result<Self> {
        let fields: Vec<&str> = COLUMNS.iter().map(|(field, _)| *field).collect();
        let schema = parse_message_type(&format!("message export {{ {}; }}", fields.join("; ")))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        Ok(Self {
            file: SerializedFileWriter::new(out, schema.into(), properties.build().into())?,
            rows: Vec::new(),
            text_bytes: 0,
        })
    }

    pub fn add(&mut self, row: Row) -> Result<()> {
        self.text_bytes += text_bytes(&row);
        self.rows.push(row);
        if self.rows.len() >= GROUP_ROWS_MAX || self.text_bytes >= GROUP_TEXT_BYTES_MAX {
            self.write_group()?;
        }
        Ok(())
    }

    /// Writes the rest of the rows and the end of the file.
    pub fn finish(mut self) -> Result<W> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        self.file.into_inner()
    }

    fn write_group(&mut self) -> Result<()> {
        let mut group = self.file.next_row_group()?;
        for (_, column) in &COLUMNS {
            let Some(mut writer) = group.next_column()? else {
                return Err(ParquetError::General("too few columns".to_owned()));
            };
            column.write(&mut writer, &self.rows)?;
            writer.close()?;
        }
        group.close()?;
        self.rows.clear();
        self.text_bytes = 0;
        Ok(())
    }
}

fn text_bytes(row: &Row) -> usize {
    let text = |(_, column): &(&str, Column)| match column {
        Text(text) => text(row).len(),
        _ => 0,
    };
    COLUMNS.iter().map(text).sum()
}

impl Column {
    fn write(&self, writer: &mut SerializedColumnWriter, rows: &[Row]) -> Result<()> {
        match self {
            Text(text) => {
                let bytes = |row| Ok(Some(ByteArray::from(text(row))));
                write::<ByteArrayType>(writer, rows.iter().map(bytes))
            }
            Time(ms) => write::<Int64Type>(writer, rows.iter().map(|row| int64(Some(ms(row))))),
            Count(count) => write::<Int64Type>(writer, rows.iter().map(|row| int64(count(row)))),
            Number(number) => write::<DoubleType>(writer, rows.iter().map(|row| Ok(number(row)))),
        }
    }
}

fn int64(count: Option<u64>) -> Result<Option<i64>> {
    let too_large = |_| ParquetError::General("a count is too large for Parquet".to_owned());
    count.map(i64::try_from).transpose().map_err(too_large)
}

/// Writes the values of a column. `None` is null.
fn write<T: DataType>(
    writer: &mut SerializedColumnWriter,
    values: impl Iterator<Item = Result<Option<T::T>>>,
) -> Result<()> {
    let values: Vec<Option<T::T>> = values.collect::<Result<_>>()?;
    // Parquet wants to know of each row whether it has a value, and then the values alone.
    let has_value: Vec<i16> = values.iter().map(|value| value.is_some().into()).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let writer = writer.typed::<T>();
    writer.write_batch(&values, Some(&has_value), None)?;
    Ok(())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
