//! Drives a RouteGuide server and checks every answer. Prints one line of JSON.
//!
//! Each connection keeps `--streams` calls open and begins the next as soon as one ends. All run in one thread. With
//! `--pid`, the server's CPU time is read just before and just after the measured part. With `--turn` the measured part
//! comes in turns, one for each line of input, so that several servers can be measured as good as at once.

mod client;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use peers::check::Expected;
use peers::proto::{Feature, Point, RouteNote, RouteSummary};
use peers::stats::Histogram;
use peers::{WINDOW, data, process};
use prost::Message;
use tokio::task::LocalSet;

use client::Client;

/// Drives a RouteGuide server and checks every answer.
#[derive(Parser)]
struct Args {
    /// What to call.
    #[arg(value_enum)]
    work: Work,
    /// The server.
    #[arg(long)]
    addr: SocketAddr,
    /// The server's process, to measure its CPU time and memory.
    #[arg(long)]
    pid: Option<u32>,
    /// How many connections.
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// How many calls at once on each connection.
    #[arg(long, default_value_t = 1)]
    streams: usize,
    /// Stop after so many calls, however long they take.
    #[arg(long)]
    calls: Option<u64>,
    /// Stop after so many seconds, where no number of calls is given.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Call for so many seconds before measuring.
    #[arg(long, default_value_t = 0.3)]
    warmup: f64,
    /// Instead of `--seconds` at once: for each line of input so many seconds, then print "ready", until the input ends.
    #[arg(long)]
    turn: Option<f64>,
    /// How many features the server's database has.
    #[arg(long, default_value_t = 100)]
    features: usize,
    /// The length of the names and notes in bytes, instead of names like addresses and notes of 24 bytes.
    #[arg(long)]
    name_len: Option<usize>,
    /// list: ask for a square with about so many features instead of for all.
    #[arg(long)]
    hits: Option<usize>,
    /// unary: put a field of so many bytes, which no definition knows, into each request.
    #[arg(long)]
    pad: Option<usize>,
    /// record: the points of a route.
    #[arg(long, default_value_t = 10_000)]
    points: usize,
    /// record: send each point in a DATA frame of its own, as most clients do.
    #[arg(long)]
    frame_per_point: bool,
    /// chat: how many notes of a call are answered.
    #[arg(long, default_value_t = 1_000)]
    notes: usize,
    /// Expect the answers of the canned server.
    #[arg(long)]
    canned: bool,
    /// How much DATA the server may send on a stream, and on a connection, before it is read.
    #[arg(long, default_value_t = WINDOW)]
    window: u32,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Work {
    /// GetFeature, for every feature in turn.
    Unary,
    /// ListFeatures with a rectangle around all features.
    List,
    /// RecordRoute.
    Record,
    /// RouteChat ping-pong: the call first leaves notes at distinct points, which nobody answers and nobody measures;
    /// then a second note at each of these points has exactly one answer, the first one.
    Chat,
    /// Nothing but memory: opens the connections, then `--streams` RouteChat calls on each that stay silent. Tells the
    /// server's memory before, with the connections, and with the calls.
    Idle,
    /// The same with GetFeature calls whose request has begun and not ended.
    Half,
}

/// What the connections of a run share.
struct Run {
    args: Args,
    features: Expected<Feature>,
    points: Vec<Vec<u8>>,
    rectangle: Vec<u8>,
    route: Vec<u8>,
    summary: RouteSummary,
    first_notes: Expected<RouteNote>,
    second_notes: Expected<RouteNote>,
    phase: Cell<Phase>,
    calls_left: Cell<u64>,
    deadline: Cell<Option<Instant>>,
    next: Cell<usize>,
    totals: RefCell<Totals>,
}

/// What the connections do until all have done it.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    /// Begin calls until the time or their number is up.
    Calls,
    /// RouteChat: open the calls and leave the first notes.
    Prime,
    /// RouteChat: send second notes until the time is up, and end the calls that have sent all of theirs.
    Chat,
}

#[derive(Default)]
struct Totals {
    calls: u64,
    messages: u64,
    errors: u64,
    first_error: Option<String>,
    latencies: Histogram,
    /// The most calls that one connection had open.
    most_open: usize,
}

