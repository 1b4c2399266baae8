//! Services written by hand, without `service!`: the proxy of the examples, and one that sends from a task of its own.

mod common;
#[allow(dead_code)]
#[path = "../examples/proxy.rs"]
mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::{Running, Text, call, connect, frame, head, read, soon, text};
use h2grpc::call::{CallOptions, Inbound, IncomingCall, Outbound, Reply, Request};
use h2grpc::codec::{Encoded, Raw};
use h2grpc::metadata::Metadata;
use h2grpc::route_guide::{Feature, Features, Guide, Point, Rectangle, RouteGuide, RouteNote};
use h2grpc::server::Server;
use h2grpc::service::{Handling, Method, Service};
use h2grpc::status::Status;
use h2grpc::wire::Code;
use h2grpc::wire::path::Path;
use proxy::Proxy;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

// The proxy.

h2grpc::service! {
    /// What stands behind the proxy.
    service Behind("test.v1.Behind") client BehindClient {
        /// Some words have a meaning.
        rpc Say  as say  (Text)        returns (Text);
        /// Says each thing back as it comes.
        rpc Chat as chat (stream Text) returns (stream Text);
    }
}

/// Counts its handlers that run.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

struct Guard(Counted);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Counted {
    fn enter(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    async fn until(&self, count: usize) {
        soon(async {
            while self.0.load(Ordering::SeqCst) != count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

impl Behind for Counted {
    async fn say(&self, request: Request<Text>) -> Result<Text, Status> {
        let _running = self.enter();
        let context = &request.context;
        let mut metadata = Metadata::new();
        metadata.insert("seen", context.metadata().get("ask").unwrap_or("nothing"))?;
        metadata.insert_bin("seen-bin", &context.metadata().get_bin("ask-bin").unwrap_or_default())?;
        context.respond_with(&metadata)?;
        context.end_with(&metadata);
        match &request.message.text[..] {
            "fail" => {
                let mut status = Status::not_found("nothing of that name: \u{1F99C}").with_details(&b"\x08\x05"[..]);
                status.metadata_mut().insert("hint", "look elsewhere")?;
                Err(status)
            }
            "sleep" => std::future::pending().await,
            "deadline" => {
                let left = context.deadline().map(|at| at.duration_since(tokio::time::Instant::now()));
                Ok(text(format!("{}", left.is_some_and(|left| (90..=100).contains(&left.as_secs())))))
            }
            _ => Ok(request.message),
        }
    }

    async fn chat(&self, mut texts: Inbound<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        let _running = self.enter();
        while let Some(text) = texts.next().await? {
            answers.send(text).await?;
        }
        Ok(())
    }
}

/// A server, and a proxy in front of it.
struct Proxied {
    front: Running,
    _behind: Running,
    counted: Counted,
}

impl Proxied {
    fn start() -> Proxied {
        let counted = Counted::default();
        let guide = Guide::new(Features::embedded()).into_service();
        let behind = Running::start(Server::new().add(guide).add(counted.clone().into_service()));
        let front = Running::start(Server::new().fallback(Proxy(behind.channel())));
        Proxied { front, _behind: behind, counted }
    }

    fn client(&self) -> BehindClient {
        BehindClient::new(self.front.channel())
    }
}

#[tokio::test]
async fn a_proxy_passes_on_all_four_calls_of_route_guide() {
    let proxied = Proxied::start();
    let client = proxied.front.client();
    let known = Features::embedded();
    let trail = known.get(1);
    assert_eq!(soon(client.get_feature(trail.location.unwrap())).await.unwrap().message, trail);

    let corner = |value| Some(Point { latitude: value, longitude: value });
    let everywhere = Rectangle { lo: corner(i32::MIN), hi: corner(i32::MAX) };
    let mut features = client.list_features(everywhere).await.unwrap();
    let mut listed = Vec::<Feature>::new();
    while let Some(feature) = soon(features.next()).await.unwrap() {
        listed.push(feature);
    }
    assert!(listed.into_iter().eq((0..known.len()).map(|index| known.get(index))));

    let (mut points, summary) = client.record_route().await.unwrap();
    for index in 0..5 {
        points.send(known.get(index).location.unwrap()).await.unwrap();
    }
    points.finish().await.unwrap();
    let summary = soon(summary.response()).await.unwrap().message;
    assert_eq!((summary.point_count, summary.feature_count), (5, 5));

    let (mut notes, mut answers) = client.route_chat().await.unwrap();
    for round in 0..5 {
        notes.send(RouteNote { location: corner(0), message: round.to_string() }).await.unwrap();
        for earlier in 0..round {
            assert_eq!(soon(answers.next()).await.unwrap().unwrap().message, earlier.to_string());
        }
    }
    notes.finish().await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), None);
}

#[tokio::test]
async fn a_proxy_passes_on_metadata_both_ways() {
    let proxied = Proxied::start();
    let mut metadata = Metadata::new();
    metadata.insert("ask", "a question").unwrap();
    metadata.insert_bin("ask-bin", &[0, 255]).unwrap();
    let client = proxied.client().with(CallOptions::new().metadata(metadata));
    let response = soon(client.say(text("hello"))).await.unwrap();
    assert_eq!(response.message, text("hello"));
    for metadata in [&response.metadata, &response.trailers] {
        assert_eq!(metadata.get("seen"), Some("a question"));
        assert_eq!(metadata.get_bin("seen-bin").as_deref(), Some(&[0, 255][..]));
    }
}

#[tokio::test]
async fn a_proxy_passes_on_a_status_with_its_details_and_metadata() {
    let proxied = Proxied::start();
    let status = soon(proxied.client().say(text("fail"))).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NOT_FOUND, "nothing of that name: \u{1F99C}"));
    assert_eq!(status.details(), &b"\x08\x05"[..]);
    assert_eq!(status.metadata().get("hint"), Some("look elsewhere"));
    let nowhere = soon(proxied.client().named("no.Service").say(text("x"))).await.unwrap_err();
    assert_eq!(nowhere.code(), Code::UNIMPLEMENTED);
    assert!(nowhere.message().contains("/no.Service/Say"), "{nowhere}");
}

#[tokio::test]
async fn a_proxy_passes_on_the_metadata_of_a_head_that_an_error_follows() {
    use common::peer::{ok_head, server, trailers};
    let behind = server(|_, mut respond| {
        let mut head = ok_head();
        head.headers_mut().insert("seen", "early".parse().unwrap());
        let mut stream = respond.send_response(head, false).unwrap();
        stream.send_trailers(trailers(&[("grpc-status", "5")])).unwrap();
    })
    .await;
    let channel = common::channel(behind);
    let front = Running::start(Server::new().fallback(Proxy(channel)));
    let request = head("/any.Service/Method").body(()).unwrap();
    let answer = call(&mut connect(front.address).await, request, [frame(&text("x"))]).await.unwrap();
    assert_eq!((answer.code(), &answer.head["seen"]), (5, &"early".parse::<http::HeaderValue>().unwrap()));
}

#[tokio::test]
async fn a_proxy_passes_on_the_deadline() {
    let proxied = Proxied::start();
    let client = proxied.client().with(CallOptions::new().timeout(Duration::from_secs(100)));
    assert_eq!(soon(client.say(text("deadline"))).await.unwrap().message, text("true"));
    assert_eq!(soon(proxied.client().say(text("deadline"))).await.unwrap().message, text("false"));
    let hasty = client.with(CallOptions::new().timeout(Duration::from_millis(50)));
    assert_eq!(soon(hasty.say(text("sleep"))).await.unwrap_err().code(), Code::DEADLINE_EXCEEDED);
    proxied.counted.until(0).await;
}

#[tokio::test]
async fn a_client_that_drops_its_call_drops_the_handler_behind_the_proxy() {
    let proxied = Proxied::start();
    let client = proxied.client();
    let saying = tokio::spawn(async move { client.say(text("sleep")).await });
    proxied.counted.until(1).await;
    saying.abort();
    proxied.counted.until(0).await;

    let (mut texts, mut answers) = proxied.client().chat().await.unwrap();
    texts.send(text("one")).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), Some(text("one")));
    proxied.counted.until(1).await;
    drop(texts);
    assert_eq!(soon(answers.next()).await.unwrap_err().code(), Code::CANCELLED);
    proxied.counted.until(0).await;
}

