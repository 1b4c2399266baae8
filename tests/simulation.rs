//! Hundreds of calls of all shapes over a simulated network, for each of many seeds: connections are slow, split, cut,
//! silent, refused; the server leaves, drains, dies and comes back. Whatever happens, each call has one true status in
//! time, nothing is done twice unless a retry policy allows it, and nothing is left behind. Over every fourth network
//! nothing fails but that the server leaves its connections with GOAWAY again and again: there no call may be lost. The
//! clients of two thirds of the seeds have a retry policy, some of them with throttling, and in two thirds all or half of
//! the calls wait for a connection.
//!
//! ```text
//! cargo test --test simulation                                       100 seeds
//! H2GRPC_SEED=17 cargo test --test simulation -- --nocapture         seed 17 alone, and what its network does
//! H2GRPC_SEEDS=2000 cargo test --profile simulation --no-default-features --features transcript --test simulation
//! H2GRPC_SEEDS=2000..100000 cargo test --profile simulation --no-default-features --features transcript --test simulation
//! ```
//!
//! The profile "simulation" is optimized and keeps a debug build's checks: a seed takes a tenth of the time. The same seed
//! gives the same network and the same calls.

#[path = "simulation/caller.rs"]
mod caller;
#[path = "simulation/calls.rs"]
mod calls;
#[path = "common/checked.rs"]
mod checked;
#[path = "simulation/habits.rs"]
mod habits;
#[path = "simulation/jobs.rs"]
mod jobs;
#[path = "simulation/network.rs"]
mod network;
#[path = "simulation/places.rs"]
mod places;
#[path = "simulation/runs.rs"]
mod runs;
#[path = "simulation/seeds.rs"]
mod seeds;
#[path = "simulation/wire.rs"]
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use caller::Caller;
use checked::Ours;
use h2grpc::client::Channel;
use h2grpc::limits::{ClientLimits, Limits};
use h2grpc::policy::seed_pauses;
use h2grpc::server::Server;
use h2grpc::transcript::Direction;
use h2grpc::wire::Code;
use habits::Habits;
use jobs::{Jobs, JobsClient, Worker};
use network::{Network, Untrue, note_in};
use places::Places;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runs::{Ended, Lost};
use seeds::Seeds;
use tokio::runtime::{Builder, Handle};
use tokio::time::sleep;

/// How long everything takes at most that ends by itself: time-outs of the handshake, of keepalive, of draining.
const SETTLED: Duration = Duration::from_secs(60);

/// How many seeds it takes until what holds of most networks must hold of all together.
const MANY: usize = 50;

/// Of every so many seeds, the connections of one are judged by the rules of the wire: to judge a seed takes half its time again.
const JUDGED: u64 = 5;

/// What a seed has shown.
#[derive(Debug, Default)]
struct Report {
    made: u64,
    /// How many calls ended with each code; those that were dropped are "dropped".
    ends: BTreeMap<String, u64>,
    calls: Vec<Ended>,
    /// Calls that a policy could save, and all others.
    retried: Lost,
    others: Lost,
    faults: Vec<String>,
}

impl Report {
    fn count(&self, end: &str) -> u64 {
        self.ends.get(end).copied().unwrap_or_default()
    }

    fn expect(&mut self, what: &str, found: u64, expected: u64) {
        if found != expected {
            self.faults.push(format!("{found} {what}, expected {expected}"));
        }
    }

    /// Adds what another seed has shown, but for its calls and its faults.
    fn add(&mut self, other: &Report, is_gentle: bool) {
        self.made += other.made;
        other.ends.iter().for_each(|(end, count)| *self.ends.entry(end.clone()).or_default() += count);
        if !is_gentle {
            self.retried.add(&other.retried);
            self.others.add(&other.others);
        }
    }
}

