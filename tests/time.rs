//! A server's sense of time, on a clock that stands still while anything can happen: each limit of time ends what it
//! says, when it says, and ends nothing else.

mod common;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use common::raw::{
    ACK, CONTINUATION, DATA, END_STREAM, Frame, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, Raw, SETTINGS,
    WINDOW_UPDATE, bytes_of,
};
use common::{Text, checked, frame, limits, text};
use h2grpc::call::{Inbound, Outbound, Request};
use h2grpc::limits::Limits;
use h2grpc::server::Server;
use h2grpc::status::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

h2grpc::service! {
    /// Calls that last.
    pub service Lasting("test.v1.Lasting") client LastingClient {
        /// Texts without end.
        rpc Pour   as pour   (Text)        returns (stream Text);
        /// How many texts there were.
        rpc Listen as listen (stream Text) returns (Text);
    }
}

struct Lasts;

impl Lasting for Lasts {
    async fn pour(&self, _: Request<Text>, texts: &mut Outbound<Text>) -> Result<(), Status> {
        loop {
            texts.send(text("x".repeat(10_000))).await?;
        }
    }

    async fn listen(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
        let mut count = 0;
        while texts.next().await?.is_some() {
            count += 1;
        }
        Ok(text(count.to_string()))
    }
}

const POUR: &str = "/test.v1.Lasting/Pour";
const LISTEN: &str = "/test.v1.Lasting/Listen";

/// A connection to a server in this process, over a pipe.
struct Served {
    begin: Instant,
    stop: watch::Sender<bool>,
    end: JoinHandle<std::io::Result<()>>,
}

impl Served {
    fn start(change: impl FnOnce(&mut Limits)) -> (DuplexStream, Served) {
        let (client, io) = tokio::io::duplex(64 * 1024);
        let (stop, stopped) = watch::channel(false);
        let server = Server::new().add(Lasts.into_service()).limits(limits(change));
        let end = tokio::spawn(async move { server.serve_connection(checked::server(io), None, stopped).await });
        (client, Served { begin: Instant::now(), stop, end })
    }

    /// How many seconds the connection lasted, and how it ended.
    async fn end(&mut self) -> (u64, String) {
        let end = some_day(&mut self.end).await.unwrap();
        (self.seconds(), end.map_or_else(|error| error.to_string(), |()| "well".to_owned()))
    }

    fn seconds(&self) -> u64 {
        self.begin.elapsed().as_secs()
    }
}

/// Waits for something for a day of the clock that stands still, and fails the test where it would otherwise hang.
async fn some_day<T>(future: impl Future<Output = T>) -> T {
    timeout(86_400 * SECOND, future).await.expect("it should have come within a day")
}

/// The next frame of this type, however long it takes.
async fn next_of(raw: &mut Raw<DuplexStream>, kind: u8) -> Frame {
    loop {
        let frame =
            some_day(raw.next_whenever()).await.unwrap_or_else(|| panic!("closed before a frame of type {kind}"));
        if frame.kind == kind {
            return frame;
        }
    }
}

/// Answers PINGs, and gives the other frames, until the server closes.
async fn polite(mut raw: Raw<DuplexStream>) -> Vec<Frame> {
    let mut others = Vec::new();
    while let Some(frame) = raw.next_whenever().await {
        match frame.kind {
            // The server may have closed meanwhile.
            PING if frame.flags & ACK == 0 => {
                let _ = raw.stream.write_all(&bytes_of(PING, ACK, 0, &frame.payload)).await;
            }
            _ => others.push(frame),
        }
    }
    others
}

/// Sends each of `parts` as DATA of stream 1, with a pause after each, and answers PINGs. Gives the frames of stream 1
/// that came until the first with END_STREAM, and when that was.
async fn send_slowly(raw: &mut Raw<DuplexStream>, parts: &[Bytes], pause: Duration) -> Vec<Frame> {
    some_day(sent_slowly(raw, parts, pause)).await
}