#[tokio::test]
async fn a_proxy_passes_on_messages_that_are_cut_anywhere() {
    let proxied = Proxied::start();
    let mut requests = connect(proxied.front.address).await;
    let both = [frame(&text("first")), frame(&text("second"))].concat();
    for cut in 1..both.len() {
        requests = soon(requests.ready()).await.unwrap();
        let request = head("/test.v1.Behind/Chat").body(()).unwrap();
        let (response, mut stream) = requests.send_request(request, false).unwrap();
        stream.send_data(Bytes::copy_from_slice(&both[..cut]), false).unwrap();
        tokio::task::yield_now().await;
        stream.send_data(Bytes::copy_from_slice(&both[cut..]), true).unwrap();
        let answer = read(response).await.unwrap();
        assert_eq!((answer.code(), answer.body), (0, both.clone()), "cut at {cut}");
    }
    // A request that ends within a message is an error, and not a shorter request.
    let request = head("/test.v1.Behind/Chat").body(()).unwrap();
    let body = [Bytes::copy_from_slice(&both[..both.len() - 1])];
    assert_eq!(call(&mut requests, request, body).await.unwrap().code(), 13);
    proxied.counted.until(0).await;
}

#[tokio::test]
async fn a_proxy_in_front_of_nothing_says_so() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let channel = common::channel(unused);
    let front = Running::start(Server::new().fallback(Proxy(channel)));
    let status = soon(front.client().get_feature(Point::default())).await.unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE);
    assert!(status.message().contains(&unused.to_string()), "{status}");
}

