//! Backup and restore. A backup is one stream. A restore is a request for each part.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use futures::channel::mpsc;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use rollcall_tally::backup::{MAGIC, PART_BYTES_MAX};
use rollcall_tally::{BackupHead, BackupPart, BackupPlace, Failure};
use rollcall_web::collector::Collector;
use rollcall_web::{Problem, Reply, body, call, log, reply};
use serde_json::json;
use sha2::{Digest, Sha256};
use spin_sdk::http::{Request, box_body};

/// The collector waits for a fold at most 10 s. A part is read and written in less.
const COLLECTOR: Collector = Collector::within(Duration::from_secs(30));
/// How often the collector is asked for a part.
const TRIES: usize = 3;
/// If a client takes nothing for this long, the backup is given up. It is less than cleaning leaves
/// the values alone for.
const CLIENT_PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes of the head of a backup.
const HEAD_BYTES_MAX: usize = 4 * 1_024;

type Piece = Result<Frame<Bytes>, Infallible>;

/// Sends a backup of the newest root. If it breaks off, its end is missing.
pub async fn backup() -> Result<Reply, Problem> {
    let head = COLLECTOR.begin_backup().await?;
    let unwritable = |error| Failure::Unavailable(format!("a head as JSON: {error}"));
    let json = serde_json::to_vec(&head).map_err(unwritable)?;
    let (pieces, waiting) = mpsc::channel(1);
    let mut reply = Response::new(box_body(StreamBody::new(waiting)));
    let headers = reply.headers_mut();
    let media_type = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, media_type);
    let name = HeaderValue::from_static("attachment; filename=\"rollcall.backup\"");
    headers.insert(CONTENT_DISPOSITION, name);
    let mut stream = Stream {
        digest: Sha256::new(),
        pieces,
    };
    spin_sdk::wasip3::spawn(async move {
        match stream.all(head.root, json).await {
            Ok(()) => log!(Info, "backup-made", root = head.root, hits = head.hits),
            Err(failure) => log!(Warn, "backup-broke-off", failure = failure),
        }
    });
    Ok(reply)
}

/// A backup on its way to the client.
struct Stream {
    digest: Sha256,
    pieces: mpsc::Sender<Piece>,
}

impl Stream {
    async fn all(&mut self, root: u64, head: Vec<u8>) -> Result<(), Failure> {
        self.send(MAGIC.to_vec()).await?;
        self.record(head).await?;
        let mut place = Some(BackupPlace::default());
        while let Some(at) = place {
            let part = part(root, at).await?;
            if !part.bytes.is_empty() {
                self.record(part.bytes).await?;
            }
            place = part.next;
        }
        self.send(0u32.to_le_bytes().to_vec()).await?;
        let digest = self.digest.clone().finalize().to_vec();
        self.send(digest).await
    }

    async fn record(&mut self, bytes: Vec<u8>) -> Result<(), Failure> {
        let fits = u32::try_from(bytes.len()).ok();
        let fits = fits.filter(|length| *length as usize <= PART_BYTES_MAX);
        let too_long = || Failure::Corrupt(format!("a value of {} bytes", bytes.len()));
        let length = fits.ok_or_else(too_long)?;
        self.send(length.to_le_bytes().to_vec()).await?;
        self.send(bytes).await
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Failure> {
        self.digest.update(&bytes);
        let piece = Ok(Frame::data(Bytes::from(bytes)));
        let sent = call::within(CLIENT_PATIENCE, self.pieces.send(piece)).await;
        let gone = |reason: &str| Failure::Unavailable(reason.to_owned());
        sent.ok_or_else(|| gone("the client takes nothing"))?
            .map_err(|_| gone("the client left"))
    }
}

/// Reads a part. It may be read again.
async fn part(root: u64, place: BackupPlace) -> Result<BackupPart, Failure> {
    let mut tries = 1;
    loop {
        match COLLECTOR.read_backup(&root, &place).await {
            Err(Failure::Unavailable(_)) if tries < TRIES => tries += 1,
            read => return read,
        }
    }
}

/// Begins to restore a backup, or goes on. The answer says which part comes next.
pub async fn begin(backup: String, replace: bool, request: Request) -> Result<Reply, Problem> {
    let body = body::read(request, HEAD_BYTES_MAX).await?;
    let head: BackupHead = serde_json::from_slice(&body)
        .map_err(|error| Failure::Invalid(format!("the head of the backup: {error}")))?;
    let next = COLLECTOR.begin_restore(&backup, &head, &replace).await?;
    log!(
        Info,
        "restore-begun",
        root = head.root,
        hits = head.hits,
        next = next
    );
    Ok(reply::json(StatusCode::OK, &json!({ "next": next })))
}

pub async fn restore(
    backup: String,
    number: u64,
    is_last: bool,
    request: Request,
) -> Result<Reply, Problem> {
    let part = body::read(request, PART_BYTES_MAX).await?;
    COLLECTOR
        .restore_part(&backup, &number, &part, &is_last)
        .await?;
    if is_last {
        log!(Info, "restored", parts = number);
    }
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
