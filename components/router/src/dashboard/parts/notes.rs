//! Notes on the moments of a page, and the saved views.

use rollcall_tally::document::Documents;
use rollcall_tally::interval;
use rollcall_tally::report::Provenance;

use crate::dashboard::format::Moment;

/// The most notes of a page: the newest.
const NOTES_MAX: usize = 20;
const DAY_MS: u64 = 24 * 60 * 60_000;

/// The notes on moments that a page shows.
#[derive(Default)]
pub struct Notes {
    /// The oldest first.
    pub all: Vec<Note>,
    /// How many older notes there are.
    pub older: usize,
}

pub struct Note {
    at_ms: u64,
    pub at: Moment,
    pub text: String,
}

/// A page that somebody saved.
pub struct View {
    pub name: String,
    pub href: String,
}

impl Notes {
    pub fn new(documents: Option<&Documents>, provenance: &Provenance) -> Self {
        let notes = documents.into_iter().flat_map(|documents| &documents.notes);
        let from_ms = provenance.from_ms.unwrap_or_default();
        let mut all: Vec<Note> = notes
            .filter_map(|note| {
                let at_ms = match note.content.moment()? {
                    interval::Moment::At(ms) => ms,
                    // At noon in UTC, it is this day nearly everywhere.
                    interval::Moment::Day(day) => u64::from(day) * DAY_MS + DAY_MS / 2,
                };
                (from_ms..provenance.to_ms).contains(&at_ms).then(|| Note {
                    at_ms,
                    at: Moment::short(at_ms),
                    text: note.content.text.clone(),
                })
            })
            .collect();
        all.sort_by_key(|note| note.at_ms);
        let older = all.len().saturating_sub(NOTES_MAX);
        Self {
            all: all.split_off(older),
            older,
        }
    }

    /// Whether there is a note on a moment of this stretch of time.
    pub fn has_one(&self, from_ms: &u64, until_ms: &u64) -> bool {
        let mut all = self.all.iter();
        all.any(|note| (*from_ms..*until_ms).contains(&note.at_ms))
    }
}

pub fn views(documents: Option<&Documents>) -> Vec<View> {
    let views = documents.into_iter().flat_map(|documents| &documents.views);
    let view = views.map(|view| View {
        name: view.name.clone(),
        href: view.content.path.clone(),
    });
    view.collect()
}
