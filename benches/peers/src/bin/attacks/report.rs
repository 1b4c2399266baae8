//! The table of what attacks cost, and its place in docs/threats.md.

use std::path::Path;

use peers::stats::{median, thousands};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::measure::Figures;
use crate::server::Kind;

/// Between these lines of docs/threats.md stands what this program writes.
const BEGIN: &str = "<!-- costs -->";
const END: &str = "<!-- end of costs -->";

/// What one attack cost, in every round.
#[derive(Serialize, Deserialize)]
pub struct Row {
    pub attack: String,
    ours: Vec<Figures>,
    tonic: Vec<Figures>,
}

impl Row {
    pub fn new(attack: &str) -> Row {
        Row { attack: attack.to_owned(), ours: Vec::new(), tonic: Vec::new() }
    }

    pub fn of(&mut self, kind: Kind) -> &mut Vec<Figures> {
        match kind {
            Kind::Ours => &mut self.ours,
            Kind::Tonic => &mut self.tonic,
        }
    }

    fn line(&self) -> String {
        let both = |figure: fn(&Figures) -> f64| {
            [&self.ours, &self.tonic]
                .map(|rounds| number(median(&rounds.iter().map(figure).collect::<Vec<_>>())))
                .join(" / ")
        };
        let pairs = self.ours.iter().zip(&self.tonic);
        let ratios: Vec<f64> = pairs.map(|(ours, tonic)| ours.ns_per_byte() / tonic.ns_per_byte()).collect();
        let cells = [
            format!("`{}`", self.attack),
            both(|figures| figures.a_run(figures.sent) / 1024.0),
            both(|figures| figures.a_run(figures.cpu_ns) / 1e6),
            both(Figures::ns_per_byte),
            format!("{:.2}", median(&ratios)),
            both(|figures| figures.peak as f64 / f64::from(1 << 20)),
            both(|figures| figures.waited_us as f64 / 1e3),
            if self.tonic.iter().all(|figures| figures.otherwise.is_none()) { "yes" } else { "no" }.to_owned(),
        ];
        format!("| {} |\n", cells.join(" | "))
    }
}

/// The table, with a line for each attack.
pub fn table(rows: &[Row]) -> String {
    let head = "| attack | KiB sent | CPU, ms | CPU per byte, ns | ratio | peak memory, MiB | longest wait, ms | tonic as ours |\n\
        |---|---|---|---|---|---|---|---|\n";
    rows.iter().fold(head.to_owned(), |table, row| table + &row.line())
}

/// Puts the table into docs/threats.md, instead of the one that is there.
pub fn write(product: &Path, rows: &[Row]) -> Result<()> {
    let path = product.join("docs/threats.md");
    let text = std::fs::read_to_string(&path)?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("docs/threats.md has not the lines {BEGIN} and {END}"))?;
    std::fs::write(&path, format!("{before}{BEGIN}\n\n{}\n{END}{after}", table(rows)))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Three digits are enough.
fn number(value: f64) -> String {
    match value {
        _ if value < 10.0 => format!("{value:.1}"),
        _ if value < 1_000.0 => format!("{value:.0}"),
        _ => thousands(value),
    }
}
