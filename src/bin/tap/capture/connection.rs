//! A TCP connection of a capture: which side is the client, and whether it speaks HTTP/2 at all.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use h2grpc::transcript::http2::PREFACE;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Direction, Event, Keep, Reader};

use super::super::explain::{Explainer, Start};
use super::segment::Segment;
use super::stream::{Piece, Stream};

/// A connection.
pub struct Connection {
    id: u64,
    /// The ends, the client first.
    ends: [SocketAddr; 2],
    streams: [Stream; 2],
    /// Which directions have ended.
    ended: [bool; 2],
    /// Whether its first packet was captured.
    is_whole: bool,
    state: State,
}

enum State {
    /// It may be HTTP/2.
    Unknown(Box<Probe>),
    Explained,
    /// It is none.
    Other,
}

/// What has come of a connection that may be HTTP/2.
struct Probe {
    /// Whether it is to be explained whatever it is.
    wanted: bool,
    pieces: Vec<(Direction, Piece)>,
    held: usize,
    /// It looks for frames where the first packets are missing.
    reader: Reader,
    has_frames: bool,
}

/// What pieces of a connection say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// HTTP/2, and who is the client is as it was assumed.
    Http2,
    /// HTTP/2, and the sides are the other way round.
    Turned,
    Other,
}

/// So many bytes without a frame are no HTTP/2.
const PROBED: usize = 256 * 1024;

impl Connection {
    /// A connection of which this is the first segment that was captured.
    pub fn new(id: u64, segment: &Segment<'_>, port: Option<u16>) -> Self {
        let is_whole = segment.syn;
        let from_client = match (segment.syn, segment.acknowledged, port) {
            (true, acknowledged, _) => acknowledged.is_none(),
            (false, _, Some(port)) => segment.to.port() == port,
            // Clients have high ports as a rule.
            (false, _, None) => segment.to.port() < segment.from.port() || segment.bytes.starts_with(PREFACE),
        };
        let ends = if from_client { [segment.from, segment.to] } else { [segment.to, segment.from] };
        let reader = Reader::late(Arc::new(Types::default()), Keep { frame: PROBED, ..Keep::default() });
        let probe = Probe { wanted: port.is_some(), pieces: Vec::new(), held: 0, reader, has_frames: false };
        let streams = [Stream::default(), Stream::default()];
        Connection { id, ends, streams, ended: [false; 2], is_whole, state: State::Unknown(Box::new(probe)) }
    }

    /// Whether any byte of it has come.
    pub fn has_bytes(&self) -> bool {
        !matches!(&self.state, State::Unknown(probe) if probe.pieces.is_empty()) || self.ended != [false; 2]
    }

    /// Whether both sides have said their last byte.
    pub fn is_over(&self) -> bool {
        self.ended == [true; 2]
    }

    /// Takes a segment.
    pub fn segment(&mut self, at: Duration, segment: &Segment<'_>, explainer: &mut Explainer) -> io::Result<()> {
        let direction = if segment.from == self.ends[0] { Direction::ToServer } else { Direction::ToClient };
        if matches!(self.state, State::Other) {
            return Ok(());
        }
        let mut pieces = Vec::new();
        if let Some(number) = segment.acknowledged {
            let other = direction.other();
            let acknowledged = self.streams[other.index()].acknowledged(number);
            pieces.extend(acknowledged.into_iter().map(|piece| (other, piece)));
        }
        let stream = &mut self.streams[direction.index()];
        if segment.syn {
            stream.begin(segment.number);
        } else if !segment.bytes.is_empty() || segment.cut > 0 {
            let own = stream.segment(at, segment.number, segment.bytes, segment.cut);
            pieces.extend(own.into_iter().map(|piece| (direction, piece)));
        }
        self.ended[direction.index()] |= segment.fin;
        if segment.rst {
            self.ended = [true; 2];
        }
        pieces.into_iter().try_for_each(|(direction, piece)| self.piece(direction, piece, explainer))
    }

    /// There is no more of it.
    pub fn close(&mut self, at: Duration, explainer: &mut Explainer) -> io::Result<()> {
        for direction in Direction::BOTH {
            for piece in self.streams[direction.index()].finish() {
                self.piece(direction, piece, explainer)?;
            }
        }
        if matches!(&self.state, State::Unknown(probe) if probe.wanted || probe.has_frames) {
            self.explain(explainer)?;
        }
        let how = if self.is_over() { "closed" } else { "goes on after the capture" };
        match self.state {
            State::Explained => explainer.closed(self.id, at, how),
            _ => Ok(()),
        }
    }

