//! A byte stream of a simulated network: bytes take their time, are taken and come in pieces of any size, and the stream
//! may be cut at any byte.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::places::{Place, Places};

/// How many bytes may be on their way in one direction, as in a socket's buffers.
const CAPACITY: usize = 64 * 1024;

/// How many pieces of one write are as short as the wire has them. The rest comes in longer ones, or long messages
/// would take for ever; what is long is the content of messages, and heads of frames are at the beginning of a write.
const SHORT_PIECES: usize = 40;

/// Below this many bytes pieces are short.
const SHORT: usize = 100;

/// The directions of a wire.
pub const TO_SERVER: usize = 0;
pub const TO_CLIENT: usize = 1;

/// How a wire carries its bytes.
#[derive(Clone, Debug)]
pub struct Manner {
    pub latency: Duration,
    /// The most that comes in addition.
    pub jitter: Duration,
    /// The longest piece in which bytes arrive.
    pub piece: usize,
    /// The most bytes that one write takes.
    pub write: usize,
    /// After how many bytes of a direction it is cut, and how.
    pub cut: Option<(usize, usize, Cut)>,
}

/// How a wire is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    /// Both sides get an error, and what is on its way is lost.
    Reset,
    /// The reader of the direction gets what is on its way and then the end; the writer gets an error.
    End,
    /// Nothing arrives any more, and nobody is told.
    Silence,
}

/// Both directions, seen from outside.
#[derive(Clone)]
pub struct Wire(Arc<Mutex<[Lane; 2]>>);

/// One direction.
struct Lane {
    pieces: VecDeque<Piece>,
    /// Bytes that were written and not read.
    held: usize,
    /// Bytes that were written, ever.
    written: usize,
    cut: Option<Cut>,
    is_reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Bytes on their way.
struct Piece {
    due: Instant,
    /// They arrive later than they were sent.
    late: bool,
    bytes: Bytes,
}

/// What one of the two sides holds.
pub struct End {
    wire: Wire,
    manner: Manner,
    reads: usize,
    writes: usize,
    sleep: Option<Pin<Box<Sleep>>>,
    /// The next read is to wait first, so that the pieces before and after it are read apart.
    pauses: bool,
    rng: StdRng,
    open: Arc<AtomicUsize>,
    /// Where in the frames its last read has ended.
    place: Place,
    places: Places,
}

impl Wire {
    /// The client's end and the server's, which count in `open` as long as they are held.
    pub fn new(manner: &Manner, rng: &mut StdRng, open: &Arc<AtomicUsize>, places: &Places) -> (Wire, End, End) {
        let lane = || Lane {
            pieces: VecDeque::new(),
            held: 0,
            written: 0,
            cut: None,
            is_reader_gone: false,
            reader: None,
            writer: None,
        };
        let wire = Wire(Arc::new(Mutex::new([lane(), lane()])));
        let mut end = |reads, writes| {
            open.fetch_add(1, Ordering::Relaxed);
            End {
                wire: wire.clone(),
                manner: manner.clone(),
                reads,
                writes,
                sleep: None,
                pauses: false,
                rng: StdRng::seed_from_u64(rng.random()),
                open: Arc::clone(open),
                place: if reads == TO_SERVER { Place::before_preface() } else { Place::default() },
                places: places.clone(),
            }
        };
        let (client, server) = (end(TO_CLIENT, TO_SERVER), end(TO_SERVER, TO_CLIENT));
        (wire, client, server)
    }

    /// Cuts one direction; a reset cuts both.
    pub fn cut(&self, direction: usize, how: Cut) {
        cut(&mut self.lanes(), direction, how);
    }

    fn lanes(&self) -> MutexGuard<'_, [Lane; 2]> {
        self.0.lock().unwrap()
    }
}

fn cut(lanes: &mut [Lane; 2], direction: usize, how: Cut) {
    match how {
        Cut::Reset => lanes.iter_mut().for_each(|lane| lane.cut(how)),
        Cut::End | Cut::Silence => lanes[direction].cut(how),
    }
}

