//! Two taps between many clients and a server, one that prints text and one that prints JSON. Their memory is sampled and
//! must be flat; each call must be told.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::ChildStdout;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use clap::Args;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::connections::provide_descriptors;
use crate::tally::Tally;
use crate::watched::{Sample, Watched, mib};
use crate::{Result, clients, mixed};

#[derive(Args)]
pub struct Options {
    /// The tap to start
    #[arg(long, value_name = "PROGRAM", default_value = "../../target/release/tap")]
    tap: PathBuf,
    /// The server to start, such as ../../target/release/server [default: one in this program]
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
    /// How long the load lasts
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Connections through each tap. Half of them last as long as the load, the others are made anew all the time
    #[arg(long, default_value_t = 100)]
    connections: u64,
    /// Calls a second on each connection
    #[arg(long, default_value_t = 2.0)]
    rate: f64,
    /// How often the taps are sampled
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    every: f64,
    /// Chooses what the clients do
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// After how many calls a connection is made anew.
const RENEWED: u64 = 20;

/// How long a tap may take to notice that everybody has gone.
const SETTLES: Duration = Duration::from_secs(30);

/// What the two are told besides the addresses, and how a line of theirs says that a call ended, or that bytes were not
/// explained.
const KINDS: [Kind; 2] = [
    Kind { name: "text", arguments: &["--check"], end: "; <- ", gap: "bytes were not explained" },
    Kind { name: "JSON", arguments: &["--check", "--json"], end: r#""event":"call_end""#, gap: r#""event":"gap""# },
];

struct Kind {
    name: &'static str,
    arguments: &'static [&'static str],
    end: &'static str,
    gap: &'static str,
}

/// What a line has that tells of a broken rule, in either format.
const BROKEN: &str = "broken rule";

/// A tap, its clients, and what it has told.
struct Tapped {
    kind: &'static Kind,
    tap: Watched,
    before: Sample,
    samples: Vec<Sample>,
    tally: Tally,
    told: Arc<Told>,
    reading: JoinHandle<std::io::Result<()>>,
}

#[derive(Default)]
struct Told {
    lines: AtomicU64,
    ends: AtomicU64,
    gaps: AtomicU64,
}

pub async fn run(options: &Options) -> Result<()> {
    provide_descriptors(4096)?;
    let server = Watched::start(options.server.as_deref())?;
    let mut taps = KINDS.iter().map(|kind| Tapped::start(kind, options, &server)).collect::<Result<Vec<_>>>()?;
    let begin = Instant::now();
    let until = begin + Duration::from_secs_f64(options.minutes * 60.0);
    let (pace, every) = (Duration::from_secs_f64(1.0 / options.rate), Duration::from_secs_f64(options.every));
    let mut load = JoinSet::new();
    for (tapped, number) in taps.iter().flat_map(|tapped| (0..options.connections).map(move |number| (tapped, number)))
    {
        let (address, tally) = (tapped.tap.address, tapped.tally.clone());
        let renewed = (number % 2 == 1).then_some(RENEWED);
        load.spawn(clients::work_steadily(address, options.seed ^ (number << 32), pace, renewed, until, tally));
    }
    println!("tap\tseconds\tresident MiB\tdescriptors\tCPU s\tlines\tcalls told");
    while Instant::now() < until {
        sleep(every.min(until - Instant::now())).await;
        taps.iter_mut().try_for_each(|tapped| tapped.sample(begin.elapsed()))?;
    }
    while let Some(done) = load.join_next().await {
        done??;
    }
    let mut faults = 0;
    for tapped in taps {
        faults += tapped.end().await?;
    }
    server.stop()?;
    if faults == 0 { Ok(()) } else { Err(format!("{faults} faults").into()) }
}

impl Tapped {
    fn start(kind: &'static Kind, options: &Options, server: &Watched) -> Result<Tapped> {
        let (tap, output) = Watched::start_tap(&options.tap, server.address, kind.arguments)?;
        let told = Arc::new(Told::default());
        let reading = thread::spawn({
            let told = Arc::clone(&told);
            move || told.read(output, kind)
        });
        let before = tap.sample()?;
        Ok(Tapped { kind, before, tap, samples: Vec::new(), tally: Tally::default(), told, reading })
    }

    fn sample(&mut self, after: Duration) -> Result<()> {
        let sample = self.tap.sample()?;
        let Sample { resident, descriptors, cpu } = sample;
        let (lines, ends) = (self.told.lines.load(Ordering::Relaxed), self.told.ends.load(Ordering::Relaxed));
        let (name, seconds) = (self.kind.name, after.as_secs_f64());
        println!(
            "{name}\t{seconds:.0}\t{:.1}\t{descriptors}\t{:.1}\t{lines}\t{ends}",
            mib(resident),
            cpu.as_secs_f64()
        );
        self.samples.push(sample);
        Ok(())
    }

    /// Stops it when all connections are closed. How many faults there were.
    async fn end(self) -> Result<u64> {
        let settled = self.tap.settle(self.before.descriptors, SETTLES).await?;
        println!("\n{}: {:.1} MiB before the load", self.kind.name, mib(self.before.resident));
        mixed::judge(&self.samples, &self.tally);
        if settled.descriptors > self.before.descriptors {
            self.tally.fault(format!("{} descriptors are left over", settled.descriptors - self.before.descriptors));
        }
        match self.tap.stop() {
            Ok(time) => println!("SIGTERM: the tap has ended after {time:.1?}"),
            // An exit code of 1 says that a rule was broken.
            Err(error) => self.tally.fault(error.to_string()),
        }
        self.reading.join().map_err(|_| "the reader of the tap's output has panicked")??;
        let [lines, ends, gaps] =
            [&self.told.lines, &self.told.ends, &self.told.gaps].map(|n| n.load(Ordering::Relaxed));
        let made: u64 = self.tally.counts().ends.values().sum();
        println!("{made} calls made, {ends} calls told in {lines} lines, {gaps} gaps");
        if gaps == 0 && ends != made {
            self.tally.fault(format!("{ends} calls were told, {made} were made"));
        }
        let faults = self.tally.counts().faults;
        Ok(faults)
    }
}

impl Told {
    /// Reads all that the tap prints.
    fn read(&self, output: ChildStdout, kind: &Kind) -> std::io::Result<()> {
        for line in BufReader::new(output).lines() {
            let line = line?;
            self.lines.fetch_add(1, Ordering::Relaxed);
            self.ends.fetch_add(line.contains(kind.end).into(), Ordering::Relaxed);
            self.gaps.fetch_add(line.contains(kind.gap).into(), Ordering::Relaxed);
            if line.contains(BROKEN) {
                eprintln!("fault: {line}");
            }
        }
        Ok(())
    }
}
