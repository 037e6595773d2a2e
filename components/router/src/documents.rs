//! The documents that admins write: labels, notes, views and rules. Over HTTP, each has a path.

use std::time::Duration;

use http::StatusCode;
use rollcall_tally::document::{self, BODY_BYTES_MAX, Documents};
use rollcall_tally::{DocumentKind, Failure};
use rollcall_web::collector::Collector;
use rollcall_web::{Problem, Reply, body, reply};
use spin_sdk::http::Request;

/// The collector waits for two folds of at most 10 s, and an append takes at most 5 s.
const COLLECTOR: Collector = Collector::within(Duration::from_secs(30));

/// All documents, with every change that was acknowledged.
pub async fn all() -> Result<Documents, Failure> {
    let all = COLLECTOR.documents().await?;
    Documents::new(&all).map_err(Failure::Corrupt)
}

pub async fn list(kind: DocumentKind) -> Result<Reply, Problem> {
    let json = all().await?.json(kind);
    let unwritable = |error| Failure::Unavailable(format!("documents as JSON: {error}"));
    let json = json.map_err(unwritable)?;
    Ok(reply::full(StatusCode::OK, "application/json", json))
}

/// The answer is the document in its one spelling.
pub async fn put(kind: DocumentKind, name: String, request: Request) -> Result<Reply, Problem> {
    let json = body::read(request, BODY_BYTES_MAX).await?;
    let text = save(kind, &name, &json).await?;
    Ok(reply::full(StatusCode::OK, "application/json", text))
}

/// Saves a document. Returns its one spelling.
pub async fn save(kind: DocumentKind, name: &str, json: &[u8]) -> Result<String, Problem> {
    let name = document::read_name(name).map_err(|bad| Problem::bad_parameters(vec![bad]))?;
    let text = kind.read(json).map_err(Problem::bad_parameters)?;
    COLLECTOR
        .change_document(&kind, &name, &Some(text.clone()))
        .await?;
    Ok(text)
}

pub async fn delete(kind: DocumentKind, name: &str) -> Result<Reply, Problem> {
    COLLECTOR.change_document(&kind, name, &None).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