impl Lane {
    /// The first cut counts, but for a reset.
    fn cut(&mut self, how: Cut) {
        if self.cut.is_none() || how == Cut::Reset {
            self.cut = Some(how);
        }
        if how != Cut::End {
            self.pieces.clear();
        }
        self.wake();
    }

    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }

    /// Why nothing can be written, if so. A side that is gone sends its refusal after its last bytes: as long as there
    /// are any of those, writing still seems to work.
    fn refusal(&self, opposite: &Lane) -> Option<ErrorKind> {
        match self.cut {
            Some(Cut::Reset) => Some(ErrorKind::ConnectionReset),
            Some(Cut::End) => Some(ErrorKind::BrokenPipe),
            Some(Cut::Silence) => None,
            None => (self.is_reader_gone && opposite.pieces.is_empty()).then_some(ErrorKind::BrokenPipe),
        }
    }
}

impl End {
    /// Puts `bytes` on their way in pieces.
    fn carry(&mut self, lane: &mut Lane, mut bytes: Bytes) {
        let Manner { latency, jitter, piece, .. } = self.manner;
        let mut count = 0;
        while !bytes.is_empty() {
            count += 1;
            let longest = if count <= SHORT_PIECES { piece } else { piece.max(4096) };
            let taken = bytes.split_to(self.rng.random_range(1..=longest.min(bytes.len())));
            let late = jitter.mul_f64(self.rng.random());
            let now = Instant::now();
            let earliest = lane.pieces.back().map_or(now, |piece| piece.due);
            let due = (now + latency + late).max(earliest);
            lane.pieces.push_back(Piece { due, late: due > now, bytes: taken });
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let end = &mut *self;
        let wire = end.wire.clone();
        let mut lanes = wire.lanes();
        if let Some(kind) = lanes[end.writes].refusal(&lanes[end.reads]) {
            return Poll::Ready(Err(kind.into()));
        }
        let lane = &mut lanes[end.writes];
        if lane.is_reader_gone {
            return Poll::Ready(Ok(bytes.len()));
        }
        if lane.held >= CAPACITY {
            lane.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let most = if end.manner.write < usize::MAX { end.rng.random_range(1..=end.manner.write) } else { usize::MAX };
        let mut count = bytes.len().min(CAPACITY - lane.held).min(most);
        let mut falls = None;
        if let Some((direction, after, how)) = end.manner.cut
            && direction == end.writes
            && lane.written + count >= after
        {
            count = count.min(after.saturating_sub(lane.written).max(1));
            falls = Some(how);
            end.manner.cut = None;
        }
        lane.held += count;
        lane.written += count;
        if lane.cut.is_none() {
            end.carry(lane, Bytes::copy_from_slice(&bytes[..count]));
        }
        lane.reader.take().into_iter().for_each(Waker::wake);
        if let Some(how) = falls {
            cut(&mut lanes, end.writes, how);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.cut(self.writes, Cut::End);
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for End {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let end = &mut *self;
        let mut lanes = end.wire.lanes();
        let lane = &mut lanes[end.reads];
        if lane.cut == Some(Cut::Reset) {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        if std::mem::take(&mut end.pauses) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(Piece { due, late, bytes: piece }) = lane.pieces.front_mut() else {
            if lane.cut == Some(Cut::End) {
                return Poll::Ready(Ok(()));
            }
            lane.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if *due > Instant::now() {
            let sleep = end.sleep.get_or_insert_with(|| Box::pin(sleep_until(*due)));
            if sleep.deadline() != *due {
                sleep.as_mut().reset(*due);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                lane.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        let count = piece.len().min(into.remaining());
        into.put_slice(&piece[..count]);
        end.place.pass(&piece[..count]);
        end.places.read(&end.place, count, *late);
        piece.advance(count);
        if piece.is_empty() {
            lane.pieces.pop_front();
            end.pauses = end.manner.piece < SHORT;
        }
        lane.held -= count;
        lane.writer.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(()))
    }
}

/// Closes the stream. What was written before still arrives.
impl Drop for End {
    fn drop(&mut self) {
        let mut lanes = self.wire.lanes();
        self.places.last(&self.place);
        lanes[self.writes].cut(Cut::End);
        lanes[self.reads].is_reader_gone = true;
        lanes[self.reads].wake();
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}