impl Run {
    fn new(args: Args) -> Self {
        let features = data::features(args.features, args.name_len);
        let (rectangle, features) = match (args.work, args.hits) {
            (Work::List, Some(hits)) => {
                let square = data::square(hits, args.features);
                (square, features.into_iter().filter(|f| data::inside(f, &square)).collect())
            }
            _ => (data::everywhere(), features),
        };
        let route = match args.work {
            Work::Record => data::route(&features, args.points),
            _ => Vec::new(),
        };
        let summary = match args.work {
            Work::Record if !args.canned => data::summary(&features, &route),
            _ => data::canned_summary(),
        };
        let notes = |word: &str| {
            let len = args.name_len.unwrap_or(24);
            let count = if args.work == Work::Chat { args.notes + 1 } else { 0 };
            Expected::new((0..count).map(|i| data::note(i, word, len)).collect())
        };
        let place = |f: &Feature| padded(&f.location.unwrap_or_default(), args.pad);
        let mut body = Vec::new();
        route.iter().for_each(|point: &Point| data::frame(point, &mut body));
        Self {
            points: if args.work == Work::Unary { features.iter().map(place).collect() } else { Vec::new() },
            rectangle: data::framed(&rectangle),
            route: body,
            summary,
            first_notes: notes("first"),
            second_notes: notes("second"),
            features: Expected::new(features),
            phase: Cell::new(Phase::Calls),
            calls_left: Cell::new(u64::MAX),
            deadline: Cell::new(None),
            next: Cell::new(0),
            totals: RefCell::default(),
            args,
        }
    }

    /// Whether another call may begin.
    fn permit(&self, now: Instant) -> bool {
        if self.time_is_up(now) {
            return false;
        }
        let left = self.calls_left.get();
        self.calls_left.set(left.saturating_sub(1));
        left > 0
    }

    fn time_is_up(&self, now: Instant) -> bool {
        self.deadline.get().is_some_and(|deadline| now >= deadline)
    }

    /// Ends what is under way after so many seconds.
    fn set_deadline(&self, seconds: Option<f64>) {
        self.deadline.set(seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds)));
    }

    fn fail(&self, why: String) {
        let mut totals = self.totals.borrow_mut();
        totals.errors += 1;
        totals.first_error.get_or_insert(why);
    }
}

impl Totals {
    fn saw_open(&mut self, calls: usize) {
        self.most_open = self.most_open.max(calls);
    }
}

/// A point in its frame, with an unknown field of some bytes: Protocol Buffers has decoders skip it.
fn padded(point: &Point, pad: Option<usize>) -> Vec<u8> {
    /// Field 15, a length and so many bytes (LEN).
    const TAG: u8 = 15 << 3 | 2;
    let Some(pad) = pad else { return data::framed(point) };
    let mut message = point.encode_to_vec();
    message.push(TAG);
    prost::encoding::encode_varint(pad as u64, &mut message);
    message.resize(message.len() + pad, 0);
    let mut frame = vec![0];
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(&message);
    frame
}

/// Costs of the measured part.
#[derive(Default)]
struct Cost {
    wall: Duration,
    server: Duration,
    own: Duration,
}

impl Cost {
    async fn of(&mut self, pid: Option<u32>, work: impl Future<Output = ()>) {
        let now = || (Instant::now(), pid.map_or(Duration::ZERO, process::cpu_time), process::own_cpu_time());
        let before = now();
        work.await;
        let after = now();
        self.wall += after.0 - before.0;
        self.server += after.1.saturating_sub(before.1);
        self.own += after.2.saturating_sub(before.2);
    }
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let args = Args::parse();
    // A fixed number of calls may take as long as it takes, under callgrind for one, and so may the turns of others.
    let limit = Duration::from_secs_f64(args.warmup + args.seconds + 60.0);
    let limit = if args.calls.is_some() || args.turn.is_some() { Duration::from_secs(3_600) } else { limit };
    LocalSet::new().block_on(&runtime, async {
        // Never asleep, so that no server pays for waking it: over a network the other host pays for that.
        tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        match tokio::time::timeout(limit, drive(Rc::new(Run::new(args)))).await {
            Ok(result) => result,
            Err(_) => Err(std::io::Error::other(format!("the server has not answered within {} s", limit.as_secs()))),
        }
    })
}

