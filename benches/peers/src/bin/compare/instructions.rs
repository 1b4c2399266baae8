//! Instructions per unary call in user space: what callgrind counts for two numbers of calls, and the difference. Of
//! the servers, driven by the generator, and of the clients, against the floor.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::clients::{self, Client};
use crate::servers::{FLOOR, OURS, Server, TONIC};
use crate::{Places, Result};

#[derive(Serialize, Deserialize)]
pub struct Count {
    pub server: String,
    pub per_call: f64,
}

/// The same of a client, and for a call of ListFeatures with 100 features.
#[derive(Serialize, Deserialize)]
pub struct ClientCount {
    pub client: String,
    pub per_call: f64,
    pub per_list: f64,
}

/// 8 connections x 16 calls of GetFeature, and 4 x 4 of ListFeatures.
const UNARY: [&str; 4] = ["unary", "--connections=8", "--streams=16", "--warmup=0"];
const LIST: [&str; 4] = ["list", "--connections=4", "--streams=4", "--warmup=0"];

pub fn run(places: &Places, servers: &[Server], quick: bool) -> Result<(Vec<Count>, Vec<ClientCount>)> {
    let (mut of_servers, mut of_clients) = (Vec::new(), Vec::new());
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("instructions are not counted: valgrind is not installed");
        return Ok((of_servers, of_clients));
    }
    let numbers = if quick { (1_000, 3_000) } else { (4_000, 24_000) };
    let counted = |s: &&Server| [FLOOR, OURS, TONIC[0], TONIC[1]].contains(&s.name);
    for server in servers.iter().filter(counted) {
        let per_call = difference(numbers, |calls| of_server(places, server, calls))?;
        println!("{:13} {per_call:9.0} instructions a call", server.name);
        of_servers.push(Count { server: server.name.into(), per_call });
    }
    let Some((floor, clients)) = clients::among(servers) else { return Ok((of_servers, of_clients)) };
    for client in clients {
        let per_call = difference(numbers, |calls| of_client(places, floor, client, &UNARY, calls))?;
        let fewer = (numbers.0 / 20, numbers.1 / 20);
        let per_list = difference(fewer, |calls| of_client(places, floor, client, &LIST, calls))?;
        println!("{:13} client {per_call:9.0} instructions a call, {per_list:9.0} a list of 100", client.name);
        of_clients.push(ClientCount { client: client.name.into(), per_call, per_list });
    }
    Ok((of_servers, of_clients))
}

fn difference((few, many): (u64, u64), count: impl Fn(u64) -> Result<f64>) -> Result<f64> {
    Ok((count(many)? - count(few)?) / (many - few) as f64)
}

fn of_server(places: &Places, server: &Server, calls: u64) -> Result<f64> {
    let (under, log) = callgrind(places);
    let running = server.start_under(&under, places, 100, None)?;
    let calls = format!("--calls={calls}");
    let figures = running.load(&[&UNARY[..], &[&calls]].concat())?;
    drop(running);
    total(&log, server.name, figures.errors)
}

fn of_client(places: &Places, floor: &Server, client: &Client, work: &[&str], calls: u64) -> Result<f64> {
    let (under, log) = callgrind(places);
    let running = floor.start(places, 100, None)?;
    let calls = format!("--calls={calls}");
    let figures = client.drive(&under, &running, &[work, &[&calls]].concat())?;
    drop(running);
    total(&log, client.name, figures.errors)
}

/// The words that put a program under callgrind, and where this will tell its total.
fn callgrind(places: &Places) -> (Vec<String>, PathBuf) {
    let log = places.work.join("callgrind.log");
    let file = format!("--log-file={}", log.display());
    let words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", &file];
    (words.map(String::from).to_vec(), log)
}

fn total(log: &Path, name: &str, errors: u64) -> Result<f64> {
    if errors > 0 {
        return Err(format!("{name}: {errors} wrong calls under callgrind").into());
    }
    let text = std::fs::read_to_string(log)?;
    let total = text.lines().find_map(|line| line.split_once("Collected :")).map(|(_, n)| n.trim().parse());
    Ok(total.ok_or("callgrind told no total")??)
}
