//! Whole calls over loopback TCP, from the typed client to the handler and back: `cargo bench --bench call`.
//!
//! The server has a thread of this process and the client another, each with a runtime of one thread, over one
//! connection. So a figure holds the work of both sides; with one call at a time it is mostly the system's wake-ups,
//! with 100 at a time it is the stack. Figures of the server alone need a client in a process of its own.
//!
//! After each measurement a line tells how many times either side wrote to its socket, a system call each, per call or
//! message. Instructions are not counted here, as virtual machines mostly hide the processor's counters:
//! `compare instructions` in `benches/peers` counts them with callgrind, which needs none, for server and client each.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use h2grpc::client::{Channel, Target};
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::{Features, Guide, Point, Rectangle, RouteGuide, RouteGuideClient, RouteNote};
use h2grpc::server::{Server, listen};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

const FEATURES: i32 = 10_000;

/// Where the feature of this number is: all of them lie on one meridian.
fn point(number: i32) -> Point {
    Point { latitude: 400_000_000 + number * 1000, longitude: -746_188_906 }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime of one thread")
}

/// A client, and how often it and its server have written to their sockets.
struct Pair {
    client: RouteGuideClient,
    by_client: Arc<AtomicU64>,
    by_server: Arc<AtomicU64>,
}

/// A client of a server that runs in a thread of its own until the process ends. Features have names of 45 bytes.
fn pair() -> Pair {
    let (by_client, by_server) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
    let (tell, told) = mpsc::channel();
    let counter = Arc::clone(&by_server);
    thread::spawn(move || {
        let name = |number| format!("Milestone {number:08} of the Great Trail, NJ, USA");
        let features = Features::from_entries((0..FEATURES).map(|number| (point(number), name(number))));
        runtime().block_on(async {
            let listener = listen("127.0.0.1:0".parse().expect("an address")).expect("a free port");
            tell.send(listener.local_addr().expect("the port")).expect("somebody listens");
            let server = Arc::new(Server::new().add(Guide::new(features).into_service()));
            let (_stop, stopped) = watch::channel(false);
            loop {
                let (stream, peer) = listener.accept().await.expect("a connection");
                let stream = Counted::new(stream, &counter).expect("a socket's option");
                let (server, stopped) = (Arc::clone(&server), stopped.clone());
                tokio::spawn(async move { server.serve_connection(stream, Some(peer), stopped).await });
            }
        })
    });
    let address = told.recv().expect("the server has started");
    let target: Target = address.to_string().parse().expect("a target");
    let counter = Arc::clone(&by_client);
    let connect = move || {
        let counter = Arc::clone(&counter);
        async move { Counted::new(TcpStream::connect(address).await?, &counter) }
    };
    let channel = Channel::with_connector(target, ClientLimits::default(), connect);
    Pair { client: RouteGuideClient::new(channel), by_client, by_server }
}

/// A TCP stream that counts its writes, each a system call.
struct Counted {
    stream: TcpStream,
    writes: Arc<AtomicU64>,
}

impl Counted {
    fn new(stream: TcpStream, writes: &Arc<AtomicU64>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Counted { stream, writes: Arc::clone(writes) })
    }

    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(written.is_ready().into(), Relaxed);
        written
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What all measurements share.
struct Bench<'a> {
    criterion: &'a mut Criterion,
    runtime: &'a Runtime,
    pair: &'a Pair,
}

/// Measures `work`, which handles `elements` calls or messages, again and again on one connection.
fn measure(bench: &mut Bench, id: (&str, i32), elements: (u64, &str), work: impl AsyncFn()) {
    let Bench { criterion, runtime, pair } = bench;
    let (count, element) = elements;
    let writes = || [&pair.by_client, &pair.by_server].map(|writes| writes.load(Relaxed));
    let (before, handled) = (writes(), Cell::new(0));
    let mut group = criterion.benchmark_group("call");
    group.throughput(Throughput::Elements(count));
    group.bench_function(BenchmarkId::new(id.0, id.1), |bencher| {
        bencher.iter_custom(|times| {
            handled.set(handled.get() + times * count);
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
    if handled.get() > 0 {
        let [client, server] = [0, 1].map(|side| (writes()[side] - before[side]) as f64 / handled.get() as f64);
        println!("call/{}/{}: {client:.4} writes a {element} by the client, {server:.4} by the server\n", id.0, id.1);
    }
}

fn calls(criterion: &mut Criterion) {
    let (runtime, pair) = (runtime(), pair());
    let client = &pair.client;
    let bench = &mut Bench { criterion, runtime: &runtime, pair: &pair };
    let get_feature = async |number| {
        let feature = client.get_feature(point(number)).await.expect("GetFeature").message;
        assert!(!feature.name.is_empty());
    };

    measure(bench, ("GetFeature, calls at a time", 1), (1, "call"), async || get_feature(7).await);
    measure(bench, ("GetFeature, calls at a time", 100), (100, "call"), async || {
        join_all((0..100).map(get_feature)).await;
    });

    for count in [100, FEATURES] {
        measure(bench, ("ListFeatures, features", count), (count as u64, "message"), async || {
            let rectangle = Rectangle { lo: Some(point(0)), hi: Some(point(count - 1)) };
            let mut features = client.list_features(rectangle).await.expect("ListFeatures");
            let mut found = 0;
            while features.next().await.expect("a feature, or the end").is_some() {
                found += 1;
            }
            assert_eq!(found, count);
        });
    }

    measure(bench, ("RecordRoute, points", FEATURES), (FEATURES as u64, "message"), async || {
        let (mut points, summary) = client.record_route().await.expect("RecordRoute");
        for number in 0..FEATURES {
            points.send(point(number)).await.expect("the server reads");
        }
        points.finish().await.expect("the server reads");
        assert_eq!(summary.await.expect("the summary").message.point_count, FEATURES);
    });

    // Of two notes at one point the second is answered with the first, and then it is the next point's turn.
    measure(bench, ("RouteChat, round trips", 100), (100, "round trip"), async || {
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
