//! The `tap` program: between clients and servers, on saved transcripts and on captures, and with bad input.
#![cfg(target_os = "linux")]

mod common;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;
#[path = "common/served.rs"]
mod served;

#[path = "tap/bad_input.rs"]
mod bad_input;
#[path = "tap/captures.rs"]
mod captures;
#[path = "tap/files.rs"]
mod files;
#[path = "tap/flags.rs"]
mod flags;
#[path = "tap/late.rs"]
mod late;
#[path = "tap/live.rs"]
mod live;
#[path = "tap/ours.rs"]
mod ours;
#[path = "tap/page.rs"]
mod page;
#[path = "tap/passing.rs"]
mod passing;
#[path = "tap/planted.rs"]
mod planted;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::Running;
use h2grpc::call::CallOptions;
use h2grpc::metadata::Metadata;
use h2grpc::route_guide::{Features, Point, RouteGuideClient, tour};
use process::{Output, Process};

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

const PROTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proto/route_guide.proto");

const TRAIL: Point = Point { latitude: 409_146_138, longitude: -746_188_906 };

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap"));
    command.args(arguments).env_remove("COLUMNS").env_remove("CLICOLOR_FORCE");
    command
}

/// Runs it to its end.
fn run(arguments: &[&str]) -> Output {
    process::run(&mut command(arguments), PATIENCE).unwrap()
}

/// A tap between a client and a server; dropping it kills it.
struct Tap {
    process: Process,
    address: SocketAddr,
}

impl Tap {
    fn start(to: SocketAddr, arguments: &[&str]) -> Tap {
        Tap::start_into(to, arguments, Stdio::piped())
    }

    /// The same with its standard output going elsewhere.
    fn start_into(to: SocketAddr, arguments: &[&str], stdout: Stdio) -> Tap {
        let to = to.to_string();
        let mut command = command(&["--listen", "127.0.0.1:0", "--to", &to]);
        command.args(arguments);
        let mut process = Process::spawn_into(&mut command, stdout, Stdio::piped()).unwrap();
        let told = process.wait_for_error_line(PATIENCE, "its address", |line| {
            line.strip_prefix("tap is listening on ")?.parse().ok()
        });
        Tap { process, address: told.unwrap_or_else(|error| panic!("{error}")) }
    }

    fn client(&self) -> RouteGuideClient {
        RouteGuideClient::new(common::channel(self.address))
    }

    /// Waits for a line of standard output that has this text.
    fn until(&mut self, text: &str) -> String {
        let found = self.process.wait_for_line(PATIENCE, text, |line| line.contains(text).then(|| line.to_owned()));
        found.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Tells it to end, and waits for that.
    fn stop(self) -> Output {
        self.process.terminate().unwrap();
        self.ended()
    }

    /// Waits until it has ended by itself.
    fn ended(self) -> Output {
        self.process.wait(PATIENCE).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn server() -> Running {
    Running::route_guide(Features::embedded())
}

/// All four calls of the tutorial.
async fn tour(client: &RouteGuideClient) {
    let out = &mut Vec::new();
    tour::get_feature(client, &tour::TUTORIAL_POINTS, out).await.unwrap();
    tour::list_features(client, tour::TUTORIAL_RECTANGLE, out).await.unwrap();
    tour::record_route(client, &Features::embedded(), 10, out).await.unwrap();
    tour::route_chat(client, out).await.unwrap();
}

/// A call with this metadata.
async fn call_with(client: &RouteGuideClient, name: &str, value: &str) {
    let mut metadata = Metadata::new();
    metadata.insert(name, value).unwrap();
    client.clone().with(CallOptions::new().metadata(metadata)).get_feature(TRAIL).await.unwrap();
}

/// The objects of the events of this name.
fn events(output: &str, name: &str) -> Vec<serde_json::Value> {
    let objects = output.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect(line));
    objects.filter(|object| object["event"] == name).collect()
}

/// A folder for the files of a test, which is gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tap-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.0.join(name), bytes).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
