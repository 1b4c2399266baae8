//! How far the sending of a call has come, and the frames that wait for the flow-control window.
//!
//! ```text
//!           the first bytes, send_head()             trailers, or END_STREAM
//!   Head  -------------------------------> Messages ------------------------> Over(None)
//!    | |                                      |
//!    | | an error before any byte             | a reset, a lost connection
//!    | v (Trailers-Only)                      v
//!    | Over(None)                          Over(Some(why))
//!    +-----------------------------------> Over(Some(why))
//!
//!           another attempt: resume()
//!   Between -----------------------------> Messages
//!     ^                                       |
//!     +---------------------------------------+
//!       the stream is lost, and the call may begin again
//! ```
//!
//! A server's call begins in `Head`, a client's request in `Between`. A request whose stream was lost before anything of
//! the response came, and all of which is still here, is in `Between` again, until its call begins again or fails.

use std::task::{Context, Waker};

use h2::{SendStream, server::SendResponse};

use super::error::status_of_refusal;
use super::head::CallHead;
use super::piece::Piece;
use super::queue::Queue;
use super::replay::Replay;
use super::unasked::Unasked;
use crate::limits::{BATCH, SCARCE_BATCH, SCARCE_QUEUED};
use crate::memory::{Charge, Queued};
use crate::metadata::Metadata;
use crate::{status::Status, wire::head};

/// What the lock of an [`Outlet`](super::outlet::Outlet) protects.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) stage: Stage,
    pub(super) queue: Queue,
    pub(super) end: End,
    /// Metadata of the response, if the handler has set any.
    pub(super) metadata: Option<Box<ResponseMetadata>>,
    unasked: Unasked,
    /// What was sent of a client's request, as long as the call may begin again.
    pub(super) replay: Option<Replay>,
    /// The server has ended its side of the stream.
    pub(super) is_answered: bool,
    /// Bytes of frames that h2 was given.
    pub(super) sent: u64,
    pub(super) driver: Option<Waker>,
    pub(super) sender: Option<Waker>,
    /// What the call takes, and what waits here. It is settled each time that the call has yielded.
    pub(super) charge: Charge,
    /// What the call takes with its head from the first time that it yields to its end, once that was counted.
    takes: usize,
    /// How much gathers until the sender waits.
    batch: usize,
}

/// How far the sending of a call has come: see the picture above.
#[derive(Debug)]
pub(super) enum Stage {
    /// A server's call whose response head is not sent.
    Head(SendResponse<Piece>),
    Messages(SendStream<Piece>),
    /// A client's request between two attempts.
    Between,
    /// Nothing can be sent any more; with the reason, unless everything was sent.
    Over(Option<Status>),
}

/// What follows the last message.
#[derive(Debug, PartialEq)]
pub(super) enum End {
    /// More messages may come.
    Open,
    /// END_STREAM, as a client ends its request.
    Stream,
    /// RST_STREAM with CANCEL: the sender was dropped half way, or the response is over and nobody needs the request.
    Cancel,
}

/// Metadata for the response head, until that is sent, and for the trailers.
#[derive(Debug, Default)]
pub(super) struct ResponseMetadata {
    pub(super) head: Metadata,
    pub(super) trailers: Metadata,
}

/// What a sender learns when the server needs no more of the request.
pub(super) fn answered() -> Status {
    Status::cancelled("the server has answered before the request ended: its response says how the call went")
}

impl Sending {
    /// Of a server's call.
    pub(super) fn response(respond: SendResponse<Piece>, charge: Charge) -> Self {
        Sending::new(Stage::Head(respond), None, charge)
    }

    /// Of a client's request.
    pub(super) fn request(replay: Replay) -> Self {
        Sending::new(Stage::Between, Some(replay), Charge::new(None))
    }

