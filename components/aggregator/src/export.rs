//! Exports: a row for each IP and path. Rows are sent as batches arrive. So memory does not grow
//! with the number of IPs.
//!
//! If an export is complete, its trailer says so, as the last thing sent. If it cannot be finished,
//! it has no trailer, for any reason, and the router cuts the connection.

mod writer;

use std::io::{Error, Result};
use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use futures::channel::mpsc;
use futures::lock::Mutex;
use futures::stream::{Stream, StreamExt, TryStreamExt};
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, TRAILER};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use rollcall_tally::interval::{Interval, Moment};
use rollcall_tally::question::{DateRange, Export, ExportFormat, Query, Via};
use rollcall_tally::{Batch, Details, Drops, Failure, IpRows};
use rollcall_web::trailer::{EXPORT_COMPLETE, EXPORT_LACKS};
use rollcall_web::{Problem, Reply, call, log};
use spin_sdk::http::box_body;

use crate::answer::refuse_empty;
use crate::collector::{self, Collector};
use crate::retry::ask_twice;
use crate::settings::Settings;
use crate::targets;
use writer::{Form, Writer};

/// The most batches of one export that are asked for, or whose rows wait for the client, at once.
/// One batch is asked for while the rows of another are written. More batches gain nothing, take
/// more memory, and do harm: in a busy instance, Wasmtime delivers the events of a task in the
/// order of their handles. So the event of one of three batches may come late.
const BATCHES_AT_ONCE: usize = 2;
/// When this many bytes are written, they are sent as one piece. The rows of one IP are written
/// together.
const PIECE_BYTES: usize = 128 * 1_024;
/// The number of pieces that wait for a slow client.
const PIECES_WAITING: usize = 1;
/// If a client takes no piece for this long, the export is given up.
const CLIENT_PATIENCE: Duration = Duration::from_secs(60);

type Piece = std::result::Result<Frame<Bytes>, std::convert::Infallible>;

/// Begins an export. The rows follow the head of the answer.
pub async fn export(settings: Settings, form: Export) -> std::result::Result<Reply, Problem> {
    let query = Query {
        window: form.range.window(),
        filter: form.filter.clone(),
        details: Details::default(),
        via: Some(Via::Ips),
        against: None,
        is_of_api: false,
    };
    let snapshot = collector::SNAPSHOT.take_snapshot().await?;
    // Rows cannot say that others are missing.
    if let Some(behind) = snapshot.behind {
        return Err(Failure::Behind(behind).into());
    }
    let drops = snapshot.drops;
    let ranges = snapshot.ranges();
    let window = form.range.window();
    refuse_empty(window, &ranges)?;
    let span = window.span(&ranges);
    let batches = targets::batches(snapshot, query, settings.batch_size);
    let mut batches = Box::pin(batches.peekable());
    // Before the head is sent, a failure can still be a problem with a name.
    if let Some(Err(failure)) = batches.as_mut().peek().await {
        return Err(failure.clone().into());
    }
    let (pieces, waiting) = mpsc::channel(PIECES_WAITING);
    let form = Form {
        from_ms: span.begin_ms(&ranges),
        to_ms: span.end_ms(ranges.now_ms),
        warnings: drops.warning().into_iter().collect(),
        form,
    };
    let reply = reply(&form.form, drops, waiting);
    spin_sdk::wasip3::spawn(async move {
        if let Err(error) = send_all(&settings, form, batches, pieces).await {
            log!(Warn, "export-broke-off", error = error);
        }
    });
    Ok(reply)
}

