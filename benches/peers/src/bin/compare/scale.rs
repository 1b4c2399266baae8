//! How cost grows: one thing at a time gets ten times larger.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::rounds::interleave;
use crate::servers::{FLOOR, Figures, OURS, Running, Server, TONIC, Turns};
use crate::{Places, Result};

/// Series of one plot: what is on its axes, and a point per server and size.
#[derive(Serialize, Deserialize)]
pub struct Growth {
    pub name: String,
    pub title: String,
    pub x: String,
    pub y: String,
    /// y may grow as x does: bytes are work.
    pub proportional: bool,
    pub points: Vec<Point>,
}

#[derive(Serialize, Deserialize)]
pub struct Point {
    pub server: String,
    pub x: f64,
    pub y: f64,
    pub errors: u64,
    /// How long the server took to load its database and listen, and the most memory it held, in bytes.
    pub start_s: f64,
    pub rss_peak: u64,
}

/// Two neighbouring sizes between which cost grows faster than the work.
pub struct Step<'a> {
    pub server: &'a str,
    pub from: &'a Point,
    pub to: &'a Point,
    /// How much faster.
    pub excess: f64,
}

impl Growth {
    /// Steps where cost grows by a quarter more than the work: less is within the noise of a measurement.
    pub fn steps(&self) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        for (i, to) in self.points.iter().enumerate() {
            let Some(from) = self.points[..i].iter().rfind(|p| p.server == to.server) else { continue };
            let work = if self.proportional { to.x / from.x } else { 1.0 };
            let excess = to.y / from.y / work;
            if excess > 1.25 {
                steps.push(Step { server: &to.server, from, to, excess });
            }
        }
        steps
    }
}

/// Bytes of a server's memory.
#[derive(Serialize, Deserialize)]
pub struct Memory {
    pub server: String,
    pub connections: usize,
    pub per_connection: f64,
    pub per_idle_stream: f64,
    pub per_call: f64,
}

#[derive(Serialize, Deserialize)]
pub struct Scale {
    pub growths: Vec<Growth>,
    pub memory: Vec<Memory>,
}

/// The generator's arguments, the features in the database, and the length of their names.
type Setting = (Vec<String>, usize, Option<usize>);

/// What grows.
struct Axis {
    name: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
    sizes: &'static [usize],
    setting: fn(usize) -> Setting,
    cost: fn(&Figures) -> f64,
    /// The canned server takes part.
    canned: bool,
    proportional: bool,
    /// What our server has to be told so that its limits do not end the axis.
    ours: &'static [&'static str],
}

const AXES: [Axis; 7] = [
    Axis {
        name: "connections",
        title: "GetFeature, one call at a time on each of many connections",
        x: "connections",
        y: "us of CPU a call",
        sizes: &[1, 10, 100, 1_000, 10_000],
        setting: |n| (words(&["unary", &format!("--connections={n}")]), 100, None),
        cost: |f| f.cpu_us_per_call,
        canned: true,
        proportional: false,
        ours: &[],
    },
    Axis {
        name: "streams",
        title: "GetFeature, many calls at once on one connection",
        x: "calls at once",
        y: "us of CPU a call",
        sizes: &[1, 3, 10, 30, 100, 300, 1_000],
        setting: |n| (words(&["unary", &format!("--streams={n}")]), 100, None),
        cost: |f| f.cpu_us_per_call,
        canned: true,
        proportional: false,
        ours: &["--max-streams=1000"],
    },
    Axis {
        name: "bytes",
        title: "GetFeature, answers of 1 B to 1 MiB (the longest name we take), 4 connections x 1 call",
        x: "bytes in the feature's name",
        y: "us of CPU a call",
        sizes: &[1, 16, 256, 4_096, 65_536, 1 << 20],
        setting: |n| (words(&["unary", "--connections=4"]), 4, Some(n)),
        cost: |f| f.cpu_us_per_call,
        canned: true,
        proportional: true,
        ours: &[],
    },
    Axis {
        name: "request",
        title: "GetFeature, requests of 1 B to 4 MiB, 4 connections x 1 call",
        x: "bytes in a field of the request that is skipped",
        y: "us of CPU a call",
        sizes: &[1, 16, 256, 4_096, 65_536, 1 << 20, (4 << 20) - 64],
        setting: |n| (words(&["unary", "--connections=4", &format!("--pad={n}")]), 4, None),
        cost: |f| f.cpu_us_per_call,
        canned: true,
        proportional: true,
        ours: &[],
    },
    Axis {
        name: "list",
        title: "ListFeatures of the whole database, 1 connection x 1 call",
        x: "features a call",
        y: "us of CPU a message",
        sizes: &[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000],
        setting: |n| (words(&["list"]), n, None),
        cost: |f| f.cpu_us_per_message,
        canned: true,
        proportional: false,
        ours: &[],
    },
    Axis {
        name: "lookup",
        title: "GetFeature in databases of many sizes, 8 connections x 16 calls",
        x: "features in the database",
        y: "us of CPU a call",
        sizes: &DATABASES,
        setting: |n| (words(&["unary", "--connections=8", "--streams=16"]), n, None),
        cost: |f| f.cpu_us_per_call,
        canned: false,
        proportional: false,
        ours: &[],
    },
    Axis {
        name: "area",
        title: "ListFeatures of about 100 features out of many, 4 connections x 4 calls",
        x: "features in the database",
        y: "us of CPU a message",
        sizes: &DATABASES,
        setting: |n| (words(&["list", "--hits=100", "--connections=4", "--streams=4"]), n, None),
        cost: |f| f.cpu_us_per_message,
        canned: false,
        proportional: false,
        ours: &[],
    },
];

