//! How the operator wants hits to be read: from the app's variables, and from the OpenAPI file.

use std::cell::RefCell;
use std::rc::Rc;

use rollcall_formats::{BadFieldMap, FieldMap};
use rollcall_tally::Failure;
use rollcall_tally::hit::{AddressRules, PathRules, Privacy, Rules, Spelling};
use rollcall_web::{api, log, variable};

/// The shortest key of a hash, in bytes. All addresses of IPv4 can be tried under a shorter one.
const HASH_KEY_BYTES_MIN: usize = 16;

/// How hits are read.
pub struct Reading {
    pub rules: Rules,
    /// Where the fields of the format `mapped` come from.
    pub map: Option<FieldMap>,
}

/// The variables that tell it.
const VARIABLES: [&str; 12] = [
    "field_map",
    "trusted_proxies",
    "exclude_ips",
    "ipv6_prefix",
    "path_templates",
    "exclude_paths",
    "path_ids",
    "path_ignore_trailing_slash",
    "path_ignore_case",
    "ip_mode",
    "ip_hash_key",
    "keep_user_agents",
];

type Texts = [String; VARIABLES.len()];

thread_local! {
    /// Scope: instance. What was read last, and of which texts.
    static READING: RefCell<Option<(Texts, Rc<Reading>)>> = const { RefCell::new(None) };
}

/// How hits are read now. If a variable or the OpenAPI file cannot be used, hits are not recorded,
/// because they would be counted wrong for ever. The log names the variable or the file.
pub async fn reading() -> Result<Rc<Reading>, Failure> {
    let mut texts = Texts::default();
    for (text, name) in texts.iter_mut().zip(VARIABLES) {
        *text = variable::text(name).await;
    }
    let known = READING.with_borrow(|known| {
        let known = known.as_ref().filter(|(of, _)| *of == texts);
        known.map(|(_, reading)| Rc::clone(reading))
    });
    if let Some(reading) = known {
        return Ok(reading);
    }
    let mut reading = read(&texts).map_err(|(name, got)| {
        log!(Error, "variable-not-used", variable = name, got = got);
        Failure::Unavailable(format!("the variable {name} cannot be used"))
    })?;
    let paths = &mut reading.rules.paths;
    paths.api = api::api(paths.spelling)
        .map_err(|unusable| Failure::Unavailable(format!("the file cannot be used: {unusable}")))?;
    let reading = Rc::new(reading);
    READING.set(Some((texts, Rc::clone(&reading))));
    Ok(reading)
}

/// The error is the name of a variable, and the part of it that cannot be used.
fn read(texts: &Texts) -> Result<Reading, (&'static str, String)> {
    let [
        map,
        trusted,
        excluded_ips,
        prefix,
        templates,
        excluded_paths,
        ids,
        slash,
        case,
        ip_mode,
        hash_key,
        keep_user_agents,
    ] = texts;
    let of = |name: &'static str| move |got: String| (name, got);
    AddressRules::new(trusted, "", 128).map_err(of("trusted_proxies"))?;
    PathRules::new(templates, "").map_err(of("path_templates"))?;
    let prefix_length = prefix.parse().ok().filter(|bits| *bits <= 128);
    let prefix_length = prefix_length.ok_or_else(|| ("ipv6_prefix", prefix.clone()))?;
    let mut paths = PathRules::new(templates, excluded_paths).map_err(of("exclude_paths"))?;
    paths.ids = flag("path_ids", ids)?;
    paths.spelling = Spelling {
        no_trailing_slash: flag("path_ignore_trailing_slash", slash)?,
        lower_case: flag("path_ignore_case", case)?,
    };
    let map = match map.as_str() {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|bad: BadFieldMap| ("field_map", bad.to_string()))?,
        ),
    };
    let privacy = match (ip_mode.as_str(), hash_key.len()) {
        ("full", _) => Privacy::Full,
        ("truncated", _) => Privacy::Truncated,
        ("hashed", HASH_KEY_BYTES_MIN..) => Privacy::Hashed(hash_key.as_bytes().into()),
        // The key is a secret: it is not told.
        ("hashed", bytes) => return Err(("ip_hash_key", format!("{bytes} bytes"))),
        (other, _) => return Err(("ip_mode", other.to_owned())),
    };
    let addresses = AddressRules::new(trusted, excluded_ips, prefix_length);
    let rules = Rules {
        addresses: addresses.map_err(of("exclude_ips"))?.with_privacy(privacy),
        paths,
        no_user_agents: !flag("keep_user_agents", keep_user_agents)?,
    };
    Ok(Reading { rules, map })
}

fn flag(name: &'static str, text: &str) -> Result<bool, (&'static str, String)> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err((name, other.to_owned())),
    }
}
