//! The calls of a connection: what their header blocks and bodies say.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::super::hpack::Block;
use super::super::place::Place;
use super::super::protobuf::Types;
use super::super::record::Direction;
use super::body::{Body, Piece};
use super::role::{Role, Way};

/// One call, by what was seen of it so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The number of its stream.
    pub stream: u32,
    /// The request's `:path`; empty where its head was not seen.
    pub path: String,
    /// The `grpc-status` as it was written, once it has come.
    pub status: Option<String>,
    /// Whether the response ended with fields that are not known, as in a recording that begins late: a `grpc-status` may
    /// be among them.
    pub unknown_status: bool,
    /// The `grpc-message`, percent-decoded.
    pub message: Option<String>,
    /// The HTTP `:status` of the response.
    pub http_status: Option<String>,
    /// When its first frame came.
    pub began: Duration,
    /// Where the request's head is.
    pub head: Option<Place>,
    /// How many messages were begun, each way.
    pub messages: [u64; 2],
    /// How many bytes of DATA came, each way.
    pub bytes: [u64; 2],
    /// Which ways END_STREAM was sent.
    pub closed: [bool; 2],
    /// How it ended, if it did.
    pub ended: Option<Ended>,
}

/// How the stream of a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Both sides said END_STREAM.
    Closed,
    /// One side reset it, with this error code.
    Reset {
        /// Which way the RST_STREAM went.
        by: Direction,
        /// Its error code.
        code: u32,
    },
}

/// What is known of one direction's messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct About {
    /// Whether the body is a string of Length-Prefixed-Messages.
    pub(in super::super) grpc: bool,
    /// The type of its messages.
    pub(in super::super) kind: Option<String>,
    pub(in super::super) encoding: Option<String>,
}

#[derive(Debug, Default)]
struct Open {
    call: Call,
    /// How many header blocks came, each way.
    blocks: [usize; 2],
    about: [Arc<About>; 2],
    bodies: [Body; 2],
    /// Whether bytes of a body are missing: where its messages begin is not known any more.
    lost: [bool; 2],
}

/// The calls that are open.
#[derive(Debug, Default)]
pub(in super::super) struct Calls {
    open: BTreeMap<u32, Open>,
    /// The streams of the calls that ended last: what was on its way then still comes.
    over: VecDeque<u32>,
    /// Whether calls may have begun unseen: the recording began late, or has a gap.
    unseen: bool,
    /// How many bytes are kept of messages that are not whole.
    held: usize,
}

/// So many calls that are over are remembered.
const OVER: usize = 1000;

/// The longest text that is kept of a call.
const TEXT: usize = 8 * 1024;

impl Calls {
    /// Those of a connection that is known from its first byte on, or not.
    pub(in super::super) fn new(known: bool) -> Self {
        Calls { unseen: !known, ..Calls::default() }
    }

    /// The calls that are open, by their streams.
    pub(in super::super) fn open(&self) -> impl Iterator<Item = &Call> {
        self.open.values().map(|open| &open.call)
    }

    /// An open call.
    pub(in super::super) fn get(&self, stream: u32) -> Option<&Call> {
        self.open.get(&stream).map(|open| &open.call)
    }

    /// How many bytes are missing of the message that one side of a call has begun.
    pub(in super::super) fn missing(&self, stream: u32, direction: Direction) -> Option<usize> {
        self.open.get(&stream)?.bodies[direction.index()].missing()
    }

