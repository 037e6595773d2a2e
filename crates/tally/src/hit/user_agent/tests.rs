use super::*;

/// Families, each with user agents as programs send them. `-`: no family.
const FAMILIES: &str = "\
curl: curl/8.5.0
Wget: Wget/1.21.4
Go-http-client: Go-http-client/2.0
python-requests: python-requests/2.32.3
httpx: python-httpx/0.27.0
aiohttp: Python/3.12 aiohttp/3.9.5
Python-urllib: Python-urllib/3.11
okhttp: okhttp/4.12.0
axios: axios/1.7.2
node-fetch: node-fetch/1.0 (+https://github.com/bitinn/node-fetch)
node: node
undici: undici
Deno: Deno/1.45.2
Bun: Bun/1.1.20
Dart: Dart/3.4 (dart:io)
Java: Java/17.0.11
Java-http-client: Java-http-client/21.0.3
Apache-HttpClient: Apache-HttpClient/4.5.14 (Java/17.0.11)
Dalvik: Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UD1A.230803.041)
PostmanRuntime: PostmanRuntime/7.40.0
insomnia: insomnia/9.3.2
HTTPie: HTTPie/3.2.2
GuzzleHttp: GuzzleHttp/7
Ruby: Ruby
Faraday: Faraday v2.9.0
rest-client: rest-client/2.1.0 (linux x86_64) ruby/3.2.2p53
reqwest: reqwest/0.12.5
grpc-go: grpc-go/1.65.0
Prometheus: Prometheus/2.53.0
kube-probe: kube-probe/1.29
Terraform: Terraform/1.9.0 (+https://www.terraform.io)
Acme%20Shop: Acme%20Shop/3.2.1 CFNetwork/1496.0.7 Darwin/23.5.0
MyApp: MyApp/1.0 (com.example.app; build:1; iOS 17.5.0) Alamofire/5.9.1
Tiny Tiny RSS: Tiny Tiny RSS/1.11 (http://tt-rss.org/)
UniversalFeedParser: UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/
Opera: Opera/9.80 (X11; Linux x86_64) Presto/2.12.388 Version/12.16
WindowsPowerShell: Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.4522
Thunderbird: Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.12.0
Chrome: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36
Chrome: Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.6478.50 Mobile Safari/537.36
Chrome: Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1
Chrome: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/32.0.1700.102 Chrome/32.0.1700.102 Safari/537.36
Chrome: Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64)+AppleWebKit/537.36+(KHTML,+like+Gecko)+Chrome/126.0.0.0+Safari/537.36
Edge: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.56
Edge: Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.40 Mobile Safari/537.36 EdgA/125.0.2535.72
Edge: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763
Firefox: Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0
Firefox: Mozilla/5.0 (iPhone; CPU iPhone OS 14_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0 Mobile/15E148 Safari/605.1.15
Safari: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15
Safari: Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1
Opera: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 OPR/111.0.0.0
Samsung Internet: Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36
Vivaldi: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 Vivaldi/6.7.3329.41
Internet Explorer: Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko
Internet Explorer: Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)
WebKit: Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148
Googlebot: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
GPTBot: Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0; +https://openai.com/gptbot)
HeadlessChrome: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36
Acme: Mozilla/5.0 (compatible; Acme; +https://acme.example)
Shop: Shop Client/2.0
-: Mozilla/5.0
-: Mozilla/5.0 (X11; Linux x86_64)
-: Mozilla/5.0 (compatible; +https://acme.example)
-: Mozilla/5.0 (compatible)
-: -
-: (curl)
-: ${jndi:ldap://192.0.2.1/a}
-: \"curl/8\"
";

fn of(user_agent: &str) -> Option<String> {
    Programs::of(user_agent).family
}

#[test]
fn a_family_is_the_name_of_a_program_without_its_version() {
    for line in FAMILIES.lines() {
        let (family, user_agent) = line.split_once(": ").unwrap();
        let expect = (family != "-").then_some(family);
        assert_eq!(of(user_agent).as_deref(), expect, "{user_agent}");
    }
}

#[test]
fn a_bot_is_its_own_family() {
    let programs = Programs::of("Mozilla/5.0 (compatible; bingbot/2.0)");
    assert_eq!(programs.bot, Some("bingbot"));
    assert_eq!(programs.family.as_deref(), Some("bingbot"));
    assert_eq!(Programs::of("kube-probe/1.29").bot, None);
    assert_eq!(Programs::of(""), Programs::default());
}

#[test]
fn a_family_that_is_too_long_or_has_control_characters_is_unknown() {
    let longest = "x".repeat(FAMILY_BYTES_MAX);
    assert_eq!(of(&format!("{longest}/1")), Some(longest.clone()));
    assert_eq!(of(&format!("{longest}y/1")), None);
    assert_eq!(of("größe/1").as_deref(), Some("größe"));
    assert_eq!(of("a\u{7}b/1"), None);
    assert_eq!(
        of("a\u{85}b/1").as_deref(),
        Some("a"),
        "a blank ends a name"
    );
    assert_eq!(of("a\u{9f}b/1"), None);
    assert_eq!(of("a\u{FFFD}b/1"), None);
}

#[test]
fn only_the_part_that_may_be_kept_tells_programs() {
    let kept = |length: usize| format!("{:1$}", "x", length);
    let browser = |before: usize| format!("Mozilla/5.0 {} Firefox/1", kept(before));
    let most = USER_AGENT_BYTES_MAX - "Mozilla/5.0  Firefox/".len();
    assert_eq!(of(&browser(most)).as_deref(), Some("Firefox"));
    assert_eq!(of(&browser(most + 1)), None);
}

#[test]
fn a_name_does_not_depend_on_the_user_agents_before() {
    for round in 0..2 {
        for number in 0..10 * KNOWN_MAX {
            let curl = Programs::of(&format!("curl/{number}"));
            assert_eq!(curl.bot, Some("curl"));
            let firefox = Programs::of(&format!("Firefox/{number} round {round}"));
            assert_eq!(firefox.bot, None);
            assert_eq!(firefox.family.as_deref(), Some("Firefox"));
        }
    }
}
