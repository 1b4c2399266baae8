//! What the server has done of the calls, seen when all is over: how often it ran each, when, and as which attempt.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::calls::Plan;
use crate::habits::Habits;
use crate::jobs::Worker;

/// How long the frames of an attempt are on their way at most, after its caller was told that the call has ended. A server
/// whose answers nobody takes reads no further requests, and comes to those that it has when the connection ends: the
/// client's keepalive ends it, at most two intervals of 3 s and the 2 s for the answer later, and the server's own in 12 s.
const ON_THE_WAY: Duration = Duration::from_secs(12);

/// A call whose caller was told its end, or has dropped it.
#[derive(Debug)]
pub struct Ended {
    pub plan: Plan,
    pub at: Instant,
    /// When, counted from its begin.
    pub after: Duration,
    /// Its status code, or "dropped"; or what is wrong with it.
    pub end: Result<String, String>,
}

impl Ended {
    /// What its caller has seen, to compare two runs of a seed.
    pub fn seen(&self) -> (u64, Duration, &Result<String, String>) {
        (self.plan.call, self.after, &self.end)
    }
}

/// How many of some calls were UNAVAILABLE.
#[derive(Clone, Debug, Default)]
pub struct Lost {
    pub calls: u64,
    pub unavailable: u64,
}

impl Lost {
    pub fn add(&mut self, others: &Lost) {
        self.calls += others.calls;
        self.unavailable += others.unavailable;
    }
}

/// How many calls were lost of those that a policy can save, since they have one, wait for a connection and are here
/// until their response begins; and how many of the others. Where a response had begun, it was not for the policy.
pub fn lost(ended: &[Ended], worker: &Worker, habits: &Habits) -> (Lost, Lost) {
    let (mut retried, mut others) = (Lost::default(), Lost::default());
    for Ended { plan, end, .. } in ended {
        let is_unavailable = end.as_deref() == Ok("UNAVAILABLE");
        let lost = match habits.saves(plan) {
            true if is_unavailable && worker.done(plan.call).is_answered => continue,
            true => &mut retried,
            false => &mut others,
        };
        lost.add(&Lost { calls: 1, unavailable: is_unavailable.into() });
    }
    (retried, others)
}

/// What is wrong with what the server has done of the calls.
pub fn faults(ended: &[Ended], worker: &Worker, habits: &Habits, may_lose: bool) -> Vec<String> {
    let most = |plan: &Plan| if may_lose { habits.attempts(plan) } else { 1 };
    let wrong = ended.iter().filter_map(|call| {
        let fault = fault(call, worker, most(&call.plan))?;
        Some(format!("{fault}: {:?}; {:?}", worker.done(call.plan.call), call.plan))
    });
    wrong.collect()
}

/// How many retries the server has seen, or would have seen if all had come to it.
pub fn retries(ended: &[Ended], worker: &Worker) -> u64 {
    let last = |call: &Ended| worker.done(call.plan.call).runs.iter().filter_map(|run| run.previous()).max();
    ended.iter().filter_map(last).map(u64::from).sum()
}

/// What is wrong with a call of which the server may see up to `most` attempts. Each has a number of its own, so it is
/// run no more often. Some never come to the server, and they may overtake each other.
fn fault(call: &Ended, worker: &Worker, most: u32) -> Option<String> {
    let mut numbers = BTreeSet::new();
    for run in worker.done(call.plan.call).runs {
        let number = match run.previous() {
            Some(number) if number < most => number,
            _ => return Some(format!("a run with {:?} previous attempts, of at most {most} in all", run.previous)),
        };
        if !numbers.insert(number) {
            return Some(format!("two runs with {number} previous attempts"));
        }
        if run.begin > call.at + ON_THE_WAY {
            return Some(format!("a run that began {:?} after the call's end", run.begin - call.at));
        }
    }
    None
}
