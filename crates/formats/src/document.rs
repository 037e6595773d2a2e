//! A document of JSON: one object, or an array of objects.
//!
//! The elements of an array are first separated, then each is read on its own. So if one is invalid
//! (a lone surrogate, a field given twice, a number out of all bounds), only this one is refused.
//! No tree of the body is built.

use std::fmt;

use serde::Deserializer;
use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::contents::{Intake, IntakeError};
use super::context::Context;
use super::json;
use super::object::ObjectReader;

/// Reads one object or an array of objects.
pub(super) fn read_document(body: &[u8], context: Context<'_>) -> Result<Intake, IntakeError> {
    // One caller's bytes must not cost the hits of all.
    let text = String::from_utf8_lossy(body);
    let text = text.as_ref();
    let mut intake = Intake::default();
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => read_array(text, context, &mut intake)?,
        Some(b'{') => {
            let object: &RawValue = serde_json::from_str(text).map_err(not_json)?;
            let mut objects = ObjectReader::sent_by(context.sender);
            intake.take(1, objects.read(object.get()), context)?;
        }
        _ => {
            serde_json::from_str::<IgnoredAny>(text).map_err(not_json)?;
            return Err(IntakeError::NotHits);
        }
    }
    Ok(intake)
}

fn read_array(text: &str, context: Context<'_>, intake: &mut Intake) -> Result<(), IntakeError> {
    let mut stopped = None;
    let elements = Elements {
        intake,
        objects: ObjectReader::sent_by(context.sender),
        context,
        stopped: &mut stopped,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outcome = deserializer
        .deserialize_seq(elements)
        .and_then(|()| deserializer.end());
    match (stopped, outcome) {
        (Some(error), _) => Err(error),
        (None, outcome) => outcome.map_err(not_json),
    }
}

/// Reads the elements of an array one after the other.
struct Elements<'a> {
    intake: &'a mut Intake,
    objects: ObjectReader,
    context: Context<'a>,
    /// Why reading stopped. The error of serde that comes with it says nothing.
    stopped: &'a mut Option<IntakeError>,
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(element) = elements.next_element::<&RawValue>()? {
            number += 1;
            let raw = self.objects.read(element.get());
            if let Err(error) = self.intake.take(number, raw, self.context) {
                *self.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

fn not_json(error: serde_json::Error) -> IntakeError {
    IntakeError::NotJson {
        line: error.line(),
        column: error.column(),
        reason: json::without_position(&error),
    }
}
