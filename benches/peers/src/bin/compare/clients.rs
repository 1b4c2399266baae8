//! The clients, in turn, several times, against the canned server: what a call costs the one who makes it.

use peers::builds::here;
use peers::process;
use serde::{Deserialize, Serialize};

use crate::servers::{FLOOR, OURS, Running, Server, TONIC, pinned};
use crate::{Places, Result};

/// The share of the processors' time that a measurement may lose to other virtual machines, and how often it is tried.
const LOSS: f64 = 0.02;
const ATTEMPTS: usize = 4;

/// A client that can be driven.
pub struct Client {
    /// As the server of the same stack.
    pub name: &'static str,
    binary: &'static str,
    runtime: &'static str,
}

pub const CLIENTS: [Client; 3] = [
    Client { name: OURS, binary: "h2grpc_client", runtime: "--runtime=current" },
    Client { name: TONIC[0], binary: "tonic_client", runtime: "--runtime=current" },
    Client { name: TONIC[1], binary: "tonic_client", runtime: "--runtime=multi" },
];

/// Something that is measured.
pub struct Case {
    pub name: &'static str,
    pub title: &'static str,
    pub args: &'static [&'static str],
    /// CPU time is told per message, not per call.
    pub per_message: bool,
    /// How many times tonic's calls per CPU second ours are to be, at least.
    pub bar: Option<f64>,
}

pub const CASES: [Case; 4] = [
    Case {
        name: "unary",
        title: "GetFeature, 8 connections x 16 calls",
        args: &["unary", "--connections=8", "--streams=16"],
        per_message: false,
        bar: Some(1.5),
    },
    Case {
        name: "list",
        title: "ListFeatures, 100 features a call, 4 connections x 4 calls",
        args: &["list", "--connections=4", "--streams=4"],
        per_message: true,
        bar: Some(1.5),
    },
    Case {
        name: "record",
        title: "RecordRoute, 10,000 points a call, 4 connections x 1 call",
        args: &["record", "--connections=4"],
        per_message: true,
        bar: None,
    },
    Case {
        name: "chat",
        title: "RouteChat, one note sent and one answered in turn, 8 connections x 4 calls",
        args: &["chat", "--connections=8", "--streams=4"],
        per_message: true,
        bar: None,
    },
];

/// What a client prints.
#[derive(Serialize, Deserialize)]
pub struct Figures {
    pub calls: u64,
    pub messages: u64,
    pub errors: u64,
    pub first_error: Option<String>,
    pub calls_per_s: f64,
    pub messages_per_s: f64,
    pub cpu_us_per_call: f64,
    pub cpu_us_per_message: f64,
    pub client_busy: f64,
    pub server_busy: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub rss_peak: u64,
}

/// One figure of one client in one round.
#[derive(Serialize, Deserialize)]
pub struct Sample {
    pub case: String,
    pub client: String,
    pub round: usize,
    pub figures: Figures,
}

/// The canned server and the clients of the stacks that are measured; none where one of the two is missing.
pub fn among(servers: &[Server]) -> Option<(&Server, Vec<&'static Client>)> {
    let named = |name: &str| servers.iter().find(|server| server.name == name);
    let clients: Vec<_> = CLIENTS.iter().filter(|client| named(client.name).is_some()).collect();
    named(FLOOR).filter(|_| !clients.is_empty()).map(|floor| (floor, clients))
}

pub fn run(places: &Places, servers: &[Server], rounds: usize, seconds: f64) -> Result<Vec<Sample>> {
    let Some((floor, clients)) = among(servers) else {
        println!("clients are not measured: they need the floor, and a stack to be one of");
        return Ok(Vec::new());
    };
    let seconds = format!("--seconds={seconds}");
    let mut samples = Vec::new();
    for round in 0..rounds {
        let running = floor.start(places, 100, None)?;
        for case in &CASES {
            let mut args = case.args.to_vec();
            args.push(&seconds);
            for client in clients.iter().cycle().skip(round).take(clients.len()) {
                let figures = undisturbed(|| client.drive(&pinned(1), &running, &args))?;
                let (cost, unit) = match case.per_message {
                    true => (figures.cpu_us_per_message, "message"),
                    false => (figures.cpu_us_per_call, "call"),
                };
                println!(
                    "round {} client {:7} {:13} {cost:9.3} us of CPU a {unit}, {:.0} % busy, {} calls, {} errors {}",
                    round + 1,
                    case.name,
                    client.name,
                    100.0 * figures.client_busy,
                    figures.calls,
                    figures.errors,
                    figures.first_error.as_deref().unwrap_or_default(),
                );
                samples.push(Sample { case: case.name.into(), client: client.name.into(), round, figures });
            }
        }
    }
    Ok(samples)
}

/// Measures again, a few times, when the host of a virtual machine took away its processor meanwhile. What lost least
/// counts. It is for times alone: a server that was measured before has other memory, and other counts.
pub fn undisturbed(mut measure: impl FnMut() -> Result<Figures>) -> Result<Figures> {
    let mut attempt = || -> Result<(f64, Figures)> {
        let before = process::stolen();
        let figures = measure()?;
        let after = process::stolen();
        Ok(((after.0 - before.0) as f64 / (after.1 - before.1).max(1) as f64, figures))
    };
    let mut best = attempt()?;
    for _ in 1..ATTEMPTS {
        if best.0 < LOSS {
            break;
        }
        let next = attempt()?;
        if next.0 < best.0 {
            best = next;
        }
    }
    Ok(best.1)
}

impl Client {
    /// Runs the client against a canned server, under other programs such as taskset.
    pub fn drive(&self, under: &[String], server: &Running, args: &[&str]) -> Result<Figures> {
        self.drive_at(server.address(), under, server, args)
    }

    /// The same through somebody who listens at another address and passes everything on.
    pub fn drive_at(&self, address: &str, under: &[String], server: &Running, args: &[&str]) -> Result<Figures> {
        let mut words = under.to_vec();
        words.push(here(self.binary)?.display().to_string());
        words.push(self.runtime.into());
        words.extend(args.iter().map(|arg| arg.to_string()));
        server.ask_at(address, words)
    }
}
