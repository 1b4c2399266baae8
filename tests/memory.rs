//! What a server holds for a thousand connections that make it hold as much as they can, seen from outside: its resident
//! memory, and the calls of somebody else meanwhile.
//!
//! `CONNECTIONS=100` has fewer connections attack.
#![cfg(target_os = "linux")]

mod common;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;
#[path = "common/served.rs"]
mod served;

use std::time::{Duration, Instant};

use common::attack::{Held, Script, attack};
use common::{frame, frame_of, soon};
use h2grpc::route_guide::{Point, Rectangle, RouteNote};
use served::{Scratch, Served};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const LIST: &str = "/routeguide.RouteGuide/ListFeatures";
const RECORD: &str = "/routeguide.RouteGuide/RecordRoute";
const CHAT: &str = "/routeguide.RouteGuide/RouteChat";

const MIB: u64 = 1024 * 1024;

/// The calls that one connection may have open.
const STREAMS: u32 = 100;

/// What may be resident with `--max-memory 256M`, and what may be half a minute after the load.
const MOST: u64 = 320 * MIB;
const AFTER: u64 = 64 * MIB;

/// How long a call of somebody else may take, and how much longer than one to a server without a load, on top of that:
/// a busy machine slows down both. Without optimization a thousand connections have much to compute: there each call has
/// the deadline of `soon`.
const ANSWERED: Duration = Duration::from_secs(1);
const SLOWER: u32 = 10;

/// One after the other, so that none is slowed down by another.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn connections() -> usize {
    std::env::var("CONNECTIONS").map_or(1000, |count| count.parse().unwrap())
}

fn streams() -> impl Iterator<Item = u32> {
    (0..STREAMS).map(|index| 2 * index + 1)
}

/// Somebody who makes one call after the other on a connection of his own.
struct Canary {
    stop: oneshot::Sender<()>,
    /// How long the slowest of its calls took.
    slowest: JoinHandle<Duration>,
}

impl Canary {
    /// It has had an answer before this returns.
    async fn begin(served: &Served) -> Canary {
        let client = served.client();
        let ask = move || {
            let client = client.clone();
            async move { soon(client.get_feature(Point { latitude: 1, longitude: 1 })).await.expect("the canary's call") }
        };
        ask().await;
        let (stop, mut stopped) = oneshot::channel();
        let slowest = tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            while stopped.try_recv().is_err() {
                let begin = Instant::now();
                ask().await;
                slowest = slowest.max(begin.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            slowest
        });
        Canary { stop, slowest }
    }

    async fn end(self) -> Duration {
        let _ = self.stop.send(());
        self.slowest.await.unwrap()
    }
}

/// A server under a load, one without, and somebody who calls each.
struct Scene {
    _alone: tokio::sync::MutexGuard<'static, ()>,
    served: Served,
    _quiet: Served,
    canary: Canary,
    usual: Canary,
    /// The most that was resident, and what was before anything came.
    peak: u64,
    before: u64,
}

impl Scene {
    async fn begin(arguments: &[&str]) -> Scene {
        let alone = ALONE.lock().await;
        let (served, quiet) = (Served::start(&[&["--max-memory", "256M"], arguments].concat()), Served::start(&[]));
        let (canary, usual) = (Canary::begin(&served).await, Canary::begin(&quiet).await);
        let before = served.resident();
        Scene { _alone: alone, served, _quiet: quiet, canary, usual, peak: before, before }
    }

    /// Has `script` sent on many connections, and watches.
    async fn under(&mut self, script: &Script) -> Held {
        let attacking = attack(self.served.address(), connections(), script);
        tokio::pin!(attacking);
        let held = loop {
            self.peak = self.peak.max(self.served.resident());
            match tokio::time::timeout(Duration::from_millis(20), &mut attacking).await {
                Ok(held) => break held,
                Err(_) => continue,
            }
        };
        self.watch(2).await;
        held
    }

