//! The tap between our client and the canned server: which share of the direct rate is left.
//!
//! The load generator does not serve here: it never sleeps, and so takes a core from a tap that has none of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::clients::{Figures, among, undisturbed};
use crate::servers::{OURS, Running, Server, pinned};
use crate::{Places, Result};

/// Unary calls, as in the first of the clients' cases.
const ARGS: [&str; 3] = ["unary", "--connections=8", "--streams=16"];

/// The share of the direct rate that is to be left at least.
pub const BAR: f64 = 0.6;

/// The figures of one round, without the tap and through it.
#[derive(Serialize, Deserialize)]
pub struct Sample {
    pub direct: Figures,
    pub tapped: Figures,
}

impl Sample {
    /// Which share of the direct rate is left.
    pub fn share(&self) -> Option<f64> {
        (self.direct.calls_per_s > 0.0).then(|| self.tapped.calls_per_s / self.direct.calls_per_s)
    }
}

/// The median of the shares.
pub fn share(samples: &[Sample]) -> Option<f64> {
    let mut shares: Vec<f64> = samples.iter().filter_map(Sample::share).collect();
    shares.sort_by(f64::total_cmp);
    shares.get(shares.len() / 2).copied()
}

/// Measures both one after the other, in each round. The tap has no core of its own: it gets what server and client
/// leave, and explains everything, with names, to nobody.
pub fn run(places: &Places, servers: &[Server], rounds: usize, seconds: f64) -> Result<Vec<Sample>> {
    let Some((floor, clients)) = among(servers) else {
        println!("the tap is not measured: it needs the floor, and our client");
        return Ok(Vec::new());
    };
    let Some(client) = clients.into_iter().find(|client| client.name == OURS) else {
        println!("the tap is not measured: it needs our client");
        return Ok(Vec::new());
    };
    let mut cargo = Command::new("cargo");
    let target = places.work.join("product");
    cargo.current_dir(&places.product).args(["build", "--quiet", "--release", "--bin", "tap", "--target-dir"]);
    if !cargo.arg(&target).status()?.success() {
        return Err("the tap cannot be built".into());
    }
    let seconds = format!("--seconds={seconds}");
    let args = [&ARGS[..], &[&seconds]].concat();
    let running = floor.start(places, 100, None)?;
    let mut samples = Vec::new();
    for round in 0..rounds {
        let direct = undisturbed(|| client.drive(&pinned(1), &running, &args))?;
        // A new one each time: what it has not explained yet must not take time from the next turn.
        let tap = Tap::start(places, &running)?;
        let tapped = undisturbed(|| client.drive_at(&tap.address, &pinned(1), &running, &args))?;
        drop(tap);
        let sample = Sample { direct, tapped };
        println!(
            "round {} tap: {:.0} calls/s direct, {:.0} through it, {:.0} % ({} errors)",
            round + 1,
            sample.direct.calls_per_s,
            sample.tapped.calls_per_s,
            100.0 * sample.share().unwrap_or_default(),
            sample.direct.errors + sample.tapped.errors,
        );
        samples.push(sample);
    }
    Ok(samples)
}

/// A tap in front of a server; it ends when this is dropped.
struct Tap {
    child: Child,
    address: String,
}

impl Tap {
    fn start(places: &Places, server: &Running) -> Result<Tap> {
        let mut child = Command::new(places.work.join("product/release/tap"))
            .args(["--listen", "127.0.0.1:0", "--to", server.address(), "--proto"])
            .arg(places.product.join("proto/route_guide.proto"))
            .stdin(Stdio::null())
            .stdout(File::options().write(true).open("/dev/null")?)
            .stderr(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stderr.take().ok_or("its lines were asked for")?).read_line(&mut line)?;
        let address = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        Ok(Tap { child, address })
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
