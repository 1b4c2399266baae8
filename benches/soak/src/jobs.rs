//! The service of the counted calls, and what its handlers have done of each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use h2grpc::call::{Inbound, Outbound, Request};
use h2grpc::status::Status;
use tokio::time::sleep;

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
    /// How long the handler takes.
    #[prost(uint32, tag = "4")]
    pub millis: u32,
    /// The handler is to fail at the end.
    #[prost(bool, tag = "5")]
    pub fails: bool,
    #[prost(bytes = "vec", tag = "6")]
    pub padding: Vec<u8>,
}

h2grpc::service! {
    /// Does jobs.
    pub service Jobs("soak.Jobs") client JobsClient {
        rpc One  as one  (Job)        returns (Job);
        rpc Many as many (Job)        returns (stream Job);
        rpc Join as join (stream Job) returns (Job);
        rpc Chat as chat (stream Job) returns (stream Job);
    }
}

/// What the handlers have done, over all servers.
#[derive(Clone)]
pub struct Worker {
    done: Arc<[AtomicU8]>,
    begun: Arc<AtomicU64>,
    open: Arc<AtomicU64>,
}

/// A handler that runs.
struct Running(Arc<AtomicU64>);

impl Worker {
    /// For calls with numbers below `calls`.
    pub fn new(calls: u64) -> Worker {
        let done = (0..calls).map(|_| AtomicU8::new(0)).collect();
        Worker { done, begun: Arc::default(), open: Arc::default() }
    }

    /// How many handlers of a call have ended with OK.
    pub fn successes(&self, call: u64) -> u8 {
        self.done.get(call as usize).map_or(0, |done| done.load(Ordering::Relaxed))
    }

    /// How many handlers have begun, and how many run now.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    fn begin(&self) -> Running {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(&self.open))
    }

    /// A handler is at its end.
    fn end(&self, job: &Job) -> Result<(), Status> {
        if job.fails {
            return Err(Status::aborted("as asked"));
        }
        match self.done.get(job.call as usize) {
            Some(done) => drop(done.fetch_add(1, Ordering::Relaxed)),
            None => return Err(Status::out_of_range(format!("there is no call {}", job.call))),
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is answered to a job.
pub fn answer(job: &Job, place: u32) -> Job {
    Job { place, millis: 0, ..job.clone() }
}

async fn work(job: &Job) {
    if job.millis > 0 {
        sleep(Duration::from_millis(job.millis.into())).await;
    }
}

impl Jobs for Worker {
    async fn one(&self, request: Request<Job>) -> Result<Job, Status> {
        let _running = self.begin();
        work(&request.message).await;
        self.end(&request.message)?;
        Ok(answer(&request.message, 0))
    }

    async fn many(&self, request: Request<Job>, answers: &mut Outbound<Job>) -> Result<(), Status> {
        let (_running, job) = (self.begin(), request.message);
        work(&job).await;
        for place in 0..job.count {
            answers.send(answer(&job, place)).await?;
        }
        self.end(&job)
    }

    async fn join(&self, mut jobs: Inbound<Job>) -> Result<Job, Status> {
        let _running = self.begin();
        let (mut count, mut last) = (0, Job::default());
        while let Some(job) = jobs.next().await? {
            (count, last) = (count + 1, job);
        }
        work(&last).await;
        self.end(&last)?;
        Ok(answer(&last, count))
    }

    async fn chat(&self, mut jobs: Inbound<Job>, answers: &mut Outbound<Job>) -> Result<(), Status> {
        let _running = self.begin();
        let (mut count, mut last) = (0, Job::default());
        while let Some(job) = jobs.next().await? {
            answers.send(answer(&job, count)).await?;
            (count, last) = (count + 1, job);
        }
        work(&last).await;
        self.end(&last)
    }
}
