//! The same closed loop for every client under test: connections, calls at a time on each, and what they cost here.
//!
//! The server is the floor, whose answers are known: each is decoded by the client and compared with what is due. The
//! CPU time is this process's own. The few instructions of the loop itself are the same for every client.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use prost::Message;

use crate::proto::{Feature, Point, Rectangle, RouteNote, RouteSummary};
use crate::stats::Histogram;
use crate::{data, process};

/// A client that errs more often than this is given up.
const PATIENCE: u64 = 100;

/// Drives a canned RouteGuide server with a client that is measured itself, and checks every answer.
#[derive(Clone, Parser)]
pub struct Args {
    /// What to call.
    #[arg(value_enum)]
    pub work: Work,
    /// The canned server.
    #[arg(long)]
    pub addr: SocketAddr,
    /// The server's process, to tell how busy it is.
    #[arg(long)]
    pub pid: Option<u32>,
    /// The tokio runtime; `multi` is what `#[tokio::main]` gives.
    #[arg(long, value_enum, default_value_t = Runtime::Current)]
    pub runtime: Runtime,
    /// How many connections.
    #[arg(long, default_value_t = 1)]
    pub connections: usize,
    /// How many calls at once on each connection.
    #[arg(long, default_value_t = 1)]
    pub streams: usize,
    /// Stop after so many calls, however long they take.
    #[arg(long)]
    pub calls: Option<u64>,
    /// Stop after so many seconds, where no number of calls is given.
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Call for so many seconds before measuring.
    #[arg(long, default_value_t = 0.3)]
    pub warmup: f64,
    /// How many features the server answers to ListFeatures.
    #[arg(long, default_value_t = 100)]
    pub features: usize,
    /// record: the points of a route.
    #[arg(long, default_value_t = 10_000)]
    pub points: usize,
    /// chat: the notes of a call.
    #[arg(long, default_value_t = 1_000)]
    pub notes: usize,
}

/// The shape of the calls.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Work {
    /// GetFeature, for every feature in turn.
    Unary,
    /// ListFeatures with a rectangle around all features.
    List,
    /// RecordRoute.
    Record,
    /// RouteChat: sends a note and waits for its answer before the next.
    Chat,
}

/// On how many threads a client runs.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Runtime {
    /// One.
    Current,
    /// One a core, which is one where the process is pinned to a core; it still takes tokio's multi-thread scheduler.
    Multi,
}

/// What is sent, and what the canned server answers.
pub struct Due {
    pub points: Vec<Point>,
    pub feature: Feature,
    pub rectangle: Rectangle,
    pub features: Vec<Feature>,
    pub route: Vec<Point>,
    pub summary: RouteSummary,
    pub note: RouteNote,
    pub answer: RouteNote,
    pub notes: usize,
}

impl Due {
    fn new(args: &Args) -> Self {
        let features = data::features(args.features.max(1), None);
        Self {
            points: features.iter().filter_map(|feature| feature.location).collect(),
            feature: features[0].clone(),
            rectangle: data::everywhere(),
            route: data::route(&features, args.points),
            summary: data::canned_summary(),
            note: data::note(0, "second", 24),
            answer: data::note(0, "first", 24),
            notes: args.notes,
            features,
        }
    }
}

/// The same message as another stack's generated type.
pub fn recast<M: Message + Default>(message: &impl Message) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap_or_else(|e| panic!("the types are of one definition: {e}"))
}

/// A client with a connection of its own. Its clones share the connection.
pub trait Client: Clone + Send + 'static {
    /// Connects.
    fn dial(addr: SocketAddr, due: Arc<Due>) -> impl Future<Output = Result<Self, String>> + Send;

    /// GetFeature for one of the points; right when the feature is the one that is due.
    fn unary(&mut self, point: usize) -> impl Future<Output = Result<(), String>> + Send;

    /// ListFeatures, read to its end.
    fn list(&mut self) -> impl Future<Output = Result<(), String>> + Send;

    /// RecordRoute.
    fn record(&mut self) -> impl Future<Output = Result<(), String>> + Send;

    /// RouteChat, a note and its answer in turn.
    fn chat(&mut self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Right when what came is what is due; the error for a message that is not.
pub fn same<T: PartialEq>(came: &T, due: &T) -> Result<(), String> {
    if came == due { Ok(()) } else { Err("an answer is not the one that is due".into()) }
}

/// A client's `main`: reads the arguments, drives, and prints one line of JSON.
pub fn run<C: Client>() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let mut builder = match args.runtime {
        Runtime::Current => tokio::runtime::Builder::new_current_thread(),
        Runtime::Multi => tokio::runtime::Builder::new_multi_thread(),
    };
    // A fixed number of calls may take as long as it takes, under callgrind for one.
    let limit = Duration::from_secs_f64(args.warmup + args.seconds + 60.0);
    let limit = if args.calls.is_some() { Duration::from_secs(3_600) } else { limit };
    let driven = async { tokio::time::timeout(limit, drive::<C>(args)).await };
    match builder.enable_all().build()?.block_on(driven) {
        Ok(result) => result,
        Err(_) => Err(format!("the calls have not ended within {} s", limit.as_secs()).into()),
    }
}

