//! Clients of other stacks against our server: a script runs one check a trial and judges the answers itself.

use std::ffi::OsString;

use libtest_mimic::Trial;

use crate::judged::Judged;
use crate::{CLIENT_TIME, SERVICE, SERVICES, Server, descriptors, peers, peers::Peer, process, source, trial};

/// Checks of the four methods, known to both scripts by these names. They run under both names of the service.
const OF_THE_METHODS: [&str; 12] = [
    "get_feature_of_the_trail",
    "get_feature_where_nothing_is_known",
    "list_features_of_a_rectangle",
    "list_features_with_swapped_corners",
    "list_features_of_a_single_point",
    "record_route_of_10_known_points",
    "record_route_of_100_000_points_in_a_frame_each",
    "record_route_of_no_points",
    "route_chat_of_five_notes",
    "route_chat_answers_while_it_is_open",
    "route_chat_shares_nothing_between_calls",
    "route_chat_with_a_note_of_1_mib",
];

/// Checks of what surrounds the methods.
const OF_THE_CALL: [&str; 9] = [
    "unknown_method_is_unimplemented",
    "unknown_service_is_unimplemented",
    "deadline_ends_an_endless_chat",
    "cancelled_calls_leave_the_channel_alone",
    "metadata_does_no_harm",
    "concurrent_calls_over_one_channel",
    "twenty_routes_of_10_000_points_in_a_frame_each_in_bounded_memory",
    "request_over_4_mib_is_resource_exhausted",
    "note_over_4_mib_is_resource_exhausted",
];

/// The check that sends SIGTERM to the server itself.
const OF_THE_STOP: &str = "sigterm_lets_a_running_chat_end";

/// Without a tap that judges: it would explain 100,000 frames and more, or still accept where the server does no longer.
const UNJUDGED: [&str; 3] = [
    "record_route_of_100_000_points_in_a_frame_each",
    "twenty_routes_of_10_000_points_in_a_frame_each_in_bounded_memory",
    OF_THE_STOP,
];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for client in [GRPCIO, GRPC_JS] {
        for (service, path) in SERVICES {
            trials.extend(OF_THE_METHODS.map(|check| client.trial(path, service, check)));
        }
        trials.extend(OF_THE_CALL.map(|check| client.trial("", SERVICE, check)));
        trials.push(client.trial("", SERVICE, OF_THE_STOP));
    }
    trials
}

/// A script that calls a server with a stack of its own.
#[derive(Clone, Copy)]
struct Client {
    name: &'static str,
    file: &'static str,
    peer: fn() -> Result<&'static Peer, String>,
    /// The option that tells the script of the messages and methods.
    schema: fn() -> Result<[OsString; 2], String>,
}

const GRPCIO: Client = Client {
    name: "grpcio_client",
    file: "tests/interop/grpcio_client.py",
    peer: peers::python,
    schema: || Ok(["--descriptors".into(), descriptors()?.into()]),
};

const GRPC_JS: Client = Client {
    name: "grpc_js_client",
    file: "tests/interop/grpc_js_client.js",
    peer: peers::node,
    schema: || Ok(["--proto".into(), source("proto/route_guide.proto").into()]),
};

impl Client {
    fn trial(self, path: &str, service: &'static str, check: &'static str) -> Trial {
        trial(format!("{}::{path}{check}", self.name), self.peer, move |peer| {
            let server = Server::ours()?;
            let judged = if UNJUDGED.contains(&check) { None } else { Some(Judged::server(server.address)?) };
            let address = judged.as_ref().map_or(server.address, |judged| judged.address);
            let mut script = peer.script(&source(self.file));
            script
                .args(["--address", &address.to_string(), "--service", service])
                .args(["--server-pid", &server.process.id().to_string()])
                .args((self.schema)()?)
                .arg(check);
            let output = process::run(&mut script, CLIENT_TIME)?;
            if !output.succeeded() {
                return Err(format!("{output}\n{}", server.process.so_far()));
            }
            let stopped = if check == OF_THE_STOP { server.stopped() } else { server.stop() };
            stopped?;
            judged.map_or(Ok(()), Judged::verdict)
        })
    }
}
