//! Sockets: listening, accepting, and the stop of them all.

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, task::Poll, time::Duration};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::connection;
use super::setup::Setup;
use crate::connection::prepare;

/// How many accepted connections the kernel may hold before we take them.
const BACKLOG: i32 = 1024;

/// Listens on `address`. Port 0 takes any free port; an IPv6 address takes IPv6 alone, so that `[::1]` and
/// `127.0.0.1` can have the same port.
///
/// # Errors
/// Those of the socket, with the address in their text. It must be called within a Tokio runtime.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
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
    listener().map_err(|error| io::Error::new(error.kind(), format!("can't listen on {address}: {error}")))
}

pub(super) async fn serve(
    setup: Arc<Setup>, listeners: Vec<TcpListener>, stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut stop = pin!(stop);
    let (stopping, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(setup.limits.max_connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = accept(&listeners, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let (setup, stopped) = (Arc::clone(&setup), stopped.clone());
                connections.spawn(async move {
                    let _place = place;
                    info!(%peer, "connection opened");
                    match connection::serve(stream, Some(peer), &setup, stopped).await {
                        Ok(()) => info!(%peer, "connection closed"),
                        Err(error) => warn!(%peer, %error, "connection failed"),
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, or the peer was gone before it was accepted: neither is a reason to stop.
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listeners);
    info!(connections = connections.len(), "stopping: calls in flight may end");
    let _ = stopping.send(true);
    while connections.join_next().await.is_some() {}
    Ok(())
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

/// The next connection of any of `listeners`, once there is a place for it.
async fn accept(listeners: &[TcpListener], places: &Arc<Semaphore>) -> io::Result<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = std::future::poll_fn(|cx| {
        let accepted = listeners.iter().map(|listener| listener.poll_accept(cx)).find(Poll::is_ready);
        accepted.unwrap_or(Poll::Pending)
    })
    .await?;
    prepare(&stream)?;
    Ok((stream, peer, place))
}
