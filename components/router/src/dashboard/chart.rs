//! Plots of timelines, drawn by `plotters` as SVG. The colours are those of the light page. For the
//! dark page, the style sheet replaces them.
//!
//! A plot has no labels of time. The page has them below the plot, where the browser shows them in
//! its own time zone.

use std::ops::Range;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use rollcall_tally::StatusClass;
use rollcall_tally::report::{Timeline, TimelineBucket};
use rollcall_web::log;

use super::format;

/// The parts of a bar, from its foot up: errors stand on the axis, where bars compare best. The
/// colours differ for the colour-blind, too.
const CLASSES: [(StatusClass, RGBColor); 6] = [
    (StatusClass::ServerError, RGBColor(0xB0, 0x1F, 0x2E)),
    (StatusClass::ClientError, RGBColor(0xC9, 0x85, 0x00)),
    (StatusClass::Redirection, RGBColor(0x12, 0xA0, 0x90)),
    (StatusClass::Success, RGBColor(0x2F, 0x6F, 0xDE)),
    (StatusClass::Informational, RGBColor(0x5D, 0x4A, 0x8A)),
    (StatusClass::Unknown, RGBColor(0x66, 0x70, 0x80)),
];
/// The parts of a bar of callers, from its foot up.
const NEW_CALLERS: RGBColor = RGBColor(0xC2, 0x48, 0x7E);
const RETURNING_CALLERS: RGBColor = RGBColor(0x6B, 0x7F, 0x99);
const PREVIOUS: RGBColor = RGBColor(0x8A, 0x94, 0xA6);
const P50: RGBColor = RGBColor(0x1F, 0x8A, 0x7D);
const P95: RGBColor = RGBColor(0xB8, 0x6E, 0x00);
const P99: RGBColor = RGBColor(0x8E, 0x44, 0xAD);
const GRID: RGBColor = RGBColor(0xE1, 0xE5, 0xEA);
const TEXT: RGBColor = RGBColor(0x5B, 0x64, 0x72);

/// Width and height in pixels: one for wide pages and one for phones.
const SIZES: [(u32, u32); 2] = [(640, 220), (340, 200)];
/// Units of a drawing in a pixel: `plotters` rounds to whole units, and a bar of many is narrow.
const UNITS: u32 = 4;
/// Where the plot begins, to the right of its labels. The style sheet has the same number.
const LABELS_PX: u32 = 52;
const MARGIN_PX: u32 = 8;
/// The width of a bar, as a share of the width of its bucket.
const BAR: f64 = 0.76;
/// The opacity of a bar whose bucket is not over.
const PALE: f64 = 0.45;
/// A shorter response time is drawn as this one: a logarithm needs more than 0.
const LEAST_MS: f64 = 0.01;

type Plot<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawing = Result<(), Box<dyn std::error::Error>>;

/// The same plot for wide pages and for phones. If a plot cannot be drawn, this is logged, and the
/// text is empty: the table beside it has the numbers.
pub struct Chart {
    pub wide: String,
    pub narrow: String,
}

/// Requests by class of status, and the period before. `unfinished`: the last bucket is not over.
/// Its bar is pale.
pub fn requests(timeline: &Timeline, unfinished: bool) -> Chart {
    let classes = |bucket: &TimelineBucket| -> Vec<(u64, RGBColor)> {
        let classes = CLASSES.iter();
        let part =
            |(class, color): &(StatusClass, RGBColor)| (bucket.status_classes.of(*class), *color);
        classes.map(part).collect()
    };
    counts(timeline, unfinished, |bucket| bucket.requests, classes)
}

/// IPs: those that are new in a bucket, and those that called before. The period before is a line.
/// `unfinished`: the last bucket is not over. Its bar is pale.
pub fn callers(timeline: &Timeline, unfinished: bool) -> Chart {
    let parts = |bucket: &TimelineBucket| {
        let returning = bucket.unique_ips.saturating_sub(bucket.new_ips);
        vec![
            (bucket.new_ips, NEW_CALLERS),
            (returning, RETURNING_CALLERS),
        ]
    };
    counts(timeline, unfinished, |bucket| bucket.unique_ips, parts)
}

