//! The tap between programs, at least one of them of another stack: it shows their four calls with names, values, bytes and
//! status, passes each side's bytes on unchanged, and says that they follow the rules.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::our_client::start;
use crate::peers::{self, Peer};
use crate::process::Process;
use crate::relay::{Passed, Relay};
use crate::{
    CLIENT_TIME, SERVICE, START_TIME, STOP_TIME, Server, descriptors, loopback_address, process, source, tonic, trial,
};

/// A check of each method, and what must be shown of it: method, a message each way as JSON, and how many there are.
const CALLS: [(&str, Shown); 4] = [
    (
        "get_feature_of_the_trail",
        Shown {
            method: "GetFeature",
            request: r#"{"latitude":409146138,"longitude":-746188906}"#,
            response: r#"{"location":{"latitude":409146138,"longitude":-746188906},"name":"Berkshire Valley Management Area Trail, Jefferson, NJ, USA"}"#,
            requests: 1,
            responses: 1,
        },
    ),
    (
        "list_features_of_a_rectangle",
        Shown {
            method: "ListFeatures",
            request: r#"{"hi":{"latitude":420000000,"longitude":-730000000},"lo":{"latitude":400000000,"longitude":-750000000}}"#,
            response: r#"{"location":{"latitude":409146138,"longitude":-746188906},"name":"Berkshire Valley Management Area Trail, Jefferson, NJ, USA"}"#,
            requests: 1,
            responses: 100,
        },
    ),
    (
        "record_route_of_10_known_points",
        Shown {
            method: "RecordRoute",
            request: "",
            response: r#""feature_count":10,"point_count":10"#,
            requests: 10,
            responses: 1,
        },
    ),
    (
        "route_chat_of_five_notes",
        Shown {
            method: "RouteChat",
            // grpc-js writes a latitude of 0 too.
            request: r#""longitude":3},"message":"note 5"}"#,
            response: r#""longitude":3},"message":"note 3"}"#,
            requests: 5,
            responses: 2,
        },
    ),
];

#[derive(Clone, Copy)]
struct Shown {
    method: &'static str,
    request: &'static str,
    response: &'static str,
    requests: u64,
    responses: u64,
}

/// What our own client says.
const OURS: [(&str, Shown); 4] = [
    ("get-feature 409146138 -746188906", CALLS[0].1),
    ("list-features", CALLS[1].1),
    ("record-route", CALLS[2].1),
    (
        "route-chat",
        Shown { request: r#""message":"Fifth message""#, response: r#""message":"Third message""#, ..CALLS[3].1 },
    ),
];

pub fn trials() -> Vec<Trial> {
    vec![
        trial("tap::between_grpcio_and_grpcio".into(), peers::python, |python| {
            between(&start(python, &[])?, &CALLS, &grpcio_client(python)?)
        }),
        trial("tap::between_grpc_js_and_ours".into(), peers::node, |node| {
            between(&Server::ours()?, &CALLS, &grpc_js_client(node))
        }),
        trial("tap::between_tonic_and_ours".into(), tonic::tonic, |tonic| {
            between(&Server::ours()?, &CALLS, &|address, check| tonic.client(address, check))
        }),
        trial("tap::between_ours_and_tonic".into(), tonic::tonic, |tonic| {
            between(&tonic.server()?, &OURS, &|address, call| {
                let mut client = Command::new(env!("CARGO_BIN_EXE_client"));
                client.args(["--addr", &format!("http://{address}")]).args(call.split(' '));
                client
            })
        }),
    ]
}

/// Makes the command of a client that makes a call to this address.
type Client<'a> = dyn Fn(SocketAddr, &str) -> Command + 'a;

pub fn grpcio_client(python: &Peer) -> Result<Box<Client<'_>>, String> {
    let descriptors = descriptors()?;
    Ok(Box::new(move |address, check| {
        let mut script = python.script(&source("tests/interop/grpcio_client.py"));
        script.args(["--address", &address.to_string(), "--service", SERVICE, "--descriptors"]);
        script.arg(&descriptors).arg(check);
        script
    }))
}

pub fn grpc_js_client(node: &Peer) -> Box<Client<'_>> {
    Box::new(|address, check| {
        let mut script = node.script(&source("tests/interop/grpc_js_client.js"));
        script.args(["--address", &address.to_string(), "--service", SERVICE, "--proto"]);
        script.arg(source("proto/route_guide.proto")).arg(check);
        script
    })
}

