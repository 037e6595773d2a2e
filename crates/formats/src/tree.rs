//! A JSON object of any shape, for the formats that are maps of fields.
//!
//! A key given twice is refused: a gateway that does not escape text would let a caller write a
//! second address.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A JSON value. Its text is borrowed where it has no escapes.
#[derive(Debug)]
pub(super) enum Tree<'a> {
    /// `null`, `true` or `false`. No field takes these.
    Nothing,
    /// A number that is not negative and has no fraction.
    Integer(u64),
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    Object(BTreeMap<Cow<'a, str>, Tree<'a>>),
}

impl<'a> Tree<'a> {
    /// The value under a name. A name with points is a key, or keys of nested objects. In a list, a
    /// key is a number from 0.
    pub(super) fn find(&self, name: &str) -> Option<&Tree<'a>> {
        if let Some(found) = self.child(name) {
            return Some(found);
        }
        name.match_indices('.').find_map(|(at, _)| {
            let (key, rest) = name.split_at_checked(at)?;
            self.child(key)?.find(rest.strip_prefix('.')?)
        })
    }

    /// The keys of an object.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Object(entries) => entries.keys().map(AsRef::as_ref).collect(),
            _ => Vec::new(),
        }
    }

    fn child(&self, key: &str) -> Option<&Tree<'a>> {
        match self {
            Self::Object(entries) => entries.get(key),
            Self::List(elements) => elements.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tree<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

/// A key. `Cow` itself would never borrow.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Tree::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Tree::Nothing)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Tree::Integer(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).map_or(Tree::Number(value as f64), Tree::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Tree::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Tree::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Tree::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((Key(key), value)) = entries.next_entry()? {
            if let Some(key) = object
                .get_key_value(&key)
                .map(|(key, _): (&Cow<'_, str>, _)| key)
            {
                return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
            }
            object.insert(key, value);
        }
        Ok(Tree::Object(object))
    }
}
