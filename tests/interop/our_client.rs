//! Our client against a server of grpcio, which logs each call as a line of JSON: what our client prints is held
//! against that log, so the words around the facts are the client's own affair.

use std::{net::SocketAddr, process::Command};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::judged::Judged;
use crate::{
    CLIENT_TIME, SERVICE, SERVICES, Server, descriptors,
    peers::{self, Peer},
    process::{self, Output},
    source, trial,
};

const TRAIL: &str = "Berkshire Valley Management Area Trail, Jefferson, NJ, USA";

/// Holds the client's standard output against the server's log.
type Fact = fn(&str, &[Value]) -> Result<(), String>;

/// The client's commands, and what each must show.
const COMMANDS: [(&str, &[Fact]); 5] = [
    ("get-feature", &[shows_the_trail]),
    ("list-features", &[shows_every_name]),
    ("record-route", &[shows_the_summary]),
    ("route-chat", &[shows_every_answer]),
    ("all", &[shows_the_trail, shows_every_name, shows_the_summary, shows_every_answer]),
];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (command, facts) in COMMANDS {
        let name = command.replace('-', "_");
        for (service, path) in SERVICES {
            let name = format!("grpcio_server::{path}{name}_shows_what_was_answered");
            trials.push(trial(name, peers::python, move |python| shows(python, service, command, facts)));
        }
        let name = format!("grpcio_server::{name}_that_fails_exits_with_the_status");
        trials.push(trial(name, peers::python, move |python| {
            // Beyond ASCII and with a percent sign: the message travels percent-encoded.
            let message = "100 % of the Grüße are spent";
            let server = start(python, &["--abort", "PERMISSION_DENIED", message])?;
            let judged = Judged::client(server.address)?;
            fails(&client(judged.address, SERVICE, command)?, &["PERMISSION_DENIED", message])?;
            judged.verdict()
        }));
    }
    trials.push(trial("grpcio_server::unknown_service_exits_with_unimplemented".into(), peers::python, |python| {
        let server = start(python, &[])?;
        let judged = Judged::client(server.address)?;
        fails(&client(judged.address, "elsewhere.Guide", "get-feature")?, &["UNIMPLEMENTED"])?;
        judged.verdict()
    }));
    trials.push(trial("grpcio_server::stopped_server_exits_with_unavailable".into(), peers::python, |python| {
        let server = start(python, &[])?;
        let address = server.address;
        server.stop()?;
        fails(&client(address, SERVICE, "get-feature")?, &["UNAVAILABLE", &address.to_string()])
    }));
    trials
}

fn shows(python: &Peer, service: &str, command: &str, facts: &[Fact]) -> Result<(), String> {
    let server = start(python, &[])?;
    let judged = Judged::client(server.address)?;
    let output = client(judged.address, service, command)?;
    judged.verdict()?;
    if !output.succeeded() {
        return Err(format!("{output}\n{}", server.process.so_far()));
    }
    let log = log(&server.stop()?);
    facts
        .iter()
        .try_for_each(|fact| fact(&output.stdout, &log))
        .map_err(|error| format!("{error}\n{output}\nthe server's log: {log:#?}"))
}

/// The lines of a server's log.
pub fn log(printed: &str) -> Vec<Value> {
    printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn shows_the_trail(printed: &str, log: &[Value]) -> Result<(), String> {
    if !calls(log, "get_feature").any(|call| call["at"] == json!([409146138, -746188906])) {
        return Err("the server was not asked for the trail's point".to_owned());
    }
    contains(printed, TRAIL)
}

fn shows_every_name(printed: &str, log: &[Value]) -> Result<(), String> {
    let lists = calls(log, "list_features").filter_map(|call| call["names"].as_array());
    let names: Vec<_> = lists.flatten().filter_map(Value::as_str).collect();
    if names.len() < 100 {
        return Err(format!("expected a rectangle with at least 100 features, found {}", names.len()));
    }
    names.iter().try_for_each(|name| contains(printed, name))
}

fn shows_the_summary(printed: &str, log: &[Value]) -> Result<(), String> {
    let summary = calls(log, "record_route").next().ok_or("no route reached the server")?;
    if summary["point_count"] != 10 || summary["feature_count"] != 10 {
        return Err(format!("expected 10 points at 10 features, found {summary}"));
    }
    contains(printed, "10")?;
    contains(&printed.replace([',', '_'], ""), &summary["distance"].to_string())
}

fn shows_every_answer(printed: &str, log: &[Value]) -> Result<(), String> {
    let notes: Vec<_> = calls(log, "route_chat").collect();
    let answers: u64 = notes.iter().filter_map(|note| note["answers"].as_u64()).sum();
    if notes.len() != 5 || answers == 0 {
        return Err("expected five notes, some of them at the same point".to_owned());
    }
    let answered = (0..5).filter(|&i| notes[i + 1..].iter().any(|later| later["at"] == notes[i]["at"]));
    answered.filter_map(|i| notes[i]["message"].as_str()).try_for_each(|message| contains(printed, message))
}

pub fn calls<'a>(log: &'a [Value], method: &'static str) -> impl Iterator<Item = &'a Value> {
    log.iter().filter(move |call| call["method"] == method)
}

fn contains(printed: &str, expected: &str) -> Result<(), String> {
    if printed.contains(expected) { Ok(()) } else { Err(format!("expected the client to show {expected:?}")) }
}

fn fails(output: &Output, words: &[&str]) -> Result<(), String> {
    if output.succeeded() {
        return Err(format!("expected a non-zero exit code: {output}"));
    }
    match words.iter().find(|word| !output.stderr.contains(**word)) {
        None => Ok(()),
        Some(word) => Err(format!("expected {word:?} on standard error: {output}")),
    }
}

/// A server of grpcio with the features of our own database.
pub fn start(python: &Peer, options: &[&str]) -> Result<Server, String> {
    let mut script = python.script(&source("tests/interop/grpcio_server.py"));
    script.arg("--descriptors").arg(descriptors()?).arg("--db").arg(source("src/route_guide/features.json"));
    Server::start(script.args(options))
}

/// One run of our client.
fn client(address: SocketAddr, service: &str, command: &str) -> Result<Output, String> {
    let mut client = Command::new(env!("CARGO_BIN_EXE_client"));
    process::run(client.args(["--addr", &format!("http://{address}"), "--service", service, command]), CLIENT_TIME)
}