async fn sent_slowly(raw: &mut Raw<DuplexStream>, parts: &[Bytes], pause: Duration) -> Vec<Frame> {
    let (mut parts, mut due, mut answer) = (parts.iter(), Instant::now(), Vec::new());
    loop {
        // Frames come whole over this pipe, so that none is torn here.
        tokio::select! {
            biased;
            frame = raw.next_whenever() => match frame.expect("the connection lives on") {
                Frame { kind: PING, flags: 0, payload, .. } => raw.send(PING, ACK, 0, &payload).await,
                frame if frame.stream == 1 && frame.kind != WINDOW_UPDATE => {
                    let is_last = frame.kind == RST_STREAM || frame.flags & END_STREAM != 0;
                    answer.push(frame);
                    if is_last {
                        return answer;
                    }
                }
                _ => {}
            },
            () = tokio::time::sleep_until(due) => match parts.next() {
                Some(part) => {
                    raw.send(DATA, if parts.len() == 0 { END_STREAM } else { 0 }, 1, part).await;
                    due += pause;
                }
                None => due += 1000 * pause,
            },
        }
    }
}

/// Sends `bytes` one by one, one each `pause`, until the server has closed.
async fn drip(io: &mut DuplexStream, bytes: impl Iterator<Item = u8>, pause: Duration) {
    for byte in bytes {
        if io.write_all(&[byte]).await.is_err() {
            return;
        }
        sleep(pause).await;
    }
}

