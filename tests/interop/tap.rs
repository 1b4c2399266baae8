//! The tap between programs of other stacks: it shows their four calls with names, values and status, and says of each
//! side's bytes that they follow the rules.

use std::path::PathBuf;
use std::process::Command;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::peers::{self, Peer};
use crate::process::Process;
use crate::{
    CLIENT_TIME, SERVICE, START_TIME, STOP_TIME, Server, descriptors, loopback_address, process, source, trial,
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

struct Shown {
    method: &'static str,
    request: &'static str,
    response: &'static str,
    requests: u64,
    responses: u64,
}

pub fn trials() -> Vec<Trial> {
    vec![
        trial("tap::between_grpcio_and_grpcio".into(), peers::python, |python| {
            let server = grpcio_server(python)?;
            between(&server, &mut grpcio_client(python)?)
        }),
        trial("tap::between_grpc_js_and_ours".into(), peers::node, |node| {
            let server = Server::start(Command::new(env!("CARGO_BIN_EXE_server")).args(["--addr", "127.0.0.1:0"]))?;
            between(&server, &mut grpc_js_client(node))
        }),
    ]
}

fn grpcio_server(python: &Peer) -> Result<Server, String> {
    let mut script = python.script(&source("tests/interop/grpcio_server.py"));
    script.arg("--descriptors").arg(descriptors()?).arg("--db").arg(source("src/route_guide/features.json"));
    Server::start(&mut script)
}

/// Makes the command of a client that calls this address with these checks.
type Client<'a> = Box<dyn FnMut(&str, &str) -> Command + 'a>;

fn grpcio_client(python: &Peer) -> Result<Client<'_>, String> {
    let descriptors = descriptors()?;
    Ok(Box::new(move |address, check| {
        let mut script = python.script(&source("tests/interop/grpcio_client.py"));
        script.args(["--address", address, "--service", SERVICE, "--descriptors"]).arg(&descriptors).arg(check);
        script
    }))
}

fn grpc_js_client(node: &Peer) -> Client<'_> {
    Box::new(|address, check| {
        let mut script = node.script(&source("tests/interop/grpc_js_client.js"));
        script.args(["--address", address, "--service", SERVICE, "--proto"]).arg(source("proto/route_guide.proto"));
        script.arg(check);
        script
    })
}

/// Makes the four calls through a tap, and holds what it tells against what was said.
fn between(server: &Server, client: &mut Client<'_>) -> Result<(), String> {
    let proto: PathBuf = source("proto/route_guide.proto");
    let mut tap = Command::new(env!("CARGO_BIN_EXE_tap"));
    tap.args(["--listen", "127.0.0.1:0", "--to", &server.address.to_string(), "--json", "--check", "--proto"])
        .arg(proto);
    let mut tap = Process::spawn(&mut tap)?;
    let address = tap.wait_for_error_line(START_TIME, "127.0.0.1:PORT", loopback_address)?.to_string();
    for (check, _) in &CALLS {
        let output = process::run(&mut client(&address, check), CLIENT_TIME)?;
        if !output.succeeded() {
            return Err(format!("{output}\n{}", tap.so_far()));
        }
    }
    tap.terminate()?;
    let output = tap.wait(STOP_TIME)?;
    let events: Vec<Value> =
        output.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    for (_, shown) in &CALLS {
        shown.is_in(&events)?;
    }
    let broken: Vec<String> = events.iter().filter(|event| event["event"] == "broken").map(Value::to_string).collect();
    if broken.is_empty() && output.succeeded() {
        Ok(())
    } else {
        Err(format!("{}\n{}", broken.join("\n"), output.stderr))
    }
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
