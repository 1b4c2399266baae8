//! The servers: how each is built, started, asked and stopped.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use peers::builds::{here, product_server, run};
use serde::{Deserialize, Serialize};

use crate::{Places, Result};

/// How long a server may take to load its database and listen.
const PATIENCE: Duration = Duration::from_secs(300);

/// A server that can be started.
#[derive(Clone)]
pub struct Server {
    /// As in the tables and in `--only`.
    pub name: &'static str,
    program: Vec<String>,
    /// It answers the same to everybody, and needs no database.
    pub canned: bool,
}

/// What a server is called, what it is and how it is made ready.
struct Recipe {
    name: &'static str,
    build: Build,
    args: &'static [&'static str],
}

enum Build {
    /// A binary of this crate, which cargo has built with `compare`.
    Here(&'static str),
    /// The product's own server, as its users build it: from its package, with its release profile.
    Product,
    /// `build.sh` in a directory of this crate, and the Debian packages it needs.
    Script(&'static str, &'static [&'static str]),
}

pub const FLOOR: &str = "floor";
pub const OURS: &str = "h2grpc";
pub const TONIC: [&str; 2] = ["tonic-current", "tonic-multi"];

const RECIPES: [Recipe; 8] = [
    Recipe { name: FLOOR, build: Build::Here("floor"), args: &[] },
    Recipe { name: OURS, build: Build::Product, args: &[] },
    Recipe { name: TONIC[0], build: Build::Here("tonic_server"), args: &["--runtime", "current"] },
    Recipe { name: TONIC[1], build: Build::Here("tonic_server"), args: &["--runtime", "multi"] },
    Recipe {
        name: "tonic-channels",
        build: Build::Here("tonic_server"),
        args: &["--runtime", "current", "--style", "channels"],
    },
    Recipe {
        name: "grpc-go",
        build: Build::Script(
            "go",
            &["golang-go", "golang-google-grpc-dev", "golang-goprotobuf-dev", "protobuf-compiler"],
        ),
        args: &[],
    },
    Recipe {
        name: "grpc-c++",
        build: Build::Script(
            "cpp",
            &[
                "g++",
                "pkg-config",
                "libgrpc++-dev",
                "protobuf-compiler",
                "protobuf-compiler-grpc",
                "nlohmann-json3-dev",
            ],
        ),
        args: &[],
    },
    Recipe { name: "grpcio", build: Build::Script("python", &["python3-venv"]), args: &[] },
];

/// Builds what can be built, says what cannot, and gives the rest back.
pub fn available(places: &Places, install: bool, only: &[String]) -> Result<Vec<Server>> {
    if let Some(unknown) = only.iter().find(|name| RECIPES.iter().all(|r| r.name != name.as_str())) {
        let names: Vec<_> = RECIPES.iter().map(|r| r.name).collect();
        return Err(format!("--only {unknown}: there is no such server; there are {}", names.join(", ")).into());
    }
    let wanted = |r: &&Recipe| only.is_empty() || only.iter().any(|name| name == r.name);
    let mut servers = Vec::new();
    for recipe in RECIPES.iter().filter(wanted) {
        match build(places, recipe, install).and_then(|server| server.start(places, 100, None).map(|_| server)) {
            Ok(server) => servers.push(server),
            Err(e) => println!("{} is left out: {e}", recipe.name),
        }
    }
    Ok(servers)
}

fn build(places: &Places, recipe: &Recipe, install: bool) -> Result<Server> {
    println!("building {}", recipe.name);
    let program = match recipe.build {
        Build::Here(binary) => here(binary)?,
        Build::Product => product_server(&places.product, &places.work)?,
        Build::Script(directory, packages) => {
            if install {
                run(Command::new("apt-get").args(["install", "-y", "--no-install-recommends"]).args(packages))?;
            }
            let out = places.work.join(directory);
            let script = places.peers.join(directory).join("build.sh");
            run(Command::new(script).arg(&out))
                .map_err(|e| format!("{e}; --install installs {}", packages.join(" ")))?;
            out.join("server")
        }
    };
    let mut program = vec![program.display().to_string()];
    program.extend(recipe.args.iter().map(|arg| arg.to_string()));
    Ok(Server { name: recipe.name, program, canned: recipe.name == FLOOR })
}

impl Server {
    /// The same server with further arguments.
    pub fn with(&self, args: &[&str]) -> Self {
        let mut server = self.clone();
        server.program.extend(args.iter().map(|arg| arg.to_string()));
        server
    }

    /// Starts the server on a core of its own with a database of so many features.
    pub fn start(&self, places: &Places, features: usize, name_len: Option<usize>) -> Result<Running> {
        self.start_under(&pinned(0), places, features, name_len)
    }

    /// Starts the server under another program, such as callgrind.
    pub fn start_under(
        &self, under: &[String], places: &Places, features: usize, name_len: Option<usize>,
    ) -> Result<Running> {
        let mut words = under.to_vec();
        words.extend(self.program.iter().cloned());
        words.extend(["--addr".into(), "127.0.0.1:0".into()]);
        if self.canned {
            words.extend(["--features".into(), features.to_string()]);
            words.extend(name_len.map(|len| format!("--name-len={len}")));
        } else {
            words.extend(["--db".into(), crate::database(&places.work, features, name_len)?.display().to_string()]);
        }
        let errors = std::fs::File::create(places.work.join("server-errors.log"))?;
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|e| format!("{}: {e}", words[0]))?;
        let out = child.stdout.take().ok_or("its output was asked for")?;
        let mut running = Running { child, addr: String::new(), features, name_len, canned: self.canned };
        // A thread of its own reads to the end, so that a server which prints more is never held up.
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(std::result::Result::ok) {
                let _ = tell.send(line);
            }
        });
        while let Ok(line) = told.recv_timeout(PATIENCE) {
            if let Some(port) = port(&line) {
                running.addr = format!("127.0.0.1:{port}");
                return Ok(running);
            }
        }
        Err("it ended or kept silent without a line that names 127.0.0.1 and its port".into())
    }
}

