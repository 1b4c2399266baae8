//! Whole calls over loopback TCP, from the typed client to the handler and back: `cargo bench --bench call`.
//!
//! The server has a thread of this process and the client another, each with a runtime of one thread, over one
//! connection. So a figure holds the work of both sides; with one call at a time it is mostly the system's wake-ups,
//! with 100 at a time it is the stack. Figures of the server alone need a client in a process of its own.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use h2grpc::client::Channel;
use h2grpc::route_guide::{Features, Guide, Point, Rectangle, RouteGuide, RouteGuideClient, RouteNote};
use h2grpc::server::{Server, listen};
use tokio::runtime::{Builder, Runtime};

const FEATURES: i32 = 10_000;

/// Where the feature of this number is: all of them lie on one meridian.
fn point(number: i32) -> Point {
    Point { latitude: 400_000_000 + number * 1000, longitude: -746_188_906 }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime of one thread")
}

/// A client of a server that runs in a thread of its own until the process ends. Features have names of 45 bytes.
fn client() -> RouteGuideClient {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let name = |number| format!("Milestone {number:08} of the Great Trail, NJ, USA");
        let features = Features::from_entries((0..FEATURES).map(|number| (point(number), name(number))));
        runtime().block_on(async {
            let listener = listen("127.0.0.1:0".parse().expect("an address")).expect("a free port");
            tell.send(listener.local_addr().expect("the port")).expect("somebody listens");
            let server = Server::new().add(Guide::new(features).into_service());
            server.serve([listener], std::future::pending()).await
        })
    });
    let address = told.recv().expect("the server has started");
    RouteGuideClient::new(Channel::new(address.to_string().parse().expect("an endpoint")))
}

/// Measures `work`, which handles `elements` calls or messages, again and again on one connection.
fn measure(criterion: &mut Criterion, runtime: &Runtime, id: BenchmarkId, elements: u64, work: impl AsyncFn()) {
    let mut group = criterion.benchmark_group("call");
    group.throughput(Throughput::Elements(elements));
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|times| {
            runtime.block_on(async {
                let start = Instant::now();
                for _ in 0..times {
                    work().await;
                }
                start.elapsed()
            })
        });
    });
    group.finish();
}

fn calls(criterion: &mut Criterion) {
    let (runtime, client) = (runtime(), client());
    let get_feature = async |number| {
        let feature = client.get_feature(point(number)).await.expect("GetFeature").message;
        assert!(!feature.name.is_empty());
    };

    let id = |shape, count: i32| BenchmarkId::new(shape, count);
    measure(criterion, &runtime, id("GetFeature, calls at a time", 1), 1, async || get_feature(7).await);
    measure(criterion, &runtime, id("GetFeature, calls at a time", 100), 100, async || {
        join_all((0..100).map(get_feature)).await;
    });

    for count in [100, FEATURES] {
        measure(criterion, &runtime, id("ListFeatures, features", count), count as u64, async || {
            let rectangle = Rectangle { lo: Some(point(0)), hi: Some(point(count - 1)) };
            let mut features = client.list_features(rectangle).await.expect("ListFeatures");
            let mut found = 0;
            while features.next().await.expect("a feature, or the end").is_some() {
                found += 1;
            }
            assert_eq!(found, count);
        });
    }

    measure(criterion, &runtime, id("RecordRoute, points", FEATURES), FEATURES as u64, async || {
        let (mut points, summary) = client.record_route().await.expect("RecordRoute");
        for number in 0..FEATURES {
            points.send(point(number)).await.expect("the server reads");
        }
        points.finish().await.expect("the server reads");
        assert_eq!(summary.await.expect("the summary").message.point_count, FEATURES);
    });

    // Of two notes at one point the second is answered with the first, and then it is the next point's turn.
    measure(criterion, &runtime, id("RouteChat, round trips", 100), 100, async || {
        let (mut notes, mut answers) = client.route_chat().await.expect("RouteChat");
        for number in 0..100 {
            let note = RouteNote { location: Some(point(number)), message: "here".into() };
            notes.send(&note).await.expect("the server reads");
            notes.send(&note).await.expect("the server reads");
            assert_eq!(answers.next().await.expect("an answer"), Some(note));
        }
        notes.finish().await.expect("the server reads");
        assert_eq!(answers.next().await.expect("the end"), None);
    });
}

criterion_group!(benches, calls);
criterion_main!(benches);
