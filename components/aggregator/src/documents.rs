//! The documents that admins wrote, as this instance knows them.
//!
//! The collector is asked again after a few seconds. So a changed label shows everywhere soon, and
//! no question waits for the collector each time. If the collector does not answer, the documents
//! stay as they were.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rollcall_tally::document::Documents;
use rollcall_tally::label::Labels;
use rollcall_tally::question::Question;
use rollcall_tally::{Document, DocumentKind, Failure, Filter};
use rollcall_web::log;

use crate::collector;

/// Scope: instance. For this long, a change may not show.
const TRUSTED: Duration = Duration::from_secs(2);

/// The documents, at one time.
#[derive(Default)]
pub struct Current {
    pub documents: Documents,
    pub labels: Arc<Labels>,
    /// Another text for other labels. Empty: there are none.
    mark: String,
}

thread_local! {
    static KNOWN: RefCell<Option<(Instant, Rc<Current>)>> = const { RefCell::new(None) };
}

/// The documents. They may lack a change of the last seconds.
pub async fn current() -> Result<Rc<Current>, Failure> {
    let known = KNOWN.with_borrow(Clone::clone);
    if let Some((since, known)) = &known
        && since.elapsed() < TRUSTED
    {
        return Ok(known.clone());
    }
    match (read().await, known) {
        (Ok(read), _) => {
            let read = Rc::new(read);
            KNOWN.replace(Some((Instant::now(), read.clone())));
            Ok(read)
        }
        (Err(failure), Some((_, known))) => {
            log!(Warn, "documents-not-read", failure = failure);
            // Else each question would wait for a collector that does not answer.
            KNOWN.replace(Some((Instant::now(), known.clone())));
            Ok(known)
        }
        (Err(failure), None) => Err(failure),
    }
}

/// The documents with every change.
pub async fn newest() -> Result<Rc<Current>, Failure> {
    KNOWN.take();
    current().await
}

async fn read() -> Result<Current, Failure> {
    let all = collector::SHARED.documents().await?;
    let documents = Documents::new(&all).map_err(Failure::Corrupt)?;
    let mut labels = DefaultHasher::new();
    let is_label = |of: &&Document| of.kind == DocumentKind::Label;
    for label in all.iter().filter(is_label) {
        (&label.name, &label.text).hash(&mut labels);
    }
    let mark = match documents.labels.is_empty() {
        true => String::new(),
        false => format!("#{:016x}", labels.finish()),
    };
    Ok(Current {
        labels: Arc::new(documents.labels()),
        documents,
        mark,
    })
}

impl Current {
    /// The name of a question's answer. Answers with other labels have another name.
    pub fn name_of(&self, question: &Question) -> String {
        question.write() + &self.mark
    }

    /// Puts addresses and networks in place of labels, and leaves out the hits that labels leave out.
    pub fn resolve(&self, filter: &mut Filter) -> Result<(), Failure> {
        let resolved = self.labels.resolve(filter);
        resolved.map_err(|reason| Failure::Invalid(format!("label: {reason}")))
    }
}
