//! How cost grows: one thing at a time gets ten times larger.

use serde::{Deserialize, Serialize};

use crate::servers::{FLOOR, Figures, OURS, Server, TONIC};
use crate::{Places, Result};

/// Series of one plot: what is on its axes, and a point per server and size.
#[derive(Serialize, Deserialize)]
pub struct Growth {
    pub name: String,
    pub title: String,
    pub x: String,
    pub y: String,
    pub points: Vec<Point>,
}

#[derive(Serialize, Deserialize)]
pub struct Point {
    pub server: String,
    pub x: f64,
    pub y: f64,
    pub errors: u64,
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
}

const AXES: [Axis; 6] = [
    Axis {
        name: "connections",
        title: "GetFeature, one call at a time on each of many connections",
        x: "connections",
        y: "us of CPU a call",
        sizes: &[1, 10, 100, 1_000, 10_000],
        setting: |n| (words(&["unary", &format!("--connections={n}")]), 100, None),
        cost: |f| f.cpu_us_per_call,
        canned: true,
    },
    Axis {
        name: "streams",
        title: "GetFeature, many calls at once on one connection",
        x: "calls at once (as many as the server's limit allows)",
        y: "us of CPU a call",
        sizes: &[1, 3, 10, 30, 100, 300, 1_000],
        setting: |n| (words(&["unary", &format!("--streams={n}")]), 100, None),
        cost: |f| f.cpu_us_per_call,
        canned: true,
    },
    Axis {
        name: "bytes",
        title: "GetFeature, answers of 1 B to 4 MiB, 4 connections x 1 call",
        x: "bytes in the feature's name",
        y: "us of CPU a call",
        sizes: &[1, 16, 256, 4_096, 65_536, 1 << 20, (4 << 20) - 64],
        setting: |n| (words(&["unary", "--connections=4"]), 4, Some(n)),
        cost: |f| f.cpu_us_per_call,
        canned: true,
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
    },
    Axis {
        name: "area",
        title: "ListFeatures of about 100 features out of many, 4 connections x 4 calls",
        x: "features in the database",
        y: "us of CPU a call",
        sizes: &DATABASES,
        setting: |n| (words(&["list", "--hits=100", "--connections=4", "--streams=4"]), n, None),
        cost: |f| f.cpu_us_per_call,
        canned: false,
    },
];

const DATABASES: [usize; 6] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}

pub fn run(places: &Places, servers: &[Server], quick: bool) -> Result<Scale> {
    let servers: Vec<_> = servers.iter().filter(|s| [FLOOR, OURS, TONIC[0]].contains(&s.name)).collect();
    let most = if quick { 10_000 } else { usize::MAX };
    let mut growths = Vec::new();
    for axis in &AXES {
        let mut points = Vec::new();
        for &size in axis.sizes.iter().filter(|size| **size <= most) {
            let (mut args, features, name_len) = (axis.setting)(size);
            args.push(format!("--seconds={}", if quick { 0.3 } else { 1.5 }));
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            for server in servers.iter().filter(|s| axis.canned || !s.canned) {
                let running = server.start(places, features, name_len)?;
                let figures = running.load(&args)?;
                running.stop()?;
                let y = (axis.cost)(&figures);
                println!(
                    "{:12} {size:9} {:13} {y:9.3} {}, {} errors {}",
                    axis.name,
                    server.name,
                    axis.y,
                    figures.errors,
                    figures.first_error.as_deref().unwrap_or_default()
                );
                points.push(Point { server: server.name.into(), x: size as f64, y, errors: figures.errors });
            }
        }
        let [name, title, x, y] = [axis.name, axis.title, axis.x, axis.y].map(String::from);
        growths.push(Growth { name, title, x, y, points });
    }
    let connections = if quick { 1_000 } else { 10_000 };
    let memory = servers.iter().map(|server| memory(places, server, connections)).collect::<Result<_>>()?;
    Ok(Scale { growths, memory })
}

fn memory(places: &Places, server: &Server, connections: usize) -> Result<Memory> {
    let count = format!("--connections={connections}");
    let grown = |work: &str| -> Result<[f64; 2]> {
        let running = server.start(places, 100, None)?;
        let f = running.load(&[work, &count])?;
        running.stop()?;
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
