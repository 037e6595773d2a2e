//! Documents: short texts that admins write, and that all instances share. There are four kinds:
//! labels of callers, notes on a chart, saved views, and rules of alerts.
//!
//! A document is stored as JSON in its one spelling. So a kind may get a field that older documents
//! lack, and no stored byte changes.

mod content;
mod note;
mod rule;
mod view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::{Document, DocumentKind};
use crate::label::{Label, Labels, MEMBERS_MAX};
use crate::question::BadParameter;
use crate::time_text::rfc3339;

use content::{Content, bad};

pub use note::{Note, TEXT_CHARACTERS_MAX};
pub use rule::{AlertRule, Compare, FOUND_MAX, Judged, Measured};
pub use view::{PATH_BYTES_MAX, View};

/// The most characters of a document's name.
pub const NAME_CHARACTERS_MAX: usize = crate::filter::LABEL_CHARACTERS_MAX;
/// The most bytes of a document, as it is sent.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

impl DocumentKind {
    pub const EVERY: [Self; 4] = [Self::Label, Self::Note, Self::View, Self::Rule];

    /// As the paths of the API spell it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Label => "labels",
            Self::Note => "notes",
            Self::View => "views",
            Self::Rule => "rules",
        }
    }

    /// The most documents of this kind.
    pub fn most(self) -> usize {
        match self {
            Self::Label => 100,
            Self::Note => 1_000,
            Self::View => 100,
            // Each check of the alerts asks a question for each rule.
            Self::Rule => 30,
        }
    }

    /// A document of this kind in its one spelling.
    ///
    /// # Errors
    /// Every bad field. `body`: it is no JSON of this kind.
    pub fn read(self, json: &[u8]) -> Result<String, Vec<BadParameter>> {
        match self {
            Self::Label => read_as::<Label>(json),
            Self::Note => read_as::<Note>(json),
            Self::View => read_as::<View>(json),
            Self::Rule => read_as::<AlertRule>(json),
        }
    }
}

impl Content for Label {
    fn check(&mut self) -> Result<(), Vec<BadParameter>> {
        Self::check(self).map_err(|(name, reason)| vec![bad(name, reason)])
    }
}

fn read_as<T: Content>(json: &[u8]) -> Result<String, Vec<BadParameter>> {
    let unreadable = |error: serde_json::Error| vec![bad("body", error.to_string())];
    let mut content: T = serde_json::from_slice(json).map_err(unreadable)?;
    content.check()?;
    serde_json::to_string(&content).map_err(unreadable)
}

/// The name of a document, checked.
///
/// # Errors
/// It is too long, or has characters that no path of a URL has.
pub fn read_name(name: &str) -> Result<String, BadParameter> {
    let is_short = (1..=NAME_CHARACTERS_MAX).contains(&name.chars().count());
    let is_plain = name.trim() == name && !name.chars().any(|c| c.is_control() || c == '/');
    // `*` is the condition that lets all hits through.
    match is_short && is_plain && name != crate::label::EVERYTHING {
        true => Ok(name.to_owned()),
        false => {
            let reason = format!("expected 1 to {NAME_CHARACTERS_MAX} characters other than /");
            Err(bad("name", reason))
        }
    }
}

/// A document with its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Named<T> {
    pub name: String,
    #[serde(rename = "changedAt", with = "rfc3339")]
    pub changed_at_ms: u64,
    #[serde(flatten)]
    pub content: T,
}

/// All documents, by kind and sorted by name.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    pub labels: Vec<Named<Label>>,
    pub notes: Vec<Named<Note>>,
    pub views: Vec<Named<View>>,
    pub rules: Vec<Named<AlertRule>>,
}

impl Documents {
    /// # Errors
    /// A document cannot be read. It may be of a later version.
    pub fn new(all: &[Document]) -> Result<Self, String> {
        let mut documents = Self::default();
        for document in all {
            match document.kind {
                DocumentKind::Label => documents.labels.push(named(document)?),
                DocumentKind::Note => documents.notes.push(named(document)?),
                DocumentKind::View => documents.views.push(named(document)?),
                DocumentKind::Rule => documents.rules.push(named(document)?),
            }
        }
        Ok(documents)
    }

    /// For looking up the labels of callers.
    pub fn labels(&self) -> Labels {
        let labels = self.labels.iter();
        Labels::new(labels.map(|label| (label.name.clone(), label.content.clone())))
    }

    /// The documents of one kind as the API gives them: an object with a list.
    pub fn json(&self, kind: DocumentKind) -> Result<Vec<u8>, serde_json::Error> {
        let list = match kind {
            DocumentKind::Label => serde_json::to_value(&self.labels),
            DocumentKind::Note => serde_json::to_value(&self.notes),
            DocumentKind::View => serde_json::to_value(&self.views),
            DocumentKind::Rule => serde_json::to_value(&self.rules),
        };
        serde_json::to_vec(&BTreeMap::from([(kind.plural(), list?)]))
    }
}

fn named<T: Content>(document: &Document) -> Result<Named<T>, String> {
    let content = serde_json::from_str(&document.text);
    let at = || format!("{}/{}", document.kind.plural(), document.name);
    Ok(Named {
        name: document.name.clone(),
        changed_at_ms: document.changed_at_ms,
        content: content.map_err(|error| format!("{}: {error}", at()))?,
    })
}

