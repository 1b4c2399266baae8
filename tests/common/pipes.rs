//! A channel over pipes in memory: no socket, so tests can stop the clock.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use h2grpc::client::Channel;
use h2grpc::limits::ClientLimits;
use h2grpc::server::Server;
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::checked;
use super::transcript::Wire;

/// How many bytes a pipe holds, each way.
const PIPE: usize = 64 * 1024;

/// When a channel has dialled, and what was on the wire then: that is printed where the test fails.
#[derive(Clone, Default)]
pub struct Dials {
    times: Arc<Mutex<Vec<Instant>>>,
    wire: Wire,
}

impl Dials {
    pub fn count(&self) -> usize {
        self.times.lock().unwrap().len()
    }

    pub fn times(&self) -> Vec<Instant> {
        self.times.lock().unwrap().clone()
    }

    pub fn add(&self) {
        self.times.lock().unwrap().push(Instant::now());
    }
}

/// A channel that connects at once, and the times of its dials. `serve` is the peer of each connection, counted from 0.
pub fn channel<Fut>(
    limits: ClientLimits, serve: impl Fn(usize, DuplexStream) -> Fut + Send + Sync + 'static,
) -> (Channel, Dials)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let (dials, count) = (Dials::default(), AtomicUsize::new(0));
    let told = dials.clone();
    let channel = Channel::with_connector("test.invalid:1".parse().unwrap(), limits, move || {
        told.add();
        let (client, server) = tokio::io::duplex(PIPE);
        tokio::spawn(serve(count.fetch_add(1, Ordering::Relaxed), server));
        let client = checked::client(told.wire.client(client));
        async move { io::Result::Ok(client) }
    });
    (channel, dials)
}

/// A channel to raw servers: `serve` gets each connection with its number. It ends early, by `?`, where its client is gone.
pub fn raw<Fut>(serve: impl Fn(usize, DuplexStream) -> Fut + Send + Sync + 'static) -> (Channel, Dials)
where
    Fut: Future<Output = Option<()>> + Send + 'static,
{
    let serve = Arc::new(serve);
    channel(ClientLimits::default(), move |number, io| {
        let serve = Arc::clone(&serve);
        async move {
            serve(number, io).await;
        }
    })
}

/// The same to `server`.
pub fn channel_to(server: Server) -> (Channel, Dials) {
    channel(ClientLimits::default(), move |_, io| serve(server.clone(), io))
}

/// Serves one connection until it ends.
pub async fn serve(server: Server, io: DuplexStream) {
    let (_stop, stopped) = watch::channel(false);
    // Its end is the client's business.
    let _ = server.serve_connection(checked::server(io), None, stopped).await;
}
