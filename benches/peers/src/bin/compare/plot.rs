//! A plot as SVG: lines over two logarithmic axes. Servers differ in colour, dash and marker, so that a print in black
//! and white is readable too.

use std::fmt::Write;

use crate::scale::Growth;
use crate::servers::{FLOOR, OURS, TONIC};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 55.0;

/// Colour and dash of the lines of the floor, of ours, of tonic and of any other.
const STYLES: [(&str, &str); 4] = [("#555555", "2 4"), ("#c2185b", ""), ("#1565c0", "9 4"), ("#2e7d32", "9 3 2 3")];

pub fn svg(growth: &Growth) -> String {
    let x = Axis::over(growth.points.iter().map(|p| p.x), LEFT, WIDTH - RIGHT);
    let y = Axis::over(growth.points.iter().map(|p| p.y), HEIGHT - BOTTOM, TOP);
    let mut out = String::new();
    let _ = writeln!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
<text x="{LEFT}" y="22" font-size="14">{}</text>"##,
        growth.title
    );
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for tick in x.ticks() {
        let at = x.at(tick);
        let _ = writeln!(out, r##"<path d="M{at:.1} {TOP}V{bottom}" stroke="#dddddd"/>"##);
        let _ = writeln!(out, r#"<text x="{at:.1}" y="{}" text-anchor="middle">{}</text>"#, bottom + 18.0, label(tick));
    }
    for tick in y.ticks() {
        let at = y.at(tick);
        let _ = writeln!(out, r##"<path d="M{LEFT} {at:.1}H{right}" stroke="#dddddd"/>"##);
        let _ =
            writeln!(out, r#"<text x="{}" y="{:.1}" text-anchor="end">{}</text>"#, LEFT - 6.0, at + 4.0, label(tick));
    }
    let _ = writeln!(out, r##"<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#333333"/>"##);
    let middle = (LEFT + right) / 2.0;
    let _ = writeln!(out, r#"<text x="{middle}" y="{}" text-anchor="middle">{}</text>"#, HEIGHT - 12.0, growth.x);
    let (side, half) = (18.0, HEIGHT / 2.0);
    let _ = writeln!(
        out,
        r#"<text transform="translate({side} {half}) rotate(-90)" text-anchor="middle">{}</text>"#,
        growth.y
    );
    for (i, server) in servers(growth).into_iter().enumerate() {
        let kind = [FLOOR, OURS, TONIC[0]].iter().position(|known| *known == server).unwrap_or(3);
        let (colour, dash) = STYLES[kind];
        let points: Vec<_> =
            growth.points.iter().filter(|p| p.server == server).map(|p| (x.at(p.x), y.at(p.y))).collect();
        line(&mut out, &points, colour, dash);
        points.iter().for_each(|(x, y)| marker(&mut out, kind, *x, *y, colour));
        let (at, row) = (right + 14.0, TOP + 12.0 + 20.0 * i as f64);
        line(&mut out, &[(at, row - 4.0), (at + 28.0, row - 4.0)], colour, dash);
        marker(&mut out, kind, at + 14.0, row - 4.0, colour);
        let _ = writeln!(out, r#"<text x="{}" y="{row}">{server}</text>"#, at + 34.0);
    }
    out + "</svg>\n"
}

/// In the order of the figures.
fn servers(growth: &Growth) -> Vec<&str> {
    let mut servers = Vec::new();
    for point in &growth.points {
        if !servers.contains(&point.server.as_str()) {
            servers.push(point.server.as_str());
        }
    }
    servers
}

fn line(out: &mut String, points: &[(f64, f64)], colour: &str, dash: &str) {
    let points: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        out,
        r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>"#,
        points.join(" ")
    );
}

/// A disc, a square, a diamond or a ring.
fn marker(out: &mut String, kind: usize, x: f64, y: f64, colour: &str) {
    let _ = match kind {
        0 => writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{colour}"/>"#),
        1 => writeln!(out, r#"<rect x="{:.1}" y="{:.1}" width="7" height="7" fill="{colour}"/>"#, x - 3.5, y - 3.5),
        2 => writeln!(out, r#"<path d="M{:.1} {y:.1}l4.5 -4.5l4.5 4.5l-4.5 4.5z" fill="{colour}"/>"#, x - 4.5),
        _ => writeln!(
            out,
            r##"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="#ffffff" stroke="{colour}" stroke-width="2"/>"##
        ),
    };
}

/// Values on a stretch of pixels, from one round number (1, 2 or 5 times a power of ten) to another.
struct Axis {
    rounds: Vec<f64>,
    start: f64,
    end: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone, start: f64, end: f64) -> Self {
        let values = values.filter(|v| *v > 0.0);
        let least = values.clone().fold(f64::INFINITY, f64::min).min(1e9);
        let most = values.fold(least, f64::max);
        let from = least.log10().floor() as i32;
        let to = most.log10().floor() as i32;
        let candidates = || (from..=to + 1).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
        let slack = 1.0 + 1e-9;
        let first = candidates().filter(|it| *it <= least * slack).fold(10f64.powi(from), f64::max);
        let last = candidates().find(|it| *it * slack >= most && *it > first).unwrap_or(10f64.powi(to + 1));
        let rounds = candidates().filter(|it| *it * slack >= first && *it <= last * slack).collect();
        Self { rounds, start, end }
    }

    fn at(&self, value: f64) -> f64 {
        let log = |i: usize| self.rounds[i].log10();
        let (first, last) = (log(0), log(self.rounds.len() - 1));
        let share = (value.max(f64::MIN_POSITIVE).log10() - first) / (last - first);
        self.start + share.clamp(0.0, 1.0) * (self.end - self.start)
    }

    /// All round numbers of a short axis, the powers of ten of a long one.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        let all = self.rounds.len() <= 8;
        self.rounds.iter().copied().filter(move |it| all || (it.log10() - it.log10().round()).abs() < 1e-6)
    }
}

fn label(value: f64) -> String {
    let digits = |value: f64| format!("{}", (value * 1e6).round() / 1e6);
    match value {
        v if v > 0.99e6 => format!("{} M", digits(v / 1e6)),
        v if v > 0.99e3 => format!("{} k", digits(v / 1e3)),
        v => digits(v),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_round_numbers_around_its_values() {
        for (values, ends) in [([3.1, 7.0], (2.0, 10.0)), ([1.0, 1000.0], (1.0, 1000.0)), ([0.02, 0.02], (0.02, 0.05))]
        {
            let axis = Axis::over(values.into_iter(), 0.0, 100.0);
            let (first, last) = (axis.rounds[0], axis.rounds[axis.rounds.len() - 1]);
            assert!((first / ends.0 - 1.0).abs() < 1e-6 && (last / ends.1 - 1.0).abs() < 1e-6, "{values:?}");
            assert!(axis.at(values[0]) >= 0.0 && axis.at(values[1]) <= 100.0);
        }
    }
}
