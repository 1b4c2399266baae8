//! How a row is played: a channel and a network are brought into the state, the event happens, and what follows is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use h2::Reason;
use h2grpc::call::CallOptions;
use h2grpc::client::{Channel, ConnectivityState};
use h2grpc::limits::ClientLimits;
use h2grpc::status::Status;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::common::raw::WINDOW_UPDATE;
use crate::common::{checked, text};
use crate::net::Net;
use crate::state::{Event, Last, State};
use crate::{EchoClient, calls};

/// What has become of it all.
#[derive(Debug, PartialEq)]
pub struct End {
    /// How each call ended: "OK", "CODE: message", "dropped", "goes on".
    pub calls: Vec<String>,
    /// The states of the channel since the event, the first of which it found.
    pub states: String,
    pub dials: usize,
    /// What the peers saw, and what they saw after they had answered everything, if that is more.
    pub peers: String,
}

/// Time for everybody to do what there is to do: longer than [`calls::TICK`].
const SETTLES: Duration = Duration::from_millis(150);
const DEADLINE: Duration = Duration::from_secs(5);
/// More than the longest back-off before the third attempt, and far less than for ever.
const PATIENCE: Duration = Duration::from_secs(60);
const HIGHEST: u32 = u32::MAX >> 1;

pub struct World {
    net: Arc<Net>,
    handles: Option<(Channel, EchoClient)>,
    options: CallOptions,
    calls: Vec<JoinHandle<Result<(), Status>>>,
    states: Arc<Mutex<Vec<ConnectivityState>>>,
    /// Tells a streaming request to end.
    finish: Arc<Notify>,
}

impl World {
    /// A channel that has not dialled. Its calls wait for a connection if they are `patient`.
    pub fn new(patient: bool, event: Event) -> Self {
        let net = Arc::<Net>::default();
        let dialled = Arc::clone(&net);
        let limits = ClientLimits::default()
            .keepalive_interval(Some(Duration::from_secs(10)))
            .idle_timeout(Duration::from_secs(60));
        let target = "test.invalid:1".parse().unwrap();
        let channel = Channel::with_connector(target, limits, move || Arc::clone(&dialled).dial());
        let channel = checked::calling(channel);
        let options = CallOptions::new().wait_for_ready(patient);
        let options = if matches!(event, Event::Deadline) { options.timeout(DEADLINE) } else { options };
        let client = EchoClient::new(channel.clone());
        let states = watch(&channel);
        World { net, handles: Some((channel, client)), options, calls: Vec::new(), states, finish: Arc::default() }
    }

    pub async fn bring(&mut self, state: State) {
        match state {
            State::Idle => {}
            State::Dialling => self.say(),
            State::Greeted | State::HalfSettings => {
                self.say();
                settle().await;
                self.net.accept();
                if state == State::HalfSettings {
                    self.net.peer().begin_settings(12).await;
                }
            }
            State::Ready => self.connect(100).await,
            State::Sent | State::Headed | State::Leaving => {
                self.connect(100).await;
                self.say();
                settle().await;
                let (peer, stream) = (self.net.peer(), self.net.peer().last_open());
                match state {
                    State::Headed => peer.send_head(stream).await,
                    State::Leaving => peer.go_away(stream, Reason::NO_ERROR, "").await,
                    _ => {}
                }
            }
            State::Listing | State::Shut => {
                self.connect(100).await;
                self.begin(|client, _| calls::list(client));
                settle().await;
                self.net.peer().send_message(self.net.peer().last_open()).await;
                settle().await;
                if state == State::Shut {
                    self.handles = None;
                }
            }
            State::Uploading => {
                self.connect(100).await;
                self.begin(calls::upload);
            }
            State::Blocked => {
                self.connect(100).await;
                self.begin(|client, _| calls::fill(client));
            }
            State::BlockedFirst => {
                self.connect(100).await;
                self.begin(|client, _| calls::fill_first(client));
            }
            State::Queued | State::Ignored => {
                self.connect(1).await;
                let options = std::mem::take(&mut self.options);
                match state {
                    State::Queued => self.say(),
                    _ => self.begin(calls::ignore),
                }
                settle().await;
                self.options = options;
                self.say();
            }
            State::Barred => {
                self.connect(100).await;
                self.net.peer().settle(0).await;
                settle().await;
                self.say();
            }
            State::Failed | State::FailedDialling => self.fail(state).await,
        }
        settle().await;
        let mut states = self.states.lock().unwrap();
        let before = states.len() - 1;
        states.drain(..before);
    }

