//! One attack on one server: what it costs.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use peers::process::{cpu_time, memory};
use serde::{Deserialize, Serialize};
use tokio::task::JoinError;
use tokio::time::{sleep, timeout};

use crate::other::Other;
use crate::server::{Kind, Programs, Running};
use crate::{Attack, Held, Result, counted};

/// How long an attack may take. A server that does not do what an attacker waits for is left then.
const PATIENCE: Duration = Duration::from_secs(15);

/// An attack is made again until it has gone on for so long, or has cost so much: most are over too soon to measure.
const LONG_ENOUGH: Duration = Duration::from_millis(700);
const DEAR_ENOUGH: Duration = Duration::from_millis(300);

/// A server is quiet when it was busy for no more than 2 % of this time, calls of somebody else aside.
const QUIET: Duration = Duration::from_millis(300);

/// How long calls of somebody else are observed before an attack, to know what they cost.
const ALONE: Duration = Duration::from_millis(500);

/// What an attack has cost a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    /// How often the attack was made.
    pub runs: u32,
    /// The bytes that the attacker's sockets took, in all runs.
    pub sent: u64,
    /// The server's CPU time in all runs, without that of somebody else's calls.
    pub cpu_ns: u64,
    /// The most resident memory, in bytes.
    pub peak: u64,
    /// The longest that a call of somebody else took.
    pub waited_us: u64,
    /// Calls of somebody else that failed.
    pub failed: u64,
    /// How long it took until the server was quiet.
    pub seconds: f64,
    /// In what the server was not as ours has to be; the words of the assertion that failed.
    pub otherwise: Option<String>,
}

impl Figures {
    pub fn ns_per_byte(&self) -> f64 {
        self.cpu_ns as f64 / self.sent.max(1) as f64
    }

    /// A sum of all runs, for one of them.
    pub fn a_run(&self, sum: u64) -> f64 {
        sum as f64 / f64::from(self.runs)
    }
}

/// Starts a server, attacks it, and waits until it has done what there was to do, connections that end included.
pub async fn measure(programs: &Programs, kind: Kind, attack: &Attack) -> Result<Figures> {
    let mut server = programs.start(kind, &attack.terms)?;
    let other = Other::start(server.address);
    let mut meter = Meter::start(&server, other).await?;

    let (begin, sent) = (Instant::now(), counted::sent());
    let (mut runs, mut otherwise) = (0, None);
    while runs == 0 || begin.elapsed() < LONG_ENOUGH && meter.cpu() < DEAR_ENOUGH {
        let run = Run::of(attack, server.address).await;
        // Who holds nothing has waited for the server, or was cut off.
        if run.held.as_ref().is_some_and(|held| !held.is::<()>()) {
            meter.until_quiet().await;
        }
        otherwise = otherwise.or(run.otherwise);
        runs += 1;
    }
    meter.until_quiet().await;
    let has_ended = server.has_ended().then(|| "the server has ended".to_owned());
    Ok(Figures {
        runs,
        sent: counted::sent() - sent,
        cpu_ns: meter.cpu().as_nanos() as u64,
        peak: memory(server.id()).1,
        waited_us: meter.other.slowest().as_micros() as u64,
        failed: meter.other.failed(),
        seconds: begin.elapsed().as_secs_f64(),
        otherwise: has_ended.or(otherwise),
    })
}

/// One time that an attack was made.
struct Run {
    held: Option<Held>,
    otherwise: Option<String>,
}

impl Run {
    async fn of(attack: &Attack, server: SocketAddr) -> Run {
        let mut running = tokio::spawn((attack.launch)(server));
        match timeout(PATIENCE, &mut running).await {
            Ok(Ok(held)) => Run { held: Some(held), otherwise: None },
            Ok(Err(failed)) => Run::otherwise(words(failed)),
            Err(_) => {
                running.abort();
                Run::otherwise(format!("the attacker still waits after {} s", PATIENCE.as_secs()))
            }
        }
    }

    fn otherwise(words: String) -> Run {
        Run { held: None, otherwise: Some(words) }
    }
}

/// What an assertion of an attack says when it fails.
fn words(failed: JoinError) -> String {
    let words = failed.try_into_panic().ok().and_then(|panic| panic.downcast::<String>().ok());
    words.map_or("the attack failed".to_owned(), |words| words.chars().take(300).collect())
}

/// Reads a server's CPU clock, and takes off what somebody else's calls cost.
struct Meter {
    server: u32,
    other: Other,
    /// What a call costs when nobody attacks.
    call: Duration,
    begin: Reading,
}

/// The server's CPU clock, and how many calls it has answered.
#[derive(Clone, Copy)]
struct Reading {
    cpu: Duration,
    answered: u64,
}

impl Meter {
    async fn start(server: &Running, other: Other) -> Result<Meter> {
        let begin = Instant::now();
        while other.answered() == 0 {
            if begin.elapsed() > PATIENCE {
                return Err(format!("{} does not answer before the attack", server.address).into());
            }
            sleep(Duration::from_millis(1)).await;
        }
        sleep(QUIET).await;
        let mut meter = Meter { server: server.id(), other, call: Duration::ZERO, begin: Reading::NONE };
        meter.begin = meter.read();
        sleep(ALONE).await;
        let end = meter.read();
        meter.call = (end.cpu - meter.begin.cpu) / (end.answered - meter.begin.answered).max(1) as u32;
        meter.begin = end;
        meter.other.forget();
        Ok(meter)
    }

    fn read(&self) -> Reading {
        Reading { cpu: cpu_time(self.server), answered: self.other.answered() }
    }

    /// The CPU time since the attack began.
    fn cpu(&self) -> Duration {
        let now = self.read();
        let calls = self.call * (now.answered - self.begin.answered) as u32;
        now.cpu.saturating_sub(self.begin.cpu).saturating_sub(calls)
    }

    /// Waits until the server is quiet, or has been busy for too long.
    async fn until_quiet(&mut self) {
        let begin = Instant::now();
        let mut last = self.cpu();
        while begin.elapsed() < PATIENCE {
            sleep(QUIET).await;
            let now = self.cpu();
            if now.saturating_sub(last) <= QUIET / 50 {
                return;
            }
            last = now;
        }
    }
}

impl Reading {
    const NONE: Reading = Reading { cpu: Duration::ZERO, answered: 0 };
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Figures { runs, sent, peak, failed, seconds, .. } = self;
        let (per_byte, cpu, waited) = (self.ns_per_byte(), self.cpu_ns as f64 / 1e6, self.waited_us as f64 / 1e3);
        write!(f, "{runs:4} x, {sent:9} bytes {cpu:8.1} ms {per_byte:8.1} ns/byte {:5} MiB ", peak >> 20)?;
        write!(f, "waited {waited:.1} ms, {failed} failed, {seconds:.1} s")?;
        let Some(words) = &self.otherwise else { return Ok(()) };
        write!(f, "\n   {}", words.replace('\n', " "))
    }
}
