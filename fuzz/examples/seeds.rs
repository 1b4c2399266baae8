//! Writes the seeds of `server` and `client`: real connections, recorded, and whole calls and answers of each kind.
//!
//!     cargo run --manifest-path fuzz/Cargo.toml --example seeds

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use h2grpc::client::Channel;
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::tour::{TUTORIAL_NOTES, TUTORIAL_POINTS};
use h2grpc::route_guide::{Features, Guide, Rectangle, RouteGuide, RouteGuideClient, RouteNote};
use h2grpc::server::Server;
use h2grpc::transcript::http2::Frames;
use h2grpc::transcript::{Direction, Recorded, Recording};
use h2grpc_fuzz::{client, server, steps::Seed};
use tokio::sync::watch;

/// How many kinds of whole calls and whole answers there are.
const KINDS: u8 = 26;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let recorded = record().await?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let (servers, clients) = (empty(folder.join("server"))?, empty(folder.join("client"))?);
    for (name, calls) in [("four_calls", 1..8), ("first_call", 1..2), ("stream_out", 3..4), ("streams_in", 5..8)] {
        write(&servers, name, of_one_side(&recorded, Direction::ToServer, Seed::new(&server::RECORDED), &calls))?;
        write(&clients, name, of_one_side(&recorded, Direction::ToClient, Seed::new(&client::RECORDED), &calls))?;
    }
    for kind in 0..KINDS {
        write(&servers, &format!("call_{kind:02}"), whole(&[0, 0], kind, 1))?;
        write(&clients, &format!("answers_{kind:02}"), whole(&[0, 0], kind, 4))?;
    }
    Ok(())
}

/// A connection with a call of each shape.
async fn record() -> Result<Recorded, Box<dyn Error>> {
    let recording = Recording::new(1 << 20);
    let recorder = recording.clone();
    let connect = move || {
        let (io, end) = tokio::io::duplex(64 * 1024);
        let server = Server::new().add(Guide::new(Features::embedded()).into_service());
        tokio::spawn(async move {
            let (_stop, stopped) = watch::channel(false);
            server.serve_connection(end, None, stopped).await
        });
        let io = recorder.client(io);
        async move { io::Result::Ok(io) }
    };
    let client = RouteGuideClient::new(Channel::with_connector("a.b:1".parse()?, ClientLimits::default(), connect));
    client.get_feature(TUTORIAL_POINTS[0]).await?;
    let around = Rectangle { lo: Some(TUTORIAL_POINTS[0]), hi: Some(TUTORIAL_POINTS[0]) };
    let mut features = client.list_features(around).await?;
    while features.next().await?.is_some() {}
    let (mut points, summary) = client.record_route().await?;
    for point in TUTORIAL_POINTS {
        points.send(&point).await?;
    }
    points.finish().await?;
    summary.await?;
    let (mut notes, mut answers) = client.route_chat().await?;
    for (message, point) in TUTORIAL_NOTES {
        notes.send(RouteNote { location: Some(point), message: message.to_owned() }).await?;
    }
    notes.finish().await?;
    while answers.next().await?.is_some() {}
    Ok(recording.snapshot())
}

/// What one side has sent of the connection itself and of these streams, with a pause wherever the other side spoke.
fn of_one_side(recorded: &Recorded, way: Direction, mut seed: Seed, streams: &std::ops::Range<u32>) -> Vec<u8> {
    let mut frames = Frames::new(way, 1 << 24);
    for chunk in &recorded.without_times().chunks {
        if chunk.direction != way {
            seed.settle();
            continue;
        }
        frames.push(&chunk.bytes);
        while let Some(frame) = frames.next_frame().map(|cut| cut.frame) {
            if frame.stream() == 0 || streams.contains(&frame.stream()) {
                seed.frame(&frame);
            }
        }
    }
    seed.into_bytes()
}

/// So many whole calls or answers of one kind.
fn whole(setup: &[u8], kind: u8, count: u8) -> Vec<u8> {
    let mut seed = Seed::new(setup);
    for number in 0..count {
        seed.exchange(kind, 3, number);
        seed.settle();
    }
    seed.into_bytes()
}

/// The folder without the seeds that it had.
fn empty(folder: PathBuf) -> io::Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn write(folder: &Path, name: &str, seed: Vec<u8>) -> io::Result<()> {
    fs::write(folder.join(name), seed)
}