async fn drive(run: Rc<Run>) -> std::io::Result<()> {
    let args = &run.args;
    let memory = || args.pid.map_or((0, 0), process::memory);
    let rss_before = memory().0;
    let mut clients = Vec::new();
    for _ in 0..args.connections {
        clients.push(Client::connect(run.clone()).await?);
    }
    let rss_connected = settled(args.pid).await;
    let mut cost = Cost::default();
    match args.work {
        Work::Idle | Work::Half => {
            all(&run, &mut clients, Phase::Prime).await;
        }
        Work::Chat => {
            let end = Instant::now() + Duration::from_secs_f64(args.seconds);
            let mut calls = args.calls.unwrap_or(u64::MAX);
            'turns: while calls > 0 && (args.calls.is_some() || args.turn.is_some() || Instant::now() < end) {
                run.set_deadline(None);
                all(&run, &mut clients, Phase::Prime).await;
                let opened = clients.iter().any(Client::has_calls);
                while clients.iter().any(Client::has_calls) {
                    if args.turn.is_some() && !another_turn() {
                        break 'turns;
                    }
                    run.set_deadline(args.turn);
                    cost.of(args.pid, all(&run, &mut clients, Phase::Chat)).await;
                }
                calls = calls.saturating_sub((args.connections * args.streams) as u64);
                if !opened || run.totals.borrow().errors > 1_000 {
                    break;
                }
            }
        }
        _ => {
            if args.warmup > 0.0 {
                run.set_deadline(Some(args.warmup));
                all(&run, &mut clients, Phase::Calls).await;
                let warm = run.totals.take();
                run.totals.borrow_mut().errors = warm.errors;
                run.totals.borrow_mut().first_error = warm.first_error;
            }
            run.calls_left.set(args.calls.unwrap_or(u64::MAX));
            while args.turn.is_none() || another_turn() {
                run.set_deadline(args.turn.or_else(|| args.calls.is_none().then_some(args.seconds)));
                cost.of(args.pid, all(&run, &mut clients, Phase::Calls)).await;
                if args.turn.is_none() {
                    break;
                }
            }
        }
    }
    let rss_after = if matches!(args.work, Work::Idle | Work::Half) { settled(args.pid).await } else { memory().0 };
    let totals = run.totals.borrow();
    let per = |count: u64| cost.server.as_nanos() as f64 / 1e3 / count.max(1) as f64;
    let line = serde_json::json!({
        "calls": totals.calls,
        "messages": totals.messages,
        "errors": totals.errors,
        "first_error": totals.first_error,
        "wall_s": cost.wall.as_secs_f64(),
        "calls_per_s": totals.calls as f64 / cost.wall.as_secs_f64(),
        "messages_per_s": totals.messages as f64 / cost.wall.as_secs_f64(),
        "cpu_us_per_call": per(totals.calls),
        "cpu_us_per_message": per(totals.messages),
        "server_busy": cost.server.as_secs_f64() / cost.wall.as_secs_f64(),
        "load_busy": cost.own.as_secs_f64() / cost.wall.as_secs_f64(),
        "most_open": totals.most_open,
        "p50_us": totals.latencies.quantile(0.5),
        "p90_us": totals.latencies.quantile(0.9),
        "p99_us": totals.latencies.quantile(0.99),
        "max_us": totals.latencies.max(),
        "rss_before": rss_before,
        "rss_connected": rss_connected,
        "rss_after": rss_after,
        "rss_peak": memory().1,
    });
    println!("{line}");
    Ok(())
}

/// Says that this generator is ready, and waits until it is told to take another turn. The whole thread waits, so that it
/// does not disturb the turns of others; false when the input has ended.
fn another_turn() -> bool {
    println!("ready");
    std::io::stdin().read_line(&mut String::new()).is_ok_and(|read| read > 0)
}

/// Lets every connection do its part of a phase.
async fn all(run: &Rc<Run>, clients: &mut Vec<Client>, phase: Phase) {
    run.phase.set(phase);
    let tasks: Vec<_> = clients
        .drain(..)
        .map(|mut client| {
            tokio::task::spawn_local(async move {
                client.run().await;
                client
            })
        })
        .collect();
    for task in tasks {
        match task.await {
            Ok(client) => clients.push(client),
            Err(e) => run.fail(format!("the generator's own task: {e}")),
        }
    }
}

/// The server's memory once it has taken in all that was sent: when its CPU clock stands still.
async fn settled(pid: Option<u32>) -> u64 {
    let Some(pid) = pid else { return 0 };
    let mut before = process::cpu_time(pid);
    for _ in 0..150 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = process::cpu_time(pid);
        if now - before < Duration::from_millis(1) {
            break;
        }
        before = now;
    }
    process::memory(pid).0
}