    fn piece(&mut self, direction: Direction, piece: Piece, explainer: &mut Explainer) -> io::Result<()> {
        match &mut self.state {
            State::Explained => tell(self.id, direction, &piece, explainer),
            State::Other => Ok(()),
            State::Unknown(probe) => match probe.take(direction, piece, self.is_whole) {
                Some(Found::Http2) => self.explain(explainer),
                Some(Found::Turned) => {
                    self.turn();
                    self.explain(explainer)
                }
                Some(Found::Other) if probe.wanted => self.explain(explainer),
                Some(Found::Other) => {
                    self.state = State::Other;
                    Ok(())
                }
                None => Ok(()),
            },
        }
    }

    /// The one that was taken for the client is the server.
    fn turn(&mut self) {
        self.ends.swap(0, 1);
        self.streams.swap(0, 1);
        self.ended.swap(0, 1);
        if let State::Unknown(probe) = &mut self.state {
            probe.pieces.iter_mut().for_each(|(direction, _)| *direction = direction.other());
        }
    }

    /// Explains what has come so far, and from now on what comes.
    fn explain(&mut self, explainer: &mut Explainer) -> io::Result<()> {
        let State::Unknown(probe) = std::mem::replace(&mut self.state, State::Explained) else { return Ok(()) };
        let begins = |(direction, piece): &(Direction, Piece)| {
            *direction == Direction::ToServer && matches!(piece, Piece::Bytes(_, bytes) if bytes.starts_with(PREFACE))
        };
        let first = probe.pieces.iter().find(|(direction, _)| *direction == Direction::ToServer);
        let is_new = self.is_whole || first.is_some_and(begins);
        let at = match probe.pieces.first() {
            Some((_, Piece::Bytes(at, _) | Piece::Missing(at, _))) => *at,
            None => Duration::ZERO,
        };
        let about = format!("from {} to {}", self.ends[0], self.ends[1]);
        explainer.opened(self.id, at, &about, if is_new { Start::New } else { Start::Late })?;
        probe.pieces.iter().try_for_each(|(direction, piece)| tell(self.id, *direction, piece, explainer))
    }
}

impl Probe {
    /// Takes a piece. Says what the connection is, once that is known.
    fn take(&mut self, direction: Direction, piece: Piece, is_whole: bool) -> Option<Found> {
        let is_first = self.pieces.iter().all(|(own, _)| *own != direction);
        let found = match &piece {
            Piece::Bytes(at, bytes) => {
                self.held += bytes.len();
                let told = bytes.len().min(PREFACE.len());
                match (direction, is_first) {
                    (Direction::ToServer, true) if bytes[..told] == PREFACE[..told] => Some(Found::Http2),
                    // The first bytes are there, and they are others.
                    (Direction::ToServer, true) if is_whole => Some(Found::Other),
                    _ if is_whole => None,
                    _ => self.look(direction, *at, bytes),
                }
            }
            Piece::Missing(..) => None,
        };
        self.pieces.push((direction, piece));
        let enough = || if self.has_frames { Found::Http2 } else { Found::Other };
        found.or_else(|| (self.held > PROBED).then(enough))
    }

    /// Looks for a header block, whose first fields tell requests from responses: their names are in the static table.
    fn look(&mut self, direction: Direction, at: Duration, bytes: &[u8]) -> Option<Found> {
        let events = self.reader.push(direction, at, bytes);
        self.has_frames |= events.iter().any(|event| event.frame.kind().is_some());
        let side = |event: &Event| {
            let block = event.block.as_deref()?;
            let requests = block.get(":method").map(|_| Direction::ToServer);
            requests.or(block.get(":status").map(|_| Direction::ToClient))
        };
        let found = events.iter().find_map(side);
        found.map(|side| if side == direction { Found::Http2 } else { Found::Turned })
    }
}

fn tell(id: u64, direction: Direction, piece: &Piece, explainer: &mut Explainer) -> io::Result<()> {
    match piece {
        Piece::Bytes(at, bytes) => explainer.bytes(id, direction, *at, bytes),
        Piece::Missing(at, bytes) => explainer.skipped(id, direction, *at, *bytes, "they are not in the capture"),
    }
}
