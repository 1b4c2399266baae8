//! The `server` binary as others run it: ten thousand calls, clients that do not read, vanish or say nothing, signals,
//! and settings that are wrong. What it holds in memory, and how it ends, is seen from outside.
#![cfg(target_os = "linux")]

mod common;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;
#[path = "common/served.rs"]
mod served;

use std::fs;
use std::io::{BufWriter, Write};
use std::time::Duration;

use bytes::Bytes;
use common::checked::{Ours, at_client};
use common::{Answer, Running, call, connect, connect_with, frame, head, limits, read, soon};
use h2grpc::call::Responses;
use h2grpc::route_guide::geo::distance;
use h2grpc::route_guide::{Feature, Features, Point, Rectangle, RouteGuideClient, RouteNote};
use h2grpc::server::Server;
use h2grpc::wire::code::Code;
use served::{PATIENCE, Scratch, Served, client, command, refusal};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const GET: &str = "/routeguide.RouteGuide/GetFeature";
const LIST: &str = "/routeguide.RouteGuide/ListFeatures";
const RECORD: &str = "/routeguide.RouteGuide/RecordRoute";
const CHAT: &str = "/routeguide.RouteGuide/RouteChat";

const MIB: u64 = 1024 * 1024;

fn point(latitude: i32, longitude: i32) -> Point {
    Point { latitude, longitude }
}

fn note(text: impl Into<String>) -> RouteNote {
    RouteNote { location: Some(point(1, 2)), message: text.into() }
}

/// The features of the program's own data set, in order.
fn embedded() -> Vec<Feature> {
    let features = Features::embedded();
    (0..features.len()).map(|index| features.get(index)).collect()
}

async fn collect<T: prost::Message + Default>(mut answers: Responses<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(answer) = soon(answers.next()).await.unwrap() {
        all.push(answer);
    }
    all
}

/// Ten thousand times `one`, 100 at a time, over one connection. What the server holds after the tenth thousand is what
/// it held after the second, give or take 2 MiB: a leak of 260 bytes a call would show.
async fn ten_thousand<F: Future<Output = ()> + Send + 'static>(one: impl Fn(RouteGuideClient, usize) -> F) {
    let served = Served::start(&[]);
    let client = served.client();
    let descriptors = served.descriptors() + 1;
    let mut resident = Vec::new();
    for numbers in [0..2000, 2000..10_000] {
        let mut calls = JoinSet::new();
        for number in numbers {
            if calls.len() == 100 {
                calls.join_next().await.unwrap().unwrap();
            }
            calls.spawn(one(client.clone(), number));
        }
        while let Some(ended) = calls.join_next().await {
            ended.unwrap();
        }
        resident.push(served.resident());
    }
    let [early, late] = resident[..] else { unreachable!() };
    println!("resident: {early} bytes after 2,000 calls, {late} after 10,000");
    assert!(late <= early + 2 * MIB, "{early} bytes after 2,000 calls, {late} after 10,000");
    assert!(served.descriptors() <= descriptors, "more than one connection");
    drop(client);
    served.terminate().await;
    served.ended_well().await;
}