// A service that sends from a task of its own.

/// What the task is to do.
enum Order {
    /// Send a message.
    Send(Bytes),
    /// Send so many bytes, encoded before.
    SendEncoded(usize),
    /// Send messages of 1,000 bytes until that fails.
    SendUntilError,
}

/// One call's task: what it is to do, and how each sending went. When there is nothing more to do, the call ends.
struct Task {
    orders: mpsc::UnboundedReceiver<Order>,
    results: mpsc::UnboundedSender<Result<(), Status>>,
}

/// A service whose calls are answered by tasks.
struct Elsewhere {
    tasks: std::sync::Mutex<Option<Task>>,
    /// The handler returns when it is told to, or when its task ends.
    is_over: std::sync::Mutex<Option<oneshot::Receiver<()>>>,
}

/// The test's end of it.
struct Orders {
    running: Running,
    orders: mpsc::UnboundedSender<Order>,
    results: mpsc::UnboundedReceiver<Result<(), Status>>,
    end_handler: oneshot::Sender<()>,
}

impl Elsewhere {
    fn start() -> Orders {
        let (orders, ordered) = mpsc::unbounded_channel();
        let (results, resulting) = mpsc::unbounded_channel();
        let (end_handler, is_over) = oneshot::channel();
        let service =
            Elsewhere { tasks: Some(Task { orders: ordered, results }).into(), is_over: Some(is_over).into() };
        Orders { running: Running::start(Server::new().add(service)), orders, results: resulting, end_handler }
    }
}

const METHODS: &[Method] =
    &[Method { name: "Send", request: "bytes", client_streaming: true, response: "bytes", server_streaming: true }];

impl Service for Elsewhere {
    fn name(&self) -> &str {
        "test.v1.Elsewhere"
    }

    fn methods(&self) -> &[Method] {
        METHODS
    }

    fn call(&self, call: IncomingCall) -> Handling<'_> {
        Box::pin(self.hand_over(call))
    }
}

impl Elsewhere {
    async fn hand_over(&self, call: IncomingCall) -> Result<Reply, Status> {
        let (_requests, responses) = call.bidirectional::<Raw, Raw>();
        let task = self.tasks.lock().unwrap().take().ok_or_else(|| Status::aborted("there is one task"))?;
        let is_over = self.is_over.lock().unwrap().take().ok_or_else(|| Status::aborted("there is one task"))?;
        let sending = tokio::spawn(send(task, responses));
        tokio::select! {
            ended = sending => ended.map_err(|_| Status::internal("the task panicked"))?,
            Ok(()) = is_over => {}
        }
        Ok(Reply::Streamed)
    }
}

async fn send(Task { mut orders, results }: Task, mut responses: Outbound<Raw>) {
    while let Some(order) = orders.recv().await {
        let result = match order {
            Order::Send(bytes) => responses.send(Raw(bytes)).await,
            Order::SendEncoded(length) => {
                let message = Raw(Bytes::from(vec![b'x'; length]));
                responses.send_encoded(&Encoded::new(&[message]).unwrap()).await
            }
            Order::SendUntilError => loop {
                if let Err(status) = responses.send(Raw(Bytes::from(vec![b'x'; 1000]))).await {
                    break Err(status);
                }
            },
        };
        let _ = results.send(result);
    }
}

fn path() -> Path {
    Path::new("test.v1.Elsewhere", "Send").unwrap()
}

