//! What many clients have seen, counted together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// How many faults are kept whole. Of the others only the number is.
const SHOWN: usize = 20;

/// Counts by what was done and how it ended. Clones count together.
#[derive(Clone, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

#[derive(Default)]
pub struct Counts {
    pub ends: BTreeMap<(String, String), u64>,
    pub faults: u64,
    shown: Vec<String>,
}

impl Tally {
    pub fn count(&self, what: &str, end: &str) {
        *self.counts().ends.entry((what.to_owned(), end.to_owned())).or_default() += 1;
    }

    /// Notes a promise that was broken.
    pub fn fault(&self, fault: String) {
        let counts = &mut *self.counts();
        counts.faults += 1;
        if counts.shown.len() < SHOWN {
            eprintln!("fault: {fault}");
            counts.shown.push(fault);
        }
    }

    pub fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A line for each thing that was done, with the numbers of its ends.
    pub fn table(&self) -> String {
        let counts = self.counts();
        let mut lines = BTreeMap::<&str, Vec<String>>::new();
        for ((what, end), count) in &counts.ends {
            lines.entry(what).or_default().push(format!("{end} {count}"));
        }
        let lines = lines.into_iter().map(|(what, ends)| format!("| {what} | {} |\n", ends.join(", ")));
        format!("| what | ends |\n|---|---|\n{}", lines.collect::<String>())
    }
}
