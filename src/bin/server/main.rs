//! The RouteGuide server: `server --help` tells its settings.

mod descriptors;
mod log;
mod record;
mod signals;

use std::io::{self, Write};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode, thread, time::Duration};

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use h2grpc::call::CallEnd;
use h2grpc::limits::Limits;
use h2grpc::route_guide::arguments::{Listen, bytes, seconds, seconds_or_0};
use h2grpc::route_guide::notes::MAX_NOTES;
use h2grpc::route_guide::program::{self, Outcome, Stdout};
use h2grpc::route_guide::{Features, Guide, RouteGuide};
use h2grpc::server::{Server, listen};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{info, warn};

use log::{CloseAtEnd, Log};
use record::Recorder;

/// Memory that is free goes back to the system within some ten seconds, which the system's own allocator seldom does: see
/// `docs/memory.md`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Serves RouteGuide, the example service of the gRPC tutorials, to any gRPC client.
///
/// It speaks HTTP/2 in cleartext by prior knowledge ("insecure" or "plaintext" in gRPC's words), under the names
/// routeguide.RouteGuide and RouteGuide. SIGTERM, Ctrl-C or SIGHUP stops it: no new connections, calls in flight end
/// first. A second SIGTERM or Ctrl-C cuts them off at once. A SIGHUP that is ignored from the start, as under nohup, stays
/// ignored.
///
/// What happens is logged on standard error, as RUST_LOG says: off, error, warn, info (the default), and in builds
/// without --release also debug and trace; `--no-default-features --features cli` has them in release builds too. Lines of
/// the h2 crate need its name, as in RUST_LOG=info,h2=debug. The server never waits for its log: of one kind 20 lines a
/// second are logged and the others counted, texts from peers are cut, and lines that standard error does not take are
/// dropped and counted.
#[derive(Parser)]
#[command(
    version,
    after_help = "Try it:\n  server &\n  client all\n  grpcurl -plaintext -proto proto/route_guide.proto \
    -d '{\"latitude\": 409146138, \"longitude\": -746188906}' localhost:50051 routeguide.RouteGuide/GetFeature"
)]
struct Options {
    /// Address to listen on, repeatable: IP:PORT, HOST:PORT for every address of the name, or PORT for both loopback
    /// addresses, so that "localhost" works whichever of them a client tries. Port 0 takes a free one for each
    /// address; [::] takes IPv4 too [default: 50051]
    #[arg(long, value_name = "ADDRESS", value_parser = Listen::read)]
    #[allow(rustdoc::broken_intra_doc_links)] // [::] is an address in the help text
    addr: Vec<Listen>,

    /// Features to serve: a JSON array of {"location": {"latitude": .., "longitude": ..}, "name": ".."}, coordinates
    /// in units of 10^-7 degrees [default: some 150 places around New York, in the program]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// Threads that run connections; a connection stays on one thread at a time [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,

    /// Longest message taken in, in bytes; a longer one ends its call with RESOURCE_EXHAUSTED
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_message,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    max_message: usize,

    /// Calls that one connection may have open; clients queue what goes beyond
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_concurrent_streams,
        value_parser = clap::value_parser!(u32).range(1..))]
    max_streams: u32,

    /// Connections that may be open; further ones wait. The limit of file descriptors is raised for them, and where that
    /// is not possible a warning says how many there may be
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_connections,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=u32::MAX.into()))]
    max_connections: usize,

    /// Connections that may be open from one address, of IPv6 from one network of 64 bits; further ones are turned away
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_connections_per_address,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=u32::MAX.into()))]
    max_connections_per_address: usize,

    /// A connection of this age, a tenth more or less by chance, is sent away [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    max_connection_age: Option<Duration>,

    /// How long calls in flight may take to end on a connection that is sent away for its age; 0 cuts them off at once
    /// [default: as long as they last]
    #[arg(long, value_name = "SECONDS", value_parser = seconds_or_0, allow_negative_numbers = true)]
    max_connection_age_grace: Option<Duration>,

    /// A call that neither sends nor receives a byte for this long ends with DEADLINE_EXCEEDED [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    call_idle_timeout: Option<Duration>,
    /// Memory for what clients make the server hold, all together, in bytes or with K, M or G; when it is used up, the
    /// client leaves that holds most and moves least. The database is not counted [default: a quarter of the machine's
    /// or the container's]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    max_memory: Option<usize>,

    /// A connection without a call for this long is sent away [default: 900]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    idle_timeout: Option<Duration>,

    /// How long calls in flight may take to end once the server stops; 0 cuts them off at once [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = seconds_or_0, allow_negative_numbers = true)]
    drain_timeout: Option<Duration>,

    /// Bytes of notes that one RouteChat call may store; a call that stores more ends with RESOURCE_EXHAUSTED
    #[arg(long, value_name = "BYTES", default_value_t = MAX_NOTES)]
    max_notes: usize,

    /// Log each call when it ends, with its status, its time and its sizes; otherwise only calls that fail are logged,
    /// 20 a second at most
    #[arg(long)]
    log_calls: bool,

    /// Write each connection's bytes with their meaning to a file in this folder when it is closed: connection-1.txt and so
    /// on, which `tap show` reads. Of a connection 256 KiB are kept, and 1,000 connections or 1 GiB of text are written.
    /// Credentials and cookies are hidden
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,

    /// How the log is written: for people, or one JSON object a line
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = log::Format::Text)]
    log_format: log::Format,
}

