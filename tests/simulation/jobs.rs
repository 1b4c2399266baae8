//! The service that the simulation calls, and what it remembers of each call.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2grpc::call::{CallContext, Inbound, Outbound, Request};
use h2grpc::status::Status;
use tokio::time::{Instant, sleep};

/// The metadata that names a call.
pub const CALL: &str = "call-number";

/// The message of all four methods.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Job {
    /// Which call it belongs to.
    #[prost(uint64, tag = "1")]
    pub call: u64,
    /// Its place in its stream.
    #[prost(uint32, tag = "2")]
    pub place: u32,
    /// How many messages the response has, where that is a stream.
    #[prost(uint32, tag = "3")]
    pub count: u32,
    /// How long the handler takes over each message.
    #[prost(uint32, tag = "4")]
    pub millis: u32,
    /// The handler is to fail at the end.
    #[prost(bool, tag = "5")]
    pub fails: bool,
    #[prost(bytes = "bytes", tag = "6")]
    pub padding: Bytes,
    /// The handler is to fail at the first message, though more may come.
    #[prost(bool, tag = "7")]
    pub fails_early: bool,
}

impl Job {
    /// The padding that belongs to this message and to no other around it.
    pub fn padding(&self, len: usize) -> Bytes {
        vec![(self.call as u8).wrapping_mul(31).wrapping_add(self.place as u8); len].into()
    }

    /// What is answered to it.
    pub fn answer(&self, place: u32) -> Job {
        let answer = Job { call: self.call, place, ..Job::default() };
        let padding = answer.padding(self.padding.len());
        Job { padding, ..answer }
    }
}

h2grpc::service! {
    /// Does jobs.
    pub service Jobs("test.v1.Jobs") client JobsClient {
        rpc One  as one  (Job)        returns (Job);
        rpc Many as many (Job)        returns (stream Job);
        rpc Join as join (stream Job) returns (Job);
        rpc Chat as chat (stream Job) returns (stream Job);
    }
}

/// What the handlers have done, over all restarts of the server.
#[derive(Clone, Default)]
pub struct Worker {
    calls: Arc<Mutex<HashMap<u64, Done>>>,
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

/// What the handlers have done of one call.
#[derive(Clone, Debug, Default)]
pub struct Done {
    pub runs: Vec<Run>,
    /// A response may have begun.
    pub is_answered: bool,
    pub ended: u32,
}

impl Done {
    /// A handler came to its end: once, or by attempts whose answers were lost more often.
    pub fn has_ended(&self) -> bool {
        (1..=self.runs.len() as u32).contains(&self.ended)
    }
}

/// One run of a call's handler.
#[derive(Clone, Debug)]
pub struct Run {
    pub begin: Instant,
    /// `grpc-previous-rpc-attempts`, if it was there.
    pub previous: Option<String>,
}

impl Run {
    /// How many attempts came before, if that is a number that may be sent.
    pub fn previous(&self) -> Option<u32> {
        match &self.previous {
            None => Some(0),
            Some(number) => number.parse().ok().filter(|number| *number > 0),
        }
    }
}

/// A handler that runs.
struct Running<'a> {
    worker: &'a Worker,
    call: u64,
}

impl Worker {
    pub fn done(&self, call: u64) -> Done {
        self.calls.lock().unwrap().get(&call).cloned().unwrap_or_default()
    }

    /// How many handlers run.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How many have run at once since this was asked before.
    pub fn take_most(&self) -> usize {
        self.most.swap(0, Ordering::Relaxed)
    }

    fn begin(&self, context: &CallContext) -> Result<Running<'_>, Status> {
        let number = context.metadata().get(CALL).ok_or_else(|| Status::invalid_argument("a call without number"))?;
        let call = number.parse()?;
        let previous = context.metadata().get("grpc-previous-rpc-attempts").map(str::to_owned);
        let run = Run { begin: Instant::now(), previous };
        self.calls.lock().unwrap().entry(call).or_default().runs.push(run);
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(open, Ordering::Relaxed);
        Ok(Running { worker: self, call })
    }
}

impl Running<'_> {
    /// Checks that a message of a request is the one that is due, and takes its time over it.
    async fn work(&self, job: &Job, place: u32) -> Result<(), Status> {
        if (job.call, job.place) != (self.call, place) || job.padding != job.padding(job.padding.len()) {
            return Err(Status::data_loss(format!("message {place} of call {} came as {job:?}", self.call)));
        }
        if job.millis > 0 {
            sleep(Duration::from_millis(job.millis.into())).await;
        }
        Ok(())
    }

    /// The response begins.
    fn answer(&self) {
        self.worker.calls.lock().unwrap().entry(self.call).or_default().is_answered = true;
    }

    /// The handler is at its end.
    fn end(&self, fails: bool) -> Result<(), Status> {
        self.answer();
        self.worker.calls.lock().unwrap().entry(self.call).or_default().ended += 1;
        if fails { Err(Status::aborted(failure(self.call))) } else { Ok(()) }
    }
}

/// The text of a failure that was asked for.
pub fn failure(call: u64) -> String {
    format!("call {call} was to fail")
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.worker.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Jobs for Worker {
    async fn one(&self, request: Request<Job>) -> Result<Job, Status> {
        let running = self.begin(&request.context)?;
        running.work(&request.message, 0).await?;
        running.end(request.message.fails)?;
        Ok(request.message.answer(0))
    }

    async fn many(&self, request: Request<Job>, answers: &mut Outbound<Job>) -> Result<(), Status> {
        let (running, job) = (self.begin(&request.context)?, request.message);
        for place in 0..job.count {
            running.work(&job, 0).await?;
            running.answer();
            answers.send(job.answer(place)).await?;
        }
        running.end(job.fails)
    }

    async fn join(&self, mut jobs: Inbound<Job>) -> Result<Job, Status> {
        let context = jobs.context().clone();
        let running = self.begin(&context)?;
        let (mut count, mut last) = (0, Job::default());
        while let Some(job) = jobs.next().await? {
            running.work(&job, count).await?;
            if job.fails_early {
                running.end(true)?;
            }
            count += 1;
            last = job;
        }
        running.end(last.fails)?;
        Ok(last.answer(count))
    }

    async fn chat(&self, mut jobs: Inbound<Job>, answers: &mut Outbound<Job>) -> Result<(), Status> {
        let context = jobs.context().clone();
        let running = self.begin(&context)?;
        let (mut count, mut fails) = (0, false);
        while let Some(job) = jobs.next().await? {
            running.work(&job, count).await?;
            if job.fails_early {
                running.end(true)?;
            }
            running.answer();
            answers.send(job.answer(count)).await?;
            count += 1;
            fails = job.fails;
        }
        running.end(fails)
    }
}
