//! The floor: canned RouteGuide answers straight on h2, in the fastest simple order of a connection's turn.
//!
//! It routes and it respects flow control. It decodes nothing, looks up nothing and keeps no state, so no gRPC server
//! on h2 can be much cheaper; how close one comes is what the comparison tells. A turn of a connection:
//!
//! 1. take every request that `poll_accept` has, until Pending (this also reads the socket);
//! 2. let every open call take what has come and answer;
//! 3. poll the connection again, which encodes all answers, and start over if that brought something new;
//! 4. write everything with one system call, and sleep.
//!
//! The turns of h2grpc's server do less: they take as many requests as came last time instead of asking for one more, do
//! not ask a drained socket again, and are not woken by what they did themselves. Here all three together change little
//! (unary calls 1.02, lists 0.99, chats 0.97, one call at a time 0.99 of the cost), so the floor stays simple, and the same.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use clap::Parser;
use h2::server::{Connection, SendResponse};
use h2::{RecvStream, SendStream};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use peers::gather::Gather;
use peers::{WINDOW, data};
use tokio::net::{TcpListener, TcpStream};

/// Canned RouteGuide answers straight on h2.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    addr: SocketAddr,
    /// How many features ListFeatures answers, whatever the rectangle.
    #[arg(long, default_value_t = 100)]
    features: usize,
    /// The length of every name in bytes, instead of names like addresses.
    #[arg(long)]
    name_len: Option<usize>,
}

/// A piece of an answer that may wait in h2 without asking for a share of the window first.
const SMALL: usize = 16 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let canned = Canned::new(args.features, args.name_len);
    let listener = TcpListener::bind(args.addr).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, canned.clone()));
    }
}

/// Every answer, encoded once, as bytes that cost nothing to clone.
#[derive(Clone)]
struct Canned {
    feature: Bytes,
    list: Bytes,
    summary: Bytes,
    note: Bytes,
}

impl Canned {
    fn new(count: usize, name_len: Option<usize>) -> Self {
        let features = data::features(count.max(1), name_len);
        let mut list = Vec::new();
        features.iter().take(count).for_each(|feature| data::frame(feature, &mut list));
        let keep = |bytes: Vec<u8>| Bytes::from_static(bytes.leak());
        Self {
            feature: keep(data::framed(&features[0])),
            list: keep(list),
            summary: keep(data::framed(&data::canned_summary())),
            note: keep(data::framed(&data::note(0, "first", name_len.unwrap_or(24)))),
        }
    }
}

async fn serve(stream: TcpStream, canned: Canned) {
    let _ = stream.set_nodelay(true);
    let io = Gather::new(stream);
    let mut handshake = Box::pin(
        h2::server::Builder::new()
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .data_frame_budget(64 << 20)
            .handshake::<_, Bytes>(io.clone()),
    );
    let shaken = poll_fn(|cx| {
        let result = handshake.as_mut().poll(cx);
        match io.poll_send(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(None),
            _ => result.map(Result::ok),
        }
    });
    let Some(connection) = shaken.await else { return };
    let mut turn = Turn { connection, io, canned, open: Vec::new() };
    poll_fn(|cx| turn.poll(cx)).await
}

struct Turn {
    connection: Connection<Gather, Bytes>,
    io: Gather,
    canned: Canned,
    open: Vec<Call>,
}

impl Turn {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut moved = false;
            loop {
                match self.connection.poll_accept(cx) {
                    Poll::Ready(Some(Ok((request, respond)))) => {
                        moved = true;
                        self.open.extend(Call::begin(request, respond));
                    }
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => break,
                }
            }
            let canned = &self.canned;
            self.open.retain_mut(|call| match call.poll(canned, &mut moved) {
                Poll::Ready(()) => false,
                Poll::Pending => true,
            });
            if !moved {
                break;
            }
        }
        match self.io.poll_send(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

/// An open call. Its halves never wake anyone: every turn of the connection asks all of them.
enum Call {
    /// GetFeature and RecordRoute: one answer when the request has ended.
    Single {
        body: RecvStream,
        respond: SendResponse<Bytes>,
        record: bool,
    },
    List {
        body: RecvStream,
        send: SendStream<Bytes>,
        at: usize,
    },
    Chat {
        body: RecvStream,
        send: SendStream<Bytes>,
    },
}

impl Call {
    fn begin(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> Option<Self> {
        let (head, body) = request.into_parts();
        match head.uri.path().as_bytes().last() {
            Some(b's') => Some(Self::List { send: respond.send_response(response(), false).ok()?, body, at: 0 }),
            Some(b't') => Some(Self::Chat { send: respond.send_response(response(), false).ok()?, body }),
            _ => Some(Self::Single { body, respond, record: head.uri.path().ends_with("RecordRoute") }),
        }
    }

    /// Ready when the call is over, well or not.
    fn poll(&mut self, canned: &Canned, moved: &mut bool) -> Poll<()> {
        let cx = &mut Context::from_waker(Waker::noop());
        match self {
            Self::Single { body, respond, record } => {
                while ready!(take(body, cx, moved)).is_some() {}
                let answer = if *record { &canned.summary } else { &canned.feature };
                if let Ok(mut send) = respond.send_response(response(), false) {
                    let _ = send.send_data(answer.clone(), false);
                    let _ = send.send_trailers(trailers());
                }
                *moved = true;
                Poll::Ready(())
            }
            Self::List { body, send, at } => {
                // h2 resets a stream whose answer is over before its request is: so wait for its end, as every server does.
                while ready!(take(body, cx, moved)).is_some() {}
                while *at < canned.list.len() {
                    let rest = canned.list.slice(*at..);
                    let piece =
                        if rest.len() <= SMALL { rest } else { rest.slice(..ready!(room(send, cx, rest.len()))) };
                    if piece.is_empty() {
                        return Poll::Ready(());
                    }
                    *at += piece.len();
                    *moved = true;
                    let _ = send.send_data(piece, false);
                }
                let _ = send.send_trailers(trailers());
                *moved = true;
                Poll::Ready(())
            }
            Self::Chat { body, send } => {
                while let Some(len) = ready!(take(body, cx, moved)) {
                    if len > 0 {
                        let _ = send.send_data(canned.note.clone(), false);
                    }
                }
                let _ = send.send_trailers(trailers());
                Poll::Ready(())
            }
        }
    }
}

/// Takes a chunk of the request, gives its window back and tells its length. None at the end.
fn take(body: &mut RecvStream, cx: &mut Context<'_>, moved: &mut bool) -> Poll<Option<usize>> {
    if body.is_end_stream() {
        return Poll::Ready(None);
    }
    let chunk = ready!(body.poll_data(cx));
    *moved = true;
    Poll::Ready(chunk.and_then(Result::ok).map(|chunk| {
        let _ = body.flow_control().release_capacity(chunk.len());
        chunk.len()
    }))
}

/// How much may be sent now, at most `len`; 0 when the peer has gone.
fn room(send: &mut SendStream<Bytes>, cx: &mut Context<'_>, len: usize) -> Poll<usize> {
    if send.capacity() == 0 {
        send.reserve_capacity(len);
    }
    // `poll_capacity` tells of changes only, so look first.
    while send.capacity() == 0 {
        match ready!(send.poll_capacity(cx)) {
            Some(Ok(_)) => continue,
            _ => return Poll::Ready(0),
        }
    }
    Poll::Ready(send.capacity().min(len))
}

fn response() -> Response<()> {
    let mut response = Response::new(());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
    trailers
}
