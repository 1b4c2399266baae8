//! Between two programs: connections are accepted and passed on, and a thread of its own explains them.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::task::Poll;
use std::time::Duration;
use std::{io, thread};

use h2grpc::server::listen;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::copies::{Arriving, Copies, Copy, Passed};
use super::explain::{Explainer, Start};
use super::options::Live;
use super::page::Page;
use super::pass::pass;
use super::save::Saver;
use super::{End, names, system};

const MIB: usize = 1024 * 1024;

/// How long to wait after the system had no connection to give.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the explaining thread looks for what waits when nothing comes.
const TICK: Duration = Duration::from_millis(500);

/// Listens, passes on and explains until it is told to end.
pub fn run(live: &Live) -> Result<End, String> {
    let types = names::types(&live.names)?;
    let others: Vec<&Path> = live.save.iter().map(PathBuf::as_path).collect();
    let page = Page::wanted(&live.page, live.shown.show_secrets, &others)?;
    let limit = live.save_limit * MIB as u64;
    let saver = live.save.as_ref().map(|path| Saver::new(path, limit, live.shown.show_secrets)).transpose()?;
    let explainer = Explainer::new(types, &live.shown, saver, page);
    let (copies, arriving) = Copies::new(live.lag * MIB);
    system::raise();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut signals = Signals::new().map_err(|error| format!("cannot wait for signals: {error}"))?;
        let listeners = listeners(live)?;
        let (done, mut explained) = oneshot::channel();
        let spawned = thread::Builder::new().name("explain".to_owned()).spawn(move || {
            let _ = done.send(explain(explainer, &arriving));
        });
        spawned.map_err(|error| format!("cannot start a thread: {error}"))?;
        let tap = Tap { to: live.to.clone().unwrap_or_default(), copies };
        tokio::select! {
            ended = &mut explained => return ended.unwrap_or_else(|_| Err("the explanations ended".to_owned())),
            () = tap.serve(listeners, live) => {}
            () = signals.any() => {}
        }
        // Every sender is gone with the tasks. What they sent is explained, unless somebody is in a hurry.
        tokio::select! {
            ended = explained => ended.unwrap_or_else(|_| Err("the explanations ended".to_owned())),
            () = signals.any() => Ok(End::Well),
        }
    })
}

/// Passes connections on.
struct Tap {
    to: String,
    copies: Copies,
}

impl Tap {
    /// Accepts connections, as many as were asked for, and waits until they are closed.
    async fn serve(self, listeners: Vec<TcpListener>, live: &Live) {
        let places = Arc::new(Semaphore::new(live.max_connections));
        let tap = Arc::new(self);
        let mut tasks = JoinSet::new();
        for id in 1..=live.connections.unwrap_or(u64::MAX) {
            // It is never closed.
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let (client, address) = accept(&listeners, &tap.copies).await;
            let tap = tap.clone();
            tasks.spawn(async move {
                tap.connection(id, client, &address).await;
                drop(place);
            });
            while tasks.try_join_next().is_some() {}
        }
        drop(listeners);
        while tasks.join_next().await.is_some() {}
    }

    async fn connection(&self, id: u64, client: TcpStream, address: &str) {
        let opened = self.copies.opened(id, format!("from {address} to {}", self.to));
        let how = match TcpStream::connect(&self.to).await {
            Ok(server) => pass(client, server, opened.as_ref()).await,
            Err(error) => {
                // The client learns that nobody is there, as far as that can still be said.
                let _ = client.set_zero_linger();
                format!("failed: no server at {}: {error}; is it started, and is --to right?", self.to)
            }
        };
        if let Some(opened) = opened {
            opened.closed(how);
        }
    }
}

/// The next connection of any listener, and whose it is.
async fn accept(listeners: &[TcpListener], copies: &Copies) -> (TcpStream, String) {
    loop {
        match any(listeners).await {
            Ok((client, address)) => return (client, address.to_string()),
            Err(error) => {
                copies.say(0, format!("cannot take a connection: {error}"));
                sleep(PAUSE).await;
            }
        }
    }
}

async fn any(listeners: &[TcpListener]) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|context| {
        let ready = listeners.iter().map(|listener| listener.poll_accept(context)).find(Poll::is_ready);
        ready.unwrap_or(Poll::Pending)
    })
    .await
}

/// Listens, and says where on standard error: standard output is for what passes.
fn listeners(live: &Live) -> Result<Vec<TcpListener>, String> {
    let wanted = live.listen.as_ref().map(|listen| listen.0.clone()).unwrap_or_default();
    let (mut listeners, mut failures) = (Vec::new(), Vec::new());
    for address in wanted {
        match listen(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(error.to_string());
            }
            // This machine need not have all addresses of a name: many have no IPv6.
            Err(error) => failures.push(error.to_string()),
        }
    }
    if listeners.is_empty() {
        return Err(failures.join("; "));
    }
    let addresses: Vec<String> =
        listeners.iter().filter_map(|listener| Some(listener.local_addr().ok()?.to_string())).collect();
    super::say(&format!("tap is listening on {}", addresses.join(" and ")));
    Ok(listeners)
}

/// Explains what arrives until every connection is over. Where the lines cannot be written, connections are still passed
/// on; but a reader who has seen enough and closed the pipe ends the tap.
fn explain(mut explainer: Explainer, arriving: &Arriving) -> Result<End, String> {
    system::stand_back();
    match explain_all(&mut explainer, arriving) {
        Ok(()) => explainer.end(),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => explainer.end().and(Ok(End::Well)),
        Err(error) => {
            super::say(&format!("error: {error}; connections are passed on without explanations"));
            while let Ok(passed) = arriving.receiver.recv() {
                arriving.done(&passed);
            }
            Err(error.to_string())
        }
    }
}

fn explain_all(explainer: &mut Explainer, arriving: &Arriving) -> io::Result<()> {
    let mut now = Duration::ZERO;
    loop {
        match arriving.receiver.recv_timeout(TICK) {
            Ok(passed) => {
                now = passed.at;
                let explained = explain_one(explainer, &passed);
                arriving.done(&passed);
                explained?;
                if !arriving.is_empty() {
                    continue;
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                now += TICK;
                explainer.all_waiting(now)?;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
        explainer.flush()?;
    }
    explainer.finish("was open when the tap ended")
}

fn explain_one(explainer: &mut Explainer, passed: &Passed) -> io::Result<()> {
    let (id, at) = (passed.connection, passed.at);
    match &passed.copy {
        Copy::Opened { about } => explainer.opened(id, at, about, Start::New),
        Copy::Bytes { direction, bytes } => explainer.bytes(id, *direction, at, bytes),
        Copy::Skipped { direction, bytes } => {
            explainer.skipped(id, *direction, at, *bytes, "the explanations could not keep up")
        }
        Copy::Closed { how } => explainer.closed(id, at, how),
        Copy::Said { text } => explainer.say(id, at, text),
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn any(&mut self) {
        tokio::select! { _ = self.interrupt.recv() => {} _ = self.terminate.recv() => {} }
    }
}
