//! Records the transcripts of docs/peers: `UPDATE_PEERS=1 cargo test --test interop record` writes them anew, each of a
//! client and a server that make the four calls of RouteGuide and one that fails.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use h2grpc::client::Channel;
use h2grpc::route_guide::{FILE_DESCRIPTOR_SET, Point, Rectangle, RouteGuideClient, RouteNote};
use h2grpc::status::Code;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Print, Recorded, Transcript};
use libtest_mimic::Trial;

use crate::process::{self, Process};
use crate::{
    CLIENT_TIME, START_TIME, STOP_TIME, Server, loopback_address, our_channel, our_client, peers, source, tap, tonic,
    trial,
};

const CHECK: &str = "four_calls_and_one_that_fails";

/// For a compiler.
const BUILD_TIME: Duration = Duration::from_secs(600);

/// Trials only for somebody who wants the transcripts: each listens on a port of its own, so that the same bytes come
/// again as far as the peer allows it.
pub fn trials() -> Vec<Trial> {
    if env::var_os("UPDATE_PEERS").is_none() {
        return Vec::new();
    }
    vec![
        trial("record::grpcio".into(), peers::python, |python| {
            let client = tap::grpcio_client(python)?;
            record("grpcio", 50_061, &our_client::start(python, &[])?, |address| ends(&mut client(address, CHECK)))
        }),
        trial("record::grpc_js".into(), peers::node, |node| {
            let mut server = node.script(&source("tests/interop/grpc_js_server.js"));
            server.arg("--proto").arg(source("proto/route_guide.proto"));
            let server = Server::start(server.arg("--db").arg(source("src/route_guide/features.json")))?;
            record("grpc-js", 50_062, &server, |address| ends(&mut tap::grpc_js_client(node)(address, CHECK)))
        }),
        trial("record::tonic".into(), tonic::tonic, |tonic| {
            record("tonic", 50_063, &tonic.server()?, |address| ends(&mut tonic.client(address, CHECK)))
        }),
        Trial::test("record::grpc_go", || {
            let folder = built("go", "grpc-go")?;
            let client = |address: SocketAddr| {
                ends(Command::new(folder.join("client")).args(["--address", &address.to_string()]))
            };
            Ok(record("grpc-go", 50_064, &Server::plain(&folder.join("server"))?, client)?)
        }),
        Trial::test("record::grpc_cpp", || {
            let folder = built("cpp", "grpc-c++")?;
            let client = |address: SocketAddr| our_channel::block_on(our_calls(address));
            Ok(record("grpc-c++", 50_065, &Server::plain(&folder.join("server"))?, client)?)
        }),
    ]
}

/// The folder into which the script of a folder of `benches/peers` has built.
fn built(folder: &str, name: &str) -> Result<PathBuf, String> {
    let target = peers::directory().with_file_name("packages").join(name);
    let script = source("benches/peers").join(folder).join("build.sh");
    let output = process::run(Command::new("sh").arg(script).arg(&target), BUILD_TIME)?;
    if output.succeeded() { Ok(target) } else { Err(output.to_string()) }
}

fn ends(client: &mut Command) -> Result<(), String> {
    let output = process::run(client, CLIENT_TIME)?;
    if output.succeeded() { Ok(()) } else { Err(output.to_string()) }
}

/// Writes what passes between a client and a server, when the client has closed its connection.
fn record(
    name: &str, port: u16, server: &Server, client: impl FnOnce(SocketAddr) -> Result<(), String>,
) -> Result<(), String> {
    let saved = peers::directory().join(format!("peers-{name}.txt"));
    let mut tap = Command::new(env!("CARGO_BIN_EXE_tap"));
    tap.args(["--listen", &format!("127.0.0.1:{port}"), "--to", &server.address.to_string(), "--connections", "1"]);
    let mut tap = Process::spawn(tap.arg("--save").arg(&saved))?;
    let address = tap.wait_for_error_line(START_TIME, "127.0.0.1:PORT", loopback_address)?;
    client(address)?;
    let output = tap.wait(STOP_TIME)?;
    if !output.succeeded() {
        return Err(output.to_string());
    }
    let no_file = |error: std::io::Error| format!("{}: {error}", saved.display());
    let recorded = Recorded::parse(&fs::read_to_string(&saved).map_err(no_file)?).map_err(told)?;
    fs::remove_file(&saved).map_err(no_file)?;
    let types = Types::decode(FILE_DESCRIPTOR_SET).map_err(told)?;
    let mut text = String::new();
    let print = Print { offsets: true, ..Print::file() };
    Transcript::read(&recorded, &types).write(&print, &mut text).map_err(told)?;
    fs::write(source("docs/peers").join(format!("{name}.txt")), text).map_err(told)
}

fn told(error: impl ToString) -> String {
    error.to_string()
}

/// The calls by our own client, for peers of which there is only a server.
async fn our_calls(address: SocketAddr) -> Result<(), String> {
    let guide = RouteGuideClient::new(Channel::new(address.to_string().parse().map_err(told)?));
    let point = |latitude, longitude| Point { latitude, longitude };
    let (trail, hills) = (point(409_146_138, -746_188_906), point(409_439_900, -746_707_200));
    guide.get_feature(trail).await.map_err(told)?;
    let (lo, hi) = (Some(point(409_000_000, -747_000_000)), Some(point(410_000_000, -746_000_000)));
    let mut features = guide.list_features(Rectangle { lo, hi }).await.map_err(told)?;
    while features.next().await.map_err(told)?.is_some() {}
    let (mut points, summary) = guide.record_route().await.map_err(told)?;
    points.send(&trail).await.map_err(told)?;
    points.send(&hills).await.map_err(told)?;
    points.finish().await.map_err(told)?;
    summary.await.map_err(told)?;
    let (mut notes, mut answers) = guide.route_chat().await.map_err(told)?;
    for (number, longitude) in [1, 2, 1].into_iter().enumerate() {
        let note = RouteNote { location: Some(point(0, longitude)), message: format!("note {}", number + 1) };
        notes.send(&note).await.map_err(told)?;
    }
    notes.finish().await.map_err(told)?;
    while answers.next().await.map_err(told)?.is_some() {}
    // A service that no server has.
    match guide.named("elsewhere.Guide").get_feature(trail).await {
        Err(status) if status.code() == Code::UNIMPLEMENTED => Ok(()),
        other => Err(format!("expected UNIMPLEMENTED, found {other:?}")),
    }
}