    async fn watch(&mut self, seconds: u64) {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(seconds) {
            self.peak = self.peak.max(self.served.resident());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the load, and holds what was promised.
    async fn end(mut self, what: &str, held: Held) {
        println!(
            "{what}: {} connections sent {} KB; resident {} MiB before, {} at most, {} now",
            held.streams.len(),
            held.sent / 1000,
            self.before / MIB,
            self.peak / MIB,
            self.served.resident() / MIB,
        );
        drop(held);
        let end = Instant::now() + Duration::from_secs(30);
        while self.served.resident() >= AFTER && Instant::now() < end {
            self.watch(1).await;
        }
        let after = self.served.resident();
        let (slowest, usual) = (self.canary.end().await, self.usual.end().await);
        println!(
            "{what}: resident {} MiB after the load; the slowest call of somebody else took {slowest:?}, {usual:?} without",
            after / MIB
        );
        assert!(self.peak < MOST, "{} MiB were resident at most", self.peak / MIB);
        assert!(after < AFTER, "{} MiB are resident after the load", after / MIB);
        assert!(
            slowest < ANSWERED + SLOWER * usual,
            "a call of somebody else took {slowest:?}, {usual:?} without the load"
        );
        self.served.terminate().await;
        self.served.ended_well().await;
    }
}

/// RouteChat answers each of these with all that came before.
fn notes(count: usize) -> Vec<u8> {
    let note = RouteNote { location: Some(Point { latitude: 1, longitude: 1 }), message: String::new() };
    frame(&note).repeat(count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_route_chat_that_nobody_reads() {
    let notes = notes(120);
    let mut script = Script::default();
    for stream in streams() {
        script.head(stream, CHAT);
        script.data(stream, &notes, false);
    }
    let mut scene = Scene::begin(&[]).await;
    let mut held = scene.under(&script).await;
    // What was sent is read, but the windows are closed: nothing more can leave.
    let mut close = Script::default();
    close.close_windows();
    for stream in &mut held.streams {
        let _ = stream.try_write(&close.bytes);
    }
    held.read_some().await;
    scene.watch(1).await;
    scene.end("chat", held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn features_in_short_runs_that_nobody_reads() {
    let scratch = Scratch::new("runs.json");
    let feature = |index| format!(r#"{{"location":{{"latitude":{index},"longitude":{}}},"name":"Place"}}"#, index % 2);
    let features: Vec<String> = (0..20_000).map(feature).collect();
    std::fs::write(&scratch.0, format!("[{}]", features.join(","))).unwrap();
    let point = |latitude, longitude| Some(Point { latitude, longitude });
    let area = frame(&Rectangle { lo: point(0, 0), hi: point(i32::MAX, 0) });
    let mut script = Script::default();
    for stream in streams() {
        script.head(stream, LIST);
        script.data(stream, &area, true);
    }
    let mut scene = Scene::begin(&["--db", scratch.path()]).await;
    let held = scene.under(&script).await;
    scene.end("runs", held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_open_and_empty() {
    let mut script = Script::default();
    for stream in streams() {
        script.head(stream, RECORD);
    }
    let mut scene = Scene::begin(&[]).await;
    let held = scene.under(&script).await;
    scene.end("open", held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_with_a_byte_of_data_each_among_much_else() {
    let mut script = Script::default();
    for stream in streams().take(50) {
        script.head(stream, RECORD);
        script.data(stream, &[0], false);
        script.frame(0xbe, 0, 0, &[0; 8 * 1024]); // a type of frame that nobody knows
    }
    let mut scene = Scene::begin(&[]).await;
    let held = scene.under(&script).await;
    scene.end("byte", held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_messages_that_never_end() {
    let long = frame_of(0, &[0; 1_000_000]);
    let mut script = Script::default();
    for stream in streams().take(6) {
        script.head(stream, RECORD);
        script.data(stream, &long[..64_000], false);
    }
    let mut scene = Scene::begin(&[]).await;
    let held = scene.under(&script).await;
    scene.end("long", held).await;
}

/// A call whose handler waits for the window does not read: what comes for it meanwhile is one byte a frame, and each
/// frame lies among much else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_for_a_call_that_does_not_read() {
    let notes = notes(120);
    let mut script = Script::default();
    for stream in streams().take(4) {
        script.head(stream, CHAT);
        script.data(stream, &notes, false);
    }
    for _ in 0..40 {
        for stream in streams().take(4) {
            script.data(stream, &[0], false);
            script.frame(0xbe, 0, 0, &[0; 4 * 1024]);
        }
    }
    let mut scene = Scene::begin(&[]).await;
    let held = scene.under(&script).await;
    scene.end("unread", held).await;
}