async fn drive<C: Client>(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let due = Arc::new(Due::new(&args));
    let mut clients = Vec::new();
    for _ in 0..args.connections {
        clients.push(C::dial(args.addr, due.clone()).await?);
    }
    if args.warmup > 0.0 {
        let warm = phase(&clients, &args, None, args.warmup).await;
        if let Some(error) = &warm.tallies().first_error {
            return Err(error.clone().into());
        }
    }
    let clock = || (Instant::now(), process::own_cpu_time(), args.pid.map_or(Duration::ZERO, process::cpu_time));
    let before = clock();
    let shared = phase(&clients, &args, args.calls, args.seconds).await;
    let after = clock();

    let (wall, own, server) = ((after.0 - before.0), after.1 - before.1, after.2.saturating_sub(before.2));
    let tallies = shared.tallies();
    let calls = tallies.latencies.total();
    let messages = calls
        * match args.work {
            Work::Unary => 1,
            Work::List => due.features.len() as u64,
            Work::Record => due.route.len() as u64,
            Work::Chat => due.notes as u64,
        };
    let per = |count: u64| own.as_nanos() as f64 / 1e3 / count.max(1) as f64;
    let line = serde_json::json!({
        "calls": calls,
        "messages": messages,
        "errors": tallies.errors,
        "first_error": tallies.first_error,
        "wall_s": wall.as_secs_f64(),
        "cpu_s": own.as_secs_f64(),
        "calls_per_s": calls as f64 / wall.as_secs_f64(),
        "messages_per_s": messages as f64 / wall.as_secs_f64(),
        "cpu_us_per_call": per(calls),
        "cpu_us_per_message": per(messages),
        "client_busy": own.as_secs_f64() / wall.as_secs_f64(),
        "server_busy": server.as_secs_f64() / wall.as_secs_f64(),
        "p50_us": tallies.latencies.quantile(0.5),
        "p99_us": tallies.latencies.quantile(0.99),
        "rss_peak": process::memory(std::process::id()).1,
    });
    println!("{line}");
    Ok(())
}

/// Makes calls until their number or the time is up: a task for each place of a call.
async fn phase<C: Client>(clients: &[C], args: &Args, calls: Option<u64>, seconds: f64) -> Arc<Shared> {
    let shared = Arc::new(Shared {
        left: AtomicU64::new(calls.unwrap_or(u64::MAX)),
        end: calls.is_none().then(|| Instant::now() + Duration::from_secs_f64(seconds)),
        tallies: Mutex::default(),
    });
    let mut places = Vec::new();
    for place in 0..args.connections * args.streams {
        let client = clients[place % args.connections].clone();
        places.push(tokio::spawn(fill(client, place, args.clone(), shared.clone())));
    }
    for place in places {
        if let Err(error) = place.await {
            shared.tallies().fail(format!("the client's task: {error}"));
        }
    }
    shared
}

/// One call after the other.
async fn fill<C: Client>(mut client: C, place: usize, args: Args, shared: Arc<Shared>) {
    let mut point = place;
    let mut start = Instant::now();
    while shared.permit(start) {
        let result = match args.work {
            Work::Unary => {
                point = (point + 1) % args.features.max(1);
                client.unary(point).await
            }
            Work::List => client.list().await,
            Work::Record => client.record().await,
            Work::Chat => client.chat().await,
        };
        let now = Instant::now();
        let mut tallies = shared.tallies();
        match result {
            Ok(()) => tallies.latencies.record(now - start),
            Err(error) => tallies.fail(error),
        }
        if tallies.errors > PATIENCE {
            return;
        }
        start = now;
    }
}

/// What the places of a phase share.
struct Shared {
    left: AtomicU64,
    end: Option<Instant>,
    tallies: Mutex<Tallies>,
}

#[derive(Default)]
struct Tallies {
    latencies: Histogram,
    errors: u64,
    first_error: Option<String>,
}

impl Shared {
    /// Whether another call may begin.
    fn permit(&self, now: Instant) -> bool {
        match self.end {
            Some(end) => now < end,
            None => self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok(),
        }
    }

    fn tallies(&self) -> std::sync::MutexGuard<'_, Tallies> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tallies {
    fn fail(&mut self, why: String) {
        self.errors += 1;
        self.first_error.get_or_insert(why);
    }
}