/// A bar for each bucket, of some parts. The period before is a line.
fn counts(
    timeline: &Timeline,
    unfinished: bool,
    count: impl Fn(&TimelineBucket) -> u64,
    parts: impl Fn(&TimelineBucket) -> Vec<(u64, RGBColor)>,
) -> Chart {
    let buckets = &timeline.current.buckets;
    let previous = timeline.previous.as_ref();
    let previous = previous.map_or(&[][..], |previous| &previous.buckets);
    let most = buckets.iter().chain(previous).map(&count).max();
    let over = buckets.len() - usize::from(unfinished && !buckets.is_empty());
    let bars: Vec<Vec<(u64, RGBColor)>> = buckets.iter().map(parts).collect();
    let before = previous.iter().map(|bucket| Some(count(bucket) as f64));
    let before: Vec<Option<f64>> = before.collect();
    // A plot of nothing has an axis, too.
    let top = match most {
        Some(most) if most > 0 => most as f64 * 1.05,
        _ => 1.0,
    };
    draw_each(buckets.len(), 0.0..top, 5, &format::compact, |plot| {
        draw_bars(plot, &bars, over, top)?;
        line(plot, &before, PREVIOUS, 1)
    })
}

/// Percentiles of the response times. The scale is logarithmic, so that a long p99 leaves room for
/// p50.
pub fn response_times(timeline: &Timeline) -> Chart {
    let buckets = &timeline.current.buckets;
    let of = |time: fn(&TimelineBucket) -> Option<f64>| -> Vec<Option<f64>> {
        let times = buckets.iter().map(time);
        times.map(|ms| Some(ms?.max(LEAST_MS).log10())).collect()
    };
    let p50 = of(|bucket| bucket.response_times.p50_response_time);
    let p99 = of(|bucket| bucket.response_times.p99_response_time);
    let all = || p50.iter().chain(&p99).flatten().copied();
    let least = all().fold(f64::INFINITY, f64::min).min(f64::MAX).floor();
    let most = all().fold(f64::NEG_INFINITY, f64::max).ceil();
    // Whole powers of ten, and at least one step.
    let scale = match least < most {
        true => least..most,
        false if most.is_finite() => most..most + 1.0,
        false => 0.0..1.0,
    };
    let steps = (scale.end - scale.start) as usize + 1;
    let label = |power: f64| format::duration(Some(10_f64.powf(power)));
    draw_each(buckets.len(), scale, steps, &label, |plot| {
        line(plot, &p99, P99, 2)?;
        line(
            plot,
            &of(|bucket| bucket.response_times.p95_response_time),
            P95,
            2,
        )?;
        line(plot, &p50, P50, 2)
    })
}

fn draw_each(
    buckets: usize,
    scale: Range<f64>,
    labels: usize,
    label: &dyn Fn(f64) -> String,
    series: impl Fn(&mut Plot) -> Drawing,
) -> Chart {
    let [wide, narrow] = SIZES.map(|size| {
        let mut svg = String::new();
        let scale = scale.clone();
        match draw(&mut svg, size, buckets, scale, labels, label, &series) {
            Ok(()) => svg,
            Err(error) => {
                log!(Error, "plot-not-drawn", error = error);
                String::new()
            }
        }
    });
    Chart { wide, narrow }
}