#[tokio::test]
async fn each_message_that_a_task_sends_leaves_at_once_and_the_call_ends_with_its_handler() {
    let Orders { running, orders, mut results, end_handler } = Elsewhere::start();
    let channel = running.channel();
    let (request, mut responses) = channel.bidirectional::<Raw, Raw>(&path(), &CallOptions::new()).await.unwrap();
    for number in 0..200 {
        let message = Bytes::from(number.to_string());
        orders.send(Order::Send(message.clone())).ok().unwrap();
        assert_eq!(soon(responses.next()).await.unwrap(), Some(Raw(message)));
        soon(results.recv()).await.unwrap().unwrap();
    }
    orders.send(Order::SendEncoded(100_000)).ok().unwrap();
    assert_eq!(soon(responses.next()).await.unwrap().map(|message| message.0.len()), Some(100_000));
    drop(orders);
    assert_eq!(soon(responses.next()).await.unwrap(), None);
    drop((request, end_handler));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_sends_more_than_the_window_holds_is_woken_when_it_opens() {
    let Orders { running, orders, mut results, end_handler } = Elsewhere::start();
    let (_request, mut responses) =
        running.channel().bidirectional::<Raw, Raw>(&path(), &CallOptions::new()).await.unwrap();
    const COUNT: usize = 20_000;
    for number in 0..COUNT {
        orders.send(Order::Send(vec![number as u8; 1000].into())).ok().unwrap();
    }
    drop(orders);
    for number in 0..COUNT {
        let message = soon(responses.next()).await.unwrap().unwrap();
        assert!(message.0.len() == 1000 && message.0[0] == number as u8, "message {number}");
        soon(results.recv()).await.unwrap().unwrap();
    }
    assert_eq!(soon(responses.next()).await.unwrap(), None);
    drop(end_handler);
}

#[tokio::test]
async fn a_task_that_waits_for_the_window_learns_that_the_client_has_cancelled() {
    let Orders { running, orders, mut results, end_handler } = Elsewhere::start();
    let channel = running.channel(); // which keeps the connection
    let (request, mut responses) = channel.bidirectional::<Raw, Raw>(&path(), &CallOptions::new()).await.unwrap();
    orders.send(Order::SendUntilError).ok().unwrap();
    assert!(soon(responses.next()).await.unwrap().is_some());
    drop((request, responses));
    let status = soon(results.recv()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::CANCELLED, "{status}");
    drop(end_handler);
}

#[tokio::test]
async fn a_task_that_waits_for_the_window_learns_that_the_deadline_has_passed() {
    let Orders { running, orders, mut results, end_handler } = Elsewhere::start();
    let mut requests = connect(running.address).await;
    let head = head(path().as_str()).header("grpc-timeout", "100m").body(()).unwrap();
    let (response, _request) = requests.send_request(head, false).unwrap();
    orders.send(Order::SendUntilError).ok().unwrap();
    let _unread = soon(response).await.unwrap();
    let status = soon(results.recv()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DEADLINE_EXCEEDED, "{status}");
    drop(end_handler);
}

#[tokio::test]
async fn a_task_that_waits_for_the_window_learns_that_the_connection_is_lost() {
    let Orders { running, orders, mut results, end_handler } = Elsewhere::start();
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (requests, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut requests = soon(requests.ready()).await.unwrap();
    let (response, _request) = requests.send_request(head(path().as_str()).body(()).unwrap(), false).unwrap();
    orders.send(Order::SendUntilError).ok().unwrap();
    let _unread = soon(response).await.unwrap();
    connection.abort();
    let status = soon(results.recv()).await.unwrap().unwrap_err();
    assert!(matches!(status.code(), Code::UNAVAILABLE | Code::CANCELLED), "{status}");
    // Whatever it sends later fails, too.
    for order in [Order::Send(Bytes::from_static(b"x")), Order::SendEncoded(1), Order::SendEncoded(100_000)] {
        orders.send(order).ok().unwrap();
        soon(results.recv()).await.unwrap().unwrap_err();
    }
    drop(end_handler);
}

#[tokio::test]
async fn a_task_that_sends_after_its_handler_has_returned_learns_that_the_call_has_ended() {
    let Orders { running, orders, mut results, end_handler } = Elsewhere::start();
    let (_request, mut responses) =
        running.channel().bidirectional::<Raw, Raw>(&path(), &CallOptions::new()).await.unwrap();
    orders.send(Order::Send(Bytes::from_static(b"last"))).ok().unwrap();
    assert_eq!(soon(responses.next()).await.unwrap(), Some(Raw(Bytes::from_static(b"last"))));
    soon(results.recv()).await.unwrap().unwrap();
    end_handler.send(()).unwrap();
    assert_eq!(soon(responses.next()).await.unwrap(), None);
    for order in [Order::Send(Bytes::from_static(b"x")), Order::SendEncoded(1), Order::SendEncoded(100_000)] {
        orders.send(order).ok().unwrap();
        let status = soon(results.recv()).await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::CANCELLED, "{status}");
    }
}

#[tokio::test]
async fn a_method_that_a_service_does_not_list_is_not_called() {
    let Orders { running, .. } = Elsewhere::start();
    let path = Path::new("test.v1.Elsewhere", "Receive").unwrap();
    let (_request, mut responses) =
        running.channel().bidirectional::<Raw, Raw>(&path, &CallOptions::new()).await.unwrap();
    let status = soon(responses.next()).await.unwrap_err();
    assert_eq!(status.code(), Code::UNIMPLEMENTED);
    assert!(status.message().contains("/test.v1.Elsewhere/Receive"), "{status}");
}
