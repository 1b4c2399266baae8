//! Who makes the counted calls, and checks their answers.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use h2grpc::call::{CallOptions, Responses};
use h2grpc::client::Channel;
use h2grpc::policy::{MethodConfig, RetryPolicy, ServiceConfig};
use h2grpc::status::Status;
use h2grpc::wire::Code;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, timeout};

use crate::Result;
use crate::count::{Side, take};
use crate::jobs::{Job, JobsClient, answer};
use crate::tally::Tally;
use crate::torn::Torn;

/// How long a call may take that has all the time it needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much later than its deadline a call may end, on a machine that is busy.
const GRACE: Duration = Duration::from_secs(10);

/// What became of a call: its status, or what is wrong with its answer.
type Ended = std::result::Result<std::result::Result<(), Status>, String>;

pub struct Caller {
    pub server: SocketAddr,
    pub is_gentle: bool,
    pub side: Side,
    pub tally: Tally,
}

/// How a call is made.
struct Plan {
    job: Job,
    shape: u32,
    timeout: Duration,
    /// When it is dropped.
    dropped: Option<Duration>,
    waits: bool,
}

/// Makes calls as long as there are any left, over one channel after the other.
pub async fn work(caller: Caller, seed: u64, next: Arc<AtomicU64>, calls: u64) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(seed);
    loop {
        let is_torn = !caller.is_gentle && rng.random();
        let client = JobsClient::new(caller.channel(is_torn, &mut rng)?);
        for _ in 0..rng.random_range(1..500) {
            let Some(number) = take(&next, calls) else { return Ok(()) };
            caller.call(&client, Plan::by_chance(number, caller.is_gentle, &mut rng), is_torn).await;
        }
    }
}

impl Plan {
    fn by_chance(call: u64, is_gentle: bool, rng: &mut StdRng) -> Plan {
        let few = Duration::from_millis(rng.random_range(0..10));
        let padding = if rng.random_range(0..50) == 0 { rng.random_range(0..20_000) } else { rng.random_range(0..100) };
        let (millis, fails) = (rng.random_range(0..4) / 3 * rng.random_range(0..5), rng.random_range(0..50) == 0);
        let job =
            Job { call, place: 0, count: rng.random_range(1..6), millis, fails, padding: vec![call as u8; padding] };
        let fault = if is_gentle { u32::MAX } else { rng.random_range(0..20) };
        Plan {
            job,
            shape: rng.random_range(0..4),
            timeout: if fault == 0 { few } else { PATIENCE },
            dropped: (fault == 1).then_some(few),
            waits: is_gentle || rng.random(),
        }
    }
}

impl Caller {
    fn channel(&self, is_torn: bool, rng: &mut StdRng) -> Result<Channel> {
        let tears = Mutex::new(StdRng::seed_from_u64(rng.random()));
        let after = move || match tears.lock() {
            Ok(mut tears) if is_torn => tears.random_range(1..100_000),
            _ => usize::MAX,
        };
        let channel = Channel::new(self.server.to_string().parse()?).observe(self.side.observed.observe());
        let channel = channel.wrap_streams(move |_, stream| Torn::new(stream, after()));
        if self.is_gentle || rng.random() {
            return Ok(channel);
        }
        let policy = RetryPolicy::default().max_attempts(4).initial_backoff(Duration::from_millis(1));
        Ok(channel.service_config(ServiceConfig::new().service("soak.Jobs", MethodConfig::new().retry(policy))))
    }

