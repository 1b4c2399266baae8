//! Many calls with faults, counted on both sides, over servers that are drained and followed by others all the time.
//!
//! There are two ports. On one everything is gentle: nobody goes wrong but that the server leaves, and both sides must
//! count the same. On the other calls are dropped and hurried and connections torn: there a call that was told OK must
//! have been answered with OK, and each call must have ended exactly once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use clap::Args;
use h2grpc::call::CallEnd;
use h2grpc::server::Server;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Result;
use crate::callers::{self, Caller};
use crate::jobs::{Jobs, Worker};
use crate::tally::Tally;

#[derive(Args)]
pub struct Options {
    /// How many calls are made
    #[arg(long, default_value_t = 1_000_000)]
    calls: u64,
    /// Clients that make one call after the other, half of them gentle
    #[arg(long, default_value_t = 64)]
    clients: u64,
    /// How long each server lives until it is drained and another takes its port
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000)]
    server_lives: u64,
    /// Chooses what the clients do
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How long everything may take that ends by itself once no more calls are made.
const SETTLES: Duration = Duration::from_secs(60);

/// The ends that a server's calls may have here.
const TRUE: [&str; 5] = ["OK", "ABORTED", "CANCELLED", "DEADLINE_EXCEEDED", "UNAVAILABLE"];

/// How many calls ended with each code.
#[derive(Clone, Default)]
pub struct Ends(Arc<Mutex<BTreeMap<String, u64>>>);

impl Ends {
    pub fn add(&self, end: &str) {
        *self.all().entry(end.to_owned()).or_default() += 1;
    }

