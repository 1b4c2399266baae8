//! Sockets: listening, accepting, and the stop.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};
use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::connection;
use super::places::Places;
use super::setup::{Setup, Wrap};
use crate::connection::{ByteStream, prepare};

/// How many connections the kernel may hold before the server takes them.
const BACKLOG: i32 = 1024;

/// Listens on `address`. Port 0 takes any free port. `[::]` takes IPv4 too; any other IPv6 address takes IPv6 alone, so
/// that `[::1]` and `127.0.0.1` can have the same port.
///
/// # Errors
/// Those of the socket, with the address in their text. It must be called within a Tokio runtime.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if takes_both(address) {
            // OpenBSD refuses, and takes IPv6 alone.
            let _ = socket.set_only_v6(false);
        } else if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // A server that starts again must not wait for its old connections' TIME_WAIT.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    listener().map_err(|error| {
        let both = takes_both(address) && error.kind() == io::ErrorKind::AddrInUse;
        let note = if both { "; [::] takes the port for IPv4 too" } else { "" };
        io::Error::new(error.kind(), format!("can't listen on {address}: {error}{note}"))
    })
}

/// Whether IPv4 clients reach this IPv6 address.
fn takes_both(address: SocketAddr) -> bool {
    address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

/// How long accepting waits after a failure. Without a pause, a process that is out of file descriptors would do nothing
/// but try again.
const PAUSE: Duration = Duration::from_millis(50);

/// What connections come from.
pub(super) trait Accept {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>>;
}

impl Accept for TcpListener {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        TcpListener::poll_accept(self, cx)
    }
}

/// Serves the connections that `listeners` accept, each in a task of its own, until `stop`; then waits for their ends.
pub(super) async fn serve(
    setup: Arc<Setup>, listeners: Vec<impl Accept>, stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut stop = pin!(stop);
    let (stopping, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(setup.limits.max_connections));
    let places_by_address = Places::new(setup.limits.max_connections_per_address);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased; // else accepting that fails at once, again and again, would put off the stop by chance
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = accept(&listeners, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let Some(place_of_address) = places_by_address.take(peer.ip()) else {
                    turn_away(&stream);
                    info!(%peer, "connection turned away: its address has too many");
                    continue;
                };
                let (setup, stopped) = (Arc::clone(&setup), stopped.clone());
                connections.spawn(async move {
                    let _places = (place, place_of_address);
                    info!(%peer, "connection opened");
                    // Wrapped or not, it has one type: of two, the compiler would make each a slower copy of `serve`.
                    let stream: Box<dyn ByteStream> = Box::new(stream);
                    let stream = match &setup.wrap {
                        None => stream,
                        Some(Wrap(wrap)) => wrap(peer, stream),
                    };
                    match connection::serve(stream, Some(peer), &setup, stopped).await {
                        Ok(()) => info!(%peer, "connection closed"),
                        Err(error) => warn!(%peer, %error, "connection failed"),
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, or the peer was gone before it was accepted: neither is a reason to stop.
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listeners);
    info!(connections = connections.len(), "stopping: calls in flight may end");
    let _ = stopping.send(true);
    while connections.join_next().await.is_some() {}
    info!("stopped: every connection is closed");
    Ok(())
}

/// SETTINGS without settings, and GOAWAY with ENHANCE_YOUR_CALM (RFC 9113, sections 6.5 and 6.8; rules
/// h2.settings and h2.goaway), which says why.
const TURNED_AWAY: &[u8] = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\
    \x00\x00\x2e\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0btoo many connections from this address";

/// Tells a peer that its address has too many connections, as far as that can be done without waiting for it.
fn turn_away(stream: &TcpStream) {
    // It fails for a peer that is gone already.
    let _ = stream.try_write(TURNED_AWAY);
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

/// The next connection of any of `listeners`, once there is a place for it.
async fn accept(listeners: &[impl Accept], places: &Arc<Semaphore>) -> io::Result<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = std::future::poll_fn(|cx| {
        let accepted = listeners.iter().map(|listener| listener.poll_accept(cx)).find(Poll::is_ready);
        accepted.unwrap_or(Poll::Pending)
    })
    .await?;
    prepare(&stream)?;
    Ok((stream, canonical(peer), place))
}

/// An IPv4 client of `[::]` by its own address, which is not `::ffff:127.0.0.1`.
fn canonical(peer: SocketAddr) -> SocketAddr {
    match peer.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), peer.port()),
        IpAddr::V6(_) => peer,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    /// The listener of a process that is out of file descriptors.
    struct Failing(Arc<AtomicUsize>);

    impl Accept for Failing {
        fn poll_accept(&self, _: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
            assert!(self.0.fetch_add(1, Relaxed) < 1000, "it tries again without a pause");
            Poll::Ready(Err(io::ErrorKind::Other.into()))
        }
    }

    #[tokio::test]
    async fn an_ipv6_address_takes_ipv4_too_only_if_it_is_that_of_all() {
        let all = listen("[::]:0".parse().unwrap()).unwrap();
        let port = all.local_addr().unwrap().port();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let taken = listen(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        assert!(taken.to_string().ends_with("; [::] takes the port for IPv4 too"), "{taken}");

        let one = listen("[::1]:0".parse().unwrap()).unwrap();
        let port = one.local_addr().unwrap().port();
        let same_port = listen(SocketAddr::new([127, 0, 0, 1].into(), port)).unwrap();
        let taken = listen(same_port.local_addr().unwrap()).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        assert!(!taken.to_string().contains("[::]"), "{taken}");
        drop(same_port);
        TcpStream::connect(("127.0.0.1", port)).await.unwrap_err();
        // Nobody else has this address.
        let foreign = listen("[2001:db8::1]:0".parse().unwrap()).unwrap_err();
        assert!(!foreign.to_string().contains("takes the port"), "{foreign}");
    }

    #[tokio::test(start_paused = true)]
    async fn accepting_waits_a_moment_after_a_failure() {
        let tries = Arc::new(AtomicUsize::new(0));
        let listeners = vec![Failing(Arc::clone(&tries))];
        serve(Arc::default(), listeners, tokio::time::sleep(Duration::from_secs(1))).await.unwrap();
        assert!((15..=25).contains(&tries.load(Relaxed)), "{tries:?} tries in a second");
    }
}