    fn new(stage: Stage, replay: Option<Replay>, charge: Charge) -> Self {
        Sending {
            stage,
            queue: Queue::default(),
            end: End::Open,
            metadata: None,
            unasked: Unasked::default(),
            replay,
            is_answered: false,
            sent: 0,
            driver: None,
            sender: None,
            charge,
            takes: 0,
            batch: BATCH,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    /// Fails when nothing can be sent any more.
    pub(super) fn check_open(&self) -> Result<(), Status> {
        match &self.stage {
            Stage::Over(Some(why)) => Err(why.clone()),
            Stage::Over(None) => Err(Status::cancelled("the call has ended")),
            Stage::Head(_) | Stage::Messages(_) | Stage::Between => Ok(()),
        }
    }

    /// Sends the request on a new stream, from its beginning.
    pub(super) fn resume(&mut self, stream: SendStream<Piece>) {
        if !matches!(self.stage, Stage::Between) {
            return;
        }
        let again = self.replay.as_mut().map(Replay::take).unwrap_or_default();
        self.queue.put_back(&again);
        self.is_answered = false;
        self.sent = 0;
        self.unasked = Unasked::default();
        self.stage = Stage::Messages(stream);
        self.advance();
    }

    pub(super) fn send_head(&mut self) {
        let Stage::Head(respond) = &mut self.stage else { return };
        let mut response = head::response_head();
        if let Some(metadata) = &self.metadata {
            metadata.head.copy_to(response.headers_mut());
        }
        match respond.send_response(response, false) {
            Ok(stream) => self.stage = Stage::Messages(stream),
            Err(error) => {
                let ended = respond.poll_reset(&mut Context::from_waker(Waker::noop()));
                self.fail(status_of_refusal(error, ended, "the response head was sent"));
            }
        }
    }

    /// Whether enough has gathered that the sender should wait before it adds more.
    pub(super) fn is_full(&self) -> bool {
        self.queue.gathered() >= self.batch
    }

    /// Charges what waits here, and what the call takes that began with `head`. A call that is answered at once never gets
    /// here, and is not charged.
    pub(super) fn settle(&mut self, head: &CallHead) {
        if self.charge.account().is_none() {
            return;
        }
        if self.takes == 0 {
            self.takes = head.takes();
        }
        self.charge.settle(self.takes + self.queue.takes());
    }

    /// Whether memory is scarce, and h2 has enough for this connection. What leaves h2 wakes `waker`, if there is one.
    pub(super) fn is_held_back(&self, waker: Option<&Waker>) -> bool {
        let Some(account) = self.charge.account() else { return false };
        if !account.is_short() || account.queued() <= SCARCE_QUEUED {
            return false;
        }
        // Asked again, for h2 may have sent the last of it before the waker was known.
        waker.is_none_or(|waker| {
            account.wait(waker);
            account.queued() > SCARCE_QUEUED
        })
    }

    /// Gives h2 what its window allows now, and tells a waiting sender if that made room.
    pub(super) fn advance(&mut self) {
        let mut progress = false;
        let is_short = self.charge.account().is_some_and(|account| account.is_short());
        self.batch = if is_short { SCARCE_BATCH } else { BATCH };
        while !self.queue.is_empty() || self.end == End::Stream {
            self.send_head();
            if is_short && self.is_held_back(None) {
                break;
            }
            let front = self.queue.front();
            let Stage::Messages(stream) = &mut self.stage else { break };
            let mut count = front.len;
            if count > 0 && !self.unasked.allows(front) {
                // A modest target: capacity that is reserved for one stream is lost to the others.
                let target = front.len.min(4 * BATCH);
                stream.reserve_capacity(target);
                count = stream.capacity().min(target);
                self.unasked.asked(count == front.len);
                if count == 0 {
                    break;
                }
            }
            let data = self.queue.take(count);
            let ends = self.end == End::Stream && self.queue.is_empty();
            if let Some(replay) = &mut self.replay
                && !replay.keep(&data)
            {
                self.replay = None;
            }
            // What was encoded before takes no memory of its own.
            let takes = if front.is_stored { 0 } else { count };
            let queued = self.charge.account().map(|account| Queued::new(account, takes));
            match stream.send_data(Piece::new(data, queued), ends) {
                Err(error) => {
                    let ended = stream.poll_reset(&mut Context::from_waker(Waker::noop()));
                    self.lose(status_of_refusal(error, ended, "a message was sent"));
                }
                Ok(()) if ends => self.stage = Stage::Over(None),
                Ok(()) => {}
            }
            self.sent += count as u64;
            progress = true;
        }
        if is_short {
            self.queue.economize();
        }
        if progress {
            self.wake_sender();
        }
    }

    /// The stream is lost because of `why`. A request that is here from its beginning waits for another.
    pub(super) fn lose(&mut self, why: Status) {
        match self.replay {
            Some(_) => self.stage = Stage::Between,
            None => self.fail(why),
        }
    }

    /// Ends the sending because of `why`, which the sender gets as its error, unless it is over.
    pub(super) fn fail(&mut self, why: Status) {
        if self.is_over() {
            return;
        }
        self.stage = Stage::Over(Some(why));
        self.queue.clear();
        self.charge.settle(self.takes);
        self.wake_sender();
    }

    /// Ends the stream with RST_STREAM and discards what waits. The sender gets `why` as its error.
    pub(super) fn reset(&mut self, reason: h2::Reason, why: Status) {
        match &mut self.stage {
            Stage::Head(respond) => respond.send_reset(reason),
            Stage::Messages(stream) => stream.send_reset(reason),
            Stage::Between => {}
            Stage::Over(_) => return,
        }
        self.fail(why);
    }

    fn wake_sender(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.wake();
        }
    }
}