#[test]
fn each_call_ends_with_one_true_status_in_time_and_leaves_nothing_whatever_the_network_does() {
    let seeds = Seeds::asked().unwrap_or_else(|wrong| panic!("{wrong}"));
    let (places, mut all, mut failed) = (Places::default(), Report::default(), Vec::new());
    let within = places.clone();
    seeds.run(
        move |seed, is_told| run(seed, &within, is_told),
        |seed, report: Report| {
            all.add(&report, network::is_gentle(seed));
            if !report.faults.is_empty() {
                failed.push(seed);
                seeds.tell(seed, &report.faults);
            }
        },
    );
    println!("{} seeds, {} calls: {:?}", seeds.len(), all.made, all.ends);
    println!("on rough networks retried {:?}, others {:?}", all.retried, all.others);
    println!("{:?}", places.counts());
    assert!(failed.is_empty(), "{} of {} seeds failed: {failed:?}", failed.len(), seeds.len());
    if seeds.len() >= MANY {
        assert!(all.count("OK") > all.made / 3, "a network that lets so few calls through shows nothing");
        let is_saved = all.retried.unavailable * 100 < all.retried.calls;
        assert!(is_saved, "a policy that waits for connections loses so many: {:?}", all.retried);
        let missing = places.counts().missing();
        assert!(missing.is_empty(), "no network did this: {missing:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..6 {
        let ends = || run(seed, &Places::default(), false).calls;
        let (first, second) = (ends(), ends());
        let differ = first.iter().zip(&second).find(|(first, second)| first.seen() != second.seen());
        assert!(differ.is_none(), "seed {seed}: {differ:?}");
        assert_eq!(first.len(), second.len());
    }
}

/// Runs one seed in a runtime of its own, whose clock stands while anybody works.
fn run(seed: u64, places: &Places, is_told: bool) -> Report {
    seed_pauses(seed);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(simulate(seed, places, is_told))
}

async fn simulate(seed: u64, places: &Places, is_told: bool) -> Report {
    let mut rng = StdRng::seed_from_u64(!seed);
    let (worker, habits) = (Worker::default(), Habits::of(seed));
    let streams = [5, 20, 100][rng.random_range(0..3)];
    let untrue = Untrue::default();
    let judged = seed.is_multiple_of(JUDGED).then_some(&untrue);
    let network = Network::new(seed, server(&worker, streams, &untrue), judged, places, is_told);
    let ended = Arc::new(AtomicU64::new(0));
    let client = JobsClient::new(channel(&network, &habits, judged, &ended));
    let may_lose = !network::is_gentle(seed);
    let caller = Caller { client, worker: worker.clone(), habits, may_lose };

    let trouble = tokio::spawn(network.clone().trouble());
    let mut report = caller.make_all(&mut rng).await;
    trouble.abort();
    network.heal();
    let recovery = caller.until_ok(report.made, &mut rng).await;
    report.faults.extend(recovery.fault);
    report.made += recovery.calls;
    report.faults.extend(caller.fill(streams, report.made + 1, &mut rng).await.err());
    report.made += u64::from(streams);

    drop(caller);
    network.stop();
    sleep(SETTLED).await;
    report.faults.extend(runs::faults(&report.calls, &worker, &habits, may_lose));
    (report.retried, report.others) = runs::lost(&report.calls, &worker, &habits);
    // The calls at the end may be successes too.
    let most = habits.most_retries(report.count("OK") + 1 + u64::from(streams));
    let retries = runs::retries(&report.calls, &worker);
    if retries > most {
        report.faults.push(format!("{retries} retries, of which the throttle allows {most}"));
    }
    report.faults.append(&mut untrue.lock().unwrap());
    report.expect("ends of calls told to the client's observer", ended.load(Ordering::Relaxed), report.made);
    report.expect("handlers run at the end", worker.open() as u64, 0);
    report.expect("ends of connections held at the end", network.ends() as u64, 0);
    report.expect("tasks alive at the end", Handle::current().metrics().num_alive_tasks() as u64, 0);
    report
}

/// Its observer notes ends of calls with a status that nothing in the simulation is a reason for.
fn server(worker: &Worker, streams: u32, untrue: &Untrue) -> Server {
    let limits = Limits::default()
        .max_concurrent_streams(streams)
        .keepalive_interval(Some(Duration::from_secs(5)))
        .keepalive_timeout(Duration::from_secs(2))
        .drain_timeout(Duration::from_secs(20));
    let untrue = Arc::clone(untrue);
    Server::new().add(worker.clone().into_service()).limits(limits).observe(move |end| match end.status.code() {
        Code::OK | Code::ABORTED | Code::CANCELLED | Code::DEADLINE_EXCEEDED | Code::UNAVAILABLE => {}
        _ => untrue.lock().unwrap().push(format!("the server's observer was told {}", end.status)),
    })
}

fn channel(network: &Network, habits: &Habits, judged: Option<&Untrue>, ended: &Arc<AtomicU64>) -> Channel {
    let limits = ClientLimits::default()
        .keepalive_interval(Some(Duration::from_secs(3)))
        .keepalive_timeout(Duration::from_secs(2));
    let (network, ended) = (network.clone(), Arc::clone(ended));
    let connect = move || network.clone().dial();
    let channel = Channel::with_connector("simulated.invalid:1".parse().unwrap(), limits, connect);
    let channel = match judged.map(Arc::clone) {
        Some(untrue) => channel.wrap_streams(move |_, stream| {
            checked::judged(stream, Direction::ToServer, Ours::Client, note_in(&untrue))
        }),
        None => channel,
    };
    channel.service_config(habits.config()).observe(move |_| {
        ended.fetch_add(1, Ordering::Relaxed);
    })
}
