//! Who makes the calls of a seed, and judges their ends.

use std::time::Duration;

use h2grpc::status::Status;
use h2grpc::wire::Code;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::Report;
use crate::calls::Plan;
use crate::habits::Habits;
use crate::jobs::{self, Done, JobsClient, Worker};
use crate::runs::Ended;

/// How much later than its deadline a call may end.
const GRACE: Duration = Duration::from_secs(1);

/// How long a channel may take to come back once its network is well again: the longest pause between two dials.
const RECOVERY: Duration = Duration::from_secs(150);

/// Who makes calls and judges their ends.
#[derive(Clone)]
pub struct Caller {
    pub client: JobsClient,
    pub worker: Worker,
    pub habits: Habits,
    /// The network may lose calls.
    pub may_lose: bool,
}

/// How a channel has come back.
pub struct Recovery {
    /// How many calls were made until one was answered.
    pub calls: u64,
    pub fault: Option<String>,
}

/// How many calls there are, and in which time all of them begin.
struct Crowd {
    calls: u64,
    time: Duration,
}

impl Crowd {
    /// One seed in five has many calls in a long time, the others a few: what goes wrong mostly does so early, and so
    /// there is time for more networks.
    fn by_chance(rng: &mut StdRng) -> Crowd {
        match rng.random_range(0..5) {
            0 => Crowd { calls: 1000, time: Duration::from_secs(30) },
            _ => Crowd { calls: rng.random_range(100..250), time: Duration::from_secs(rng.random_range(3..15)) },
        }
    }
}

impl Caller {
    /// Makes all calls, each in a task of its own.
    pub async fn make_all(&self, rng: &mut StdRng) -> Report {
        let crowd = Crowd::by_chance(rng);
        let mut calls = JoinSet::new();
        for number in 0..crowd.calls {
            let plan = Plan::new(number, rng, crowd.time);
            let (plan, caller) = (if self.may_lose { plan } else { plan.short() }, self.clone());
            calls.spawn(async move {
                sleep(plan.start).await;
                let begin = Instant::now();
                let end = caller.make(&plan).await;
                let end = end.map_err(|fault| format!("{fault}; {plan:?}"));
                Ended { plan, at: Instant::now(), after: begin.elapsed(), end }
            });
        }
        let mut report = Report { made: crowd.calls, ..Report::default() };
        while let Some(call) = calls.join_next().await {
            let call = call.expect("a call does not panic");
            match &call.end {
                Ok(end) => *report.ends.entry(end.clone()).or_default() += 1,
                Err(fault) => report.faults.push(fault.clone()),
            }
            report.calls.push(call);
        }
        report
    }

    /// Makes calls, one a second, until one is answered. Their numbers follow on `made`.
    pub async fn until_ok(&self, made: u64, rng: &mut StdRng) -> Recovery {
        let begin = Instant::now();
        let mut calls = 0;
        loop {
            calls += 1;
            let fault = match self.make(&Plan::plain(made + calls, rng)).await {
                Ok(end) if end == "OK" => None,
                Ok(_) if begin.elapsed() < RECOVERY => {
                    sleep(Duration::from_secs(1)).await;
                    continue;
                }
                Ok(end) => Some(format!("the network is well for {RECOVERY:?}, and calls still end {end}")),
                Err(fault) => Some(fault),
            };
            return Recovery { calls, fault };
        }
    }

    /// Makes as many calls as a connection may have, all at once: none may wait for another. It shows nothing if some fail,
    /// as connections still may that were to be cut when the network was bad.
    pub async fn fill(&self, limit: u32, made: u64, rng: &mut StdRng) -> Result<(), String> {
        self.worker.take_most();
        let mut calls = JoinSet::new();
        for number in 0..limit.into() {
            let (plan, caller) = (Plan::lasting(made + number, rng), self.clone());
            calls.spawn(async move { caller.make(&plan).await });
        }
        let ends = calls.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let most = self.worker.take_most();
        let is_full = most >= limit as usize || ends.iter().any(|end| end != "OK");
        if is_full { Ok(()) } else { Err(format!("only {most} calls run at once where {limit} may")) }
    }

    /// Makes a call. Gives how it ended, or what is wrong with that.
    async fn make(&self, plan: &Plan) -> Result<String, String> {
        let begin = Instant::now();
        let late = plan.timeout + GRACE;
        let patience = plan.dropped.map_or(late, |dropped| dropped.min(late));
        match timeout(patience, plan.make(&self.client, self.habits.waits(plan.call))).await {
            Ok(end) => {
                let end = end?;
                self.check(plan, &end, begin.elapsed())?;
                Ok(end.map_or_else(|status| status.code(), |()| Code::OK).to_string())
            }
            Err(_) if patience < late => Ok("dropped".to_owned()),
            Err(_) => Err("no status within the deadline and a second".to_owned()),
        }
    }

    /// Checks that the status which a call has ended with is true.
    fn check(&self, plan: &Plan, end: &Result<(), Status>, elapsed: Duration) -> Result<(), String> {
        let done = self.worker.done(plan.call);
        let status = match end {
            Ok(()) if plan.fails => return Err("OK of a call that was to fail".to_owned()),
            Ok(()) if !done.has_ended() => return Err(format!("OK, but its handler has not ended: {done:?}")),
            Ok(()) => return Ok(()),
            Err(status) => status,
        };
        let is_true = match status.code() {
            Code::ABORTED => plan.fails && status.message() == jobs::failure(plan.call) && done.has_ended(),
            // The server counts in microseconds, timers in milliseconds.
            Code::DEADLINE_EXCEEDED => elapsed + Duration::from_millis(5) >= plan.timeout,
            Code::UNAVAILABLE => self.may_lose && self.was_lost(plan, &done, status, elapsed),
            _ => false,
        };
        if is_true { Ok(()) } else { Err(format!("after {elapsed:?}: {status}, {done:?}")) }
    }

    /// Whether a call may be UNAVAILABLE: not because of dials that failed, if it waits for a connection; and if its
    /// policy may still retry it, not before it has used up its attempts.
    fn was_lost(&self, plan: &Plan, done: &Done, status: &Status, elapsed: Duration) -> bool {
        let is_dial = status.message().contains("can't connect");
        let may_retry = plan.is_short() && !done.is_answered && !self.habits.is_throttled;
        let attempts = if may_retry { self.habits.attempts(plan) } else { 1 };
        !(is_dial && self.habits.waits(plan.call)) && elapsed >= Habits::pauses(attempts)
    }
}
