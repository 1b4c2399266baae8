//! Thousands of connections that are idle, beside some that have calls all the time.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use h2grpc::call::CallOptions;
use h2grpc::client::Channel;
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::{Point, RouteGuideClient};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use crate::Result;
use crate::connections::{channel, provide_descriptors};
use crate::watched::{Sample, Watched, mib};

#[derive(Args)]
pub struct Options {
    /// The server to start, such as ../../target/release/server [default: one in this program]
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
    /// Connections that are idle
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Connections that have calls
    #[arg(long, default_value_t = 1_000)]
    active: usize,
    /// How long all are idle: the server sends a PING after one to two minutes
    #[arg(long, value_name = "SECONDS", default_value_t = 130)]
    rest: u64,
    /// How long the active ones call at a rate, and then without pause
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Calls a second on each active connection, in the first of these
    #[arg(long, default_value_t = 10)]
    rate: u32,
}

/// How many connections are made at a time.
const DIALS: usize = 64;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the server may take to notice that all connections are closed.
const SETTLES: Duration = Duration::from_secs(30);

pub async fn run(options: &Options) -> Result<()> {
    let all = options.idle + options.active;
    provide_descriptors(all + 200)?;
    let server = Watched::start(options.server.as_deref())?;
    let before = server.sample()?;
    tell("the server alone", &before, None);

    let begin = Instant::now();
    let idle = open(&server, 0..options.idle).await?;
    let after = server.sample()?;
    tell(&format!("{} idle connections, made in {:.1?}", options.idle, begin.elapsed()), &after, Some(&before));
    let each = after.resident.saturating_sub(before.resident) / options.idle.max(1) as u64;
    println!("an idle connection holds {each} bytes of the server");

    let (rest, phase) = (Duration::from_secs(options.rest), Duration::from_secs(options.seconds));
    let before_rest = server.sample()?;
    sleep(rest).await;
    tell(&format!("all idle for {rest:?}"), &server.sample()?, Some(&before_rest));

    let begin = Instant::now();
    let active = open(&server, options.idle..all).await?;
    println!("{} more connections, made in {:.1?}", active.len(), begin.elapsed());
    for rate in [Some(options.rate), None] {
        let before = server.sample()?;
        let begin = Instant::now();
        let latencies = call(&active, phase, rate).await?;
        let what = rate.map_or("without pause".to_owned(), |rate| format!("at {rate} calls a second each"));
        tell(&format!("{} active connections {what}", active.len()), &server.sample()?, Some(&before));
        tell_latencies(&latencies, begin.elapsed());
    }

    let begin = Instant::now();
    for some in idle.chunks(DIALS) {
        call_once(some).await?;
    }
    println!("each idle connection has answered a call, in {:.1?}", begin.elapsed());
    drop((idle, active));
    let settled = server.settle(before.descriptors, SETTLES).await?;
    tell("all connections closed", &settled, None);
    if settled.descriptors > before.descriptors {
        return Err(format!("{SETTLES:?} later the server still holds {} descriptors", settled.descriptors).into());
    }
    println!("SIGTERM: the server has ended after {:.1?}", server.stop()?);
    Ok(())
}

/// Connects the channels with these numbers.
async fn open(server: &Watched, numbers: std::ops::Range<usize>) -> Result<Vec<Channel>> {
    // Connections stay as they are: no client may close one for being idle.
    let limits = ClientLimits::default();
    let channels = numbers.map(|number| channel(server.address, number, &limits)).collect::<Result<Vec<_>>>()?;
    for some in channels.chunks(DIALS) {
        let mut dials = JoinSet::new();
        some.iter().cloned().for_each(|channel| drop(dials.spawn(async move { channel.connect().await })));
        while let Some(dialled) = dials.join_next().await {
            dialled??;
        }
    }
    Ok(channels)
}

/// Makes calls for `time` on each channel, one at a time, at a rate or without pause.
async fn call(channels: &[Channel], time: Duration, rate: Option<u32>) -> Result<Histogram<u64>> {
    let until = Instant::now() + time;
    let mut callers = JoinSet::new();
    for (number, channel) in channels.iter().enumerate() {
        let client = RouteGuideClient::new(channel.clone());
        let pause = rate.map(|rate| Duration::from_secs(1) / rate.max(1));
        let share = pause.map(|pause| pause.mul_f64(number as f64 / channels.len() as f64));
        callers.spawn(async move {
            sleep(share.unwrap_or_default()).await;
            let mut ticks = pause.map(interval);
            let mut latencies = Histogram::<u64>::new(3)?;
            while Instant::now() < until {
                if let Some(ticks) = &mut ticks {
                    ticks.tick().await;
                }
                latencies.record(get(&client).await?.as_micros().try_into()?)?;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(latencies)
        });
    }
    let mut all = Histogram::<u64>::new(3)?;
    while let Some(latencies) = callers.join_next().await {
        all.add(latencies??)?;
    }
    Ok(all)
}

async fn call_once(channels: &[Channel]) -> Result<()> {
    let mut calls = JoinSet::new();
    for channel in channels {
        let client = RouteGuideClient::new(channel.clone());
        calls.spawn(async move { get(&client).await });
    }
    while let Some(called) = calls.join_next().await {
        called??;
    }
    Ok(())
}

/// One call, and how long it took.
async fn get(client: &RouteGuideClient) -> Result<Duration> {
    let begin = Instant::now();
    let client = client.with(CallOptions::new().timeout(PATIENCE));
    let feature = client.get_feature(Point { latitude: 409146138, longitude: -746188906 }).await?.message;
    if feature.name.is_empty() {
        return Err("a known place was answered without its name".into());
    }
    Ok(begin.elapsed())
}

fn tell(what: &str, sample: &Sample, before: Option<&Sample>) {
    let used = before.map(|before| format!(", {:.2?} of CPU time", sample.cpu - before.cpu)).unwrap_or_default();
    let Sample { resident, descriptors, .. } = sample;
    println!("{what}: {:.1} MiB resident, {descriptors} descriptors{used}", mib(*resident));
}

fn tell_latencies(latencies: &Histogram<u64>, time: Duration) {
    let millis = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
    println!(
        "    {} calls, {:.0} a second; latency p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, longest {:.2} ms",
        latencies.len(),
        latencies.len() as f64 / time.as_secs_f64(),
        millis(0.5),
        millis(0.99),
        millis(0.999),
        latencies.max() as f64 / 1e3,
    );
}
