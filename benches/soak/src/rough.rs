//! Peers that no server would wish for: each makes a connection, does its worst, and goes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use h2grpc::route_guide::{Point, Rectangle, RouteNote};
use prost::Message;
use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::frames::{DATA, END_STREAM, RST_STREAM, frame, head, hello, message};

/// How long a peer waits for a server that says nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// The window that a client offers which means to read.
const OPEN: u32 = 65_535;

/// What a peer does.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// Sends bytes that are no HTTP/2.
    Garbage,
    /// Sends a preface, and then bytes that are no frames.
    GarbageFrames,
    /// Speaks HTTP/1.1.
    OldHttp,
    /// Sends a call whose head or message is wrong.
    BadCall,
    /// Goes in the middle of a frame.
    Vanishes,
    /// Opens calls and resets them.
    Resets,
    /// Takes the answer a few bytes at a time.
    ReadsSlowly,
    /// Leaves no window for the answers of many calls.
    NeverReads,
    /// Sends a request a byte at a time.
    WritesSlowly,
}

pub const ALL: [Manner; 9] = [
    Manner::Garbage,
    Manner::GarbageFrames,
    Manner::OldHttp,
    Manner::BadCall,
    Manner::Vanishes,
    Manner::Resets,
    Manner::ReadsSlowly,
    Manner::NeverReads,
    Manner::WritesSlowly,
];

impl Manner {
    /// Does it. An error is the server's good right.
    pub async fn act(self, server: SocketAddr, rng: &mut StdRng) -> io::Result<()> {
        let mut stream = TcpStream::connect(server).await?;
        match self {
            Manner::Garbage => {
                stream.write_all(&noise(rng, 4096)).await?;
                drain(&mut stream).await
            }
            Manner::GarbageFrames => {
                stream.write_all(&[hello(OPEN), noise(rng, 4096)].concat()).await?;
                drain(&mut stream).await
            }
            Manner::OldHttp => {
                stream.write_all(b"POST /routeguide.RouteGuide/GetFeature HTTP/1.1\r\nHost: soak\r\n\r\n").await?;
                drain(&mut stream).await
            }
            Manner::BadCall => {
                stream.write_all(&[hello(OPEN), bad_call(rng)].concat()).await?;
                drain(&mut stream).await
            }
            Manner::Vanishes => {
                let call = [hello(OPEN), head(1, path("RecordRoute"), &[]), data(1, &points(rng), 0)].concat();
                stream.write_all(&call[..rng.random_range(0..call.len())]).await?;
                // Without its last bytes being read the kernel sends RST in place of FIN.
                sleep(Duration::from_millis(rng.random_range(0..50))).await;
                Ok(())
            }
            Manner::Resets => resets(&mut stream, rng).await,
            Manner::ReadsSlowly => reads_slowly(&mut stream).await,
            Manner::NeverReads => never_reads(&mut stream).await,
            Manner::WritesSlowly => {
                let call = [hello(OPEN), head(1, path("GetFeature"), &[]), data(1, &points(rng), END_STREAM)].concat();
                for byte in call.iter().take(100) {
                    stream.write_all(&[*byte]).await?;
                    sleep(Duration::from_millis(20)).await;
                }
                Ok(())
            }
        }
    }
}

fn path(method: &str) -> &'static str {
    match method {
        "GetFeature" => "/routeguide.RouteGuide/GetFeature",
        "ListFeatures" => "/routeguide.RouteGuide/ListFeatures",
        "RecordRoute" => "/routeguide.RouteGuide/RecordRoute",
        _ => "/routeguide.RouteGuide/RouteChat",
    }
}

fn noise(rng: &mut StdRng, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; rng.random_range(1..most)];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn data(stream: u32, payload: &[u8], flags: u8) -> Vec<u8> {
    frame(DATA, flags, stream, payload)
}

fn points(rng: &mut StdRng) -> Vec<u8> {
    let point = Point { latitude: 409146138, longitude: -746188906 };
    message(&point.encode_to_vec()).repeat(rng.random_range(1..200))
}

/// One of the calls that must end with an error of their own.
fn bad_call(rng: &mut StdRng) -> Vec<u8> {
    let get = head(1, path("GetFeature"), &[]);
    match rng.random_range(0..7) {
        0 => [head(1, "/no.such.Service/Method", &[]), data(1, &message(b""), END_STREAM)].concat(),
        1 => [head(1, "no path", &[]), data(1, b"", END_STREAM)].concat(),
        2 => [head(1, path("GetFeature"), &[("grpc-timeout", "soon")]), data(1, &message(b""), END_STREAM)].concat(),
        // A flag that no message has, a length that no message has, a message that ends early, one that is no Point.
        3 => [get, data(1, &[7, 0, 0, 0, 0], END_STREAM)].concat(),
        4 => [get, data(1, &[0, 0xff, 0xff, 0xff, 0xff], 0)].concat(),
        5 => [get, data(1, &[0, 0, 0, 0, 9, 8], END_STREAM)].concat(),
        _ => [get, data(1, &message(&noise(rng, 100)), END_STREAM)].concat(),
    }
}

/// Opens calls and resets them at once or later, with codes of all kinds.
async fn resets(stream: &mut TcpStream, rng: &mut StdRng) -> io::Result<()> {
    stream.write_all(&hello(OPEN)).await?;
    for number in 0..rng.random_range(1..60) {
        let id = number * 2 + 1;
        stream.write_all(&head(id, path("RouteChat"), &[])).await?;
        if rng.random() {
            stream.write_all(&data(id, &note(100), 0)).await?;
            sleep(Duration::from_millis(rng.random_range(0..3))).await;
        }
        stream.write_all(&frame(RST_STREAM, 0, id, &rng.random_range(0_u32..14).to_be_bytes())).await?;
    }
    drain(stream).await
}

/// Asks for all features, of which the first 64 KiB find room, and takes some of that.
async fn reads_slowly(stream: &mut TcpStream) -> io::Result<()> {
    let everywhere = Rectangle {
        lo: Some(Point { latitude: 400_000_000, longitude: -750_000_000 }),
        hi: Some(Point { latitude: 420_000_000, longitude: -730_000_000 }),
    };
    let mut calls = hello(2000);
    for id in [1, 3, 5] {
        calls.extend(head(id, path("ListFeatures"), &[]));
        calls.extend(data(id, &message(&everywhere.encode_to_vec()), END_STREAM));
    }
    stream.write_all(&calls).await?;
    let mut some = [0; 50];
    for _ in 0..40 {
        timeout(PATIENCE, stream.read(&mut some)).await??;
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Opens calls with answers that have no window, and leaves them for a while.
async fn never_reads(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(&hello(0)).await?;
    for number in 0..20 {
        let id = number * 2 + 1;
        stream.write_all(&head(id, path("RouteChat"), &[])).await?;
        stream.write_all(&data(id, &note(200).repeat(10), 0)).await?;
    }
    sleep(2 * PATIENCE).await;
    Ok(())
}

/// A note of so many letters, all at one point.
fn note(len: usize) -> Vec<u8> {
    let location = Some(Point { latitude: 1, longitude: 2 });
    message(&RouteNote { location, message: "n".repeat(len) }.encode_to_vec())
}

/// Reads until the server has closed the connection or says nothing more.
async fn drain(stream: &mut TcpStream) -> io::Result<()> {
    let mut some = [0; 4096];
    while let Ok(read) = timeout(PATIENCE, stream.read(&mut some)).await {
        if read? == 0 {
            break;
        }
    }
    Ok(())
}