/// How long standard output may take to take the server's one line.
const PATIENCE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let options = Options::parse();
    let log = match Log::open(options.log_format) {
        Ok(log) => log,
        Err(error) => return program::exit_code(Err(error.into())),
    };
    let _close = CloseAtEnd(&log);
    let failure = program::failure(log.start().and_then(|()| run(options, &log)));
    if let Some(line) = &failure {
        log.say(line);
    }
    if failure.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run(options: Options, log: &Log) -> Outcome {
    let features = Features::open(options.db.as_deref())?;
    if let Some(off_globe) = features.off_globe() {
        warn!("{off_globe}");
    }
    let defaults = Limits::default();
    let idle_timeout = options.idle_timeout.unwrap_or(defaults.idle_timeout);
    let drain_timeout = options.drain_timeout.unwrap_or(defaults.drain_timeout);
    let limits = defaults
        .max_message(options.max_message)
        .max_concurrent_streams(options.max_streams)
        .max_connections(descriptors::provide(options.max_connections))
        .max_connections_per_address(options.max_connections_per_address)
        .max_connection_age(options.max_connection_age)
        .max_connection_age_grace(options.max_connection_age_grace)
        .call_idle_timeout(options.call_idle_timeout)
        .memory(options.max_memory)
        .idle_timeout(idle_timeout)
        .drain_timeout(drain_timeout);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = options.workers.map_or(cores, usize::from);

    let mut runtime = match workers {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    Ok(runtime.worker_threads(workers).enable_all().build()?.block_on(async {
        let listeners = listeners(options.addr)?;
        let stop = signals::stop(log.clone())?;
        tell(features.len(), &listeners)?;
        let guide = Guide::new(features).max_notes(options.max_notes).into_service().also_as("RouteGuide");
        let server = Server::new().add(guide).limits(limits);
        let server = if options.log_calls { server.observe(log_call) } else { server };
        let recorder = options.record.map(Recorder::open).transpose()?;
        let server = match &recorder {
            Some(recorder) => recorder.record(server),
            None => server,
        };
        server.serve(listeners, stop).await?;
        if let Some(recorder) = recorder {
            recorder.finish().await;
        }
        io::Result::Ok(())
    })?)
}

/// One line for a call.
fn log_call(end: &CallEnd<'_>) {
    let CallEnd { path, peer, status, received, sent, elapsed, .. } = end;
    let (peer, time) = (peer.map(tracing::field::display), format!("{elapsed:?}"));
    info!(path = path.as_str(), peer, %status, time, received, sent, "call");
}

/// Listens on all that was asked for.
fn listeners(wanted: Vec<Listen>) -> io::Result<Vec<TcpListener>> {
    let wanted = if wanted.is_empty() { vec![Listen::loopback(50051)] } else { wanted };
    let listeners = wanted.iter().map(|Listen(addresses)| listen_on_each(addresses));
    Ok(listeners.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Listens on the addresses of one name. This machine need not have all of them: many have no IPv6.
fn listen_on_each(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let (mut listeners, mut failure) = (Vec::new(), None);
    for &address in addresses {
        match listen(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if listeners.is_empty() => return Err(error),
        Some(error) => info!(%error, "an address of this name is left out"),
        None => {}
    }
    Ok(listeners)
}

/// Says in one line where it listens. A thread of its own writes it, since standard output may be a pipe that nobody
/// reads. A server that cannot write it says so in its log, and serves.
fn tell(features: usize, listeners: &[TcpListener]) -> io::Result<()> {
    let addresses = listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string()));
    let addresses = addresses.collect::<io::Result<Vec<_>>>()?.join(" and ");
    let line = format!("RouteGuide with {features} features is listening on {addresses}");
    let (done, written) = oneshot::channel();
    let text = format!("{line}\n");
    thread::Builder::new().name("stdout".to_owned()).spawn(move || {
        let mut stdout = Stdout::new();
        // Nobody waits for it any more if it took long.
        let _ = done.send(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
    })?;
    tokio::spawn(async move {
        match timeout(PATIENCE, written).await {
            Ok(Ok(Err(error))) => warn!(%error, "{line}"),
            Err(_) => warn!(error = "standard output does not take this line", "{line}"),
            Ok(Ok(Ok(())) | Err(_)) => {}
        }
    });
    Ok(())
}
