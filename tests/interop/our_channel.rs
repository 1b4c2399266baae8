//! The library's channel against a server of grpcio that ends its connections, allows few calls, or is started again. The
//! server logs each call, so a call that is carried out twice shows too.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use h2grpc::call::CallOptions;
use h2grpc::client::Channel;
use h2grpc::limits::ClientLimits;
use h2grpc::policy::RetryPolicy;
use h2grpc::route_guide::{Point, RouteGuideClient, RouteNote};
use h2grpc::status::{Code, Status};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::checked;
use crate::our_client::{calls, log, start};
use crate::{Server, peers, peers::Peer, trial};

/// How long anything may take: only what hangs needs it all.
const PATIENCE: Duration = Duration::from_secs(120);

/// With what a trial has to do.
type Check = fn(&Peer) -> Result<(), String>;

const CHECKS: [(&str, Check); 6] = [
    ("max_connection_age_loses_no_call_and_repeats_none", max_connection_age),
    ("limit_of_1_stream_lets_200_calls_at_once_pass_with_the_retry_policy", |python| limit_of_streams(python, 1)),
    ("limit_of_10_streams_lets_200_calls_at_once_pass_with_the_retry_policy", |python| limit_of_streams(python, 10)),
    ("restart_loses_no_call_that_waits_for_ready_and_has_a_retry_policy", restart),
    ("successor_on_the_same_port_loses_no_call_with_the_retry_policy", successor),
    ("too_many_pings_is_told_to_the_call_in_flight_and_loses_no_other", too_many_pings),
];

pub fn trials() -> Vec<Trial> {
    let trials = CHECKS.into_iter();
    trials.map(|(name, check)| trial(format!("grpcio_server::{name}"), peers::python, check)).collect()
}

/// Runs `future` on a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| Err(format!("not over within {PATIENCE:?}")))
    })
}

fn channel(server: &Server) -> Result<Channel, String> {
    let target = server.address.to_string().parse().map_err(|status: Status| status.to_string())?;
    Ok(checked::calling(Channel::new(target)))
}

fn client(server: &Server) -> Result<RouteGuideClient, String> {
    Ok(RouteGuideClient::new(channel(server)?))
}

/// Asks for `count` features, each at another place, `at_once` of them at a time.
async fn features(client: RouteGuideClient, count: i32, at_once: usize) -> Result<(), String> {
    counted(client, count, at_once, &AtomicI32::new(0)).await
}

/// The same, and counts those that have `begun`.
async fn counted(client: RouteGuideClient, count: i32, at_once: usize, begun: &AtomicI32) -> Result<(), String> {
    let calls = stream::iter(0..count).map(|latitude| {
        begun.store(latitude, Relaxed);
        let call = client.get_feature(Point { latitude, longitude: -7 });
        async move { (latitude, call.await) }
    });
    let (mut lost, mut calls) = (Vec::new(), calls.buffer_unordered(at_once));
    while let Some((latitude, answer)) = calls.next().await {
        match answer {
            Ok(answer) if answer.message.location.is_some_and(|point| point.latitude == latitude) => {}
            Ok(answer) => return Err(format!("call {latitude} has another's answer: {answer:?}")),
            Err(status) => lost.push(status),
        }
    }
    match lost.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} of {count} calls lost, such as {first}", lost.len())),
    }
}

/// How often each place was asked for.
fn asked(log: &[Value]) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for call in calls(log, "get_feature") {
        *asked.entry(call["at"].to_string()).or_default() += 1;
    }
    asked
}

/// Each of `count` places must have been asked for once.
fn each_once(log: &[Value], count: usize) -> Result<(), String> {
    let asked = asked(log);
    match asked.iter().find(|(_, times)| **times != 1) {
        Some((place, times)) => Err(format!("the server was asked {times} times for {place}")),
        None if asked.len() == count => Ok(()),
        None => Err(format!("the server was asked for {} places, expected {count}", asked.len())),
    }
}

fn max_connection_age(python: &Peer) -> Result<(), String> {
    let server = start(python, &["--option", "grpc.max_connection_age_ms=200"])?;
    block_on(features(client(&server)?, 3_000, 10))?;
    let log = log(&server.stop()?);
    each_once(&log, 3_000)?;
    let mut peers: Vec<_> = calls(&log, "get_feature").map(|call| call["peer"].to_string()).collect();
    peers.sort_unstable();
    peers.dedup();
    if peers.len() < 3 {
        return Err(format!("expected several connections, found {peers:?}"));
    }
    Ok(())
}

