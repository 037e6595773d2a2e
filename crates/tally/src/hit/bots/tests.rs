#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::hit::USER_AGENT_BYTES_MAX;

#[track_caller]
fn check(user_agent: &str, expect: Option<&str>) {
    assert_eq!(bot_name(user_agent), expect, "{user_agent:?}");
}

fn list(text: &'static str) -> Bots {
    Bots::read(text).unwrap()
}

#[test]
fn every_line_of_the_list_is_a_name_and_a_text() {
    let list = include_str!("../bots.txt");
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in lines {
        let (name, text) = line.split_once('\t').unwrap();
        let is_text = |text: &str| !text.trim_matches(['^', '$', ' ']).is_empty();
        assert!(
            is_text(name) && is_text(text) && !text.contains('\t'),
            "{line:?}"
        );
        count += 1;
    }
    assert!(count > 1_000, "{count} lines");
    assert_eq!(Bots::read(list).unwrap().bots.len(), count);
}

#[test]
fn the_license_of_the_list_is_in_its_head() {
    let list = include_str!("../bots.txt");
    for part in [
        "crawler-user-agents",
        "Copyright (c)",
        "Permission is hereby granted",
    ] {
        assert!(list.contains(part), "{part}");
    }
}

/// Names, each with a user agent: a few of each shape.
const BOTS: &str = "\
Googlebot: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
Googlebot-Image: Googlebot-Image/1.0
AdsBot-Google: AdsBot-Google (+http://www.google.com/adsbot.html)
AdsBot-Google-Mobile: AdsBot-Google-Mobile-Apps
bingbot: Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)
GPTBot: Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0; +https://openai.com/gptbot)
ChatGPT-User: Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot
OAI-SearchBot: Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; OAI-SearchBot/1.0; +https://openai.com/searchbot
ClaudeBot: Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)
ClaudeBot: claudebot
PerplexityBot: Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)
meta-externalagent: meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)
Bytespider: Mozilla/5.0 (iPhone; CPU iPhone OS 11_0 like Mac OS X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/40.0.3754.1902 Mobile Safari/537.36; Bytespider
CCBot: CCBot/2.0 (http://commoncrawl.org/faq/)
SEMrushBot: Mozilla/5.0 (compatible; SemrushBot-SA/0.97; +http://www.semrush.com/bot.html)
AhrefsBot: Mozilla/5.0 (compatible; AhrefsBot/6.1; +http://ahrefs.com/robot/)
AhrefsSiteAudit: Mozilla/5.0 (compatible; AhrefsSiteAudit/6.1; +http://ahrefs.com/robot/)
Baiduspider: Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)
facebookexternalhit: facebookexternalhit/1.0 (+http://www.facebook.com/externalhit_uatext.php)
UptimeRobot: Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)
curl: curl/7.54.0
Wget: Wget/1.14 (linux-gnu)
Go-http-client: Go-http-client/1.1
python-requests: python-requests/2.9.2
okhttp: okhttp/4.9.3
Apache-HttpClient: Apache-HttpClient/4.2.3 (java 1.5)
sentry: sentry/8.22.0 (https://sentry.io)
SSL Labs: SSL Labs
GoogleAssociationService: GoogleAssociationService
BlogTraffic: Mozilla/5.0 (compatible; BlogTraffic/1.4 Feed-Fetcher; +http://www.blogtraffic.de/rss-bot.html)
ContextualBot: Mozilla/5.0 (compatible; ContextualBot/1.0; +http://outcomes.net)
Current: Mozilla/5.0 (compatible; Current/1.0; +https://currentreader.app; RSS Reader)
Spider: Mozilla/5.0 (compatible; Spider; +https://www.spider.com/)
";

const BROWSERS: &str = "\
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36
Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1
Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0
Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0
Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0
Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0
Mozilla/5.0 (iPhone; CPU iPhone OS 14_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0 Mobile/15E148 Safari/605.1.15
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1
Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.56
Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.40 Mobile Safari/537.36 EdgA/125.0.2535.72
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 OPR/111.0.0.0
Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 Vivaldi/6.7.3329.41
Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko
Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.6478.50 Mobile Safari/537.36
";

#[test]
fn bots_have_names() {
    for line in BOTS.lines() {
        let (name, user_agent) = line.split_once(": ").unwrap();
        check(user_agent, Some(name));
    }
}

#[test]
fn browsers_are_no_bots() {
    for user_agent in BROWSERS.lines() {
        check(user_agent, None);
    }
}

#[test]
fn an_empty_user_agent_is_no_bot() {
    check("", None);
}

#[test]
fn the_longest_user_agent_is_read_to_its_end() {
    let only_bots: String = "bot".chars().cycle().take(USER_AGENT_BYTES_MAX).collect();
    check(&only_bots, None);
    let last = format!("{:1$}", "", USER_AGENT_BYTES_MAX - "GPTBot".len()) + "GPTBot";
    assert_eq!(last.len(), USER_AGENT_BYTES_MAX);
    check(&last, Some("GPTBot"));
}

#[test]
fn upper_and_lower_case_differ() {
    check("GPTBOT", None);
}

#[test]
fn the_first_of_the_list_counts() {
    let list = list("# a head\nB\tbb\nA\taaa\nC\tc\n");
    assert_eq!(list.name("c aaa bb"), Some("B"));
    assert_eq!(list.name("c aaa b"), Some("A"));
    assert_eq!(list.name("c aa b"), Some("C"));
}

#[test]
fn a_text_within_another_is_found() {
    let list = list("A\tab\nB\tabcd\nC\tbc\n");
    assert_eq!(list.name("xabcx"), Some("A"));
    assert_eq!(list.name("xbcdx"), Some("C"));
}

#[test]
fn a_text_may_count_only_where_the_user_agent_begins_or_ends() {
    let list = list("Begin\t^ab\nEnd\tcd$\nAll\t^x y$\nDollar\t$1\n");
    assert_eq!(list.name("ab/1"), Some("Begin"));
    assert_eq!(list.name("an ab/1"), None);
    assert_eq!(list.name("1 cd"), Some("End"));
    assert_eq!(list.name("cd 1"), None);
    assert_eq!(list.name("cd cd"), Some("End"));
    assert_eq!(list.name("x y"), Some("All"));
    assert_eq!(list.name("x y z"), None);
    assert_eq!(list.name("x x y"), None);
    assert_eq!(list.name("US$1"), Some("Dollar"));
}