/// As an axis in `--axes`: the memory of many connections.
const MEMORY: &str = "memory";

const DATABASES: [usize; 6] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}

/// Measures all axes, or only some: then those that were kept from an earlier run remain as they are.
pub fn run(places: &Places, servers: &[Server], quick: bool, only: &[String]) -> Result<Scale> {
    if let Some(unknown) = only.iter().find(|name| *name != MEMORY && AXES.iter().all(|axis| axis.name != *name)) {
        let names: Vec<_> = AXES.iter().map(|axis| axis.name).chain([MEMORY]).collect();
        return Err(format!("--axes {unknown}: there is no such axis; there are {}", names.join(", ")).into());
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|it| it == name);
    let kept: Option<Scale> = crate::kept(places, "scale").filter(|_| !only.is_empty());
    let (mut earlier, memory_before) = kept.map_or_else(Default::default, |kept| (kept.growths, kept.memory));
    let servers: Vec<_> = servers.iter().filter(|s| [FLOOR, OURS, TONIC[0]].contains(&s.name)).collect();
    let most = if quick { 10_000 } else { usize::MAX };
    let mut growths = Vec::new();
    for axis in &AXES {
        if !wanted(axis.name) {
            growths.extend(earlier.extract_if(.., |growth| growth.name == axis.name));
            continue;
        }
        let mut runs = Vec::new();
        for &size in axis.sizes.iter().filter(|size| **size <= most) {
            for server in servers.iter().filter(|s| axis.canned || !s.canned) {
                match Run::begin(places, axis, size, server) {
                    Ok(run) => runs.push(run),
                    Err(e) => println!("{:12} {size:9} {:13} left out: {e}", axis.name, server.name),
                }
            }
        }
        let points = measure(axis, runs, if quick { 0.3 } else { 2.0 })?;
        let [name, title, x, y] = [axis.name, axis.title, axis.x, axis.y].map(String::from);
        growths.push(Growth { name, title, x, y, proportional: axis.proportional, points });
    }
    if !wanted(MEMORY) {
        return Ok(Scale { growths, memory: memory_before });
    }
    let connections = if quick { 1_000 } else { 10_000 };
    let memory = servers.iter().map(|server| memory(places, server, connections)).collect::<Result<_>>()?;
    Ok(Scale { growths, memory })
}

/// How long a turn is, in seconds: with calls of some milliseconds among them, far more than one call.
const TURN: f64 = 0.1;

/// A server that is up, with the generator for one size of an axis.
struct Run {
    size: usize,
    server: &'static str,
    turns: Turns,
    start_s: f64,
    _running: Running,
}

impl Run {
    fn begin(places: &Places, axis: &Axis, size: usize, server: &Server) -> Result<Self> {
        let (args, features, name_len) = (axis.setting)(size);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        if !server.canned {
            crate::database(&places.work, features, name_len)?;
        }
        let begun = Instant::now();
        let server = if server.name == OURS { server.with(axis.ours) } else { server.clone() };
        let running = server.start(places, features, name_len)?;
        let start_s = begun.elapsed().as_secs_f64();
        let turns = running.take_turns(&args, TURN)?;
        Ok(Self { size, server: server.name, turns, start_s, _running: running })
    }
}

/// Measures all sizes of all servers in turns: the machine is the same for both ends of a step.
fn measure(axis: &Axis, mut runs: Vec<Run>, seconds: f64) -> Result<Vec<Point>> {
    interleave(runs.iter_mut().map(|run| &mut run.turns).collect(), 0, seconds)?;
    let mut points = Vec::new();
    for Run { size, server, turns, start_s, _running } in runs {
        let figures = turns.figures()?;
        let Figures { errors, rss_peak, most_open, .. } = figures;
        let y = (axis.cost)(&figures);
        println!(
            "{:12} {size:9} {server:13} {y:9.3} {}, up after {start_s:.1} s, {:.0} MiB, {errors} errors {}",
            axis.name,
            axis.y,
            rss_peak as f64 / (1 << 20) as f64,
            figures.first_error.as_deref().unwrap_or_default(),
        );
        if axis.name == "streams" && most_open < size {
            println!("{:12} {size:9} {server:13} left out: only {most_open} calls were open at once", axis.name);
            continue;
        }
        points.push(Point { server: server.into(), x: size as f64, y, errors, start_s, rss_peak });
    }
    Ok(points)
}

fn memory(places: &Places, server: &Server, connections: usize) -> Result<Memory> {
    let count = format!("--connections={connections}");
    let grown = |work: &str| -> Result<[f64; 2]> {
        let running = server.start(places, 100, None)?;
        let f = running.load(&[work, &count])?;
        drop(running);
        let each = |from: u64, to: u64| (to as f64 - from as f64) / connections as f64;
        Ok([each(f.rss_before, f.rss_connected), each(f.rss_connected, f.rss_after)])
    };
    let ([per_connection, per_idle_stream], [_, per_call]) = (grown("idle")?, grown("half")?);
    println!(
        "{:13} bytes at {connections} connections: {per_connection:.0} a connection, {per_idle_stream:.0} a silent RouteChat, \
         {per_call:.0} a GetFeature half sent",
        server.name
    );
    Ok(Memory { server: server.name.into(), connections, per_connection, per_idle_stream, per_call })
}
