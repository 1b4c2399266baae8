//! A tap between a program of ours and a peer, which judges what ours sends by the rules of the wire.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use crate::process::Process;
use crate::{START_TIME, STOP_TIME, loopback_address};

/// What passes through it is judged. Dropping it kills it.
pub struct Judged {
    tap: Process,
    pub address: SocketAddr,
    /// Which way ours sends, as the tap tells it.
    ours: &'static str,
}

impl Judged {
    /// Our client will call this server through it.
    pub fn client(server: SocketAddr) -> Result<Self, String> {
        Judged::start(server, "to_server")
    }

    /// This server is ours.
    pub fn server(server: SocketAddr) -> Result<Self, String> {
        Judged::start(server, "to_client")
    }

    fn start(to: SocketAddr, ours: &'static str) -> Result<Self, String> {
        let mut tap = Command::new(env!("CARGO_BIN_EXE_tap"));
        tap.args(["--listen", "127.0.0.1:0", "--to", &to.to_string(), "--json", "--check"]);
        let mut tap = Process::spawn(&mut tap)?;
        let address = tap.wait_for_error_line(START_TIME, "127.0.0.1:PORT", loopback_address)?;
        Ok(Judged { tap, address, ours })
    }

    /// An error if ours has broken a rule. What the peer breaks is told in `docs/peers.md`.
    pub fn verdict(self) -> Result<(), String> {
        self.tap.terminate()?;
        let output = self.tap.wait(STOP_TIME)?;
        let events = output.stdout.lines().map(serde_json::from_str::<Value>);
        let events: Vec<Value> = events.collect::<Result<_, _>>().map_err(|error| format!("{error}: {output}"))?;
        if !events.iter().any(|event| event["event"] == "checked") {
            return Err(format!("the tap has judged nothing: {output}"));
        }
        let ours = |event: &&Value| event["event"] == "broken" && event["direction"] == self.ours;
        let broken: Vec<String> = events.iter().filter(ours).map(Value::to_string).collect();
        if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
    }
}
