//! Mixed clients for a long time: good ones, faulty ones, and one that must always be answered. The server's memory and
//! descriptors are sampled, and must be flat once it has warmed up.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use h2grpc::call::CallOptions;
use h2grpc::client::Channel;
use h2grpc::route_guide::{Features, RouteGuideClient};
use hdrhistogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::connections::provide_descriptors;
use crate::rough;
use crate::tally::Tally;
use crate::watched::{Sample, Watched, mib};
use crate::{Result, clients};

#[derive(Args)]
pub struct Options {
    /// The server to start, such as ../../target/release/server [default: one in this program]
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
    /// How long the load lasts
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    seconds: u64,
    /// Clients that make one call after the other, a third of them over connections that are torn
    #[arg(long, default_value_t = 40)]
    clients: u64,
    /// Peers that break the rules, one connection after the other
    #[arg(long, default_value_t = 12)]
    rough: u64,
    /// How often the server is sampled
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    every: u64,
    /// Chooses what the clients do
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How often the client that must be answered calls, and how long it may wait.
const CANARY: Duration = Duration::from_millis(100);
const CANARY_PATIENCE: Duration = Duration::from_secs(5);

/// How long a rough peer may take over what it does.
const ROUGH_PATIENCE: Duration = Duration::from_secs(20);

/// How long the server may take to notice that everybody has gone: it gives a silent handshake 20 s.
const SETTLES: Duration = Duration::from_secs(60);

/// Growth that is no growth: a tenth, and what chance does to a small process.
const TENTH: f64 = 1.1;
const CHANCE: u64 = 4 << 20;

pub async fn run(options: &Options) -> Result<()> {
    provide_descriptors(4096)?;
    let server = Watched::start(options.server.as_deref())?;
    let before = server.sample()?;
    let until = Instant::now() + Duration::from_secs(options.seconds);
    let (tally, mut load) = (Tally::default(), JoinSet::new());
    for number in 0..options.clients {
        load.spawn(clients::work(server.address, options.seed ^ (number << 32), until, tally.clone()));
    }
    for number in 0..options.rough {
        load.spawn(break_rules(server.address, !options.seed ^ (number << 32), until, tally.clone()));
    }
    let canary = tokio::spawn(sing(server.address, until, tally.clone()));
    let samples = watch(&server, until, Duration::from_secs(options.every)).await?;
    while let Some(done) = load.join_next().await {
        done??;
    }
    let latencies = canary.await??;
    let settled = server.settle(before.descriptors, SETTLES).await?;

    println!("{}", tally.table());
    println!(
        "canary: {} calls, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        latencies.len(),
        latencies.value_at_quantile(0.5) as f64 / 1e3,
        latencies.value_at_quantile(0.99) as f64 / 1e3,
        latencies.max() as f64 / 1e3,
    );
    tell("before the load", &before);
    tell("after it", &settled);
    if settled.descriptors > before.descriptors {
        tally.fault(format!("{} descriptors are left over", settled.descriptors - before.descriptors));
    }
    judge(&samples, &tally);
    println!("SIGTERM: the server has ended after {:.1?}", server.stop()?);
    match tally.counts().faults {
        0 => Ok(()),
        faults => Err(format!("{faults} faults").into()),
    }
}

/// Samples the server until `until`.
async fn watch(server: &Watched, until: Instant, every: Duration) -> Result<Vec<Sample>> {
    let begin = Instant::now();
    let mut samples = Vec::new();
    println!("seconds\tresident MiB\tdescriptors\tCPU s");
    while Instant::now() < until {
        sleep(every.min(until - Instant::now())).await;
        let sample = server.sample()?;
        let Sample { resident, descriptors, cpu } = sample;
        let seconds = begin.elapsed().as_secs();
        println!("{seconds}\t{:.1}\t{descriptors}\t{:.1}", mib(resident), cpu.as_secs_f64());
        samples.push(sample);
    }
    Ok(samples)
}

/// One rough peer after the other.
async fn break_rules(server: std::net::SocketAddr, seed: u64, until: Instant, tally: Tally) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(seed);
    while Instant::now() < until {
        let manner = rough::ALL[rng.random_range(0..rough::ALL.len())];
        let end = match timeout(ROUGH_PATIENCE, manner.act(server, &mut rng)).await {
            Ok(Ok(())) => "over",
            Ok(Err(_)) => "refused",
            Err(_) => "held up",
        };
        tally.count(&format!("{manner:?}"), end);
        sleep(Duration::from_millis(rng.random_range(0..100))).await;
    }
    Ok(())
}

/// A good client that must be answered whatever the others do. The times that it took, in microseconds.
async fn sing(server: std::net::SocketAddr, until: Instant, tally: Tally) -> Result<Histogram<u64>> {
    let client = RouteGuideClient::new(Channel::new(server.to_string().parse()?));
    let client = client.with(CallOptions::new().timeout(CANARY_PATIENCE));
    let point = Features::embedded().point(0);
    let (mut latencies, mut ticks) = (Histogram::<u64>::new(3)?, interval(CANARY));
    while Instant::now() < until {
        ticks.tick().await;
        let begin = Instant::now();
        match client.get_feature(point).await {
            Ok(_) => latencies.record(begin.elapsed().as_micros().try_into()?)?,
            Err(status) => tally.fault(format!("the canary after {:?}: {status}", begin.elapsed())),
        }
    }
    Ok(latencies)
}

/// Compares the second fifth of the time with the last one. The first fifth is for warming up.
pub fn judge(samples: &[Sample], tally: &Tally) {
    let fifth = samples.len() / 5;
    if fifth == 0 {
        println!("too few samples to tell whether memory is flat");
        return;
    }
    let (early, late) = (&samples[fifth..2 * fifth], &samples[samples.len() - fifth..]);
    let mean = |part: &[Sample]| part.iter().map(|sample| sample.resident).sum::<u64>() / part.len() as u64;
    let most = |part: &[Sample]| part.iter().map(|sample| sample.descriptors).max().unwrap_or_default();
    println!(
        "resident memory: {:.1} MiB on average in the second fifth, {:.1} in the last, {:.1} at most",
        mib(mean(early)),
        mib(mean(late)),
        mib(samples.iter().map(|sample| sample.resident).max().unwrap_or_default()),
    );
    println!("descriptors: at most {} in the second fifth, {} in the last", most(early), most(late));
    if mean(late) as f64 > mean(early) as f64 * TENTH + CHANCE as f64 {
        tally.fault("resident memory grows".to_owned());
    }
    if most(late) as f64 > most(early) as f64 * TENTH + 20.0 {
        tally.fault("descriptors grow".to_owned());
    }
}

fn tell(when: &str, sample: &Sample) {
    println!("{when}: {:.1} MiB resident, {} descriptors", mib(sample.resident), sample.descriptors);
}