/// Whether a document may be added to these, or take the place of one of them. `text` is that of
/// [`DocumentKind::read`].
///
/// # Errors
/// There are too many documents of its kind, or the labels leave too many callers out.
pub fn fits(
    all: &[Document],
    kind: DocumentKind,
    name: &str,
    text: &str,
) -> Result<(), BadParameter> {
    let mut others = all
        .iter()
        .filter(|of| (of.kind, of.name.as_str()) != (kind, name));
    if others.clone().filter(|of| of.kind == kind).count() >= kind.most() {
        let (most, plural) = (kind.most(), kind.plural());
        return Err(bad(
            "name",
            format!("there are {most} {plural} already; delete one first"),
        ));
    }
    if kind == DocumentKind::Label {
        let left_out = |text: &str| {
            let label = serde_json::from_str::<Label>(text).unwrap_or_default();
            let members = label.ips.len() + label.networks.len();
            if label.left_out { members } else { 0 }
        };
        let is_label = |of: &&Document| of.kind == DocumentKind::Label;
        let others: usize = others
            .by_ref()
            .filter(is_label)
            .map(|of| left_out(&of.text))
            .sum();
        if left_out(text) > 0 && others + left_out(text) > MEMBERS_MAX {
            let reason = format!(
                "all labels together may leave out at most {MEMBERS_MAX} addresses and networks"
            );
            return Err(bad("leftOut", reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(kind: DocumentKind, name: &str, text: &str) -> Document {
        Document {
            kind,
            name: name.to_owned(),
            text: text.to_owned(),
            changed_at_ms: 1_800_000_000_000,
        }
    }

    #[test]
    fn a_document_is_listed_with_its_name() {
        let text = DocumentKind::Label
            .read(br#"{"ips": ["192.0.2.1/24"]}"#)
            .unwrap();
        let all = [document(DocumentKind::Label, "office", &text)];
        let json = Documents::new(&all)
            .unwrap()
            .json(DocumentKind::Label)
            .unwrap();
        let expect = serde_json::json!({"labels": [{
            "name": "office", "changedAt": "2027-01-15T08:00:00.000Z", "ips": ["192.0.2.0/24"],
            "networks": [], "consumers": [], "leftOut": false, "about": ""
        }]});
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&json).unwrap(),
            expect
        );
        let json = Documents::new(&all)
            .unwrap()
            .json(DocumentKind::Rule)
            .unwrap();
        assert_eq!(json, br#"{"rules":[]}"#);
    }

    #[test]
    fn a_bad_document_is_refused_by_field() {
        let check = |kind: DocumentKind, json: &str, field: &str, reason: &str| {
            let refused = kind.read(json.as_bytes()).unwrap_err();
            assert_eq!(refused.len(), 1, "{json}");
            assert_eq!(refused[0].name, field, "{json}");
            assert!(
                refused[0].reason.contains(reason),
                "{json}: {}",
                refused[0].reason
            );
        };
        use DocumentKind::{Label, Note, View};
        check(Label, "{", "body", "EOF");
        check(Label, r#"{"ip": []}"#, "body", "unknown field `ip`");
        check(Label, r#"{"ips": ["300.0.0.1"]}"#, "ips", "300.0.0.1");
        check(
            Note,
            r#"{"at": "yesterday", "text": "x"}"#,
            "at",
            "expected a date",
        );
        check(
            Note,
            r#"{"at": "2026-01-01", "text": ""}"#,
            "text",
            "expected 1 to",
        );
        check(
            View,
            r#"{"path": "https://example.com/"}"#,
            "path",
            "/admin/",
        );
        check(View, r#"{"path": "//example.com/"}"#, "path", "/admin/");
        check(View, r#"{"path": "/admin/../x"}"#, "path", "/admin/");
    }

    #[test]
    fn names_fit_into_a_path() {
        for name in ["office", "partner X", "办公室", "a.b-c_d", &"x".repeat(64)] {
            assert_eq!(read_name(name).as_deref(), Ok(name));
        }
        for name in ["", "*", "a/b", " a", "a\n", &"x".repeat(65)] {
            assert_eq!(read_name(name).unwrap_err().name, "name", "{name:?}");
        }
    }

    #[test]
    fn there_are_at_most_so_many_and_one_may_be_changed() {
        let kind = DocumentKind::Rule;
        let name = |n: usize| format!("rule {n}");
        let all: Vec<Document> = (0..kind.most())
            .map(|n| document(kind, &name(n), "{}"))
            .collect();
        assert!(fits(&all, kind, "new", "{}").is_err());
        assert!(fits(&all, kind, &name(3), "{}").is_ok());
        assert!(fits(&all[1..], kind, "new", "{}").is_ok());
        assert!(fits(&all, DocumentKind::View, "new", "{}").is_ok());
    }

    #[test]
    fn labels_leave_out_at_most_so_many_callers_together() {
        let label = |count: usize, left_out: bool| {
            let ips: Vec<String> = (0..count).map(|n| format!("10.0.0.{n}")).collect();
            serde_json::json!({"ips": ips, "leftOut": left_out}).to_string()
        };
        let kind = DocumentKind::Label;
        let all = [
            document(kind, "a", &label(150, true)),
            document(kind, "b", &label(200, false)),
        ];
        assert!(fits(&all, kind, "c", &label(50, true)).is_ok());
        assert!(fits(&all, kind, "c", &label(51, false)).is_ok());
        assert_eq!(
            fits(&all, kind, "c", &label(51, true)).unwrap_err().name,
            "leftOut"
        );
        assert!(fits(&all, kind, "a", &label(200, true)).is_ok());
    }
}
