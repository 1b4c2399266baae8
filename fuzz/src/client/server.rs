//! The servers of a script: each connection that the client makes plays the next part of it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use h2grpc::transcript::Direction;
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::calls::{SHAPES, Shape};
use super::replies::{self, FIELDS, LEGAL};
use crate::answers::all;
use crate::peer::{PIPE, Peer};
use crate::steps::Step;
use crate::tape::{Event, Tape};
use crate::wire::*;

/// Where a client dials.
#[derive(Clone)]
pub struct Servers(Arc<Mutex<State>>);

struct State {
    greets: bool,
    /// What the next connections are to do.
    parts: VecDeque<Vec<Step>>,
    running: JoinSet<Peer>,
    /// Those whose connection has ended.
    ended: Vec<Peer>,
    stop: watch::Sender<bool>,
}

impl Servers {
    pub fn new(steps: &[Step], greets: bool) -> Self {
        let parts = steps.split(|step| matches!(step, Step::Next)).map(<[Step]>::to_vec).collect();
        let (stop, _) = watch::channel(false);
        Servers(Arc::new(Mutex::new(State { greets, parts, running: JoinSet::new(), ended: Vec::new(), stop })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client's end of the next connection; none if the script has no more.
    pub fn accept(&self) -> Option<DuplexStream> {
        let mut state = self.state();
        let part = state.parts.pop_front()?;
        let (client, end) = tokio::io::duplex(PIPE);
        let mut server = Server { peer: Peer::new(end, Direction::ToClient), replied: BTreeSet::new() };
        let (greets, mut stopped) = (state.greets, state.stop.subscribe());
        state.running.spawn(async move {
            tokio::select! {
                () = server.serve(&part, greets) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
            server.peer
        });
        Some(client)
    }

    /// How many connections are served.
    pub fn running(&self) -> usize {
        let state = &mut *self.state();
        while let Some(peer) = state.running.try_join_next() {
            state.ended.push(peer.expect("a server of the script does not panic"));
        }
        state.running.len()
    }

    /// Ends all connections, and gives what went over them.
    pub async fn stop(&self) -> Vec<Tape> {
        let (mut running, mut peers) = {
            let state = &mut *self.state();
            let _ = state.stop.send(true);
            (std::mem::take(&mut state.running), std::mem::take(&mut state.ended))
        };
        while let Some(peer) = running.join_next().await {
            peers.push(peer.expect("a server of the script does not panic"));
        }
        peers.into_iter().map(|peer| peer.tape).collect()
    }
}

/// A server of bare frames.
struct Server {
    peer: Peer,
    /// The streams that have had a whole answer.
    replied: BTreeSet<u32>,
}

impl Server {
    async fn serve(&mut self, steps: &[Step], greets: bool) {
        if greets {
            self.peer.send(&frame(SETTINGS, 0, 0, b"")).await;
        }
        for step in steps {
            self.take(step).await;
        }
        self.peer.settle().await;
        self.peer.acknowledge().await;
        self.peer.listen().await;
        if !self.peer.is_open() {
            return;
        }
        // It holds the connection, and does nothing.
        std::future::pending().await
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Settle => self.peer.settle().await,
            Step::Pause(time) => self.peer.pause(*time).await,
            Step::Read(reads) => self.peer.reads = *reads,
            Step::Close { whole: true } => self.peer.close(),
            Step::Close { whole: false } => self.peer.shut().await,
            Step::Exchange { case, count, cut } => {
                if self.next_request().is_none() {
                    self.peer.settle().await;
                }
                let Some((stream, shape)) = self.next_request() else { return };
                self.replied.insert(stream);
                self.peer.send(&replies::reply(stream, shape, *case, *count, *cut)).await;
            }
            step => {
                let latest = self.peer.tape.received.streams.last().copied().unwrap_or(0);
                self.peer.send(&step.bytes(latest, FIELDS, LEGAL)).await;
            }
        }
    }

    /// The first request that has had no answer.
    fn next_request(&self) -> Option<(u32, Shape)> {
        self.peer.tape.received.events.iter().find_map(|event| match event {
            Event::Block { stream, fields, .. } if !self.replied.contains(stream) => {
                let path = all(fields, b":path").next()?;
                let shape = SHAPES.into_iter().find(|shape| path == shape.path().as_bytes())?;
                Some((*stream, shape))
            }
            _ => None,
        })
    }
}
