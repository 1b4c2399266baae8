//! The network of a row: dials that the test answers when it wants to, and pipes that it can cut.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex, split};
use tokio::sync::oneshot;

use crate::peer::Peer;

/// Where the channel of a row dials.
#[derive(Default)]
pub struct Net {
    dials: AtomicUsize,
    /// Dials that wait for their answer, in order.
    pending: Mutex<Vec<oneshot::Sender<io::Result<Line>>>>,
    peers: Mutex<Vec<Arc<Peer>>>,
    /// Every dial and every request is answered at once from now on.
    obliging: AtomicBool,
}

impl Net {
    pub async fn dial(self: Arc<Self>) -> io::Result<Line> {
        self.dials.fetch_add(1, Relaxed);
        if self.obliging.load(Relaxed) {
            let (line, peer) = self.connect();
            peer.oblige().await;
            return Ok(line);
        }
        let (answer, answered) = oneshot::channel();
        lock(&self.pending).push(answer);
        answered.await.unwrap_or_else(|_| Err(io::ErrorKind::ConnectionAborted.into()))
    }

    pub fn dials(&self) -> usize {
        self.dials.load(Relaxed)
    }

    /// Whether dials wait for their answer.
    pub fn is_dialled(&self) -> bool {
        lock(&self.pending).iter().any(|dial| !dial.is_closed())
    }

    pub fn refuse(&self) {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        let _ = lock(&self.pending).remove(0).send(Err(refused));
    }

    pub fn accept(self: &Arc<Self>) {
        let answer = lock(&self.pending).remove(0);
        let _ = answer.send(Ok(self.connect().0));
    }

    fn connect(self: &Arc<Self>) -> (Line, Arc<Peer>) {
        let (client, server) = duplex(64 * 1024);
        let (cut, is_cut) = oneshot::channel();
        let (reader, writer) = split(server);
        let peer = Arc::new(Peer::new(writer, cut));
        tokio::spawn(Arc::clone(&peer).read(reader));
        lock(&self.peers).push(Arc::clone(&peer));
        (Line { io: client, is_cut, error: None }, peer)
    }

    /// The peer of the last connection.
    pub fn peer(&self) -> Arc<Peer> {
        Arc::clone(lock(&self.peers).last().expect("a connection"))
    }

    /// Answers everything that waits, and whatever comes.
    pub async fn oblige(self: &Arc<Self>) {
        self.obliging.store(true, Relaxed);
        let dials = std::mem::take(&mut *lock(&self.pending));
        for dial in dials.into_iter().filter(|dial| !dial.is_closed()) {
            let _ = dial.send(Ok(self.connect().0));
        }
        let peers = lock(&self.peers).clone();
        for peer in peers {
            peer.oblige().await;
        }
    }

    /// What the peers saw: the connections in their order.
    pub fn seen(&self) -> String {
        let peers: Vec<String> = lock(&self.peers).iter().map(|peer| peer.seen()).collect();
        if peers.is_empty() { "nobody".to_owned() } else { peers.join(" / ") }
    }

    pub fn is_closed(&self) -> bool {
        lock(&self.peers).iter().all(|peer| peer.is_closed())
    }
}

/// The client's end of a pipe, which can be cut: then it fails as a TCP connection that is reset.
pub struct Line {
    io: DuplexStream,
    is_cut: oneshot::Receiver<()>,
    error: Option<io::ErrorKind>,
}

impl Line {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.error.is_none() && Pin::new(&mut self.is_cut).poll(cx) == Poll::Ready(Ok(())) {
            self.error = Some(io::ErrorKind::ConnectionReset);
        }
        self.error.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.io).poll_read(cx, into)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