    /// A header block came. Returns what it is to its call.
    pub(in super::super) fn block(&mut self, block: &Block, way: Way, end_stream: bool, types: &Types) -> Role {
        let open = match way.direction {
            Direction::ToServer if way.stream > 0 => self.open.entry(way.stream).or_default(),
            _ => match self.open.get_mut(&way.stream) {
                Some(open) => open,
                None if self.over.contains(&way.stream) => return Role::Late,
                None if self.unseen && way.stream % 2 == 1 => return Role::Unseen,
                None => return Role::NoCall,
            },
        };
        let index = way.direction.index();
        let status = block.get(":status").map(|status| lossy(status));
        let role = match (way.direction, open.blocks[index]) {
            (Direction::ToServer, 0) => Role::RequestHead,
            (Direction::ToServer, _) => Role::RequestTrailers,
            (Direction::ToClient, 0) if status.as_ref().is_some_and(|status| status.starts_with('1')) => {
                Role::Informational
            }
            (Direction::ToClient, 0) if end_stream => Role::TrailersOnly,
            (Direction::ToClient, 0) => Role::ResponseHead,
            (Direction::ToClient, _) => Role::Trailers,
        };
        if role == Role::Informational {
            return role;
        }
        if role == Role::RequestHead {
            open.call.stream = way.stream;
            open.call.began = way.at;
            open.call.head = Some(way.place);
            open.call.path = block.get(":path").map(|path| lossy(path)).unwrap_or_default();
        }
        if open.blocks[index] == 0 {
            let kind = types.method(&open.call.path).map(|kinds| <[&str; 2]>::from(kinds)[index].to_owned());
            // In a recording that begins late, it may be among the fields that nobody knows.
            let grpc = match block.get("content-type") {
                Some(kind) => kind.starts_with(b"application/grpc"),
                None => !block.is_known() && block.broken().is_none(),
            };
            let encoding = block.get("grpc-encoding").map(|encoding| lossy(encoding));
            open.about[index] = Arc::new(About { grpc, kind, encoding });
        }
        open.blocks[index] += 1;
        if way.direction == Direction::ToClient {
            open.call.http_status = open.call.http_status.take().or(status);
            open.call.status = block.get("grpc-status").map(|status| lossy(status)).or(open.call.status.take());
            open.call.unknown_status =
                end_stream && open.call.status.is_none() && !block.is_known() && block.broken().is_none();
            let message =
                block.get("grpc-message").map(|message| lossy(crate::wire::percent::decode(message).as_bytes()));
            open.call.message = message.or(open.call.message.take());
        }
        role
    }

    /// Content of a DATA frame came. Returns the messages that it belongs to, and what is known of them.
    pub(in super::super) fn data(
        &mut self, content: &Bytes, way: Way, keep: (usize, usize),
    ) -> (Vec<Piece>, Option<Arc<About>>) {
        let (each, all) = keep;
        let Some(open) = self.open.get_mut(&way.stream) else { return (Vec::new(), None) };
        let index = way.direction.index();
        open.call.bytes[index] += content.len() as u64;
        let about = open.about[index].clone();
        if !about.grpc || open.lost[index] {
            return (Vec::new(), Some(about));
        }
        let body = &mut open.bodies[index];
        let before = body.held();
        let pieces = body.push(content, way.place, each.min(before + all.saturating_sub(self.held)));
        self.held = self.held + body.held() - before;
        open.call.messages[index] = body.count() as u64;
        (pieces, Some(about))
    }

    /// Bytes of one direction are missing, and nobody knows of which calls.
    pub(in super::super) fn lose(&mut self, direction: Direction) {
        let index = direction.index();
        self.unseen = true;
        for open in self.open.values_mut() {
            self.held -= open.bodies[index].held();
            open.bodies[index] = Body::default();
            open.lost[index] = true;
        }
    }

    /// One side sent END_STREAM. Returns the call if the other side had done so: it is over.
    pub(in super::super) fn close(&mut self, stream: u32, direction: Direction) -> Option<Call> {
        let open = self.open.get_mut(&stream)?;
        open.call.closed[direction.index()] = true;
        if open.call.closed == [true; 2] { self.end(stream, Ended::Closed) } else { None }
    }

    /// The call is over.
    pub(in super::super) fn end(&mut self, stream: u32, ended: Ended) -> Option<Call> {
        let open = self.open.remove(&stream)?;
        self.over.push_back(stream);
        if self.over.len() > OVER {
            self.over.pop_front();
        }
        self.held -= open.bodies.iter().map(Body::held).sum::<usize>();
        Some(Call { ended: Some(ended), ..open.call })
    }

    /// Forgets the oldest calls beyond so many.
    pub(in super::super) fn forget_beyond(&mut self, most: usize) {
        while self.open.len() > most {
            let Some((stream, open)) = self.open.pop_first() else { return };
            self.held -= open.bodies.iter().map(Body::held).sum::<usize>();
            tracing::debug!(stream, "a call was forgotten");
        }
    }
}

impl Call {
    /// Whether anything was seen of its request.
    pub fn is_known(&self) -> bool {
        self.head.is_some()
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT)]).into_owned()
}