#[tokio::test(start_paused = true)]
async fn idle_ends_when_it_says_with_goaway_no_error() {
    for timeout in [5, 60, 900] {
        let (client, mut served) = Served::start(|limits| limits.idle_timeout = timeout * SECOND);
        let client = tokio::spawn(polite(Raw::begin(client).await));
        assert_eq!(served.end().await, (u64::from(timeout), "well".to_owned()));
        let goaway: Vec<Frame> = client.await.unwrap().into_iter().filter(|frame| frame.kind == GOAWAY).collect();
        // The first announces it; the last says which calls were seen: none (RFC 9113, section 6.8).
        let bytes: Vec<&[u8]> = goaway.iter().map(|frame| &frame.payload[..]).collect();
        assert_eq!(bytes, [&b"\x7f\xff\xff\xff\0\0\0\0"[..], b"\0\0\0\0\0\0\0\0"]);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_answered_at_once_keep_their_connection_from_being_idle() {
    let (client, mut served) = Served::start(|limits| {
        limits.keepalive_interval = None;
        limits.idle_timeout = 50 * SECOND;
    });
    let mut raw = Raw::begin(client).await;
    for call in 0..10 {
        sleep(40 * SECOND).await;
        assert!(!served.end.is_finished(), "closed after {} s", served.seconds());
        raw.send_head(2 * call + 1, LISTEN).await;
        raw.send(DATA, END_STREAM, 2 * call + 1, b"").await;
        assert_eq!(next_of(&mut raw, DATA).await.payload, frame(&text("0")));
    }
    tokio::spawn(polite(raw));
    assert_eq!(served.end().await, (450, "well".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_idle_peer_that_does_not_answer_goaway_is_closed_after_the_keepalive_timeout() {
    let (client, mut served) = Served::start(|limits| limits.idle_timeout = 5 * SECOND);
    let mut raw = Raw::begin(client).await;
    next_of(&mut raw, GOAWAY).await;
    assert_eq!(served.seconds(), 5);
    let (seconds, told) = served.end().await;
    assert_eq!((seconds, &told[..]), (25, "the peer did not leave within 20s after GOAWAY: cut off"));
}

#[tokio::test(start_paused = true)]
async fn an_open_call_is_not_idle_however_silent() {
    let (client, mut served) = Served::start(|limits| limits.idle_timeout = 5 * SECOND);
    let mut raw = Raw::begin(client).await;
    raw.send_head(1, LISTEN).await;
    let client = tokio::spawn(polite(raw));
    sleep(1000 * SECOND).await;
    assert!(!served.end.is_finished());
    served.stop.send(true).unwrap();
    // It has its time to end.
    assert_eq!(served.end().await.0, 1030);
    client.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_handshake_is_not_over_until_settings_have_come() {
    let whole = [PREFACE, &bytes_of(SETTINGS, 0, 0, b"")].concat();
    for come in [0, 10, PREFACE.len(), PREFACE.len() + 4, whole.len() - 1] {
        let (mut client, mut served) = Served::start(|_| ());
        client.write_all(&whole[..come]).await.unwrap();
        let (seconds, told) = served.end().await;
        assert_eq!(seconds, 10, "{come} bytes: {told}");
        assert!(told.contains("within 10s"), "{come} bytes: {told}");
    }
    let (mut client, mut served) = Served::start(|_| ());
    drip(&mut client, whole.iter().copied(), SECOND / 2).await;
    assert_eq!(served.end().await.0, 10);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_goes_on_when_the_server_stops_and_its_call_is_answered() {
    let (mut client, mut served) = Served::start(|_| ());
    client.write_all(PREFACE).await.unwrap();
    sleep(SECOND).await;
    served.stop.send(true).unwrap();
    sleep(SECOND / 2).await;
    let mut raw = Raw { stream: client };
    raw.send(SETTINGS, 0, 0, b"").await;
    raw.send_head(1, LISTEN).await;
    raw.send(DATA, END_STREAM, 1, &frame(&text(""))).await;
    let kinds: Vec<_> = polite(raw).await.iter().map(|frame| (frame.kind, frame.stream)).collect();
    assert!(kinds.contains(&(HEADERS, 1)) && kinds.contains(&(GOAWAY, 0)), "{kinds:?}");
    assert_eq!(served.end().await, (1, "well".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_holds_up_a_server_that_stops_for_a_second() {
    let (_client, mut served) = Served::start(|_| ());
    sleep(3 * SECOND).await;
    served.stop.send(true).unwrap();
    assert_eq!(served.end().await, (4, "well".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn no_call_is_served_without_settings() {
    let (mut client, mut served) = Served::start(|_| ());
    client.write_all(PREFACE).await.unwrap();
    let mut raw = Raw { stream: client };
    raw.send_head(1, LISTEN).await;
    raw.send(DATA, END_STREAM, 1, &frame(&text(""))).await;
    while let Some(frame) = raw.next_whenever().await {
        assert_ne!(frame.kind, HEADERS, "an answer");
    }
    let (seconds, told) = served.end().await;
    assert_eq!(seconds, 0);
    assert!(told.contains("the client's first frame is of type 1, expected SETTINGS"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_header_block_that_never_ends_ends_its_connection_though_bytes_arrive_all_the_time() {
    // In one frame, in one more, and in frames that have not a byte (CVE-2024-27316).
    let long = [bytes_of(HEADERS, 0, 1, b"\x83"), bytes_of(CONTINUATION, 0, 1, &[0; 10_000])].concat();
    let first = bytes_of(HEADERS, 0, 1, &[0; 10_000]);
    let empty = [bytes_of(HEADERS, 0, 1, b"\x83"), bytes_of(CONTINUATION, 0, 1, b"").repeat(4)].concat();
    for (bytes, pause) in [(long, SECOND / 10), (first, SECOND / 10), (empty, SECOND)] {
        let (client, mut served) = Served::start(|_| ());
        let mut raw = Raw::begin(client).await;
        sleep(7 * SECOND).await;
        drip(&mut raw.stream, bytes.into_iter(), pause).await;
        let (seconds, told) = served.end().await;
        assert!((27..=36).contains(&seconds), "after {seconds} s: {told}");
        assert_eq!(told, "a header block did not end within 20s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_but_steady_reader_is_not_cut_off_by_keepalive() {
    let (mut client, served) = Served::start(|_| ());
    // A window of 8 MiB (setting 4), for the connection too, and no more of it: nothing else will arrive.
    client.write_all(PREFACE).await.unwrap();
    let mut raw = Raw { stream: client };
    raw.send(SETTINGS, 0, 0, b"\x00\x04\x00\x80\x00\x00").await;
    raw.send(WINDOW_UPDATE, 0, 0, &(8_u32 << 20).to_be_bytes()).await;
    raw.send_head(1, POUR).await;
    raw.send(DATA, END_STREAM, 1, &frame(&text(""))).await;
    // 5 kB a second: what stands before a PING takes longer than the answer may.
    let mut room = [0; 5000];
    while served.seconds() < 500 {
        raw.stream.read_exact(&mut room).await.unwrap();
        sleep(SECOND).await;
    }
    assert!(!served.end.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_is_closed_though_its_call_sends() {
    let (client, mut served) = Served::start(|_| ());
    let mut raw = Raw::begin(client).await;
    raw.send_head(1, POUR).await;
    raw.send(DATA, END_STREAM, 1, &frame(&text(""))).await;
    let (seconds, told) = served.end().await;
    assert!((80..=140).contains(&seconds), "after {seconds} s: {told}");
    assert_eq!(told, "the peer did not answer a PING within 20s");
    drop(raw);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_ping_while_anything_arrives() {
    let (client, served) = Served::start(|limits| limits.idle_timeout = 10_000 * SECOND);
    let mut raw = Raw::begin(client).await;
    for _ in 0..10 {
        sleep(30 * SECOND).await;
        raw.send(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()).await;
    }
    let ping = next_of(&mut raw, PING).await;
    assert!((360..=420).contains(&served.seconds()), "PING {ping:?} after {} s", served.seconds());
}

#[tokio::test(start_paused = true)]
async fn a_connection_leaves_at_its_age_a_tenth_more_or_less_and_its_calls_have_their_grace() {
    let mut ages = Vec::new();
    for _ in 0..20 {
        let (client, mut served) = Served::start(|limits| {
            limits.max_connection_age = Some(1000 * SECOND);
            limits.max_connection_age_grace = Some(100 * SECOND);
        });
        let mut raw = Raw::begin(client).await;
        raw.send_head(1, LISTEN).await;
        let client = tokio::spawn(polite(raw));
        let (seconds, told) = served.end().await;
        assert!((1000..=1200).contains(&seconds), "after {seconds} s");
        assert_eq!(told, "the peer did not leave within 100s after GOAWAY: cut off");
        assert!(client.await.unwrap().iter().any(|frame| frame.kind == GOAWAY));
        ages.push(seconds);
    }
    ages.sort();
    ages.dedup();
    assert!(ages.len() > 5, "connections that began together end together: {ages:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_shortens_the_grace_of_an_old_connection() {
    let (client, mut served) = Served::start(|limits| limits.max_connection_age = Some(1000 * SECOND));
    let mut raw = Raw::begin(client).await;
    raw.send_head(1, LISTEN).await;
    tokio::spawn(polite(raw));
    sleep(5000 * SECOND).await;
    assert!(!served.end.is_finished(), "without a limit, the grace lasts as long as the call");
    served.stop.send(true).unwrap();
    assert_eq!(served.end().await.0, 5030);
}

/// How many seconds after GOAWAY a connection is cut off that leaves for its age with so much grace, if the server, whose
/// drain time-out is 30 s, is stopped 10 s after GOAWAY.
async fn stopped_in_the_grace_of(grace: Duration) -> u64 {
    let (client, mut served) = Served::start(|limits| {
        limits.keepalive_interval = None;
        limits.max_connection_age = Some(1000 * SECOND);
        limits.max_connection_age_grace = Some(grace);
    });
    let mut raw = Raw::begin(client).await;
    raw.send_head(1, LISTEN).await;
    next_of(&mut raw, GOAWAY).await;
    let left = Instant::now();
    let client = tokio::spawn(polite(raw));
    sleep(10 * SECOND).await;
    served.stop.send(true).unwrap();
    served.end().await;
    client.abort();
    left.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_stop_shortens_a_longer_grace_and_leaves_a_shorter_one_as_it_is() {
    assert_eq!(stopped_in_the_grace_of(100 * SECOND).await, 40);
    assert_eq!(stopped_in_the_grace_of(20 * SECOND).await, 20);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_dripped_ends_its_call_and_no_other() {
    let message = frame(&text("x".repeat(10_000)));
    let parts = |message: &Bytes, size| message.chunks(size).map(Bytes::copy_from_slice).collect::<Vec<_>>();
    for path in [LISTEN, POUR] {
        let (client, served) = Served::start(|_| ());
        let mut raw = Raw::begin(client).await;
        raw.send_head(1, path).await;
        let answer = send_slowly(&mut raw, &parts(&message, 1), 7 * SECOND).await;
        assert!((60..=70).contains(&served.seconds()), "{path} after {} s", served.seconds());
        assert_eq!(answer.first().map(|frame| frame.kind), Some(HEADERS));
        assert!(!served.end.is_finished(), "the connection lives on");
    }
    // A slow one that goes on is not cut.
    let message = frame(&text("x".repeat(25_000)));
    let (client, served) = Served::start(|_| ());
    let mut raw = Raw::begin(client).await;
    raw.send_head(1, LISTEN).await;
    let answer = send_slowly(&mut raw, &parts(&message, 5000), 59 * SECOND).await;
    assert_eq!(answer[1].payload, frame(&text("1")));
    assert_eq!(served.seconds(), 5 * 59);
}

#[tokio::test(start_paused = true)]
async fn messages_that_come_in_pieces_now_and_then_are_no_drip() {
    // Each piece is the end of one message and the beginning of another, so that one is unfinished all the time.
    let all = frame(&text("x".repeat(93))).repeat(40);
    let pieces: Vec<Bytes> = all.chunks(97).map(Bytes::copy_from_slice).collect();
    let (client, served) = Served::start(|_| ());
    let mut raw = Raw::begin(client).await;
    raw.send_head(1, LISTEN).await;
    let answer = send_slowly(&mut raw, &pieces, 25 * SECOND).await;
    assert_eq!(answer[1].payload, frame(&text("40")));
    assert_eq!(served.seconds(), 25 * (pieces.len() as u64 - 1));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_silent_between_messages_lasts() {
    let (client, served) = Served::start(|_| ());
    let mut raw = Raw::begin(client).await;
    raw.send_head(1, LISTEN).await;
    let messages = vec![frame(&text("now and then")); 5];
    let answer = send_slowly(&mut raw, &messages, 3600 * SECOND).await;
    assert_eq!(answer[1].payload, frame(&text("5")));
    assert_eq!(served.seconds(), 4 * 3600);
}

#[tokio::test(start_paused = true)]
async fn a_silent_call_ends_after_the_call_idle_timeout_and_one_that_moves_does_not() {
    let (client, _served) = Served::start(|limits| limits.call_idle_timeout = Some(100 * SECOND));
    let mut raw = Raw::begin(client).await;
    raw.send_head(1, LISTEN).await;
    let answer = send_slowly(&mut raw, &vec![frame(&text(".")); 10], 90 * SECOND).await;
    assert_eq!(answer[1].payload, frame(&text("10")));

    let (client, served) = Served::start(|limits| limits.call_idle_timeout = Some(100 * SECOND));
    let mut raw = Raw::begin(client).await;
    raw.send_head(1, LISTEN).await;
    let answer = send_slowly(&mut raw, &vec![frame(&text(".")); 2], 1000 * SECOND).await;
    assert_eq!(answer[0].kind, HEADERS, "a status, and no more: {answer:?}");
    assert!((100..=125).contains(&served.seconds()), "after {} s", served.seconds());
    assert!(!served.end.is_finished(), "the connection lives on");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_ends_after_the_call_idle_timeout() {
    let (mut client, served) = Served::start(|limits| limits.call_idle_timeout = Some(100 * SECOND));
    client.write_all(PREFACE).await.unwrap();
    let mut raw = Raw { stream: client };
    raw.send(SETTINGS, 0, 0, b"\x00\x04\x00\x00\x00\x64").await; // a window of 100 bytes
    raw.send_head(1, POUR).await;
    let answer = send_slowly(&mut raw, &[frame(&text("."))], SECOND).await;
    assert_eq!(answer.last().map(|frame| (frame.kind, &frame.payload[..])), Some((RST_STREAM, &b"\0\0\0\x08"[..])));
    assert!((100..=125).contains(&served.seconds()), "after {} s", served.seconds());
    assert!(!served.end.is_finished(), "the connection lives on");
}
