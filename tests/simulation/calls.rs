//! The calls of the simulation: what each is to do, and whether its answer is the right one.

use std::time::Duration;

use h2grpc::call::{CallOptions, Responses};
use h2grpc::metadata::Metadata;
use h2grpc::status::Status;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::jobs::{CALL, Job, JobsClient};

/// What one call is to do.
#[derive(Clone, Debug)]
pub struct Plan {
    pub call: u64,
    pub shape: Shape,
    /// When it begins, counted from the start.
    pub start: Duration,
    pub timeout: Duration,
    /// When its caller gives it up, counted from its begin.
    pub dropped: Option<Duration>,
    /// How many messages go each way, where that is a stream.
    pub count: u32,
    pub millis: u32,
    pub fails: bool,
    /// It fails before the end of its request, if that is a stream.
    pub is_early: bool,
    pub padding: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Unary,
    ServerStreaming,
    ClientStreaming,
    Bidirectional,
}

impl Shape {
    /// The method of this shape.
    pub fn method(self) -> &'static str {
        match self {
            Shape::Unary => "One",
            Shape::ServerStreaming => "Many",
            Shape::ClientStreaming => "Join",
            Shape::Bidirectional => "Chat",
        }
    }
}

impl Plan {
    /// A call by chance that begins within `time`.
    pub fn new(call: u64, rng: &mut StdRng, time: Duration) -> Plan {
        let start = Duration::from_millis(rng.random_range(0..time.as_millis() as u64));
        // Some come in crowds.
        let start = if rng.random_range(0..4) == 0 { Duration::from_secs(start.as_secs()) } else { start };
        Plan {
            call,
            shape: match rng.random_range(0..5) {
                0 | 1 => Shape::Unary,
                2 => Shape::ServerStreaming,
                3 => Shape::ClientStreaming,
                _ => Shape::Bidirectional,
            },
            start,
            timeout: Duration::from_millis(rng.random_range(1_000..10_000)),
            dropped: (rng.random_range(0..20) == 0).then(|| Duration::from_millis(rng.random_range(0..2_000))),
            count: rng.random_range(1..6),
            millis: if rng.random() { 0 } else { rng.random_range(0..200) },
            fails: rng.random_range(0..20) == 0,
            is_early: rng.random(),
            padding: match rng.random_range(0..100) {
                0 => rng.random_range(0..200_000),
                1..10 => rng.random_range(0..5_000),
                _ => rng.random_range(0..100),
            },
        }
    }

    /// A call that nothing stands against.
    pub fn plain(call: u64, rng: &mut StdRng) -> Plan {
        let timeout = Duration::from_secs(5);
        Plan { timeout, dropped: None, fails: false, ..Plan::new(call, rng, Duration::from_secs(1)) }
    }

    /// A call that is there for a while.
    pub fn lasting(call: u64, rng: &mut StdRng) -> Plan {
        let (timeout, start) = (Duration::from_secs(60), Duration::ZERO);
        Plan { shape: Shape::Unary, timeout, start, millis: 10_000, padding: 0, ..Plan::plain(call, rng) }
    }

    /// The same with a request that is short enough to be sent again whole: a stream that is longer than what the client
    /// keeps of it is lost with its connection.
    pub fn short(self) -> Plan {
        Plan { padding: self.padding.min(10_000), ..self }
    }

    /// Whether the client keeps all of the request until the response begins.
    pub fn is_short(&self) -> bool {
        let is_stream = matches!(self.shape, Shape::ClientStreaming | Shape::Bidirectional);
        !is_stream || self.count as usize * self.padding < 100_000
    }

    /// Makes the call. OK is an error when the answer is a wrong one.
    pub async fn make(&self, client: &JobsClient, waits: bool) -> Result<Result<(), Status>, String> {
        let mut metadata = Metadata::new();
        metadata.insert(CALL, &self.call.to_string()).unwrap();
        let options = CallOptions::new().timeout(self.timeout).metadata(metadata).wait_for_ready(waits);
        let client = client.with(options);
        match self.shape {
            Shape::Unary => match client.one(self.job(0)).await {
                Ok(response) => self.right(&response.message, 0).map(Ok),
                Err(status) => Ok(Err(status)),
            },
            Shape::ServerStreaming => match client.many(self.job(0)).await {
                Ok(responses) => self.read(responses).await,
                Err(status) => Ok(Err(status)),
            },
            Shape::ClientStreaming => self.join(&client).await,
            Shape::Bidirectional => self.chat(&client).await,
        }
    }

    async fn join(&self, client: &JobsClient) -> Result<Result<(), Status>, String> {
        let (mut requests, response) = match client.join().await {
            Ok(halves) => halves,
            Err(status) => return Ok(Err(status)),
        };
        let sending = async {
            for place in 0..self.count {
                if requests.send(self.job(place)).await.is_err() {
                    return Some(requests); // which would cancel the call if it was dropped
                }
            }
            let _ = requests.finish().await;
            None
        };
        let (unfinished, response) = tokio::join!(sending, response.response());
        match response {
            Ok(_) if unfinished.is_some() => Err("OK, though sending has failed".to_owned()),
            Ok(response) => self.right(&response.message, self.count).map(Ok),
            Err(status) => Ok(Err(status)),
        }
    }

    async fn chat(&self, client: &JobsClient) -> Result<Result<(), Status>, String> {
        let (mut requests, responses) = match client.chat().await {
            Ok(halves) => halves,
            Err(status) => return Ok(Err(status)),
        };
        let sending = async {
            for place in 0..self.count {
                if requests.send(self.job(place)).await.is_err() {
                    return Some(requests);
                }
            }
            let _ = requests.finish().await;
            None
        };
        let (unfinished, read) = tokio::join!(sending, self.read(responses));
        match read {
            Ok(Ok(())) if unfinished.is_some() => Err("OK, though sending has failed".to_owned()),
            read => read,
        }
    }

    /// Reads a stream of answers to its end.
    async fn read(&self, mut responses: Responses<Job>) -> Result<Result<(), Status>, String> {
        let mut place = 0;
        loop {
            match responses.next().await {
                Ok(Some(answer)) => self.right(&answer, place)?,
                Ok(None) if place == self.count => return Ok(Ok(())),
                Ok(None) => return Err(format!("OK after {place} of {} answers", self.count)),
                Err(status) => return Ok(Err(status)),
            }
            place += 1;
        }
    }

    fn job(&self, place: u32) -> Job {
        let Plan { call, count, millis, fails, is_early, .. } = *self;
        let job = Job { call, place, count, millis, fails, fails_early: fails && is_early, ..Job::default() };
        let padding = job.padding(self.padding);
        Job { padding, ..job }
    }

    fn right(&self, answer: &Job, place: u32) -> Result<(), String> {
        let right = self.job(place).answer(place);
        if *answer == right { Ok(()) } else { Err(format!("answer {place} is wrong: {answer:?}")) }
    }
}
