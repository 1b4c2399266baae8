//! The `server` binary as others run it, and what its tests need around it.

#![allow(dead_code)]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2grpc::client::Channel;
use h2grpc::route_guide::RouteGuideClient;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};

use crate::common::checked::{Ours, at_client};
use crate::common::raw::Raw;
use crate::common::{over, soon};
use crate::process::{self, Output, Process};

/// How long anything may take that must happen: only a server that hangs needs it all.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A running `server`; dropping it kills it.
pub struct Served {
    pub process: Process,
    pub features: usize,
    pub addresses: Vec<SocketAddr>,
}

impl Served {
    /// Starts it on a free port, and waits for its one line.
    pub fn start(arguments: &[&str]) -> Served {
        Served::start_as(command().args(arguments), Stdio::piped())
    }

    /// The same with an environment of its own, and standard error anywhere.
    pub fn start_as(command: &mut Command, stderr: Stdio) -> Served {
        Served::listening(command.args(["--addr", "127.0.0.1:0"]), stderr)
    }

    /// Starts it on `address`.
    pub async fn start_at(address: SocketAddr, arguments: &[&str]) -> Served {
        let mut command = command();
        command.args(["--addr", &address.to_string()]).args(arguments);
        tokio::task::spawn_blocking(move || Served::listening(&mut command, Stdio::piped())).await.unwrap()
    }

    fn listening(command: &mut Command, stderr: Stdio) -> Served {
        let mut process = Process::spawn_into(command, Stdio::piped(), stderr).unwrap();
        let told = process.wait_for_line(PATIENCE, "its addresses", addresses);
        let (features, addresses) = told.unwrap_or_else(|error| panic!("{error}"));
        Served { process, features, addresses }
    }

    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub fn client(&self) -> RouteGuideClient {
        client(self.address())
    }

    /// A connection of bare h2 to it. What the server sends is judged.
    pub async fn connect(&self) -> SendRequest<Bytes> {
        connect(self.address()).await
    }

    /// Its resident memory in bytes.
    pub fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most memory that was resident since it began, in bytes.
    pub fn most_resident(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, kind: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(kind)).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// How many file descriptors it has open: each connection is one.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }

    /// Waits until it has no more descriptors open than `count`.
    pub async fn until_descriptors(&self, count: usize) {
        soon(async {
            while self.descriptors() > count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// SIGTERM, and then no new connection.
    pub async fn terminate(&self) {
        self.process.terminate().unwrap();
        self.until_no_longer_accepting().await;
    }

    /// Waits until it takes no new connection.
    pub async fn until_no_longer_accepting(&self) {
        for &address in &self.addresses {
            soon(async {
                while TcpStream::connect(address).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            })
            .await;
        }
    }

    /// SIGKILL, and its end.
    pub async fn kill(self) {
        tokio::task::spawn_blocking(|| drop(self)).await.unwrap();
    }

    /// Waits for its end, which must be one with exit code 0.
    pub async fn ended_well(self) {
        let output = tokio::task::spawn_blocking(|| self.process.wait(PATIENCE)).await.unwrap().unwrap();
        assert!(output.succeeded(), "{output}");
    }
}

/// The number of features and the addresses in the line with which a server begins.
pub fn addresses(line: &str) -> Option<(usize, Vec<SocketAddr>)> {
    let (features, addresses) = line.split_once("RouteGuide with ")?.1.split_once(" features is listening on ")?;
    let addresses: Result<_, _> = addresses.trim_end().split(" and ").map(str::parse).collect();
    Some((features.parse().ok()?, addresses.ok()?))
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.env("RUST_LOG", "warn");
    command
}

/// Runs a `server` that must refuse to start; its words.
pub fn refusal(arguments: &[&str]) -> String {
    let output: Output = process::run(command().args(arguments), PATIENCE).unwrap();
    assert!(!output.succeeded() && output.stdout.is_empty(), "{output}");
    assert!(!output.stderr.contains("panicked"), "{output}");
    output.stderr
}

/// A client of a `server`. What both send is judged.
pub fn client(address: SocketAddr) -> RouteGuideClient {
    let channel = Channel::new(address.to_string().parse().unwrap());
    RouteGuideClient::new(channel.wrap_streams(|_, stream| at_client(stream, Ours::Both)))
}

/// A connection of bare h2 to a `server`. What the server sends is judged.
pub async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    over(at_client(stream, Ours::Server), &h2::client::Builder::new()).await
}

/// A connection of bare frames to a `server`. What the server sends is judged.
pub async fn raw(address: SocketAddr) -> Raw<impl AsyncRead + AsyncWrite + Unpin> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    Raw::begin(at_client(stream, Ours::Server)).await
}

/// An address that servers take one after the other. Nobody else is given it meanwhile.
pub struct Reserved {
    pub address: SocketAddr,
    _socket: TcpSocket,
}

impl Reserved {
    pub fn new() -> Reserved {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Reserved { address: socket.local_addr().unwrap(), _socket: socket }
    }
}

/// A file that is gone when its test is over.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Scratch {
        Scratch(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id())))
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
