//! A plot as SVG: lines over two logarithmic axes.

use std::fmt::Write;

use crate::scale::Growth;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 55.0;
const COLOURS: [&str; 6] = ["#7f7f7f", "#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e"];

pub fn svg(growth: &Growth) -> String {
    let x = Axis::over(growth.points.iter().map(|p| p.x), LEFT, WIDTH - RIGHT);
    let y = Axis::over(growth.points.iter().map(|p| p.y), HEIGHT - BOTTOM, TOP);
    let mut out = String::new();
    let _ = writeln!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
<text x="{LEFT}" y="22" font-size="14">{}</text>"##,
        growth.title
    );
    for tick in x.ticks() {
        let (at, bottom) = (x.at(tick), HEIGHT - BOTTOM);
        let _ = writeln!(out, r##"<path d="M{at:.1} {TOP}V{bottom}" stroke="#dddddd"/>"##);
        let _ = writeln!(out, r#"<text x="{at:.1}" y="{}" text-anchor="middle">{}</text>"#, bottom + 18.0, label(tick));
    }
    for tick in y.ticks() {
        let (at, right) = (y.at(tick), WIDTH - RIGHT);
        let _ = writeln!(out, r##"<path d="M{LEFT} {at:.1}H{right}" stroke="#dddddd"/>"##);
        let _ =
            writeln!(out, r#"<text x="{}" y="{:.1}" text-anchor="end">{}</text>"#, LEFT - 6.0, at + 4.0, label(tick));
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    let _ = writeln!(out, r#"<text x="{middle}" y="{}" text-anchor="middle">{}</text>"#, HEIGHT - 12.0, growth.x);
    let (side, half) = (18.0, HEIGHT / 2.0);
    let _ = writeln!(
        out,
        r#"<text transform="translate({side} {half}) rotate(-90)" text-anchor="middle">{}</text>"#,
        growth.y
    );
    let mut servers: Vec<&str> = growth.points.iter().map(|p| p.server.as_str()).collect();
    servers.sort_unstable();
    servers.dedup();
    for (i, server) in servers.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let points: Vec<_> =
            growth.points.iter().filter(|p| p.server == *server).map(|p| (x.at(p.x), y.at(p.y))).collect();
        let line: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ =
            writeln!(out, r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#, line.join(" "));
        for (x, y) in &points {
            let _ = writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#);
        }
        let (at, row) = (WIDTH - RIGHT + 14.0, TOP + 12.0 + 20.0 * i as f64);
        let _ = writeln!(out, r#"<text x="{at}" y="{row}" fill="{colour}">{server}</text>"#);
    }
    out + "</svg>\n"
}

/// Decades of values on a stretch of pixels.
struct Axis {
    from: i32,
    to: i32,
    start: f64,
    end: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone, start: f64, end: f64) -> Self {
        let logs = values.filter(|v| *v > 0.0).map(f64::log10);
        let from = logs.clone().fold(f64::INFINITY, f64::min);
        let to = logs.fold(f64::NEG_INFINITY, f64::max);
        if from > to {
            return Self { from: 0, to: 1, start, end };
        }
        let from = from.floor() as i32;
        Self { from, to: (to.ceil() as i32).max(from + 1), start, end }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.max(f64::MIN_POSITIVE).log10() - f64::from(self.from)) / f64::from(self.to - self.from);
        self.start + share.clamp(0.0, 1.0) * (self.end - self.start)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.from..=self.to).map(|power| 10f64.powi(power))
    }
}

fn label(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{} M", (v / 1e6).round()),
        v if v >= 1e3 => format!("{} k", (v / 1e3).round()),
        v => format!("{v}"),
    }
}