    /// Makes a call, and counts what its caller is told.
    async fn call(&self, client: &JobsClient, plan: Plan, is_torn: bool) {
        let client = client.with(CallOptions::new().timeout(plan.timeout).wait_for_ready(plan.waits));
        let late = plan.dropped.unwrap_or(plan.timeout + GRACE);
        let begin = Instant::now();
        let ended = timeout(late, plan.make(&client)).await;
        let what = ["unary", "server streaming", "client streaming", "bidirectional"][plan.shape as usize];
        let what = format!("{what}{}", if self.is_gentle { ", gentle" } else { "" });
        let end = match ended {
            Err(_) if plan.dropped.is_some() => "dropped".to_owned(),
            Err(_) => Self::wrong(&self.tally, &what, &plan, begin, "no status in time"),
            Ok(Err(wrong)) => Self::wrong(&self.tally, &what, &plan, begin, &wrong),
            Ok(Ok(Ok(()))) => {
                if plan.job.fails || self.side.worker.successes(plan.job.call) == 0 {
                    Self::wrong(&self.tally, &what, &plan, begin, "OK, which no handler has said");
                }
                "OK".to_owned()
            }
            Ok(Ok(Err(status))) => {
                let is_due = match status.code() {
                    Code::ABORTED => plan.job.fails,
                    Code::DEADLINE_EXCEEDED => plan.timeout < PATIENCE,
                    // Servers leave, and a call that does not wait for a connection may find none. One that a server
                    // has turned away may have no time left to begin again.
                    Code::UNAVAILABLE => !self.is_gentle && (is_torn || !plan.waits || plan.timeout < PATIENCE),
                    _ => false,
                };
                if !is_due {
                    Self::wrong(&self.tally, &what, &plan, begin, &status.to_string());
                }
                status.code().to_string()
            }
        };
        self.tally.count(&what, &end);
        self.side.told.add(&end);
    }

    fn wrong(tally: &Tally, what: &str, plan: &Plan, begin: Instant, text: &str) -> String {
        let Plan { job, timeout, dropped, .. } = plan;
        let after = begin.elapsed();
        tally.fault(format!("call {}, {what}, of {timeout:?}, dropped {dropped:?}, after {after:?}: {text}", job.call));
        "wrong".to_owned()
    }
}

impl Plan {
    async fn make(&self, client: &JobsClient) -> Ended {
        match self.shape {
            0 => match client.one(self.job.clone()).await {
                Ok(response) => self.right(&response.message, 0).map(Ok),
                Err(status) => Ok(Err(status)),
            },
            1 => match client.many(self.job.clone()).await {
                Ok(answers) => self.read(answers).await,
                Err(status) => Ok(Err(status)),
            },
            2 => self.join(client).await,
            _ => self.chat(client).await,
        }
    }

    async fn join(&self, client: &JobsClient) -> Ended {
        let (mut jobs, response) = match client.join().await {
            Ok(halves) => halves,
            Err(status) => return Ok(Err(status)),
        };
        let sending = async {
            for _ in 0..self.job.count {
                if jobs.send(self.job.clone()).await.is_err() {
                    return Some(jobs); // which would cancel the call if it was dropped
                }
            }
            let _ = jobs.finish().await;
            None
        };
        let (_unfinished, response) = tokio::join!(sending, response.response());
        match response {
            Ok(response) => self.right(&response.message, self.job.count).map(Ok),
            Err(status) => Ok(Err(status)),
        }
    }

    async fn chat(&self, client: &JobsClient) -> Ended {
        let (mut jobs, answers) = match client.chat().await {
            Ok(halves) => halves,
            Err(status) => return Ok(Err(status)),
        };
        let sending = async {
            for _ in 0..self.job.count {
                if jobs.send(self.job.clone()).await.is_err() {
                    return Some(jobs);
                }
            }
            let _ = jobs.finish().await;
            None
        };
        let (_unfinished, read) = tokio::join!(sending, self.read(answers));
        read
    }

    /// Reads a stream of answers to its end.
    async fn read(&self, mut answers: Responses<Job>) -> Ended {
        let mut place = 0;
        loop {
            match answers.next().await {
                Ok(Some(answer)) => self.right(&answer, place)?,
                Ok(None) if place == self.job.count => return Ok(Ok(())),
                Ok(None) => return Err(format!("OK after {place} of {} answers", self.job.count)),
                Err(status) => return Ok(Err(status)),
            }
            place += 1;
        }
    }

    fn right(&self, found: &Job, place: u32) -> std::result::Result<(), String> {
        if *found == answer(&self.job, place) { Ok(()) } else { Err(format!("answer {place} is wrong: {found:?}")) }
    }
}
