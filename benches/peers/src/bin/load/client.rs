//! One connection of the generator and the calls on it.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use peers::check::Check;
use peers::http2::{Event, Receiver, Sender};
use peers::proto::RouteSummary;
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{Phase, Run, Work};

/// How much is read at once.
const READ: usize = 256 * 1024;

/// A server that errs more often than this is given up.
const PATIENCE: u64 = 1_000;

/// The bytes of a framed point on the route, whose latitudes and longitudes all take as many.
const POINT: usize = 22;

pub struct Client {
    run: Rc<Run>,
    io: TcpStream,
    sender: Sender,
    receiver: Receiver,
    calls: Vec<Call>,
    /// Where the call of a stream is.
    places: HashMap<u32, usize>,
    active: usize,
}

/// A place for a call.
struct Call {
    /// 0 while no call is open.
    stream: u32,
    started: Instant,
    /// How much DATA the server lets this stream send, and how much of its own it sent since it was last told.
    window: i64,
    unacknowledged: u32,
    /// What is still to be sent of the request's body.
    rest: Range<usize>,
    /// The answer: what is due, and RecordRoute's as it came.
    check: Check,
    answer: Vec<u8>,
    status: Option<u32>,
    /// RouteChat: which note was sent last.
    note: usize,
    /// GetFeature: which point is asked for.
    point: usize,
}

impl Client {
    /// Dials and waits for the server's SETTINGS.
    pub async fn connect(run: Rc<Run>) -> io::Result<Self> {
        let (io, sender, receiver) = Self::dial(&run).await?;
        let call = || Call {
            stream: 0,
            started: Instant::now(),
            window: 0,
            unacknowledged: 0,
            rest: 0..0,
            check: Check::default(),
            answer: Vec::new(),
            status: None,
            note: 0,
            point: 0,
        };
        let calls = (0..run.args.streams).map(|_| call()).collect();
        Ok(Self { run, io, sender, receiver, calls, places: HashMap::new(), active: 0 })
    }

    async fn dial(run: &Run) -> io::Result<(TcpStream, Sender, Receiver)> {
        let mut io = TcpStream::connect(run.args.addr).await?;
        io.set_nodelay(true)?;
        let path = match run.args.work {
            Work::Unary | Work::Half => "/routeguide.RouteGuide/GetFeature",
            Work::List => "/routeguide.RouteGuide/ListFeatures",
            Work::Record => "/routeguide.RouteGuide/RecordRoute",
            Work::Chat | Work::Idle => "/routeguide.RouteGuide/RouteChat",
        };
        let window = run.args.window;
        let mut sender = Sender::new(path, window, window);
        let mut receiver = Receiver::new(window);
        while !sender.ready {
            poll_fn(|cx| exchange(&mut io, &mut sender, &mut receiver, 1024, cx)).await?;
            while receiver.next(&mut sender)?.is_some() {}
        }
        poll_fn(|cx| write(&mut io, &mut sender, cx)).await?;
        Ok((io, sender, receiver))
    }

    /// Whether calls are open.
    pub fn has_calls(&self) -> bool {
        !self.places.is_empty()
    }

    /// Does this connection's part of the phase. A lost connection fails its open calls and is dialled again.
    pub async fn run(&mut self) {
        while let Err(e) = self.exchange_all().await {
            for call in &mut self.calls {
                if call.stream != 0 {
                    self.run.fail(format!("the connection was lost: {e}"));
                }
                call.stream = 0;
            }
            self.active = 0;
            self.places.clear();
            match Self::dial(&self.run).await {
                Ok((io, sender, receiver)) => (self.io, self.sender, self.receiver) = (io, sender, receiver),
                Err(e) => return self.run.fail(format!("cannot dial {} again: {e}", self.run.args.addr)),
            }
            if self.run.totals.borrow().errors > PATIENCE || self.run.phase.get() != Phase::Calls {
                return;
            }
        }
    }

    async fn exchange_all(&mut self) -> io::Result<()> {
        let now = Instant::now();
        for at in 0..self.calls.len() {
            match self.run.phase.get() {
                Phase::Calls | Phase::Prime => self.begin(at, now),
                Phase::Chat if self.calls[at].stream != 0 => {
                    self.active += 1;
                    self.say(at, now);
                }
                Phase::Chat => {}
            }
        }
        self.run.totals.borrow_mut().saw_open(self.places.len());
        while self.active > 0 {
            let (io, sender, receiver) = (&mut self.io, &mut self.sender, &mut self.receiver);
            poll_fn(|cx| exchange(io, sender, receiver, READ, cx)).await?;
            self.react()?;
        }
        let (io, sender) = (&mut self.io, &mut self.sender);
        poll_fn(|cx| write(io, sender, cx)).await
    }

