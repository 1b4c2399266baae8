//! Two independent judges of the golden transcripts: hyperframe with hpack (Python), and tshark. Each reads the same
//! bytes, and must see the same frames, header fields and messages as this crate; tshark also
//! the fields of the messages, by the names of the .proto file.
//!
//! As in the interop tests, Python's packages are installed below Cargo's target directory. Where a judge cannot be had,
//! its trial is ignored with the reason; with `CI=true` in the environment it fails with it instead.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{self as system, Command, ExitCode};
use std::time::Duration;
use std::{env, fs};

use h2grpc::transcript::{Direction, Transcript, protobuf::Types};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use capture::Capture;
use ours::Golden;

mod capture;
mod ours;
#[allow(dead_code)]
#[path = "../interop/peers.rs"]
mod peers;
#[allow(dead_code)]
#[path = "../interop/process.rs"]
mod process;
mod tshark;

/// The lines of each direction of each connection.
type Lines = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// What the judges cannot read, and why.
const UNREADABLE: &[(&str, Direction, &str)] = &[
    ("http1-server", Direction::ToClient, "the server answers in HTTP/1.1"),
    ("tls-client", Direction::ToServer, "the client speaks TLS"),
    (
        "late-recording",
        Direction::ToServer,
        "the recording begins within a frame, and both judges need a connection's beginning",
    ),
    (
        "late-recording",
        Direction::ToClient,
        "the recording begins within a frame, and both judges need a connection's beginning",
    ),
];

const TSHARK: &str = "tshark";

const READING_TIME: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("hyperframe_and_hpack_agree_with_every_golden_transcript", hyperframe),
        trial("tshark_agrees_with_every_golden_transcript", tshark),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Why there is no verdict.
enum No {
    /// The judge is not there.
    Judge(String),
    /// It says something else, or it fails.
    Agreement(String),
}

impl From<String> for No {
    fn from(reason: String) -> Self {
        No::Agreement(reason)
    }
}

fn trial(name: &str, judge: fn() -> Result<(), No>) -> Trial {
    Trial::ignorable_test(name, move || match judge() {
        Ok(()) => Ok(Completion::Completed),
        Err(No::Judge(reason)) if env::var_os("CI").is_none_or(|ci| ci != "true") => {
            Ok(Completion::ignored_with(reason))
        }
        Err(No::Judge(reason) | No::Agreement(reason)) => Err(Failed::from(reason)),
    })
}

fn hyperframe() -> Result<(), No> {
    let python = peers::python_with("judge", "tests/judge/requirements.txt").map_err(No::Judge)?;
    let golden = ours::golden()?;
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let bytes: BTreeMap<_, BTreeMap<_, _>> = golden
        .iter()
        .map(|Golden { name, recorded }| {
            (name, Direction::BOTH.map(|way| (way.arrow(), hex(recorded.bytes(way)))).into())
        })
        .collect();
    let json = serde_json::to_string(&bytes).map_err(|error| error.to_string())?;
    let file = Scratch::new("judge.json", json.as_bytes())?;
    let output = process::run(python.script(&source("tests/judge/frames.py")).arg(&file.0), READING_TIME)?;
    if !output.succeeded() {
        return Err(No::Agreement(output.to_string()));
    }
    let told = serde_json::from_str(&output.stdout).map_err(|error| format!("{error}: {}", output.stdout))?;
    agree("hyperframe", &golden, &told)
}

fn tshark() -> Result<(), No> {
    let version = process::run(Command::new("tshark").arg("--version"), READING_TIME);
    version.map_err(|error| No::Judge(format!("tshark is needed (Debian's package of this name): {error}")))?;
    let golden = ours::golden()?;
    let mut capture = Capture::new();
    for (number, Golden { recorded, .. }) in golden.iter().enumerate() {
        let mut connection = capture.open(number as u16);
        // A packet for each frame, so that tshark's answer has a line for each.
        for event in &Transcript::read(recorded, &Types::default()).events {
            capture.data(&mut connection, event.direction, &event.frame.bytes);
        }
    }
    let file = Scratch::new("judge.pcap", capture.bytes())?;
    let output = process::run(&mut tshark::command(&file.0), READING_TIME)?;
    if !output.succeeded() {
        return Err(No::Agreement(output.to_string()));
    }
    let names: Vec<&str> = golden.iter().map(|golden| &golden.name[..]).collect();
    agree(TSHARK, &golden, &tshark::lines(&output.stdout, &names)?)
}

/// Whether a judge reads the same as this crate.
fn agree(judge: &str, golden: &[Golden], told: &Lines) -> Result<(), No> {
    let mut wrong = Vec::new();
    for Golden { name, recorded } in golden {
        for way in Direction::BOTH {
            let mut ours = ours::lines(recorded, way, judge == TSHARK);
            let mut theirs = told.get(name).and_then(|told| told.get(way.arrow())).cloned().unwrap_or_default();
            if judge == TSHARK {
                // It tells the fields of a block at the first of its frames, and not at the last.
                for lines in [&mut ours, &mut theirs] {
                    lines.sort_by_key(|line| !line.starts_with("type"));
                }
            }
            let unreadable = UNREADABLE.iter().any(|(file, direction, _)| file == name && *direction == way);
            let same = ours == theirs;
            if unreadable && same && !ours.is_empty() {
                wrong.push(format!("{judge} reads {name} {} well, so it is none that it cannot read", way.arrow()));
            } else if !unreadable && !same {
                let at = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
                let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "the end".into());
                let (arrow, ours, theirs) = (way.arrow(), line(&ours), line(&theirs));
                wrong.push(format!("{name} {arrow}, line {}:\n  this crate: {ours}\n  {judge}: {theirs}", at + 1));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(No::Agreement(wrong.join("\n"))) }
}

/// A file for a judge to read. It is gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Result<Self, String> {
        let path = peers::directory().join(format!("{}-{name}", system::id()));
        fs::write(&path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A file of this package.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