fn draw(
    svg: &mut String,
    size: (u32, u32),
    buckets: usize,
    scale: Range<f64>,
    labels: usize,
    label: &dyn Fn(f64) -> String,
    series: &impl Fn(&mut Plot) -> Drawing,
) -> Drawing {
    let size = (size.0 * UNITS, size.1 * UNITS);
    let root = SVGBackend::with_string(svg, size).into_drawing_area();
    let mut plot = ChartBuilder::on(&root)
        .margin(MARGIN_PX * UNITS)
        .set_label_area_size(LabelAreaPosition::Left, (LABELS_PX - MARGIN_PX) * UNITS)
        .build_cartesian_2d(0.0..buckets.max(1) as f64, scale)?;
    plot.configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .y_labels(labels)
        .y_max_light_lines(1)
        .y_label_formatter(&|number: &f64| label(*number))
        .label_style(
            ("system-ui, sans-serif", 14 * UNITS)
                .into_font()
                .color(&TEXT),
        )
        .set_tick_mark_size(LabelAreaPosition::Left, 5 * UNITS)
        .axis_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(UNITS))
        .light_line_style(TRANSPARENT)
        .draw()?;
    series(&mut plot)?;
    root.present()?;
    Ok(())
}

/// Bars, each with the parts that are not 0. A part is at least a pixel high, so that a single
/// error can be seen. Bars from `over` on are pale.
fn draw_bars(plot: &mut Plot, bars: &[Vec<(u64, RGBColor)>], over: usize, top: f64) -> Drawing {
    let margin = (1.0 - BAR) / 2.0;
    let (_, height) = plot.plotting_area().dim_in_pixel();
    let least = top * f64::from(UNITS) / f64::from(height);
    for (at, bar) in bars.iter().enumerate() {
        let (left, right) = (at as f64 + margin, (at + 1) as f64 - margin);
        let opacity = if at < over { 1.0 } else { PALE };
        let mut foot = 0.0;
        for (count, color) in bar {
            if *count > 0 {
                let end = foot + (*count as f64).max(least);
                let part = [(left, foot), (right, end)];
                let color = color.mix(opacity).filled();
                plot.draw_series([Rectangle::new(part, color)])?;
                foot = end;
            }
        }
    }
    Ok(())
}