    /// A connection that is ready.
    async fn connect(&mut self, limit: u32) {
        let (channel, _) = self.handles.clone().expect("the channel");
        let connecting = tokio::spawn(async move { channel.connect().await });
        settle().await;
        self.net.accept();
        self.net.peer().settle(limit).await;
        connecting.await.unwrap().expect("a connection");
        settle().await;
    }

    /// A first attempt that is refused.
    async fn fail(&mut self, state: State) {
        let (_, client) = self.handles.clone().expect("the channel");
        let first = tokio::spawn(async move { client.say(text("hello")).await });
        settle().await;
        self.net.refuse();
        first.await.unwrap().expect_err("the first attempt fails");
        if self.options.wait_for_ready == Some(true) {
            self.say();
        }
        if state == State::FailedDialling {
            sleep(Duration::from_millis(1300)).await;
            assert!(self.net.is_dialled(), "the second attempt");
        }
    }

    fn say(&mut self) {
        self.begin(|client, _| calls::say(client));
    }

    fn begin<F: Future<Output = Result<(), Status>> + Send + 'static>(
        &mut self, call: impl FnOnce(EchoClient, Arc<Notify>) -> F,
    ) {
        let (_, client) = self.handles.as_ref().expect("the channel");
        self.calls.push(tokio::spawn(call(client.with(self.options.clone()), Arc::clone(&self.finish))));
    }

    pub async fn happen(&mut self, event: Event) {
        let net = Arc::clone(&self.net);
        match event {
            Event::Refused => net.refuse(),
            Event::Silence(seconds) => sleep(Duration::from_secs(seconds)).await,
            Event::SettingsAfter(seconds) => {
                sleep(Duration::from_secs(seconds)).await;
                if net.is_dialled() {
                    net.accept();
                }
                net.peer().settle(100).await;
            }
            Event::TlsAlert => net.peer().bytes(b"\x15\x03\x03\x00\x02\x02\x16").await,
            Event::Http1 => net.peer().bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
            Event::UnknownFrame => net.peer().send(0xff, 0, 1, b"unknown").await,
            Event::BrokenFrame => net.peer().send(WINDOW_UPDATE, 0, 0, b"1").await,
            Event::Limit(limit) => net.peer().settle(limit).await,
            Event::Goaway(last) => net.peer().go_away(self.stream(last), Reason::NO_ERROR, "").await,
            Event::CalmGoaway(last) => {
                net.peer().go_away(self.stream(last), Reason::ENHANCE_YOUR_CALM, "too_many_pings").await;
            }
            Event::TwoGoaways(last) => {
                net.peer().go_away(HIGHEST, Reason::NO_ERROR, "").await;
                sleep(Duration::from_millis(10)).await;
                net.peer().go_away(self.stream(last), Reason::NO_ERROR, "").await;
            }
            Event::Reset(reason) => net.peer().reset(net.peer().last_open(), reason).await,
            Event::Answer(code) | Event::AnswerReset(code) => {
                let (peer, stream) = (net.peer(), net.peer().last_open());
                match code {
                    0 => peer.answer(stream).await,
                    code => peer.end(stream, code, "not you").await,
                }
                if matches!(event, Event::AnswerReset(_)) {
                    peer.reset(stream, Reason::NO_ERROR).await;
                }
            }
            Event::Fin => net.peer().close().await,
            Event::Cut => net.peer().cut(),
            Event::Mute => {
                net.peer().mute();
                sleep(Duration::from_secs(45)).await;
            }
            Event::Deadline => sleep(DEADLINE).await,
            Event::CallDropped => self.calls.last().expect("a call").abort(),
            Event::ChannelDropped => self.handles = None,
            Event::BackoffOver => sleep(Duration::from_millis(1300)).await,
            Event::IdleTimeout => sleep(Duration::from_secs(130)).await,
            Event::CallBetween => {
                sleep(Duration::from_secs(50)).await;
                self.say();
                settle().await;
                net.peer().answer(net.peer().last_open()).await;
                sleep(Duration::from_secs(15)).await;
            }
            Event::NewCall => self.say(),
        }
        sleep(SETTLES).await;
    }

    fn stream(&self, last: Last) -> u32 {
        let peer = self.net.peer();
        match last {
            Last::Above => peer.last_stream() + 2,
            Last::At => peer.last_stream(),
            Last::Below => peer.last_stream().saturating_sub(2),
        }
    }

    /// How the row ends, and then that the channel is well and leaves nothing behind.
    pub async fn end(mut self) -> Result<End, String> {
        let failed = |calls: &[JoinHandle<_>]| calls.iter().map(JoinHandle::is_finished).collect::<Vec<_>>();
        let ended_before = failed(&self.calls);
        let before = self.net.seen();
        self.net.oblige().await;
        self.finish.notify_one();
        let mut calls = Vec::new();
        for (call, ended_before) in self.calls.drain(..).zip(ended_before) {
            let outcome = match timeout(PATIENCE, call).await {
                Err(_) => "goes on".to_owned(),
                Ok(Err(error)) => if error.is_cancelled() { "dropped" } else { "panics" }.to_owned(),
                Ok(Ok(Ok(()))) => "OK".to_owned(),
                Ok(Ok(Err(status))) if ended_before => format!("{}: {}", status.code(), status.message()),
                Ok(Ok(Err(status))) => format!("later {}: {}", status.code(), status.message()),
            };
            calls.push(outcome);
        }
        sleep(SETTLES).await;
        let after = self.net.seen();
        let peers = if before == after { before } else { format!("{before} -> {after}") };
        let end = End { calls, states: names(&self.states.lock().unwrap()), dials: self.net.dials(), peers };
        self.is_well().await?;
        self.leaves_nothing().await?;
        Ok(end)
    }

    /// Another call passes, whatever has happened.
    async fn is_well(&self) -> Result<(), String> {
        let Some((_, client)) = &self.handles else { return Ok(()) };
        let patient = client.with(CallOptions::new().wait_for_ready(true));
        match timeout(PATIENCE, patient.say(text("again"))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(status)) => Err(format!("a call that follows fails: {status}")),
            Err(_) => Err("a call that follows hangs".to_owned()),
        }
    }

    async fn leaves_nothing(mut self) -> Result<(), String> {
        self.handles = None;
        sleep(SETTLES).await;
        if !self.net.is_closed() {
            return Err(format!("a connection is left open: {}", self.net.seen()));
        }
        match tokio::runtime::Handle::current().metrics().num_alive_tasks() {
            0 => Ok(()),
            left => Err(format!("{left} tasks are left")),
        }
    }
}

/// The names of `states`. IDLE that a waiting call ends at once is left out, because a watch may miss it.
fn names(states: &[ConnectivityState]) -> String {
    let names: Vec<String> =
        states.iter().map(|state| state.to_string().replace("TRANSIENT_FAILURE", "FAILURE")).collect();
    names.join(" ").replace("READY IDLE CONNECTING", "READY CONNECTING")
}

/// Time passes only while everybody waits: so all have done what there was to do.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

/// Notes the states of `channel` as it tells them, until it is gone.
fn watch(channel: &Channel) -> Arc<Mutex<Vec<ConnectivityState>>> {
    let mut watch = channel.watch();
    let states = Arc::new(Mutex::new(vec![*watch.borrow_and_update()]));
    let noted = Arc::clone(&states);
    tokio::spawn(async move {
        while watch.changed().await.is_ok() {
            noted.lock().unwrap().push(*watch.borrow_and_update());
        }
    });
    states
}
