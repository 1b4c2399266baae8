//! Instructions per unary call in user space: what callgrind counts for two numbers of calls, and the difference.

use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::servers::{FLOOR, OURS, Server, TONIC};
use crate::{Places, Result};

#[derive(Serialize, Deserialize)]
pub struct Count {
    pub server: String,
    pub per_call: f64,
}

pub fn run(places: &Places, servers: &[Server], quick: bool) -> Result<Vec<Count>> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("instructions are not counted: valgrind is not installed");
        return Ok(Vec::new());
    }
    let (few, many) = if quick { (1_000, 3_000) } else { (4_000, 24_000) };
    let counted = |s: &&Server| [FLOOR, OURS, TONIC[0], TONIC[1]].contains(&s.name);
    let mut counts = Vec::new();
    for server in servers.iter().filter(counted) {
        let difference = count(places, server, many)? - count(places, server, few)?;
        let per_call = difference / (many - few) as f64;
        println!("{:13} {per_call:9.0} instructions a call", server.name);
        counts.push(Count { server: server.name.into(), per_call });
    }
    Ok(counts)
}

fn count(places: &Places, server: &Server, calls: u64) -> Result<f64> {
    let log = places.work.join("callgrind.log");
    let under = [
        "valgrind".into(),
        "--tool=callgrind".into(),
        "--callgrind-out-file=/dev/null".into(),
        format!("--log-file={}", log.display()),
    ];
    let running = server.start_under(&under, places, 100, None)?;
    let calls = format!("--calls={calls}");
    let figures = running.load(&["unary", "--connections=8", "--streams=16", "--warmup=0", &calls])?;
    running.stop()?;
    if figures.errors > 0 {
        return Err(format!("{}: {} wrong calls under callgrind", server.name, figures.errors).into());
    }
    let text = std::fs::read_to_string(log)?;
    let total = text.lines().find_map(|line| line.split_once("Collected :")).map(|(_, n)| n.trim().parse());
    Ok(total.ok_or("callgrind told no total")??)
}
