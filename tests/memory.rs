//! What a server holds for peers that make it hold as much as they can, seen from outside: its resident memory, and the
//! calls of somebody else meanwhile.
//!
//! `CONNECTIONS=1000` sets how many connections attack; the default suits a small machine and a build without
//! optimization.
#![cfg(target_os = "linux")]

mod common;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;
#[path = "common/served.rs"]
mod served;

use std::time::{Duration, Instant};

use common::attack::{Held, Script, attack};
use common::{connect, frame, frame_of, head, read, soon};
use h2grpc::route_guide::{Point, Rectangle, RouteNote};
use served::{Scratch, Served};
use tokio::task::{JoinHandle, JoinSet};

const LIST: &str = "/routeguide.RouteGuide/ListFeatures";
const RECORD: &str = "/routeguide.RouteGuide/RecordRoute";
const CHAT: &str = "/routeguide.RouteGuide/RouteChat";

const MIB: u64 = 1024 * 1024;

/// The calls that one connection may have open.
const STREAMS: u32 = 100;

fn connections() -> usize {
    std::env::var("CONNECTIONS").map_or(40, |count| count.parse().unwrap())
}

fn streams() -> impl Iterator<Item = u32> {
    (0..STREAMS).map(|index| 2 * index + 1)
}

/// A server, and somebody who makes one call after the other on a connection of his own.
struct Scene {
    served: Served,
    canary: JoinHandle<()>,
    /// The most that was resident, and what was before anything came.
    peak: u64,
    before: u64,
}

/// What the canary has seen: how long the slowest of its calls took.
static SLOWEST: std::sync::Mutex<Duration> = std::sync::Mutex::new(Duration::ZERO);

fn took(time: Duration) {
    let mut slowest = SLOWEST.lock().unwrap();
    *slowest = time.max(*slowest);
}

impl Scene {
    async fn begin(arguments: &[&str]) -> Scene {
        let served = Served::start(arguments);
        let client = served.client();
        soon(client.get_feature(Point { latitude: 1, longitude: 1 })).await.unwrap();
        let canary = tokio::spawn(async move {
            loop {
                let begin = Instant::now();
                let answer = soon(client.get_feature(Point { latitude: 1, longitude: 1 })).await;
                answer.expect("the canary's call");
                took(begin.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let before = served.resident();
        Scene { served, canary, peak: before, before }
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

    fn tell(&self, what: &str, held: &Held) {
        println!(
            "{what}: {} connections sent {} KB; resident {} MiB before, {} at most, {} now; the canary's slowest call {:?}",
            held.streams.len(),
            held.sent / 1000,
            self.before / MIB,
            self.peak / MIB,
            self.served.resident() / MIB,
            SLOWEST.lock().unwrap(),
        );
    }

    /// Ends the attack, and holds what was promised.
    async fn end(mut self, what: &str, held: Held) {
        self.tell(what, &held);
        drop(held);
        let few = (self.before + 32 * MIB).max(64 * MIB);
        let end = Instant::now() + Duration::from_secs(30);
        while self.served.resident() >= few && Instant::now() < end {
            self.watch(1).await;
        }
        let after = self.served.resident();
        println!("{what}: resident {} MiB after the load", after / MIB);
        assert!(!self.canary.is_finished(), "every call of the canary is answered");
        self.canary.abort();
        assert!(self.peak < 320 * MIB, "{} MiB resident at most", self.peak / MIB);
        assert!(after < few, "{} MiB resident after the load", after / MIB);
        self.served.terminate().await;
        self.served.ended_well().await;
    }
}

fn note(message: String) -> RouteNote {
    RouteNote { location: Some(Point { latitude: 1, longitude: 1 }), message }
}

#[tokio::test]
async fn answers_of_route_chat_that_nobody_reads() {
    let notes: Vec<u8> = (0..100).flat_map(|_| frame(&note("x".repeat(70))).to_vec()).collect();
    let mut script = Script::default();
    for stream in streams() {
        script.head(stream, CHAT);
        script.data(stream, &notes, false);
    }
    let mut scene = Scene::begin(&["--max-memory", "256M"]).await;
    let mut held = scene.under(&script).await;
    scene.tell("chat", &held);
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

#[tokio::test]
async fn features_in_short_runs_that_nobody_reads() {
    let scratch = Scratch::new("runs.json");
    let feature = |index| format!(r#"{{"location":{{"latitude":{index},"longitude":{}}},"name":"Place"}}"#, index % 2);
    let features: Vec<String> = (0..50_000).map(feature).collect();
    std::fs::write(&scratch.0, format!("[{}]", features.join(","))).unwrap();
    let point = |latitude, longitude| Some(Point { latitude, longitude });
    let area = frame(&Rectangle { lo: point(0, 0), hi: point(i32::MAX, 0) });
    let mut script = Script::default();
    for stream in streams() {
        script.head(stream, LIST);
        script.data(stream, &area, true);
    }
    let mut scene = Scene::begin(&["--max-memory", "256M", "--db", scratch.path()]).await;
    let held = scene.under(&script).await;
    scene.end("runs", held).await;
}

#[tokio::test]
async fn calls_that_are_open_and_empty() {
    let mut script = Script::default();
    for stream in streams() {
        script.head(stream, RECORD);
    }
    let mut scene = Scene::begin(&["--max-memory", "256M"]).await;
    let held = scene.under(&script).await;
    scene.end("open", held).await;
}

#[tokio::test]
async fn calls_with_a_byte_of_data_each_among_much_else() {
    let mut script = Script::default();
    for stream in streams() {
        script.head(stream, RECORD);
        script.data(stream, &[0], false);
        script.frame(0xbe, 0, 0, &[0; 8 * 1024]); // a type of frame that nobody knows
    }
    let mut scene = Scene::begin(&["--max-memory", "256M"]).await;
    let held = scene.under(&script).await;
    scene.end("byte", held).await;
}

#[tokio::test]
async fn long_messages_that_never_end() {
    let long = frame_of(0, &vec![0; 400_000]);
    let long = long.slice(..long.len() - 1);
    let mut scene = Scene::begin(&["--max-memory", "256M"]).await;
    let mut uploads = JoinSet::new();
    for _ in 0..connections().min(100) {
        let mut requests = connect(scene.served.address()).await;
        for _ in 0..STREAMS {
            let (response, mut stream) = requests.send_request(head(RECORD).body(()).unwrap(), false).unwrap();
            stream.send_data(long.clone(), false).unwrap();
            requests = match soon(requests.ready()).await {
                Ok(requests) => requests,
                Err(_) => break, // sent away
            };
            uploads.spawn(async move {
                let _ = read(response).await;
                drop(stream);
            });
        }
    }
    scene.watch(5).await;
    uploads.abort_all();
    scene.end("long", Held { streams: Vec::new(), sent: 0 }).await;
}

/// A call whose handler waits for the window does not read: what comes for it meanwhile is one byte a frame, and each
/// frame lies among much else.
#[tokio::test]
async fn bytes_for_a_call_that_does_not_read() {
    let notes: Vec<u8> = (0..100).flat_map(|_| frame(&note("x".repeat(70))).to_vec()).collect();
    let mut script = Script::default();
    for stream in streams().take(4) {
        script.head(stream, CHAT);
        script.data(stream, &notes, false);
    }
    for _ in 0..200 {
        for stream in streams().take(4) {
            script.data(stream, &[0], false);
            script.frame(0xbe, 0, 0, &[0; 4 * 1024]);
        }
    }
    let mut scene = Scene::begin(&["--max-memory", "256M"]).await;
    let held = scene.under(&script).await;
    scene.end("unread", held).await;
}
