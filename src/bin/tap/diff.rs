//! Two saved transcripts, compared by what they mean.

use std::io::{self, Write};
use std::path::Path;

use h2grpc::route_guide::program::Stdout;
use h2grpc::transcript::{Compare, Difference, Transcript, grouped};

use super::options::Names;
use super::{End, names, show};

/// Shows where two files differ.
pub fn run(first: &Path, second: &Path, ignore: &[String], names: &Names) -> Result<End, String> {
    let types = names::types(names)?;
    let [first, second] = [show::read(first)?, show::read(second)?].map(|file| Transcript::read(&file, &types));
    let compare = Compare { ignored: ignore.to_vec(), ..Compare::default() };
    tell(&compare.differences(&first, &second), first.calls.len().max(second.calls.len()))
}

/// Prints the differences between so many calls.
pub fn tell(differences: &[Difference], calls: usize) -> Result<End, String> {
    let mut out = Stdout::new();
    let mut print = || {
        differences.iter().try_for_each(|difference| writeln!(out, "{difference}"))?;
        let calls = if calls == 1 { "1 call".to_owned() } else { format!("{} calls", grouped(calls)) };
        match differences.len() {
            0 => writeln!(out, "{calls}: no difference")?,
            1 => writeln!(out, "{calls}: 1 difference")?,
            many => writeln!(out, "{calls}: {} differences", grouped(many))?,
        }
        out.flush()
    };
    match print() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ if differences.is_empty() => Ok(End::Well),
        _ => Ok(End::Different),
    }
}
