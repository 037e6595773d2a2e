//! Exports: a row for each IP and path. Rows leave as batches arrive, so that memory does not grow with the number of IPs.
//!
//! An export that cannot be finished breaks off: a JSON document has no end, and the connection is cut.

use std::collections::BTreeMap;
use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING};
use http::{HeaderValue, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use rollcall_tally::question::{DateRange, ExportFormat};
use rollcall_tally::report::{ExportRecord, rfc3339_text};
use rollcall_tally::{Batch, Details, ExportRow, Filter};
use rollcall_web::{Problem, Reply};
use spin_sdk::http::box_body;

use crate::clock::now_ms;
use crate::collector;
use crate::fan_out::{Audience, at_most};
use crate::query::Query;
use crate::settings::Settings;

/// Pieces that wait for a slow client. Each holds the rows of one batch.
const PIECES_WAITING: usize = 4;

/// The form that an export is asked in.
#[derive(Clone, Debug)]
pub struct Form {
    pub format: ExportFormat,
    pub range: DateRange,
    pub filter: Filter,
    /// JSON only: an object with the rows in `data`, instead of the bare array.
    pub include_metadata: bool,
    /// gzip.
    pub compression: bool,
}

type Pieces = mpsc::Sender<Result<Frame<Bytes>, std::io::Error>>;

/// Begins an export. The rows follow the head of the answer.
pub async fn export(settings: Settings, form: Form) -> Result<Reply, Problem> {
    let query = Query {
        window: form.range.window(),
        filter: form.filter.clone(),
        details: Details::default(),
    };
    let audience = Audience::gather(&settings, &query).await?;
    let (mut pieces, waiting) = mpsc::channel(PIECES_WAITING);
    let rows_form = form.clone();
    spin_sdk::wasip3::spawn(async move {
        let sent = send_rows(&settings, rows_form, &query, &audience, &mut pieces).await;
        if let Err(error) = sent {
            eprintln!("an export broke off: {error}");
            // The client may be gone already.
            let _ = pieces.send(Err(error)).await;
        }
    });
    let mut reply = Response::new(box_body(StreamBody::new(waiting)));
    let headers = reply.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static(media_type(form.format)),
    );
    let name = format!(
        "attachment; filename=\"path-stats-{}.{}\"",
        form.range.name(),
        form.format.name()
    );
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    if form.compression {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(reply)
}

fn media_type(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Json => "application/json",
        ExportFormat::Csv => "text/csv; charset=utf-8",
        ExportFormat::Ndjson => "application/x-ndjson",
    }
}

async fn send_rows(
    settings: &Settings,
    form: Form,
    query: &Query,
    audience: &Audience,
    pieces: &mut Pieces,
) -> Result<(), std::io::Error> {
    let batches = audience.batches(settings, query);
    let ask = async |batch: Batch| collector::rows(&batch, settings.batch_deadline).await;
    let mut answers = std::pin::pin!(at_most(settings.fanout_limit, batches, ask));
    let mut writer = Writer::begin(form)?;
    while let Some(answer) = answers.next().await {
        writer.rows(answer.map_err(std::io::Error::other)?)?;
        send(pieces, writer.take()?).await?;
    }
    send(pieces, writer.finish()?).await
}

async fn send(pieces: &mut Pieces, piece: Vec<u8>) -> Result<(), std::io::Error> {
    if piece.is_empty() {
        return Ok(());
    }
    let sent = pieces.send(Ok(Frame::data(Bytes::from(piece)))).await;
    sent.map_err(|_| std::io::Error::other("the client is gone"))
}

/// Rows as the bytes of the form asked for.
struct Writer {
    form: Form,
    out: Sink,
    rows: u64,
}

enum Sink {
    Plain(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
}

impl Writer {
    fn begin(form: Form) -> Result<Self, std::io::Error> {
        let out = match form.compression {
            true => Sink::Gzip(GzEncoder::new(Vec::new(), Compression::default())),
            false => Sink::Plain(Vec::new()),
        };
        let mut writer = Self { form, out, rows: 0 };
        match writer.form.format {
            ExportFormat::Csv => {
                let mut csv = csv::Writer::from_writer(Vec::new());
                csv.write_record(ExportRecord::COLUMNS)?;
                writer.put_csv(csv)?;
            }
            ExportFormat::Json if writer.form.include_metadata => {
                let (at, range) = (rfc3339_text(now_ms()), writer.form.range.name());
                let head = format!("{{\"exportedAt\":\"{at}\",\"dateRange\":\"{range}\",");
                writer.put(head.as_bytes())?;
                let conditions: BTreeMap<_, _> = writer.form.filter.parameters().collect();
                if !conditions.is_empty() {
                    let filter = serde_json::to_string(&conditions)?;
                    writer.put(format!("\"filter\":{filter},").as_bytes())?;
                }
                writer.put(b"\"data\":[")?;
            }
            ExportFormat::Json => writer.put(b"[")?,
            ExportFormat::Ndjson => {}
        }
        Ok(writer)
    }

    fn rows(&mut self, rows: Vec<ExportRow>) -> Result<(), std::io::Error> {
        match self.form.format {
            ExportFormat::Csv => {
                let mut csv = csv::WriterBuilder::new()
                    .has_headers(false)
                    .from_writer(Vec::new());
                for row in rows {
                    csv.serialize(ExportRecord::from(row).defused())?;
                }
                self.put_csv(csv)
            }
            ExportFormat::Json => {
                for row in rows {
                    if self.rows > 0 {
                        self.put(b",")?;
                    }
                    self.rows += 1;
                    self.put(&serde_json::to_vec(&ExportRecord::from(row))?)?;
                }
                Ok(())
            }
            ExportFormat::Ndjson => {
                for row in rows {
                    self.put(&serde_json::to_vec(&ExportRecord::from(row))?)?;
                    self.put(b"\n")?;
                }
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Result<Vec<u8>, std::io::Error> {
        match self.form.format {
            ExportFormat::Csv | ExportFormat::Ndjson => {}
            ExportFormat::Json if self.form.include_metadata => {
                let end = format!("],\"totalRecords\":{}}}", self.rows);
                self.put(end.as_bytes())?;
            }
            ExportFormat::Json => self.put(b"]")?,
        }
        match self.out {
            Sink::Plain(bytes) => Ok(bytes),
            Sink::Gzip(gzip) => gzip.finish(),
        }
    }

    /// What is ready to be sent.
    fn take(&mut self) -> Result<Vec<u8>, std::io::Error> {
        Ok(match &mut self.out {
            Sink::Plain(bytes) => std::mem::take(bytes),
            Sink::Gzip(gzip) => std::mem::take(gzip.get_mut()),
        })
    }

    fn put_csv(&mut self, csv: csv::Writer<Vec<u8>>) -> Result<(), std::io::Error> {
        let bytes = csv.into_inner().map_err(|error| error.into_error())?;
        self.put(&bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), std::io::Error> {
        match &mut self.out {
            Sink::Plain(out) => out.write_all(bytes),
            Sink::Gzip(out) => out.write_all(bytes),
        }
    }
}