#[tokio::test]
async fn ten_thousand_calls_a_shape_over_one_connection_unary() {
    let known = std::sync::Arc::new(embedded());
    ten_thousand(move |client, number| {
        let known = known.clone();
        async move {
            let expected = match number % 2 {
                0 => known[number / 2 % known.len()].clone(),
                _ => Feature { name: String::new(), location: Some(point(number as i32, -7)) },
            };
            let answer = soon(client.get_feature(expected.location.unwrap())).await.unwrap();
            assert_eq!(answer.message, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_calls_a_shape_over_one_connection_server_streaming() {
    let known = std::sync::Arc::new(embedded());
    ten_thousand(move |client, number| {
        let known = known.clone();
        async move {
            // A narrow strip; now and then everything.
            let south = if number % 50 == 0 { 400_000_000 } else { 400_000_000 + (number % 1000) as i32 * 20_000 };
            let north = if number % 50 == 0 { 420_000_000 } else { south + 500_000 };
            let area = Rectangle { lo: Some(point(south, -750_000_000)), hi: Some(point(north, -730_000_000)) };
            let inside = |feature: &&Feature| (south..=north).contains(&feature.location.unwrap().latitude);
            let answers = collect(soon(client.list_features(area)).await.unwrap()).await;
            assert!(answers.iter().eq(known.iter().filter(inside)), "{} features in {area:?}", answers.len());
        }
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_calls_a_shape_over_one_connection_client_streaming() {
    let known = std::sync::Arc::new(embedded());
    ten_thousand(move |client, number| {
        let known = known.clone();
        async move {
            let (mut points, summary) = soon(client.record_route()).await.unwrap();
            // Some points where nothing is; the fourth is a known place, so there are a way there and a way back.
            let (count, place) = (number % 7, known[number % known.len()].location.unwrap());
            for index in 0..count {
                soon(points.send(if index == 3 { place } else { point(0, 0) })).await.unwrap();
            }
            soon(points.finish()).await.unwrap();
            let summary = soon(summary.response()).await.unwrap().message;
            assert_eq!((summary.point_count, summary.feature_count), (count as i32, i32::from(count > 3)));
            let ways = count.saturating_sub(3).min(2) as f64;
            assert_eq!(summary.distance, (ways * distance(&point(0, 0), &place)) as i32, "{count} points");
        }
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_calls_a_shape_over_one_connection_bidirectional() {
    ten_thousand(|client, number| async move {
        let (mut notes, mut answers) = soon(client.route_chat()).await.unwrap();
        for round in 0..number % 5 {
            soon(notes.send(note(format!("{number} {round}")))).await.unwrap();
            for earlier in 0..round {
                assert_eq!(soon(answers.next()).await.unwrap(), Some(note(format!("{number} {earlier}"))));
            }
        }
        soon(notes.finish()).await.unwrap();
        assert_eq!(soon(answers.next()).await.unwrap(), None);
    })
    .await;
}

/// A database of a million features on two meridians: the even ones on 0, the odd ones on 1.
fn million() -> Scratch {
    let scratch = Scratch::new("million.json");
    let mut file = BufWriter::new(fs::File::create(&scratch.0).unwrap());
    for index in 0..1_000_000 {
        let (start, east) = (if index == 0 { "[" } else { ",\n" }, index % 2);
        write!(file, r#"{start}{{"location":{{"latitude":{index},"longitude":{east}}},"name":"Place {index}"}}"#)
            .unwrap();
    }
    file.write_all(b"]").unwrap();
    file.flush().unwrap();
    scratch
}

#[tokio::test]
async fn one_client_that_never_reads_a_million_features_costs_no_memory_and_holds_up_no_other_call() {
    let database = million();
    let served = Served::start(&["--db", database.path()]);
    assert_eq!(served.features, 1_000_000);

    let mut settings = h2::client::Builder::new();
    settings.initial_window_size(65_535).initial_connection_window_size(1 << 20);
    let mut requests = connect_with(served.address(), &settings).await;
    let some = |requests: &h2::client::SendRequest<Bytes>| {
        let mut requests = requests.clone();
        async move {
            for index in 0..300 {
                let body = [frame(&point(index * 1000, 0))];
                let answer: Answer = soon(call(&mut requests, head(GET).body(()).unwrap(), body)).await.unwrap();
                assert_eq!(answer.code(), 0);
                let name = format!("Place {}", index * 1000);
                assert!(answer.body.windows(name.len()).any(|part| part == name.as_bytes()), "{answer:?}");
            }
        }
    };
    some(&requests).await;
    let before = served.resident();

    // Everything, which is one run of the database, and every second feature, which is 500,000 of them.
    let mut unread = Vec::new();
    for east in [1, 0] {
        let area = Rectangle { lo: Some(point(0, 0)), hi: Some(point(i32::MAX, east)) };
        let (response, mut stream) = requests.send_request(head(LIST).body(()).unwrap(), false).unwrap();
        stream.send_data(frame(&area), true).unwrap();
        unread.push(soon(response).await.unwrap());
        requests = soon(requests.ready()).await.unwrap();
        some(&requests).await;
        let after = served.resident();
        println!("resident: {before} bytes before, {after} with {} calls that are not read", unread.len());
        assert!(after < before + 8 * MIB, "{before} bytes before, {after} with {} unread", unread.len());
    }

    // One more, whose deadline ends it: its client sees what was sent until then, and the reset.
    let area = Rectangle { lo: Some(point(0, 0)), hi: Some(point(i32::MAX, 1)) };
    let request = head(LIST).header("grpc-timeout", "2S").body(()).unwrap();
    let (response, mut stream) = requests.send_request(request, false).unwrap();
    stream.send_data(frame(&area), true).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    let mut received = 0;
    let error = soon(async {
        loop {
            match body.data().await {
                Some(Ok(chunk)) => received += chunk.len(), // and gives no window back
                Some(Err(error)) => break error,
                None => panic!("the stream ended after {received} bytes"),
            }
        }
    })
    .await;
    assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
    assert!((1..=65_535).contains(&received), "{received} bytes");
    requests = soon(requests.ready()).await.unwrap();
    some(&requests).await;
    let after = served.resident();
    assert!(after < before + 8 * MIB, "{before} bytes before, {after} after the deadline");

    // Read after all, the first one is whole.
    let mut body = unread.remove(0).into_body();
    let mut bytes = 0;
    while let Some(chunk) = soon(body.data()).await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        bytes += chunk.len();
    }
    assert_eq!(soon(body.trailers()).await.unwrap().unwrap()["grpc-status"], "0");
    assert!(bytes > 20_000_000, "{bytes} bytes");
}

#[tokio::test]
async fn few_features_with_long_names_that_are_never_read_cost_no_memory_either() {
    let scratch = Scratch::new("long.json");
    let name = "x".repeat(1 << 20);
    let feature = |index| format!(r#"{{"location":{{"latitude":{index},"longitude":0}},"name":"{name}"}}"#);
    fs::write(&scratch.0, format!("[{}]", (0..40).map(feature).collect::<Vec<_>>().join(","))).unwrap();
    let served = Served::start(&["--db", scratch.path()]);
    let mut settings = h2::client::Builder::new();
    settings.initial_window_size(65_535).initial_connection_window_size(1 << 20);
    let mut requests = connect_with(served.address(), &settings).await;
    let area = Rectangle { lo: Some(point(0, 0)), hi: Some(point(i32::MAX, 0)) };
    let before = served.resident();
    let mut unread = Vec::new();
    for _ in 0..4 {
        let (response, mut stream) = requests.send_request(head(LIST).body(()).unwrap(), false).unwrap();
        stream.send_data(frame(&area), true).unwrap();
        unread.push(soon(response).await.unwrap());
        requests = soon(requests.ready()).await.unwrap();
    }
    // Answered after them, so that what they hold they hold by now.
    let answer: Answer = soon(call(&mut requests, head(GET).body(()).unwrap(), [frame(&point(1, 1))])).await.unwrap();
    assert_eq!(answer.code(), 0);
    let after = served.resident();
    assert!(after < before + 8 * MIB, "{before} bytes before, {after} with {} unread", unread.len());
}

#[tokio::test]
async fn sigterm_during_a_running_stream_lets_it_end_with_its_own_status_and_exits_with_0() {
    let served = Served::start(&["--addr", "127.0.0.1:0"]);
    let client = served.client();
    let (mut points, summary) = client.record_route().await.unwrap();
    points.send(point(0, 0)).await.unwrap();
    let (mut notes, mut answers) = client.route_chat().await.unwrap();
    for text in ["one", "two"] {
        notes.send(note(text)).await.unwrap();
    }
    assert_eq!(soon(answers.next()).await.unwrap(), Some(note("one")));
    // One more, which will fail: it must do so with its own status and not with one of the stop.
    let (mut far, too_far) = client.record_route().await.unwrap();
    far.send(point(0, 0)).await.unwrap();

    served.terminate().await;
    let status = soon(served.client().get_feature(point(0, 0))).await.unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");

    notes.send(note("three")).await.unwrap();
    for text in ["one", "two"] {
        assert_eq!(soon(answers.next()).await.unwrap(), Some(note(text)));
    }
    notes.finish().await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), None);
    points.send(point(0, 10_000_000)).await.unwrap();
    points.finish().await.unwrap();
    let summary = soon(summary.response()).await.unwrap().message;
    assert_eq!((summary.point_count, summary.distance), (2, 111_194));
    for hop in 0..108 {
        far.send(point(0, if hop % 2 == 0 { 1_800_000_000 } else { 0 })).await.unwrap();
    }
    far.finish().await.unwrap();
    assert_eq!(soon(too_far.response()).await.unwrap_err().code(), Code::OUT_OF_RANGE);
    served.ended_well().await;
}

#[tokio::test]
async fn sigterm_with_a_stream_that_never_ends_cuts_it_off_after_the_drain_timeout_and_exits_with_0() {
    let served = Served::start(&["--drain-timeout", "1"]);
    let (mut notes, mut answers) = served.client().route_chat().await.unwrap();
    for text in ["one", "two"] {
        notes.send(note(text)).await.unwrap();
    }
    assert_eq!(soon(answers.next()).await.unwrap(), Some(note("one")));
    served.terminate().await;
    let status = soon(answers.next()).await.unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
    let output = tokio::task::spawn_blocking(|| served.process.wait(PATIENCE)).await.unwrap().unwrap();
    assert!(output.succeeded(), "{output}");
    // The time-out is told by the server itself: no clock is asked.
    assert!(output.stderr.contains("did not leave within 1s after GOAWAY"), "{output}");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_connection_that_never_said_a_word() {
    // The handshake's own time-out is out of the way, and the drain time-out alone may end it.
    let running = Running::start(Server::new().limits(limits(|limits| {
        limits.handshake_timeout = Duration::from_secs(3600);
        limits.drain_timeout = Duration::from_millis(100);
    })));
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut spoken = connect(running.address).await;
    // A later connection has been answered, so the silent one was accepted.
    assert_eq!(soon(call(&mut spoken, head(GET).body(()).unwrap(), [])).await.unwrap().code(), 12);
    soon(running.stop()).await.unwrap().unwrap();
    while !matches!(soon(silent.read(&mut [0; 64])).await, Ok(0) | Err(_)) {}
}

#[tokio::test]
async fn clients_that_vanish_or_say_nothing_leave_nothing_behind() {
    // On one thread: with several, each has a heap of its own, which grows to its full size only after many rounds.
    let served = Served::start(&["--workers", "1"]);
    let descriptors = served.descriptors();
    let mut silent = TcpStream::connect(served.address()).await.unwrap();
    // The first rounds make the server's heap what two hundred connections at once need, however they overlap.
    let mut resident = Vec::new();
    for _ in 0..15 {
        vanish(&served).await;
        served.until_descriptors(descriptors + 1).await;
        resident.push(served.resident());
    }
    println!("resident bytes after each round of 200 lost clients: {resident:?}");
    // The allocator gives back within some seconds what is free.
    let mut looks = 0;
    while served.resident() > resident[4] + MIB {
        assert!(
            looks < 300,
            "{} bytes resident, and after each round of 200 lost clients: {resident:?}",
            served.resident()
        );
        looks += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut requests = served.connect().await;
    let body = [frame(&point(1, 1))];
    assert_eq!(soon(call(&mut requests, head(GET).body(()).unwrap(), body)).await.unwrap().code(), 0);
    drop(requests);

    // Nothing came within the handshake's time-out: it is closed.
    while !matches!(soon(silent.read(&mut [0; 64])).await, Ok(0) | Err(_)) {}
    served.until_descriptors(descriptors).await;
    served.terminate().await;
    served.ended_well().await;
}

/// Two hundred clients at once whose sockets close in the middle of a call of each shape, some of them with answers
/// unread.
async fn vanish(served: &Served) {
    let everything = frame(&Rectangle { lo: Some(point(i32::MIN, i32::MIN)), hi: Some(point(i32::MAX, i32::MAX)) });
    let mut clients = Vec::new();
    for index in 0..200 {
        let stream = TcpStream::connect(served.address()).await.unwrap();
        let (requests, connection) = h2::client::handshake(at_client(stream, Ours::Server)).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut requests = soon(requests.ready()).await.unwrap();
        let mut calls = Vec::new();
        for (path, message) in [
            (GET, frame(&point(index, 0)).slice(..3)),
            (LIST, everything.clone()),
            (RECORD, frame(&point(index, 0))),
            (CHAT, [frame(&note("one")), frame(&note("two"))].concat().into()),
        ] {
            let (response, mut stream) = requests.send_request(head(path).body(()).unwrap(), false).unwrap();
            stream.send_data(message, false).unwrap();
            calls.push((response, stream));
            requests = soon(requests.ready()).await.unwrap();
        }
        // A call that is answered shows that those before it have begun.
        let (response, mut stream) = requests.send_request(head(GET).body(()).unwrap(), false).unwrap();
        stream.send_data(frame(&point(index, 0)), true).unwrap();
        assert_eq!(read(response).await.unwrap().code(), 0);
        clients.push((connection, calls));
    }
    for (connection, _calls) in clients {
        connection.abort();
    }
}

#[tokio::test]
async fn addr_is_repeatable_and_port_0_is_told() {
    let served = Served::start(&["--addr", "127.0.0.1:0"]);
    assert_eq!(served.addresses.len(), 2);
    assert_eq!(served.features, embedded().len());
    for &address in &served.addresses {
        assert_ne!(address.port(), 0);
        let feature = embedded().swap_remove(7);
        let answer = soon(client(address).get_feature(feature.location.unwrap())).await.unwrap();
        assert_eq!(answer.message, feature);
    }
    assert_ne!(served.addresses[0], served.addresses[1]);
    served.terminate().await;
    served.ended_well().await;
}

#[test]
fn a_broken_database_is_refused_with_file_line_and_column() {
    let scratch = Scratch::new("broken.json");
    fs::write(&scratch.0, "[{\"location\": {\"latitude\": 1, \"longitude\": 2}, \"name\": \"a\"},\n {\"name\": 5}]")
        .unwrap();
    let told = refusal(&["--addr", "127.0.0.1:0", "--db", scratch.path()]);
    assert!(told.contains(&format!("{}:2:12: ", scratch.path())), "{told}");
    assert!(told.contains("expected a string"), "{told}");
    let told = refusal(&["--addr", "127.0.0.1:0", "--db", "no/such/file.json"]);
    assert!(told.contains("no/such/file.json") && told.contains("No such file"), "{told}");
}

#[test]
fn an_address_in_use_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = refusal(&["--addr", &address]);
    assert!(told.contains(&address) && told.contains("in use"), "{told}");
}

#[test]
fn wrong_settings_are_refused_by_name() {
    for (setting, value) in
        [("--addr", "nowhere"), ("--workers", "0"), ("--max-streams", "-1"), ("--drain-timeout", "soon")]
    {
        let told = refusal(&[&format!("{setting}={value}")]);
        assert!(told.contains(setting) && told.contains(value), "{told}");
    }
}

#[test]
fn help_tells_the_settings() {
    let output = process::run(command().arg("--help"), PATIENCE).unwrap();
    assert!(output.succeeded() && output.stderr.is_empty(), "{output}");
    for told in ["--addr", "--db", "--workers", "--max-message", "--max-streams", "--drain-timeout", "50051", "SIGTERM"]
    {
        assert!(output.stdout.contains(told), "{told} in {output}");
    }
}
