//! Which seeds are run, on as many threads as there are cores.

use std::collections::BTreeSet;
use std::env::VarError;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::Report;

/// How many there are if nobody asks for another number. In a debug build without optimization they take 30 s of CPU time.
const SEEDS: Range<u64> = 0..100;

/// How long a seed may take on the clock on the wall. Only a program that hangs needs it all.
const PATIENCE: Duration = Duration::from_secs(120);

/// The seeds that are to be run.
pub struct Seeds {
    range: Range<u64>,
    /// One alone, of which everything is told.
    is_alone: bool,
}

impl Seeds {
    /// Those that `H2GRPC_SEED` or `H2GRPC_SEEDS` ask for.
    pub fn asked() -> Result<Seeds, String> {
        if let Some(text) = variable("H2GRPC_SEED")? {
            let seed = number(&text).map_err(|wrong| format!("H2GRPC_SEED={text}: {wrong}"))?;
            return Ok(Seeds { range: seed..seed + 1, is_alone: true });
        }
        let Some(text) = variable("H2GRPC_SEEDS")? else { return Ok(Seeds { range: SEEDS, is_alone: false }) };
        let range = match text.split_once("..") {
            Some((first, end)) => number(first).and_then(|first| Ok(first..number(end)?)),
            None => number(&text).map(|count| 0..count),
        };
        match range {
            Ok(range) if !range.is_empty() => Ok(Seeds { range, is_alone: false }),
            Ok(_) => Err(format!("H2GRPC_SEEDS={text}: there is no seed in that")),
            Err(wrong) => Err(format!("H2GRPC_SEEDS={text}: {wrong}")),
        }
    }

    pub fn len(&self) -> usize {
        (self.range.end - self.range.start) as usize
    }

    /// Runs all of them by `run`, which is told whether to say what happens, and gives each report to `take`.
    pub fn run(&self, run: impl Fn(u64, bool) -> Report + Send + Sync + 'static, mut take: impl FnMut(u64, Report)) {
        let (give, given) = mpsc::channel();
        let (next, run) = (Arc::new(AtomicU64::new(self.range.start)), Arc::new(run));
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let (give, next, run) = (give.clone(), Arc::clone(&next), Arc::clone(&run));
            let (end, is_told) = (self.range.end, self.is_alone);
            std::thread::spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let report = catch_unwind(AssertUnwindSafe(|| run(seed, is_told))).unwrap_or_else(|_| Report {
                        faults: vec!["a panic, whose message stands above".to_owned()],
                        ..Report::default()
                    });
                    let _ = give.send((seed, report));
                }
            });
        }
        let mut reported = BTreeSet::new();
        while reported.len() < self.len() {
            let Ok((seed, report)) = given.recv_timeout(PATIENCE) else {
                let begun = self.range.start..next.load(Ordering::Relaxed).min(self.range.end);
                let missing: Vec<_> = begun.filter(|seed| !reported.contains(seed)).collect();
                panic!("nothing came for {PATIENCE:?}: one of the seeds {missing:?} hangs");
            };
            reported.insert(seed);
            take(seed, report);
        }
    }

    /// Tells what is wrong with a seed, and how to run it again.
    pub fn tell(&self, seed: u64, faults: &[String]) {
        let shown = faults.len().min(if self.is_alone { 100 } else { 3 });
        eprintln!("seed {seed}: {} faults; H2GRPC_SEED={seed} cargo test --test simulation", faults.len());
        faults[..shown].iter().for_each(|fault| eprintln!("    {fault}"));
    }
}

fn variable(name: &str) -> Result<Option<String>, String> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is no text")),
    }
}

/// A number of a seed, with room for one more.
fn number(text: &str) -> Result<u64, String> {
    let number = text.parse::<u64>().map_err(|error| error.to_string())?;
    if number < u64::MAX { Ok(number) } else { Err("that is one too many".to_owned()) }
}