/// The words that pin a program to a core; none where there is only one.
pub fn pinned(core: usize) -> Vec<String> {
    match std::thread::available_parallelism() {
        Ok(cores) if cores.get() > core.max(1) => vec!["taskset".into(), "-c".into(), core.to_string()],
        _ => Vec::new(),
    }
}

fn port(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// A server that listens; it ends when this is dropped.
pub struct Running {
    child: Child,
    addr: String,
    features: usize,
    name_len: Option<usize>,
    canned: bool,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.addr
    }

    /// Runs the generator against it, on the other core.
    pub fn load(&self, args: &[&str]) -> Result<Figures> {
        self.ask(self.generator(args)?)
    }

    /// Starts a generator against it that measures in turns of so many seconds, and returns when that has warmed up.
    pub fn take_turns(&self, args: &[&str], seconds: f64) -> Result<Turns> {
        let mut words = self.generator(args)?;
        words.extend(["--turn".into(), seconds.to_string()]);
        words.extend(self.whom(&self.addr));
        let mut child =
            Command::new(&words[0]).args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (tell, hear) = (child.stdin.take(), child.stdout.take());
        let hear = BufReader::new(hear.ok_or("its output was asked for")?);
        let mut turns = Turns { child, tell, hear, line: String::new() };
        turns.wait()?;
        Ok(turns)
    }

    fn generator(&self, args: &[&str]) -> Result<Vec<String>> {
        let mut words = pinned(1);
        words.push(here("load")?.display().to_string());
        words.extend(args.iter().map(|arg| arg.to_string()));
        words.extend(["--features".into(), self.features.to_string()]);
        words.extend(self.name_len.map(|len| format!("--name-len={len}")));
        words.extend(self.canned.then(|| "--canned".into()));
        Ok(words)
    }

    fn whom(&self, address: &str) -> [String; 4] {
        ["--addr".into(), address.into(), "--pid".into(), self.child.id().to_string()]
    }

    /// Runs a program that makes calls to it and prints its figures.
    pub fn ask<F: serde::de::DeserializeOwned>(&self, words: Vec<String>) -> Result<F> {
        self.ask_at(&self.addr, words)
    }

    /// The same through somebody who listens at another address and passes everything on.
    pub fn ask_at<F: serde::de::DeserializeOwned>(&self, address: &str, mut words: Vec<String>) -> Result<F> {
        words.extend(self.whom(address));
        let output = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).output()?;
        serde_json::from_slice(&output.stdout).map_err(|_| {
            let text = String::from_utf8_lossy(&output.stderr);
            format!("it failed: {} ({})", text.trim(), words.join(" ")).into()
        })
    }

    fn end(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
        for _ in 0..200 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// A generator that measures in turns; it ends when this is dropped.
pub struct Turns {
    child: Child,
    tell: Option<ChildStdin>,
    hear: BufReader<ChildStdout>,
    line: String,
}

impl Turns {
    /// Has it take a turn.
    pub fn take(&mut self) -> Result<()> {
        self.tell.as_mut().ok_or("its turns are over")?.write_all(b"\n")?;
        self.wait()
    }

    fn wait(&mut self) -> Result<()> {
        self.line.clear();
        self.hear.read_line(&mut self.line)?;
        if self.line == "ready\n" { Ok(()) } else { Err(format!("a generator gave up: {}", self.line).into()) }
    }

    /// The figures of all its turns.
    pub fn figures(mut self) -> Result<Figures> {
        self.tell = None;
        Ok(serde_json::from_reader(&mut self.hear)?)
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the generator prints.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    pub calls: u64,
    pub messages: u64,
    pub errors: u64,
    pub first_error: Option<String>,
    pub calls_per_s: Option<f64>,
    pub messages_per_s: Option<f64>,
    pub cpu_us_per_call: f64,
    pub cpu_us_per_message: f64,
    pub server_busy: Option<f64>,
    pub load_busy: Option<f64>,
    /// The most calls that one connection had open.
    #[serde(default)]
    pub most_open: usize,
    pub p50_us: f64,
    pub p90_us: f64,
    pub p99_us: f64,
    pub max_us: f64,
    pub rss_before: u64,
    pub rss_connected: u64,
    pub rss_after: u64,
    pub rss_peak: u64,
}
