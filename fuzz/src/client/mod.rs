//! A real client, which makes a call of each shape, and a server that answers whatever the fuzzer thinks of.
//!
//! What must hold:
//! - nothing panics, neither in a call nor in a connection's task;
//! - each call ends with one status, its deadline and a second after its begin at the latest, and its observer is told
//!   once;
//! - a call is OK only if the server has said so: `grpc-status: 0` in the block that ends its stream, and the very
//!   messages that came, exactly one where the method responds with one: [`rules`];
//! - a server that answers legally is believed: the call is OK;
//! - when the channel is dropped its connections close, and no task is left;
//! - memory is bounded while the calls run, and comes back.

pub mod calls;
pub mod replies;
pub mod rules;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use h2grpc::client::Channel;
use h2grpc::limits::ClientLimits;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::memory;
use crate::steps::{self, Step, byte};
use crate::tape::Tape;
use calls::{Manner, Outcome, SHAPES, Shape, TIMEOUT};
use server::Servers;

/// Which setup a recorded server has: all calls, its own SETTINGS.
pub const RECORDED: [u8; 2] = [0, 1];

/// How much later than its deadline a call may end.
const GRACE: Duration = Duration::from_secs(1);

/// How long a connection may last once its channel is dropped: the time-outs of dialling and of keepalive.
const SETTLED: Duration = Duration::from_secs(60);

/// The memory of the calls and of their connection, and what the server has sent, which may be kept several times over.
const MEMORY: usize = 8 << 20;

/// What a server does, connection by connection.
#[derive(Debug)]
pub struct Script {
    manner: Manner,
    has_keepalive: bool,
    /// The server sends SETTINGS first.
    greets: bool,
    steps: Vec<Step>,
}

impl<'a> Arbitrary<'a> for Script {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let (given_up, flags) = (byte(u)?, byte(u)?);
        let note = if flags & 2 == 0 { 10 } else { 40_000 };
        let manner = Manner { waits_for_ready: flags & 4 != 0, note, given_up: given_up & 0xf };
        Ok(Script { manner, has_keepalive: flags & 8 != 0, greets: flags & 1 == 0, steps: steps::steps(u)? })
    }
}

/// Plays a script, and checks everything.
pub fn run(script: &Script) {
    memory::bounded(|| {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(play(script))
    });
}

/// Gives how much memory all this may take.
async fn play(script: &Script) -> usize {
    let servers = Servers::new(&script.steps, script.greets);
    let ended = Arc::new(AtomicUsize::new(0));
    let channel = channel(script, &servers, &ended);
    let mut running = JoinSet::new();
    for shape in SHAPES {
        let (channel, manner) = (channel.clone(), script.manner);
        running.spawn(async move {
            let outcome = timeout(TIMEOUT + GRACE, calls::make(channel, shape, manner)).await;
            (shape, outcome.unwrap_or_else(|_| panic!("the call {shape:?} has no status in its time")))
        });
    }
    let mut outcomes = Vec::new();
    while let Some(outcome) = running.join_next().await {
        outcomes.push(outcome.expect("no panic in a call"));
    }
    drop(channel);
    sleep(SETTLED).await;
    let alive = Handle::current().metrics().num_alive_tasks() - servers.running();
    assert_eq!(alive, 0, "tasks are left");
    assert_eq!(ended.load(Relaxed), SHAPES.len(), "ends of calls that the observer was told");
    let tapes = servers.stop().await;
    judge(script, &tapes, &outcomes);
    MEMORY + 8 * tapes.iter().map(Tape::bytes).sum::<usize>()
}

fn channel(script: &Script, servers: &Servers, ended: &Arc<AtomicUsize>) -> Channel {
    let interval = script.has_keepalive.then_some(Duration::from_secs(1));
    let limits = ClientLimits::default().keepalive_interval(interval).keepalive_timeout(Duration::from_secs(1));
    let (servers, ended) = (servers.clone(), Arc::clone(ended));
    let connect = move || {
        let end = servers.accept();
        async move { end.ok_or_else(|| std::io::ErrorKind::ConnectionRefused.into()) }
    };
    Channel::with_connector("fuzz.invalid:1".parse().expect("a target"), limits, connect).observe(move |_| {
        ended.fetch_add(1, Relaxed);
    })
}

fn judge(script: &Script, tapes: &[Tape], outcomes: &[(Shape, Option<Outcome>)]) {
    for (shape, outcome) in outcomes {
        match outcome {
            Some(Ok(messages)) => {
                assert!(rules::has_said(tapes, *shape, messages), "{shape:?} is OK with {messages:?}: {tapes:?}");
            }
            Some(Err(status)) => {
                assert!(!status.is_ok(), "{shape:?} has failed with {status}");
                let was_answered = script.is_honest() && rules::has_answered(tapes, *shape);
                assert!(!was_answered, "{shape:?} was answered and has failed with {status}: {tapes:?}");
            }
            None => {}
        }
    }
}

impl Script {
    /// Whether its server does nothing but answer as it should.
    fn is_honest(&self) -> bool {
        let is_legal = |step: &Step| match step {
            Step::Settle => true,
            Step::Exchange { case, .. } => replies::is_legal(*case),
            _ => false,
        };
        self.greets && self.steps.iter().all(is_legal)
    }
}