/// Makes the four calls through a tap, and holds what it tells against what was said. A relay on each side of the tap
/// knows the bytes.
fn between(server: &Server, calls: &[(&str, Shown)], client: &Client<'_>) -> Result<(), String> {
    let behind = Relay::to(server.address)?;
    let mut tap = Command::new(env!("CARGO_BIN_EXE_tap"));
    tap.args(["--listen", "127.0.0.1:0", "--to", &behind.address.to_string(), "--json", "--bytes", "--check"]);
    tap.arg("--proto").arg(source("proto/route_guide.proto"));
    let mut tap = Process::spawn(&mut tap)?;
    let before = Relay::to(tap.wait_for_error_line(START_TIME, "127.0.0.1:PORT", loopback_address)?)?;
    for (call, _) in calls {
        let output = process::run(&mut client(before.address, call), CLIENT_TIME)?;
        if !output.succeeded() {
            return Err(format!("{output}\n{}", tap.so_far()));
        }
    }
    let (given, taken) = (before.passed(STOP_TIME)?, behind.passed(STOP_TIME)?);
    tap.terminate()?;
    let output = tap.wait(STOP_TIME)?;
    let events: Vec<Value> =
        output.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    calls.iter().try_for_each(|(_, shown)| shown.is_in(&events))?;
    if given != taken {
        return Err("the bytes before the tap are not those behind it".to_owned());
    }
    if shown_bytes(&events)? != given {
        return Err("the bytes that the tap shows are not those that passed".to_owned());
    }
    let broken: Vec<String> = events.iter().filter(|event| event["event"] == "broken").map(Value::to_string).collect();
    if broken.is_empty() && output.succeeded() {
        Ok(())
    } else {
        Err(format!("{}\n{}", broken.join("\n"), output.stderr))
    }
}

/// The bytes of the frames that the tap has shown, of each connection.
fn shown_bytes(events: &[Value]) -> Result<Vec<Passed>, String> {
    let mut connections: BTreeMap<u64, Passed> = BTreeMap::new();
    for frame in events.iter().filter(|event| event["event"] == "frame") {
        let way = usize::from(frame["direction"] == "to_client");
        let shown = &mut connections.entry(frame["connection"].as_u64().unwrap_or_default()).or_default()[way];
        if frame["offset"].as_u64() != Some(shown.len() as u64) {
            return Err(format!("after {} bytes comes {frame}", shown.len()));
        }
        let text = frame["bytes"].as_str().unwrap_or_default().as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = text.chunks(2).map(byte).collect();
        shown.extend(bytes.ok_or_else(|| format!("no bytes: {frame}"))?);
    }
    let mut connections: Vec<Passed> = connections.into_values().collect();
    connections.sort();
    Ok(connections)
}

impl Shown {
    fn is_in(&self, events: &[Value]) -> Result<(), String> {
        let method = self.method;
        let named = |event: &&Value, name: &str| event["event"] == name;
        let call = events.iter().find(|event| named(event, "call") && event["method"] == method);
        let call = call.ok_or_else(|| format!("no call of {method}"))?;
        let own = |event: &&Value| event["connection"] == call["connection"] && event["stream"] == call["stream"];
        let messages = |direction: &'static str| {
            let own = events.iter().filter(own).filter(move |event| event["direction"] == direction);
            own.filter(|event| event["event"] == "message")
                .map(|event| event["message"].to_string())
                .collect::<Vec<_>>()
        };
        for (direction, text) in [("to_server", self.request), ("to_client", self.response)] {
            if !messages(direction).iter().any(|message| message.contains(text)) {
                return Err(format!("{method}: {text} is not in {:?}", messages(direction)));
            }
        }
        let end = events.iter().filter(own).find(|event| named(event, "call_end"));
        let end = end.ok_or_else(|| format!("{method} does not end"))?;
        let (requests, responses) = (&end["messages"]["to_server"], &end["messages"]["to_client"]);
        let enough = requests.as_u64() == Some(self.requests) && responses.as_u64() >= Some(self.responses);
        if end["status_name"] == "OK" && enough { Ok(()) } else { Err(format!("{method} ends with {end}")) }
    }
}