    fn react(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let mut stalled = false;
        while let Some(event) = self.receiver.next(&mut self.sender)? {
            let of = |stream: u32| self.places.get(&stream).copied();
            match event {
                Event::Head { stream, grpc_status, end } => {
                    let Some(at) = of(stream) else { continue };
                    self.calls[at].status = grpc_status.or(self.calls[at].status);
                    if end {
                        self.end(at, now);
                    }
                }
                Event::Data { stream, payload, end } => {
                    let Some(at) = of(stream) else { continue };
                    let call = &mut self.calls[at];
                    call.unacknowledged += payload.len() as u32;
                    if call.unacknowledged >= self.run.args.window / 2 {
                        self.sender.window_update(stream, std::mem::take(&mut call.unacknowledged));
                    }
                    let right = match self.run.args.work {
                        Work::Record => {
                            call.answer.extend_from_slice(payload);
                            true
                        }
                        Work::Chat | Work::Idle | Work::Half => self.run.first_notes.feed(&mut call.check, payload),
                        Work::Unary | Work::List => self.run.features.feed(&mut call.check, payload),
                    };
                    if !right {
                        self.run.fail("a wrong message in an answer".into());
                    }
                    if end {
                        self.end(at, now);
                    } else if self.run.args.work == Work::Chat && call.check.complete() {
                        self.answered(at, now);
                    }
                }
                Event::Reset { stream, code } => {
                    let Some(at) = of(stream) else { continue };
                    self.run.fail(format!("a call was reset with code {code}"));
                    self.close(at, now);
                }
                Event::Window { stream, more } => {
                    let Some(at) = of(stream) else { continue };
                    self.calls[at].window += more;
                    self.pump(at);
                }
                Event::AllWindows { more } => {
                    self.calls.iter_mut().for_each(|call| call.window += more);
                    stalled = true;
                }
                Event::GoAway { code, debug } => {
                    let debug = String::from_utf8_lossy(debug);
                    return Err(io::Error::other(format!("GOAWAY with code {code} {debug}")));
                }
            }
        }
        // The connection's window may have opened, too.
        if self.run.args.work != Work::List || stalled {
            (0..self.calls.len()).for_each(|at| self.pump(at));
        }
        Ok(())
    }

    /// Opens a call in an empty place, if another may begin.
    fn begin(&mut self, at: usize, now: Instant) {
        let run = self.run.clone();
        if self.places.len() >= self.sender.max_streams || run.phase.get() == Phase::Calls && !run.permit(now) {
            return;
        }
        let stream = self.sender.open();
        let call = &mut self.calls[at];
        *call = Call {
            stream,
            started: now,
            window: self.sender.stream_window,
            unacknowledged: 0,
            rest: 0..0,
            check: Check::default(),
            answer: std::mem::take(&mut call.answer),
            status: None,
            note: 0,
            point: 0,
        };
        self.active += 1;
        self.places.insert(stream, at);
        match run.args.work {
            Work::Unary => {
                let i = run.next.replace((run.next.get() + 1) % run.points.len());
                let due = if run.args.canned { 0 } else { i };
                call.check = run.features.check(due..due + 1);
                call.point = i;
                call.rest = 0..run.points[i].len();
                self.pump(at);
            }
            Work::List => {
                call.check = run.features.check(0..run.features.len());
                self.sender.data(stream, &run.rectangle, true);
            }
            Work::Record => {
                call.answer.clear();
                call.rest = 0..run.route.len();
                self.pump(at);
            }
            Work::Chat => {
                // The first notes, and then one second note, whose answer says that the server has seen them all.
                let first = if run.args.canned { 0 } else { run.first_notes.frames(0..run.args.notes + 1).len() };
                call.rest = 0..first;
                if first == 0 {
                    self.say(at, now);
                }
                self.pump(at);
            }
            Work::Idle => self.active -= 1,
            Work::Half => {
                self.sender.data(stream, &run.rectangle[..8], false);
                self.active -= 1;
            }
        }
    }

