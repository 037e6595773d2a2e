//! Which programs a user agent names: the bot, if it is one, and the family.
//!
//! A family is the name of a program without its version, as `curl`, `Chrome` or `okhttp`. Every
//! caller chooses its user agent. So a family says how a caller presents itself, and not more.

use std::cell::RefCell;
use std::collections::HashMap;

use super::USER_AGENT_BYTES_MAX;
use super::bots::bot_name;
use super::characters::{is_replaced, is_token_byte};

/// The longest family, in bytes. A longer one is unknown.
pub const FAMILY_BYTES_MAX: usize = 64;
/// Scope: thread. The user agents whose programs are remembered.
const KNOWN_MAX: usize = 256;

/// Browsers say that they are others, too. The first text of this list in a user agent counts.
const BROWSERS: [(&str, &str); 21] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("OPiOS/", "Opera"),
    ("Opera", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("UCBrowser/", "UC Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chrome"),
    ("MSIE", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
    ("Safari/", "Safari"),
];

/// Products in the user agent of a browser that are no programs.
const ENGINES: [&str; 5] = ["Mozilla", "AppleWebKit", "Gecko", "Version", "Mobile"];

/// The programs that a user agent names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Programs {
    pub bot: Option<&'static str>,
    /// None: the user agent names no program.
    pub family: Option<String>,
}

impl Programs {
    /// The programs of the part of the user agent that may be kept. Those of the last user agents
    /// are remembered, because most hits have one of them.
    pub fn of(user_agent: &str) -> Self {
        thread_local! {
            static KNOWN: RefCell<HashMap<String, Programs>> = RefCell::default();
        }
        let end = user_agent.floor_char_boundary(USER_AGENT_BYTES_MAX);
        let user_agent = user_agent.get(..end).unwrap_or_default();
        KNOWN.with_borrow_mut(|known| {
            if let Some(programs) = known.get(user_agent) {
                return programs.clone();
            }
            let bot = bot_name(user_agent);
            let family = bot.or_else(|| family(user_agent));
            let programs = Self {
                bot,
                family: family.map(str::to_owned),
            };
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
            known.insert(user_agent.to_owned(), programs.clone());
            programs
        })
    }
}

/// The family of a user agent that is none of a known bot.
fn family(user_agent: &str) -> Option<&str> {
    if !user_agent.starts_with("Mozilla/") {
        return name(user_agent);
    }
    let browser = BROWSERS.iter().find(|(text, _)| user_agent.contains(text));
    if let Some((_, family)) = browser {
        return Some(family);
    }
    if let Some((_, rest)) = user_agent.split_once("compatible; ") {
        return name(rest);
    }
    let is_program = |product: &&str| !ENGINES.contains(product);
    let program = products(user_agent).find(is_program);
    let is_web_view = || user_agent.contains("AppleWebKit/");
    program.or_else(|| is_web_view().then_some("WebKit"))
}

/// The names of all products that have a version. Comments are in parentheses, and are left out.
fn products(user_agent: &str) -> impl Iterator<Item = &str> {
    let parts = user_agent.split_inclusive(['(', ')']);
    let outside = parts.scan(0u32, |depth, part| {
        let is_outside = *depth == 0;
        match part.chars().last() {
            Some('(') => *depth += 1,
            Some(')') => *depth = depth.saturating_sub(1),
            _ => {}
        }
        Some(if is_outside { part } else { "" })
    });
    let words = outside.flat_map(str::split_whitespace);
    words.filter_map(|word| name(word.split_once('/')?.0))
}

/// The name that the text begins with.
fn name(text: &str) -> Option<&str> {
    let is_end = |char: char| "/();,".contains(char) || char.is_whitespace();
    let name = text.trim_start().split(is_end).next()?;
    let is_name = |char: char| match char.is_ascii() {
        true => is_token_byte(char as u8),
        false => !is_replaced(char),
    };
    let is_usable = name.len() <= FAMILY_BYTES_MAX
        && name.chars().all(is_name)
        && name.contains(char::is_alphanumeric);
    is_usable.then_some(name)
}

#[cfg(test)]
mod tests;