fn reply(form: &Export, drops: Drops, body: mpsc::Receiver<Piece>) -> Reply {
    let mut reply = Response::new(box_body(StreamBody::new(body)));
    let headers = reply.headers_mut();
    let media_type = HeaderValue::from_static(media_type(form.format));
    headers.insert(CONTENT_TYPE, media_type);
    let name = format!(
        "attachment; filename=\"path-stats-{}.{}\"",
        file_range(form.range),
        form.format.name()
    );
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    if form.compression {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let [ips, hits] = drops.left();
    if let Ok(lacks) = HeaderValue::try_from(format!("ips={ips}, hits={hits}")) {
        headers.insert(EXPORT_LACKS, lacks);
    }
    headers.insert(TRAILER, EXPORT_COMPLETE.into());
    reply
}

/// The part of the file's name that names the range.
fn file_range(range: DateRange) -> String {
    let DateRange::Between(Interval { from, to }) = range else {
        return range.name().to_owned();
    };
    // Not every system allows a colon in a file's name.
    let text = |moment: Option<Moment>, or: &str| match moment {
        Some(moment) => moment.text().replace(':', ""),
        None => or.to_owned(),
    };
    format!("{}-to-{}", text(from, "beginning"), text(to, "now"))
}

fn media_type(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Json => "application/json",
        ExportFormat::Csv => "text/csv; charset=utf-8",
        ExportFormat::Ndjson => "application/x-ndjson",
    }
}

async fn send_all(
    settings: &Settings,
    form: Form,
    batches: impl Stream<Item = std::result::Result<Batch, Failure>>,
    pieces: mpsc::Sender<Piece>,
) -> Result<()> {
    let output = Mutex::new(Output::begin(form, pieces).await?);
    // A batch keeps its place until its rows are sent. All batches with a place are polled all the
    // time. So a slow client does not make a batch miss its deadline.
    let limit = settings.fanout_limit.min(BATCHES_AT_ONCE);
    batches
        .map_err(Error::other)
        .try_for_each_concurrent(limit, async |batch| {
            let rows = async || {
                Collector::within(settings.batch_deadline)
                    .rows(&batch)
                    .await
            };
            let rows = ask_twice(rows, || ()).await.map_err(Error::other)?;
            output.lock().await.send_rows(rows).await
        })
        .await?;
    output.into_inner().finish().await
}

/// An export on its way to the client.
struct Output {
    writer: Writer,
    pieces: mpsc::Sender<Piece>,
}

impl Output {
    async fn begin(form: Form, pieces: mpsc::Sender<Piece>) -> Result<Self> {
        let writer = Writer::begin(form)?;
        let mut output = Self { writer, pieces };
        let head = output.writer.take_all()?;
        output.send(head).await?;
        Ok(output)
    }

    async fn send_rows(&mut self, rows: Vec<IpRows>) -> Result<()> {
        for of_ip in rows {
            self.writer.rows(&of_ip)?;
            if self.writer.written() >= PIECE_BYTES {
                let piece = self.writer.take()?;
                self.send(piece).await?;
            }
        }
        let rest = self.writer.take_all()?;
        self.send(rest).await
    }

    /// Sends the end, and the trailer that says so.
    async fn finish(mut self) -> Result<()> {
        let (rest, rows) = self.writer.end()?;
        let told = HeaderValue::try_from(format!("rows={rows}")).map_err(Error::other)?;
        let trailer = HeaderMap::from_iter([(EXPORT_COMPLETE, told)]);
        send(&mut self.pieces, Frame::data(rest.into())).await?;
        send(&mut self.pieces, Frame::trailers(trailer)).await
    }

    async fn send(&mut self, piece: Vec<u8>) -> Result<()> {
        send(&mut self.pieces, Frame::data(piece.into())).await
    }
}

async fn send(pieces: &mut mpsc::Sender<Piece>, frame: Frame<Bytes>) -> Result<()> {
    if frame.data_ref().is_some_and(Bytes::is_empty) {
        return Ok(());
    }
    match call::within(CLIENT_PATIENCE, pieces.send(Ok(frame))).await {
        Some(Ok(())) => Ok(()),
        Some(Err(_)) => Err(Error::other("the client is gone")),
        None => Err(Error::other("the client took nothing for too long")),
    }
}
