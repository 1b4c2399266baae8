//! Memory that every call may hold, held by many. The server may take all of it, refuse calls or close connections.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2grpc::route_guide::{Point, RouteNote};
use tokio::time::timeout;

use crate::common::{frame as framed, frame_of, head as head_h2, soon};
use crate::frames::{CHAT, DATA, INITIAL_WINDOW_SIZE, RECORD, frame, head};
use crate::messages::note;
use crate::peer::{Attacker, FULL, connect};

pub async fn open_calls_on_many_connections(address: SocketAddr) -> Vec<Attacker> {
    let mut attackers = Vec::new();
    for _ in 0..200 {
        let mut attacker = Attacker::connect(address, &[]).await;
        attacker.send(&(1..).step_by(2).take(100).flat_map(|stream| head(stream, RECORD)).collect::<Vec<u8>>()).await;
        attackers.push(attacker);
    }
    for attacker in &mut attackers {
        attacker.all_read().await;
    }
    attackers
}

pub async fn messages_that_are_almost_whole(address: SocketAddr) -> Vec<Unfinished> {
    unfinished(address, RECORD, 25, &frame_of(0, &[0x7a; 4 << 20])[..4 << 20]).await
}

pub async fn notes_of_many_calls(address: SocketAddr) -> Vec<Unfinished> {
    let text = "x".repeat(60_000);
    let notes = (0..270).flat_map(|latitude| {
        let location = Some(Point { latitude, longitude: 0 });
        framed(&RouteNote { location, message: text.clone() })
    });
    unfinished(address, CHAT, 8, &notes.collect::<Vec<u8>>()).await
}

/// The two sides of a call: dropped, they reset it.
pub type Unfinished = (h2::client::ResponseFuture, h2::SendStream<Bytes>);

/// Calls of one connection that send these bytes, or as many as the server takes, and then nothing.
async fn unfinished(address: SocketAddr, path: &str, calls: usize, bytes: &[u8]) -> Vec<Unfinished> {
    let requests = connect(address).await;
    let mut streams = Vec::new();
    for _ in 0..calls {
        let mut ready = soon(requests.clone().ready()).await.unwrap();
        let (response, mut stream) = ready.send_request(head_h2(path).body(()).unwrap(), false).unwrap();
        send_all(&mut stream, Bytes::copy_from_slice(bytes)).await;
        streams.push((response, stream));
    }
    assert!(refused(&mut streams) > 0, "the server has taken all of it");
    streams
}

/// How many of these calls the server has ended, each with RESOURCE_EXHAUSTED.
fn refused(streams: &mut [Unfinished]) -> usize {
    let mut cx = Context::from_waker(Waker::noop());
    let ended = streams.iter_mut().filter_map(|(response, _)| match Pin::new(response).poll(&mut cx) {
        Poll::Ready(answer) => Some(answer.unwrap()),
        Poll::Pending => None,
    });
    ended.inspect(|answer| assert_eq!(answer.headers()["grpc-status"], "8", "{answer:?}")).count()
}

/// Sends all of this in a call, or as much as the server takes.
async fn send_all(stream: &mut h2::SendStream<Bytes>, mut bytes: Bytes) {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len().min(256 * 1024));
        if timeout(FULL, has_capacity(stream)).await != Ok(true) {
            return;
        }
        let part = bytes.split_to(bytes.len().min(stream.capacity()));
        let _ = stream.send_data(part, false);
    }
}

/// True when the server takes more bytes of a call, false when it has ended it.
async fn has_capacity(stream: &mut h2::SendStream<Bytes>) -> bool {
    while stream.capacity() == 0 {
        if !matches!(poll_fn(|cx| stream.poll_capacity(cx)).await, Some(Ok(_))) {
            return false;
        }
    }
    true
}

pub async fn bytes_that_pin_the_buffers_they_came_in(address: SocketAddr) -> Attacker {
    // The answers can't leave, so the handler reads no more. Between the bytes that it leaves unread comes much that
    // the server drops.
    let mut attacker = Attacker::connect(address, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    attacker.send(&head(1, CHAT)).await;
    attacker.send(&frame(DATA, 0, 1, &note("").repeat(2_000))).await;
    attacker.all_read().await.may_stay();
    let pin = [frame(DATA, 0, 1, b"\x00"), frame(0xbe, 0, 0, &[0; 16_384])].concat();
    attacker.flood(&pin, 10_000).await;
    attacker.all_read().await;
    attacker
}