/// grpcio counts a stream for a moment longer than it is open, and refuses the next one. Its own client loses calls that
/// are refused twice; here the retry policy takes care of them.
fn limit_of_streams(python: &Peer, most: usize) -> Result<(), String> {
    let server = start(python, &["--option", &format!("grpc.max_concurrent_streams={most}")])?;
    block_on(features(client(&server)?.with(CallOptions::new().retry(RetryPolicy::default())), 200, 200))?;
    each_once(&log(&server.stop()?), 200)
}

/// Calls without a pause, and has `replace` put another server in the place of the first meanwhile.
fn calls_across(
    client: RouteGuideClient, replace: impl FnOnce() -> Result<(Vec<Value>, Server), String>,
) -> Result<(), String> {
    let begun = AtomicI32::new(0);
    let (replaced, ended) = thread::scope(|scope| {
        let load = scope.spawn(|| block_on(counted(client, 3_000, 10, &begun)));
        while begun.load(Relaxed) < 500 && !load.is_finished() {
            thread::sleep(Duration::from_millis(5));
        }
        let replaced = replace();
        (replaced, load.join().unwrap_or_else(|_| Err("the calls panicked".to_owned())))
    });
    let (mut all, next) = replaced?;
    ended?;
    all.extend(log(&next.stop()?));
    match asked(&all).len() {
        3_000 => Ok(()),
        places => Err(format!("both servers were asked for {places} places, expected 3000")),
    }
}

fn start_at(python: &Peer, port: u16) -> Result<Server, String> {
    start(python, &["--port", &port.to_string()])
}

/// A grpcio server that is stopped may end calls that it has not begun with CANCELLED, so a policy for it names that too.
fn persistent() -> CallOptions {
    CallOptions::new().retry(RetryPolicy::default().retryable_codes([Code::UNAVAILABLE, Code::CANCELLED]))
}

/// The next server starts when the first has ended.
fn restart(python: &Peer) -> Result<(), String> {
    let server = start(python, &[])?;
    let port = server.address.port();
    calls_across(client(&server)?.with(persistent().wait_for_ready(true)), || {
        Ok((log(&server.stop()?), start_at(python, port)?))
    })
}

/// The next server listens beside the first one before that is stopped: grpcio shares its port (SO_REUSEPORT).
fn successor(python: &Peer) -> Result<(), String> {
    let server = start(python, &[])?;
    let port = server.address.port();
    calls_across(client(&server)?.with(persistent()), || {
        let next = start_at(python, port)?;
        Ok((log(&server.stop()?), next))
    })
}

/// PINGs each second are too many for grpcio, which allows one in five minutes: it ends the connection. The limit of one
/// stream has other calls wait meanwhile.
fn too_many_pings(python: &Peer) -> Result<(), String> {
    let server = start(python, &["--option", "grpc.max_concurrent_streams=1"])?;
    let limits = ClientLimits::default().keepalive_interval(Some(Duration::from_secs(1)));
    let client = RouteGuideClient::new(channel(&server)?.limits(limits));
    block_on(async {
        let (mut notes, mut answers) = client.route_chat().await.map_err(|status| status.to_string())?;
        let location = Some(Point { latitude: 1, longitude: 2 });
        let _ = notes.send(RouteNote { location, message: "a long silence follows".to_owned() }).await;
        // grpcio refuses some of 50 calls at once though they keep to its limit, and some of them twice.
        let patient = client.with(CallOptions::new().retry(RetryPolicy::default()));
        let waiting = tokio::spawn(features(patient, 50, 50));
        // The reason is that of the GOAWAY, or of the status that grpcio ends the call with just before.
        let tells = |status: &Status| status.message().to_lowercase().replace('_', " ").contains("too many pings");
        match answers.next().await {
            Err(status) if status.code() == Code::UNAVAILABLE && tells(&status) => {}
            other => return Err(format!("expected UNAVAILABLE for too many pings, found {other:?}")),
        }
        waiting.await.map_err(|error| error.to_string())?
    })?;
    each_once(&log(&server.stop()?), 50)
}
