//! Text before a line.

use super::*;

const LINE: &str = r#"192.0.2.1 - - [17/May/2025:10:05:03 +0000] "GET /a HTTP/1.1" - -"#;

#[test]
fn a_prefix_of_a_log_driver_is_taken_off() {
    for prefix in [
        "Dec 18 11:47:48 gw nginx: ",
        "Dec  8 11:47:48 gw nginx[12]: ",
        "<190>Nov 10 12:11:55 gw nginx: ",
        "<190>Nov 10 12:11:55 nginx: ",
        "2026-11-27T18:05:39.123456+00:00 gw nginx[12]: ",
        "<190>1 2026-11-27T18:05:39Z gw nginx 12 - - ",
        "<190>1 2026-11-27T18:05:39Z gw nginx - - - \u{feff}",
        r#"<190>1 2026-11-27T18:05:39Z gw nginx - id [a@1 b="]\" x"][c d="e"] "#,
        "<190>1 - - nginx - - - ",
        "nginx_1  | ",
        "gw-nginx-1 | ",
        "gw-1  | <190>Nov 10 12:11:55 gw nginx: ",
        "2026-11-27T18:05:39Z stdout F ",
        "2026-11-27T18:05:39.123456789+01:00 stderr F ",
        "2026-11-27T18:05:39.123Z ",
        "[pod/gw-7d/nginx] ",
    ] {
        let line = format!("{prefix}{LINE}");
        assert_eq!(read_one(&line, Format::Auto), Ok(hit()), "{line}");
        assert_eq!(read_one(&line, Format::AccessLog), Ok(hit()), "{line}");
    }
}

#[test]
fn text_that_is_no_prefix_stays() {
    for start in [
        "198.51.100.9 | ",
        "2001:db8:: | ",
        "Dec 18 11:47:48 gw ",
        "2026-11-27T18:05:39Z stdout X ",
        "<999>Nov 10 12:11:55 gw nginx: ",
        "<190>1 2026-11-27T18:05:39Z gw nginx - id [a@1 b=\"] ",
    ] {
        assert_ne!(
            crate::prefix::strip(&format!("{start}{LINE}")),
            LINE,
            "{start}"
        );
    }
}

#[test]
fn the_rest_of_a_line_that_a_container_runtime_cut_is_no_line() {
    let forged = LINE.replace("192.0.2.1", "198.51.100.9");
    let line = |stream: &str, tag: &str, text: &str| {
        format!("2026-11-27T18:05:39Z {stream} {tag} {text}\n")
    };
    let body = [
        line("stdout", "P", LINE),
        line("stderr", "F", LINE),
        line("stdout", "P", &forged),
        line("stdout", "F", &forged),
        line("stdout", "F", LINE),
    ];
    for format in [Format::Auto, Format::AccessLog] {
        let intake = read(body.concat().as_bytes(), format, NOW_MS).unwrap();
        assert_eq!(all_without_told(&intake), [hit(), hit(), hit()]);
        let rest = "the rest of a line that was cut";
        assert_eq!(
            refusals(&intake),
            [format!("3 {rest}"), format!("4 {rest}")]
        );
    }
}
