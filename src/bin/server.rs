//! The RouteGuide server: `server --help` tells its settings.

use std::io::{self, IsTerminal};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use h2grpc::limits::Limits;
use h2grpc::route_guide::{Features, Guide, RouteGuide, tour};
use h2grpc::server::{Server, listen};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Serves RouteGuide, the example service of the gRPC tutorials, to any gRPC client.
///
/// It speaks HTTP/2 in cleartext by prior knowledge ("insecure" or "plaintext" in gRPC's words), under the names
/// routeguide.RouteGuide and RouteGuide. SIGTERM or Ctrl-C stops it: no new connections, calls in flight end first.
/// What happens is logged on standard error, as RUST_LOG says: off, warn, info (the default), and
/// in builds without --release also debug.
#[derive(Parser)]
#[command(
    version,
    after_help = "Try it:\n  server &\n  client all\n  grpcurl -plaintext -proto proto/route_guide.proto \
    -d '{\"latitude\": 409146138, \"longitude\": -746188906}' localhost:50051 routeguide.RouteGuide/GetFeature"
)]
struct Options {
    /// Address to listen on, repeatable; port 0 takes a free one. By default port 50051 on both loopback
    /// addresses, so that "localhost" works whichever of them a client tries [default: 127.0.0.1:50051, [::1]:50051]
    #[arg(long, value_name = "IP:PORT")]
    #[allow(rustdoc::broken_intra_doc_links)] // [::1] is an address in the help text
    addr: Vec<SocketAddr>,

    /// Features to serve: a JSON array of {"location": {"latitude": .., "longitude": ..}, "name": ".."}, coordinates
    /// in units of 10^-7 degrees [default: some 150 places around New York, in the program]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// Threads that run connections; a connection stays on one thread at a time [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,

    /// Longest message taken in, in bytes; a longer one ends its call with RESOURCE_EXHAUSTED
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_message)]
    max_message: usize,

    /// Calls that one connection may have open; clients queue what goes beyond
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_concurrent_streams)]
    max_streams: u32,

    /// Connections that may be open; further ones wait
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_connections)]
    max_connections: usize,

    /// A connection without a call for this long is sent away
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().idle_timeout.as_secs())]
    idle_timeout: u64,

    /// How long calls in flight may take to end once the server stops
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().drain_timeout.as_secs())]
    drain_timeout: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    tour::exit_code(log().and_then(|()| run(options)))
}

/// Logs to standard error what `RUST_LOG` asks for: a level, or levels by module.
fn log() -> Result<(), Box<dyn std::error::Error>> {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned());
    let targets: Targets = wanted.parse().map_err(|error| format!("RUST_LOG is \"{wanted}\": {error}"))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    tracing_subscriber::registry().with(lines.with_filter(targets)).init();
    if LevelFilter::current() > STATIC_MAX_LEVEL {
        eprintln!("RUST_LOG is \"{wanted}\", but release builds have no log lines beyond {STATIC_MAX_LEVEL}");
    }
    Ok(())
}

fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let features = Features::open(options.db.as_deref())?;
    let mut limits = Limits::default();
    limits.max_message = options.max_message;
    limits.max_concurrent_streams = options.max_streams;
    limits.max_connections = options.max_connections;
    limits.idle_timeout = Duration::from_secs(options.idle_timeout);
    limits.drain_timeout = Duration::from_secs(options.drain_timeout);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = options.workers.map_or(cores, usize::from);

    let mut runtime = match workers {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    Ok(runtime.worker_threads(workers).enable_all().build()?.block_on(async {
        let listeners = listeners(&options.addr)?;
        let stop = stop_signal()?;
        let addresses: Vec<String> =
            listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string())).collect::<io::Result<_>>()?;
        println!("RouteGuide with {} features is listening on {}", features.len(), addresses.join(" and "));
        let guide = Guide::new(features).into_service().also_as("RouteGuide");
        Server::new().add(guide).limits(limits).serve(listeners, stop).await
    })?)
}

fn listeners(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    if !addresses.is_empty() {
        return addresses.iter().copied().map(listen).collect();
    }
    let ipv4 = listen(SocketAddr::from(([127, 0, 0, 1], 50051)))?;
    match listen(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 50051))) {
        Ok(ipv6) => Ok(vec![ipv4, ipv6]),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(vec![ipv4]), // a machine without IPv6
    }
}

/// Ready at the first SIGTERM or SIGINT. A second one ends the process at once.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut next = async move || {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    };
    Ok(async move {
        next().await;
        tokio::spawn(async move {
            next().await;
            eprintln!("stopped at once: calls in flight were cut off");
            std::process::exit(1);
        });
    })
}