    /// Sends of the request's body what the windows allow.
    fn pump(&mut self, at: usize) {
        let (run, call) = (self.run.clone(), &mut self.calls[at]);
        if call.rest.is_empty() {
            return;
        }
        let body = match run.args.work {
            Work::Record => run.route.as_slice(),
            Work::Unary => &run.points[call.point],
            _ => run.first_notes.frames(0..run.args.notes + 1),
        };
        let chat = run.args.work == Work::Chat;
        let most = if run.args.frame_per_point { POINT } else { self.sender.max_frame };
        while !call.rest.is_empty() {
            let len = most.min(call.rest.len());
            let room = call.window.min(self.sender.window);
            if room < len as i64 {
                return;
            }
            call.window -= len as i64;
            let piece = call.rest.start..call.rest.start + len;
            call.rest.start = piece.end;
            self.sender.data(call.stream, &body[piece], !chat && call.rest.is_empty());
        }
        if chat {
            let now = Instant::now();
            self.say(at, now);
        }
    }

    /// RouteChat: sends the second note at the next point.
    fn say(&mut self, at: usize, now: Instant) {
        let (run, call) = (&self.run, &mut self.calls[at]);
        let note = run.second_notes.frames(call.note..call.note + 1);
        let due = if run.args.canned { 0 } else { call.note };
        call.check = run.first_notes.check(due..due + 1);
        call.started = now;
        for piece in note.chunks(self.sender.max_frame) {
            call.window -= piece.len() as i64;
            self.sender.data(call.stream, piece, false);
        }
    }

    /// RouteChat: the answer to a note has come.
    fn answered(&mut self, at: usize, now: Instant) {
        let (run, call) = (self.run.clone(), &mut self.calls[at]);
        call.note += 1;
        if run.phase.get() == Phase::Prime {
            self.active -= 1;
            return;
        }
        let mut totals = run.totals.borrow_mut();
        totals.messages += 1;
        totals.latencies.record(now - call.started);
        if call.note > run.args.notes {
            self.sender.data(call.stream, &[], true);
        } else if run.time_is_up(now) {
            self.active -= 1;
        } else {
            drop(totals);
            self.say(at, now);
        }
    }

    fn end(&mut self, at: usize, now: Instant) {
        let (run, call) = (self.run.clone(), &mut self.calls[at]);
        let messages = match run.args.work {
            Work::Unary => 1,
            Work::List => run.features.len() as u64,
            Work::Record => run.args.points as u64,
            _ => 0,
        };
        let right = match run.args.work {
            Work::Record => is_summary(&call.answer, &run.summary),
            _ => call.check.complete(),
        };
        if call.status != Some(0) {
            run.fail(format!("a call ended with grpc-status {:?}", call.status));
        } else if !right {
            run.fail("an answer is not the one that is due".into());
        } else {
            let mut totals = run.totals.borrow_mut();
            totals.calls += 1;
            totals.messages += messages;
            if run.args.work != Work::Chat {
                totals.latencies.record(now - call.started);
            }
        }
        self.close(at, now);
    }

    /// Clears a place and begins the next call in it.
    fn close(&mut self, at: usize, now: Instant) {
        self.places.remove(&std::mem::take(&mut self.calls[at].stream));
        self.active -= 1;
        if self.run.phase.get() == Phase::Calls && self.run.totals.borrow().errors <= PATIENCE {
            self.begin(at, now);
        }
    }
}

/// The summary that is due, but for a metre of rounding and for the time.
fn is_summary(answer: &[u8], due: &RouteSummary) -> bool {
    let Some(message) = answer.get(5..) else { return false };
    RouteSummary::decode(message).is_ok_and(|it| {
        it.point_count == due.point_count
            && it.feature_count == due.feature_count
            && (it.distance - due.distance).abs() <= 1
            && (0..600).contains(&it.elapsed_time)
    })
}

/// Writes what is queued, as far as the socket takes it, and reads what there is: ready when something came.
fn exchange(
    io: &mut TcpStream, sender: &mut Sender, receiver: &mut Receiver, len: usize, cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    if let Poll::Ready(Err(e)) = write(io, sender, cx) {
        return Poll::Ready(Err(e));
    }
    let mut buf = ReadBuf::new(receiver.space(len));
    ready!(Pin::new(io).poll_read(cx, &mut buf))?;
    let came = buf.filled().len();
    if came == 0 {
        return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed it")));
    }
    receiver.filled(came);
    Poll::Ready(Ok(()))
}

fn write(io: &mut TcpStream, sender: &mut Sender, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    while !sender.out.is_empty() {
        let n = ready!(Pin::new(&mut *io).poll_write(cx, &sender.out))?;
        sender.out.drain(..n);
    }
    Poll::Ready(Ok(()))
}
