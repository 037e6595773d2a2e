//! Which user agents are bots.
//!
//! `bots.txt` beside this file has a text for each bot, and its name. `cargo xtask bots` makes it
//! from a list that others maintain.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// The name of the bot, as in `Googlebot` or `curl`. None: the user agent is none of a known bot.
/// If the texts of several bots are in it, the first of the list counts.
///
/// The time is linear in the length, so the caller limits the length: a [`Hit`](super::Hit) has at
/// most [`USER_AGENT_BYTES_MAX`](super::USER_AGENT_BYTES_MAX) bytes of a user agent. The first call
/// takes about 4 ms more, to prepare the list.
pub(super) fn bot_name(user_agent: &str) -> Option<&'static str> {
    static BOTS: LazyLock<Option<Bots>> = LazyLock::new(|| Bots::read(include_str!("bots.txt")));
    BOTS.as_ref()?.name(user_agent)
}

struct Bots {
    texts: AhoCorasick,
    /// Of the same order as `texts`.
    bots: Vec<Bot>,
}

struct Bot {
    name: &'static str,
    /// Whether the user agent begins with the text.
    begins: bool,
    /// Whether the user agent ends with the text.
    ends: bool,
}

impl Bots {
    /// None: the list is too long for an automaton. A test reads the list.
    fn read(list: &'static str) -> Option<Self> {
        let (bots, texts): (Vec<_>, Vec<_>) = list
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, text)| {
                let begun = text.strip_prefix('^');
                let ended = begun.unwrap_or(text).strip_suffix('$');
                let bot = Bot {
                    name,
                    begins: begun.is_some(),
                    ends: ended.is_some(),
                };
                (bot, ended.or(begun).unwrap_or(text))
            })
            .unzip();
        let texts = AhoCorasick::builder()
            // Every match is needed, as the first of the list counts.
            .match_kind(MatchKind::Standard)
            // It takes 0.4 MB. A DFA would take 7 MB, and be built in ten times the time.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(texts)
            .ok()?;
        Some(Self { texts, bots })
    }

    fn name(&self, user_agent: &str) -> Option<&'static str> {
        self.texts
            .try_find_overlapping_iter(user_agent)
            .ok()?
            .filter_map(|found| {
                let place = found.pattern().as_usize();
                let bot = self.bots.get(place)?;
                let fits = (!bot.begins || found.start() == 0)
                    && (!bot.ends || found.end() == user_agent.len());
                fits.then_some((place, bot.name))
            })
            .min_by_key(|(place, _)| *place)
            .map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests;