/// A line through the middles of the buckets. It is broken where a bucket has no value. A value
/// between two gaps is a point.
fn line(plot: &mut Plot, values: &[Option<f64>], color: RGBColor, width: u32) -> Drawing {
    let points = values.iter().enumerate();
    let points: Vec<(f64, Option<f64>)> = points
        .map(|(at, value)| (at as f64 + 0.5, *value))
        .collect();
    for run in points.split(|(_, value)| value.is_none()) {
        let run: Vec<(f64, f64)> = run
            .iter()
            .filter_map(|(at, value)| Some((*at, (*value)?)))
            .collect();
        match run.as_slice() {
            [] => {}
            [point] => {
                plot.draw_series([Circle::new(*point, (width + 1) * UNITS, color.filled())])?;
            }
            _ => {
                plot.draw_series([PathElement::new(run, color.stroke_width(width * UNITS))])?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_tally::report::{Period, ResponseTimes};
    use rollcall_tally::status::StatusCounts;

    fn bucket(number: u64, requests: u64, time: Option<f64>) -> TimelineBucket {
        TimelineBucket {
            start_ms: number * 300_000,
            utc_offset_minutes: 0,
            requests,
            unique_ips: requests,
            new_ips: requests / 4,
            errors: requests / 2,
            status_classes: StatusCounts {
                success: requests - requests / 2,
                server_error: requests / 2,
                ..StatusCounts::default()
            },
            response_times: ResponseTimes {
                avg_response_time: time,
                p50_response_time: time,
                p95_response_time: time,
                p99_response_time: time,
            },
        }
    }

    fn timeline(buckets: Vec<TimelineBucket>) -> Timeline {
        let period = Period {
            total_requests: 0,
            unique_ips: 0,
            errors: 0,
            status_classes: StatusCounts::default(),
            response_times: ResponseTimes::default(),
            buckets,
        };
        Timeline {
            bucket_minutes: 5,
            before: None,
            previous: Some(period.clone()),
            current: period,
        }
    }

    /// How often something stands in both plots.
    fn times(chart: &Chart, what: &str) -> [usize; 2] {
        [&chart.wide, &chart.narrow].map(|svg| svg.matches(what).count())
    }

    #[test]
    fn each_bucket_with_requests_is_a_bar_and_the_period_before_a_line() {
        let buckets = vec![bucket(0, 4, None), bucket(1, 0, None), bucket(2, 1, None)];
        let chart = requests(&timeline(buckets.clone()), false);
        assert_eq!(times(&chart, "fill=\"#2F6FDE\""), [2, 2]);
        assert_eq!(times(&chart, "fill=\"#B01F2E\""), [1, 1]);
        assert_eq!(times(&chart, "stroke=\"#8A94A6\""), [1, 1]);
        assert_eq!(times(&chart, "opacity=\"0.45\""), [0, 0]);
        // The last bucket is not over.
        let chart = requests(&timeline(buckets), true);
        assert_eq!(times(&chart, "opacity=\"0.45\""), [1, 1]);
    }

    /// Foot, head and sides of the parts of bars of this colour, in a wide plot.
    fn parts(chart: &Chart, color: &str) -> Vec<[i64; 4]> {
        let number = |part: &str, name: &str| -> i64 {
            let (_, after) = part.split_once(&format!(" {name}=\"")).unwrap();
            after.split('"').next().unwrap().parse().unwrap()
        };
        let rectangles = chart.wide.split("<rect").skip(1);
        let ours = rectangles.filter(|part| part.contains(&format!("fill=\"{color}\"")));
        let ends = ours.map(|part| {
            let [x, y, width, height] = ["x", "y", "width", "height"].map(|of| number(part, of));
            [y + height, y, x, x + width]
        });
        ends.collect()
    }

    #[test]
    fn errors_stand_on_the_axis_and_a_single_one_can_be_seen() {
        let mut busy = bucket(0, 100_000, None);
        busy.status_classes = StatusCounts {
            success: 99_000,
            client_error: 999,
            server_error: 1,
            ..StatusCounts::default()
        };
        let chart = requests(&timeline(vec![busy]), false);
        let [server, client, success] =
            ["#B01F2E", "#C98500", "#2F6FDE"].map(|color| parts(&chart, color)[0]);
        // Rounded to whole units.
        assert!(server[0] - server[1] > i64::from(UNITS) / 2, "{server:?}");
        assert_eq!((server[1], client[1]), (client[0], success[0]));
        assert!(success[1] >= 0, "{success:?}");
    }

    #[test]
    fn bars_of_many_buckets_do_not_touch() {
        let buckets = (0..288).map(|number| bucket(number, 4, None));
        let chart = requests(&timeline(buckets.collect()), false);
        let bars = parts(&chart, "#2F6FDE");
        assert_eq!(bars.len(), 288);
        assert!(bars.windows(2).all(|two| two[0][3] < two[1][2]), "{bars:?}");
    }

    #[test]
    fn a_long_p99_leaves_room_for_p50() {
        let mut slow = bucket(0, 1, Some(2.0));
        slow.response_times.p99_response_time = Some(30_000.0);
        let chart = response_times(&timeline(vec![slow]));
        for label in ["1 ms", "10 ms", "100 ms", "1 s", "10 s"] {
            assert!(chart.wide.contains(label), "{label}: {}", chart.wide);
        }
    }

    #[test]
    fn a_line_is_broken_where_nothing_is_known_and_a_lone_value_is_a_point() {
        let times_ms = [Some(1.0), Some(2.0), None, Some(3.0)];
        let buckets = times_ms.into_iter().enumerate();
        let buckets = buckets.map(|(at, time)| bucket(at as u64, 1, time));
        let chart = response_times(&timeline(buckets.collect()));
        assert_eq!(times(&chart, "<polyline"), [3, 3]);
        assert_eq!(times(&chart, "<circle"), [3, 3]);
    }

    #[test]
    fn a_plot_of_nothing_has_an_axis_and_no_style_of_its_own() {
        for buckets in [vec![], vec![bucket(0, 0, None)]] {
            let timeline = timeline(buckets);
            for chart in [requests(&timeline, true), response_times(&timeline)] {
                assert_eq!(times(&chart, "style="), [0, 0]);
                assert!(chart.wide.contains("<text"), "{}", chart.wide);
            }
        }
    }
}
