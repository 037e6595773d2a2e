//! Times as the answers spell them.

use jiff::Timestamp;

/// Milliseconds since 1970 as `2026-01-31T23:59:59.999Z`. A time that no calendar has becomes 1970.
pub fn rfc3339_text(ms: u64) -> String {
    format!("{:.3}", timestamp(ms))
}

/// Milliseconds since 1970 as headers of HTTP spell a time.
pub fn http_date(ms: u64) -> String {
    timestamp(ms)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

fn timestamp(ms: u64) -> Timestamp {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.unwrap_or_default()
}

/// A field with such a time, as milliseconds in memory.
pub(crate) mod rfc3339 {
    use jiff::Timestamp;
    use serde::de::{Error, Unexpected};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", super::timestamp(*ms)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: Option<Timestamp> = text.parse().ok();
        let ms = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
        ms.ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &"a time since 1970"))
    }
}

/// A field with such a time, or `null`.
pub(crate) mod rfc3339_if_any {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Time(#[serde(with = "super::rfc3339")] u64);

    pub fn serialize<S: Serializer>(ms: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        ms.map(Time).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        let time = Option::<Time>::deserialize(deserializer)?;
        Ok(time.map(|Time(ms)| ms))
    }
}