    /// What an observer does.
    pub fn observe(&self) -> impl Fn(&CallEnd<'_>) + Send + Sync + 'static {
        let ends = self.clone();
        move |end| ends.add(&end.status.code().to_string())
    }

    pub fn all(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn of(&self, end: &str) -> u64 {
        self.all().get(end).copied().unwrap_or_default()
    }

    fn total(&self) -> u64 {
        self.all().values().sum()
    }
}

/// What is counted on one of the two ports.
#[derive(Clone)]
pub struct Side {
    /// What the server's observer was told, what the clients' observers were, and what the callers were.
    pub served: Ends,
    pub observed: Ends,
    pub told: Ends,
    pub worker: Worker,
}

impl Side {
    fn new(calls: u64) -> Side {
        let (served, observed, told) = Default::default();
        Side { served, observed, told, worker: Worker::new(calls) }
    }

    fn server(&self) -> Server {
        Server::new().add(self.worker.clone().into_service()).observe(self.served.observe())
    }
}

pub async fn run(options: &Options) -> Result<()> {
    let begin = Instant::now();
    let descriptors = descriptors()?;
    let (gentle, rough) = (Side::new(options.calls), Side::new(options.calls));
    let (tally, next) = (Tally::default(), Arc::new(AtomicU64::new(0)));
    let (stop, stopped) = watch::channel(false);
    let (mut servers, mut clients) = (JoinSet::new(), JoinSet::new());
    let lives = Duration::from_millis(options.server_lives);
    for (number, side) in [&gentle, &rough].into_iter().enumerate() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let server = listener.local_addr()?;
        servers.spawn(serve_in_turns(listener, side.server(), lives, stopped.clone()));
        for client in 0..options.clients / 2 {
            let (side, next, tally) = (side.clone(), Arc::clone(&next), tally.clone());
            let seed = options.seed ^ (client << 32) ^ ((number as u64) << 63);
            let caller = Caller { server, is_gentle: number == 0, side, tally };
            clients.spawn(callers::work(caller, seed, next, options.calls));
        }
    }
    while let Some(done) = clients.join_next().await {
        done??;
    }
    let time = begin.elapsed();
    let _ = stop.send(true);
    let mut drained = 0;
    let all = async {
        while let Some(done) = servers.join_next().await {
            drained += done??;
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    timeout(SETTLES, all).await.map_err(|_| format!("{SETTLES:?} later the servers still drain"))??;

    let rate = options.calls as f64 / time.as_secs_f64();
    println!("{} calls in {time:.1?}, {rate:.0} a second; {drained} servers were drained\n", options.calls);
    print_table(&[("gentle", &gentle), ("rough", &rough)]);
    println!("\n{}", tally.table());
    judge_gentle(&gentle, &tally);
    judge_rough(&rough, &tally);
    for side in [&gentle, &rough] {
        must_be(&tally, "handlers run at the end", side.worker.open(), 0);
    }
    must_be(&tally, "ends were told to callers", gentle.told.total() + rough.told.total(), options.calls);
    must_be(&tally, "descriptors are open at the end", settled(descriptors).await? as u64, descriptors as u64);
    match tally.counts().faults {
        0 => Ok(()),
        faults => Err(format!("{faults} faults").into()),
    }
}

/// Serves with one server after the other: each is told to stop when the next one accepts already. How many there were.
async fn serve_in_turns(
    listener: std::net::TcpListener, server: Server, lives: Duration, mut stopped: watch::Receiver<bool>,
) -> Result<u64> {
    let mut running = JoinSet::new();
    let mut count = 0;
    let mut leave: Option<oneshot::Sender<()>> = None;
    loop {
        let listener = TcpListener::from_std(listener.try_clone()?)?;
        let (leaves, left) = oneshot::channel();
        running.spawn(server.clone().serve([listener], async { left.await.unwrap_or_default() }));
        count += 1;
        if let Some(previous) = leave.replace(leaves) {
            let _ = previous.send(());
        }
        if timeout(lives, stopped.wait_for(|stopped| *stopped)).await.is_ok() {
            break;
        }
        while let Some(done) = running.try_join_next() {
            done??;
        }
    }
    drop(leave);
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(count)
}

/// Nothing is lost, nothing is told otherwise, and both sides count the same.
fn judge_gentle(side: &Side, tally: &Tally) {
    for (what, ends) in [("the server's", &side.served), ("the clients'", &side.observed)] {
        if *ends.all() != *side.told.all() {
            tally.fault(format!("gentle: {what} counts are {:?}, the callers' {:?}", ends.all(), side.told.all()));
        }
    }
    must_be(
        tally,
        "gentle calls ended neither with OK nor as asked",
        side.told.total() - side.told.of("OK") - side.told.of("ABORTED"),
        0,
    );
}

/// No call was told OK that the server did not answer so, and each has ended once.
fn judge_rough(side: &Side, tally: &Tally) {
    must_be(
        tally,
        "rough calls had ends that the clients' observers were told",
        side.observed.total(),
        side.told.total(),
    );
    // A call may have ended in the moment in which it was dropped.
    for (end, told) in side.told.all().iter().filter(|(end, _)| *end != "dropped") {
        if side.observed.of(end) < *told {
            tally.fault(format!("rough: {told} were told {end}, the observers only of {}", side.observed.of(end)));
        }
    }
    if side.served.of("OK") < side.told.of("OK") {
        tally.fault(format!("rough: {} were told OK, {} were answered so", side.told.of("OK"), side.served.of("OK")));
    }
    for (end, count) in side.served.all().iter().filter(|(end, _)| !TRUE.contains(&end.as_str())) {
        tally
            .fault(format!("rough: the server's observer was told {end} {count} times, for which there was no reason"));
    }
    if side.served.total() < side.worker.begun() {
        tally.fault(format!("rough: {} handlers began, {} calls ended", side.worker.begun(), side.served.total()));
    }
}

fn must_be(tally: &Tally, what: &str, found: u64, expected: u64) {
    if found != expected {
        tally.fault(format!("{found} {what}, expected {expected}"));
    }
}

fn print_table(sides: &[(&str, &Side)]) {
    println!("| port | counted by | ends |\n|---|---|---|");
    for (name, side) in sides {
        let rows = [("server", &side.served), ("clients' observers", &side.observed), ("callers", &side.told)];
        for (who, ends) in rows {
            let ends: Vec<_> = ends.all().iter().map(|(end, count)| format!("{end} {count}")).collect();
            println!("| {name} | {who} | {} |", ends.join(", "));
        }
    }
}

/// How many descriptors this process has.
fn descriptors() -> Result<usize> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}

/// How many it has once connections that are closing are closed.
async fn settled(most: usize) -> Result<usize> {
    let begin = Instant::now();
    while descriptors()? > most && begin.elapsed() < SETTLES {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    descriptors()
}

/// The next call's number, if there are any left.
pub fn take(next: &AtomicU64, calls: u64) -> Option<u64> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    (number < calls).then_some(number)
}
