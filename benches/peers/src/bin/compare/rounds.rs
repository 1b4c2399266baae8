//! The common cases, every server in turn, in many short turns.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::servers::{Figures, Server, Turns};
use crate::{Places, Result};

/// Something that is measured.
pub struct Case {
    pub name: &'static str,
    pub title: &'static str,
    /// What the generator is told.
    pub args: &'static [&'static str],
    /// How many features the database has.
    pub features: usize,
    /// CPU time is told per message, not per call.
    pub per_message: bool,
}

const fn case(
    name: &'static str, title: &'static str, args: &'static [&'static str], features: usize, per_message: bool,
) -> Case {
    Case { name, title, args, features, per_message }
}

pub const CASES: [Case; 8] = [
    case("unary", "GetFeature, 8 connections x 16 calls", &["unary", "--connections=8", "--streams=16"], 100, false),
    case("unary-1", "GetFeature, 1 connection x 1 call", &["unary"], 100, false),
    case("unary-64", "GetFeature, 64 connections x 1 call", &["unary", "--connections=64"], 100, false),
    case(
        "list",
        "ListFeatures, 100 features a call, 4 connections x 4 calls",
        &["list", "--connections=4", "--streams=4"],
        100,
        true,
    ),
    case(
        "record",
        "RecordRoute, 10,000 points a call, 4 connections x 1 call",
        &["record", "--connections=4"],
        100,
        true,
    ),
    case(
        "record-small",
        "RecordRoute, 10,000 points a call, a DATA frame for each point, 1 connection x 1 call",
        &["record", "--frame-per-point"],
        100,
        true,
    ),
    case(
        "chat",
        "RouteChat, one note sent and one answered in turn, 8 connections x 4 calls",
        &["chat", "--connections=8", "--streams=4"],
        100,
        true,
    ),
    case("list-100k", "ListFeatures, 100,000 features a call, 1 connection x 1 call", &["list"], 100_000, true),
];

/// One figure of one server in one round.
#[derive(Serialize, Deserialize)]
pub struct Sample {
    pub case: String,
    pub server: String,
    pub round: usize,
    pub figures: Figures,
}

/// How long a turn is, in seconds. The speed of a shared machine changes within tenths of a second, and so meets all.
const TURN: f64 = 0.02;

pub fn run(places: &Places, servers: &[Server], rounds: usize, seconds: f64) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for round in 0..rounds {
        for features in [100, 100_000] {
            let running: Vec<_> =
                servers.iter().map(|server| server.start(places, features, None)).collect::<Result<_>>()?;
            for case in CASES.iter().filter(|case| case.features == features) {
                let turns = running.iter().map(|server| server.take_turns(case.args, TURN));
                let mut turns = turns.collect::<Result<Vec<_>>>()?;
                interleave(turns.iter_mut().collect(), round, seconds)?;
                for (server, turns) in servers.iter().zip(turns) {
                    let figures = turns.figures()?;
                    let cost = if case.per_message { figures.cpu_us_per_message } else { figures.cpu_us_per_call };
                    println!(
                        "round {} {:14} {:13} {cost:9.3} us of CPU, {} calls, {} errors {}",
                        round + 1,
                        case.name,
                        server.name,
                        figures.calls,
                        figures.errors,
                        figures.first_error.as_deref().unwrap_or_default(),
                    );
                    samples.push(Sample { case: case.name.into(), server: server.name.into(), round, figures });
                }
            }
        }
    }
    Ok(samples)
}

/// Has the generators take turns, another one first each time, until each has had so many seconds. One whose calls take
/// longer than a turn has fewer of them.
pub fn interleave(mut generators: Vec<&mut Turns>, round: usize, seconds: f64) -> Result<()> {
    let count = generators.len();
    let mut had = vec![Duration::ZERO; count];
    for turn in round.. {
        let due: Vec<_> =
            (0..count).map(|at| (at + turn) % count).filter(|at| had[*at].as_secs_f64() < seconds).collect();
        if due.is_empty() {
            break;
        }
        for at in due {
            let start = Instant::now();
            generators[at].take()?;
            had[at] += start.elapsed();
        }
    }
    Ok(())
}
