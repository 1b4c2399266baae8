//! The three hooks: observers, who are told of the end of each call; interceptors, who see a call before its handler;
//! extensions, which carry values from one to the other. And what a server is told of its services.

mod common;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::{Running, Text, call, checked, connect, frame, head, read, soon, text};
use h2grpc::call::{CallContext, CallEnd, CallOptions, Inbound, Outbound, Request};
use h2grpc::client::Channel;
use h2grpc::limits::{ClientLimits, Limits, MethodLimits};
use h2grpc::metadata::Metadata;
use h2grpc::server::Server;
use h2grpc::status::Status;
use h2grpc::wire::Code;
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// The bytes that these messages take with their prefixes.
fn size(messages: &[&str]) -> u64 {
    messages.iter().map(|message| frame(&text(*message)).len() as u64).sum()
}

h2grpc::service! {
    /// Says back what is said, and who said it where an interceptor found out.
    service Echo("test.v1.Echo") client EchoClient {
        rpc Say    as say    (Text)        returns (Text);
        rpc Repeat as repeat (Text)        returns (stream Text);
        rpc Join   as join   (stream Text) returns (Text);
        rpc Chat   as chat   (stream Text) returns (stream Text);
    }
}

#[derive(Clone, Default)]
struct Parrot {
    /// Told whenever a handler sleeps.
    asleep: Arc<Notify>,
}

/// What an interceptor puts in.
#[derive(Clone)]
struct Caller(String);

fn caller(context: &CallContext) -> String {
    context.extensions().get::<Caller>().map(|caller| caller.0.clone()).unwrap_or_default()
}

impl Parrot {
    /// Some words have a meaning.
    async fn heed(&self, word: &str) -> Result<(), Status> {
        match word {
            "fail" => Err(Status::not_found("nothing of that name")),
            "panic" => panic!("as asked"),
            "sleep" => {
                self.asleep.notify_one();
                std::future::pending().await
            }
            _ => Ok(()),
        }
    }
}

impl Echo for Parrot {
    async fn say(&self, request: Request<Text>) -> Result<Text, Status> {
        self.heed(&request.message.text).await?;
        Ok(text(caller(&request.context) + &request.message.text))
    }

    async fn repeat(&self, request: Request<Text>, texts: &mut Outbound<Text>) -> Result<(), Status> {
        for _ in 0..2 {
            texts.send(text(caller(&request.context) + &request.message.text)).await?;
        }
        self.heed(&request.message.text).await
    }

    async fn join(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
        let mut all = caller(texts.context());
        while let Some(next) = texts.next().await? {
            self.heed(&next.text).await?;
            all += &next.text;
        }
        Ok(text(all))
    }

    async fn chat(&self, mut texts: Inbound<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        while let Some(next) = texts.next().await? {
            self.heed(&next.text).await?;
            answers.send(text(caller(texts.context()) + &next.text)).await?;
        }
        Ok(())
    }
}

/// What an observer was told.
#[derive(Clone, Debug, PartialEq)]
struct End {
    path: String,
    peer: Option<SocketAddr>,
    code: Code,
    message: String,
    received: u64,
    sent: u64,
    elapsed: Duration,
}

/// Remembers the ends of calls.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<End>>>);

impl Ends {
    fn observer(&self) -> impl Fn(&CallEnd<'_>) + Send + Sync + 'static {
        let Ends(ends) = self.clone();
        move |end| {
            ends.lock().unwrap().push(End {
                path: end.path.to_string(),
                peer: end.peer,
                code: end.status.code(),
                message: end.status.message().to_owned(),
                received: end.received,
                sent: end.sent,
                elapsed: end.elapsed,
            });
        }
    }

    fn all(&self) -> Vec<End> {
        self.0.lock().unwrap().clone()
    }

    /// The ends, once there are so many.
    async fn until(&self, count: usize) -> Vec<End> {
        soon(async {
            while self.all().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        self.all()
    }
}

/// A server and a channel, both observed.
struct Observed {
    running: Running,
    parrot: Parrot,
    server: Ends,
    client: Ends,
    channel: Channel,
}

impl Observed {
    fn start() -> Observed {
        let (parrot, server, client) = (Parrot::default(), Ends::default(), Ends::default());
        let running = Running::start(Server::new().add(parrot.clone().into_service()).observe(server.observer()));
        let channel = running.channel().observe(client.observer());
        Observed { running, parrot, server, client, channel }
    }

    fn echo(&self) -> EchoClient {
        EchoClient::new(self.channel.clone())
    }

    /// What each side was told, which must be of so many calls, once nothing can follow: the server has stopped.
    async fn ends(self, count: usize) -> (Vec<End>, Vec<End>) {
        drop(self.channel);
        soon(self.running.stop()).await.unwrap().unwrap();
        let (server, client) = (self.server.all(), self.client.all());
        assert_eq!((server.len(), client.len()), (count, count), "server: {server:#?}, client: {client:#?}");
        (server, client)
    }
}

#[tokio::test]
async fn calls_that_end_well_are_told_once_on_each_side_with_their_sizes() {
    let observed = Observed::start();
    let client = observed.echo();
    client.say(text("one")).await.unwrap();
    let mut texts = client.repeat(text("three")).await.unwrap();
    while soon(texts.next()).await.unwrap().is_some() {}
    drop(texts);
    let (mut texts, joined) = client.join().await.unwrap();
    for part in ["a", "bb", ""] {
        texts.send(text(part)).await.unwrap();
    }
    texts.finish().await.unwrap();
    soon(joined.response()).await.unwrap();
    let (mut texts, mut answers) = client.chat().await.unwrap();
    for part in ["x", "yy"] {
        texts.send(text(part)).await.unwrap();
        soon(answers.next()).await.unwrap();
    }
    texts.finish().await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), None);
    drop((answers, client));

    let expected = [
        ("/test.v1.Echo/Say", size(&["one"]), size(&["one"])),
        ("/test.v1.Echo/Repeat", size(&["three"]), size(&["three", "three"])),
        ("/test.v1.Echo/Join", size(&["a", "bb", ""]), size(&["abb"])),
        ("/test.v1.Echo/Chat", size(&["x", "yy"]), size(&["x", "yy"])),
    ];
    let (server, client) = observed.ends(4).await;
    for (index, (path, request, response)) in expected.into_iter().enumerate() {
        for (side, end, (received, sent)) in
            [("server", &server[index], (request, response)), ("client", &client[index], (response, request))]
        {
            assert_eq!((&end.path[..], end.code), (path, Code::OK), "{side}");
            assert_eq!((end.received, end.sent), (received, sent), "{side} {path}");
            assert!(end.elapsed > Duration::ZERO, "{side} {path}");
            assert_eq!(end.peer.is_some(), side == "server");
        }
        assert!(server[index].peer.unwrap().ip().is_loopback());
    }
}

#[tokio::test]
async fn an_error_of_a_handler_is_told_with_its_status_in_all_four_shapes() {
    let observed = Observed::start();
    let client = observed.echo();
    client.say(text("fail")).await.unwrap_err();
    let mut texts = client.repeat(text("fail")).await.unwrap();
    while soon(texts.next()).await.is_ok() {}
    let (mut texts, joined) = client.join().await.unwrap();
    texts.send(text("fail")).await.unwrap();
    soon(joined.response()).await.unwrap_err();
    let (mut texts, mut answers) = client.chat().await.unwrap();
    texts.send(text("fail")).await.unwrap();
    soon(answers.next()).await.unwrap_err();
    drop((client, answers));
    let (server, client) = observed.ends(4).await;
    for (end, sent) in server.iter().zip([0, size(&["fail", "fail"]), 0, 0]) {
        assert_eq!((end.code, &end.message[..]), (Code::NOT_FOUND, "nothing of that name"), "{end:?}");
        assert_eq!((end.received, end.sent), (size(&["fail"]), sent), "{end:?}");
    }
    for end in client {
        assert_eq!((end.code, &end.message[..]), (Code::NOT_FOUND, "nothing of that name"), "{end:?}");
    }
}

#[tokio::test]
async fn a_panic_is_told_as_internal() {
    let observed = Observed::start();
    let client = observed.echo();
    client.say(text("panic")).await.unwrap_err();
    let mut texts = client.repeat(text("panic")).await.unwrap();
    while soon(texts.next()).await.is_ok() {}
    drop((client, texts));
    let (server, client) = observed.ends(2).await;
    assert!(server.iter().chain(&client).all(|end| end.code == Code::INTERNAL), "{server:?} {client:?}");
}

#[tokio::test]
async fn a_deadline_is_told_as_deadline_exceeded_by_the_side_that_keeps_it() {
    let observed = Observed::start();
    // A foreign client that leaves it to the server.
    let mut requests = connect(observed.running.address).await;
    let request = head("/test.v1.Echo/Chat").header("grpc-timeout", "50m").body(()).unwrap();
    let (response, _stream) = requests.send_request(request, false).unwrap();
    assert_eq!(read(response).await.unwrap().code(), 4);
    let client = observed.echo().with(CallOptions::new().timeout(Duration::from_millis(50)));
    soon(client.say(text("sleep"))).await.unwrap_err();
    let mut texts = client.repeat(text("sleep")).await.unwrap();
    while soon(texts.next()).await.is_ok() {}
    let server = observed.server.until(1).await;
    for end in observed.client.all().iter().chain(&server[..1]) {
        assert_eq!(end.code, Code::DEADLINE_EXCEEDED, "{end:?}");
        assert!(end.elapsed >= Duration::from_millis(45), "{end:?}");
    }
    assert_eq!(observed.client.all().len(), 2);
}

#[tokio::test]
async fn a_call_that_its_client_drops_is_told_as_cancelled_on_each_side() {
    let observed = Observed::start();
    let client = observed.echo();
    let saying = tokio::spawn({
        let client = client.clone();
        async move { client.say(text("sleep")).await }
    });
    soon(observed.parrot.asleep.notified()).await;
    saying.abort();
    assert!(saying.await.unwrap_err().is_cancelled());
    let (mut texts, answers) = client.chat().await.unwrap();
    texts.send(text("sleep")).await.unwrap();
    soon(observed.parrot.asleep.notified()).await;
    drop((texts, answers, client));
    observed.server.until(2).await;
    let (server, client) = observed.ends(2).await;
    for end in server.iter().chain(&client) {
        assert_eq!(end.code, Code::CANCELLED, "{end:?}");
    }
}

#[tokio::test]
async fn a_reset_of_a_foreign_client_is_told_with_what_the_client_did() {
    let observed = Observed::start();
    let mut requests = connect(observed.running.address).await;
    let (_response, mut stream) = requests.send_request(head("/test.v1.Echo/Chat").body(()).unwrap(), false).unwrap();
    stream.send_data(frame(&text("sleep")), false).unwrap();
    soon(observed.parrot.asleep.notified()).await;
    stream.send_reset(h2::Reason::CANCEL);
    let ends = observed.server.until(1).await;
    assert_eq!(ends[0].code, Code::CANCELLED);
    assert!(ends[0].message.contains("the peer reset the stream with CANCEL"), "{ends:?}");
    assert_eq!((ends[0].received, ends[0].sent), (size(&["sleep"]), 0));
}

#[tokio::test]
async fn a_connection_that_is_lost_tells_the_end_of_each_of_its_calls_once() {
    let observed = Observed::start();
    let stream = TcpStream::connect(observed.running.address).await.unwrap();
    let (requests, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut requests = soon(requests.ready()).await.unwrap();
    let mut calls = Vec::new();
    for method in ["Say", "Repeat", "Join", "Chat"] {
        let request = head(&format!("/test.v1.Echo/{method}")).body(()).unwrap();
        let (response, mut stream) = requests.send_request(request, false).unwrap();
        stream.send_data(frame(&text("sleep")), matches!(method, "Say" | "Repeat")).unwrap();
        soon(observed.parrot.asleep.notified()).await;
        calls.push((response, stream));
        requests = soon(requests.ready()).await.unwrap();
    }
    connection.abort();
    let _ = connection.await;
    observed.server.until(4).await;
    soon(observed.running.stop()).await.unwrap().unwrap();
    let ends = observed.server.all();
    assert_eq!(ends.len(), 4, "{ends:#?}");
    for end in ends {
        assert!(matches!(end.code, Code::CANCELLED | Code::UNAVAILABLE), "{end:?}");
    }
}

#[tokio::test]
async fn a_client_is_told_of_its_calls_on_a_connection_that_is_lost() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let _call = connection.accept().await;
    });
    let ends = Ends::default();
    let channel = common::channel(address).observe(ends.observer());
    let status = soon(EchoClient::new(channel).say(text("lost"))).await.unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE);
    let [end] = &ends.all()[..] else { panic!("one end is expected: {:?}", ends.all()) };
    assert_eq!((end.code, &end.message[..]), (Code::UNAVAILABLE, status.message()));
    assert_eq!((end.received, end.sent), (0, size(&["lost"])));
}

#[tokio::test]
async fn a_client_is_told_of_calls_that_could_not_begin() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ends = Ends::default();
    let channel = common::channel(unused).observe(ends.observer());
    let client = EchoClient::new(channel);
    soon(client.say(text("x"))).await.unwrap_err();
    soon(client.chat()).await.unwrap_err();
    let ends = ends.all();
    let paths: Vec<_> = ends.iter().map(|end| &end.path[..]).collect();
    assert_eq!(paths, ["/test.v1.Echo/Say", "/test.v1.Echo/Chat"]);
    assert!(ends.iter().all(|end| end.code == Code::UNAVAILABLE && (end.received, end.sent) == (0, 0)), "{ends:?}");
}

#[tokio::test]
async fn a_client_is_told_what_its_caller_was_told_of_a_response_that_it_cannot_take() {
    let observed = Observed::start();
    let channel = observed.channel.limits(ClientLimits::default().max_message(1000));
    let client = EchoClient::new(channel);
    let status = soon(client.say(text("x".repeat(2000)))).await.unwrap_err();
    assert_eq!(status.code(), Code::RESOURCE_EXHAUSTED);
    drop(client);
    let ends = observed.client.all();
    assert_eq!(
        ends.iter().map(|end| (end.code, &end.message[..])).collect::<Vec<_>>(),
        [(Code::RESOURCE_EXHAUSTED, status.message())]
    );
}

#[tokio::test]
async fn a_refused_head_is_no_call_and_a_client_is_told_of_its_own() {
    let observed = Observed::start();
    let client = observed.echo().named("no.Service");
    soon(client.say(text("x"))).await.unwrap_err();
    let answer = call(&mut connect(observed.running.address).await, head("/no").body(()).unwrap(), []).await.unwrap();
    assert_eq!(answer.code(), 12);
    drop(client);
    assert_eq!(observed.server.all(), []);
    let ends = observed.client.all();
    assert_eq!(
        ends.iter().map(|end| (&end.path[..], end.code)).collect::<Vec<_>>(),
        [("/no.Service/Say", Code::UNIMPLEMENTED)]
    );
}

#[tokio::test]
async fn an_interceptor_reads_path_metadata_peer_and_deadline_before_the_handler_runs() {
    let (seen, ends) = (Arc::new(Mutex::new(Vec::new())), Ends::default());
    let told = Arc::clone(&seen);
    let service = Parrot::default().into_service().also_as("other.Echo").intercept(move |call| {
        let context = call.context();
        let left = context.deadline().map(|at| at.duration_since(tokio::time::Instant::now()));
        told.lock().unwrap().push(format!(
            "{} {} {} by {:?}, {}, {}",
            context.path(),
            context.path().service(),
            context.path().method(),
            context.metadata().get("who"),
            context.peer().is_some_and(|peer| peer.ip().is_loopback()),
            left.is_some_and(|left| left > Duration::from_secs(50) && left <= Duration::from_secs(60)),
        ));
        Ok(())
    });
    let running = Running::start(Server::new().add(service).observe(ends.observer()));
    let mut who = Metadata::new();
    who.insert("who", "me").unwrap();
    let client = EchoClient::new(running.channel());
    let known = client.with(CallOptions::new().metadata(who).timeout(Duration::from_secs(60)));
    known.say(text("x")).await.unwrap();
    client.named("other.Echo").say(text("x")).await.unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "/test.v1.Echo/Say test.v1.Echo Say by Some(\"me\"), true, true",
            "/other.Echo/Say other.Echo Say by None, true, false"
        ]
    );
    assert_eq!(ends.until(2).await[1].path, "/other.Echo/Say");
}

#[tokio::test]
async fn an_error_of_an_interceptor_ends_the_call_with_that_status_and_no_handler_runs() {
    let ends = Ends::default();
    let service = Parrot::default().into_service().intercept(|call| match call.context().metadata().get("token") {
        Some(_) => Ok(()),
        None => {
            let mut status = Status::unauthenticated("the header token is missing").with_details(&b"\x08\x10"[..]);
            status.metadata_mut().insert("hint", "sign in")?;
            Err(status)
        }
    });
    let running = Running::start(Server::new().add(service).observe(ends.observer()));
    let mut requests = connect(running.address).await;
    for method in ["Say", "Repeat", "Join", "Chat"] {
        let path = format!("/test.v1.Echo/{method}");
        // A handler that ran would panic.
        let answer = call(&mut requests, head(&path).body(()).unwrap(), [frame(&text("panic"))]).await.unwrap();
        assert!(answer.trailers_only && answer.code() == 16, "{answer:?}");
        assert_eq!((answer.trailer("hint"), answer.trailer("grpc-status-details-bin")), ("sign in", "CBA"));
        let request = head(&path).header("token", "1").body(()).unwrap();
        assert_eq!(call(&mut requests, request, [frame(&text("x"))]).await.unwrap().code(), 0);
    }
    let codes: Vec<_> = ends.until(8).await.iter().map(|end| end.code).collect();
    assert_eq!(codes, [Code::UNAUTHENTICATED, Code::OK].repeat(4));
}

#[tokio::test]
async fn what_an_interceptor_puts_into_the_extensions_reaches_the_handlers_of_all_four_shapes() {
    let service = Parrot::default()
        .into_service()
        .intercept(|call| {
            let who = call.context().metadata().get("who").unwrap_or("nobody").to_owned();
            call.context_mut().extensions_mut().insert(Caller(who + ": "));
            Ok(())
        })
        .intercept(|call| {
            // Interceptors run in the order in which they were added.
            let known = call.context_mut().extensions_mut().get_mut::<Caller>();
            known.ok_or_else(|| Status::internal("the first interceptor did not run"))?.0.insert(0, '~');
            Ok(())
        });
    let running = Running::start(Server::new().add(service));
    let mut requests = connect(running.address).await;
    for (method, answers) in
        [("Say", &["~me: x"][..]), ("Repeat", &["~me: x", "~me: x"]), ("Join", &["~me: x"]), ("Chat", &["~me: x"])]
    {
        let request = head(&format!("/test.v1.Echo/{method}")).header("who", "me").body(()).unwrap();
        let answer = call(&mut requests, request, [frame(&text("x"))]).await.unwrap();
        let expected: Vec<u8> = answers.iter().flat_map(|answer| frame(&text(*answer))).collect();
        assert_eq!((answer.code(), answer.body), (0, expected), "{method}");
    }
}

#[tokio::test]
async fn a_method_has_its_own_limit_under_each_name_of_its_service_and_the_others_have_the_servers() {
    let small = MethodLimits::default().max_message(100);
    let large = MethodLimits::default().max_message(10_000);
    let service = Parrot::default().into_service().also_as("other.Echo").limit("Say", small).limit("Join", large);
    let running = Running::start(Server::new().add(service).limits(Limits::default().max_message(1000)));
    let mut requests = connect(running.address).await;
    for name in ["test.v1.Echo", "other.Echo"] {
        for (method, limit) in [("Say", 100), ("Repeat", 1000), ("Join", 10_000), ("Chat", 1000)] {
            for (length, code) in [(limit - 20, 0), (limit + 1, 8)] {
                let request = head(&format!("/{name}/{method}")).body(()).unwrap();
                let body = [frame(&text("x".repeat(length)))];
                let answer = call(&mut requests, request, body).await.unwrap();
                assert_eq!(answer.code(), code, "{name} {method} {length}");
                assert!(code == 0 || answer.trailer("grpc-message").contains(&limit.to_string()), "{answer:?}");
            }
        }
    }
}

/// Serves, or says why not.
async fn serve(server: Server) -> std::io::Error {
    let listener = h2grpc::server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    soon(server.serve([listener], std::future::pending())).await.expect_err("it must not serve")
}

#[tokio::test]
async fn a_limit_for_a_method_that_there_is_not_is_refused_by_name_when_the_server_starts() {
    let service = || Parrot::default().into_service().also_as("other.Echo").limit("Sya", MethodLimits::default());
    let server = Server::new().add(service());
    let error = serve(server.clone()).await;
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("/test.v1.Echo/Sya"), "{error}");
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let error = server.serve_connection(tokio::io::duplex(64).0, None, stopped).await.unwrap_err();
    assert!(error.to_string().contains("/test.v1.Echo/Sya"), "{error}");
    // A fallback answers every method: its limits are for none.
    let error = serve(Server::new().fallback(service())).await;
    assert!(error.to_string().contains("Sya"), "{error}");
}

#[tokio::test]
async fn limits_that_would_serve_nobody_are_refused_by_name_when_the_server_starts() {
    let defaults = Limits::default;
    for (limits, name) in [
        (defaults().max_connections(0), "max_connections"),
        (defaults().max_concurrent_streams(0), "max_concurrent_streams"),
        (defaults().stream_window(u32::MAX), "stream_window"),
        (defaults().connection_window(0), "connection_window"),
        (defaults().keepalive_interval(Some(Duration::ZERO)), "keepalive_interval"),
        (defaults().idle_timeout(Duration::ZERO), "idle_timeout"),
    ] {
        let server = Server::new().limits(limits);
        let error = serve(server.clone()).await;
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(name), "{error}");
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let error = server.serve_connection(tokio::io::duplex(64).0, None, stopped).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn limits_with_which_no_client_can_work_are_refused_by_name_when_a_call_is_made() {
    let running = Running::start(Server::new().add(Parrot::default().into_service()));
    let defaults = ClientLimits::default;
    for (limits, name) in [
        (defaults().stream_window(0), "stream_window"),
        (defaults().connection_window(u32::MAX), "connection_window"),
        (defaults().keepalive_timeout(Duration::ZERO), "keepalive_timeout"),
    ] {
        let client = EchoClient::new(running.channel().limits(limits));
        for _ in 0..2 {
            let status = soon(client.say(text("x"))).await.unwrap_err();
            assert_eq!(status.code(), Code::INVALID_ARGUMENT, "{status}");
            assert!(status.message().contains(&format!("the limit {name} is ")), "{status}");
        }
        assert_eq!(soon(client.join()).await.unwrap_err().code(), Code::INVALID_ARGUMENT);
    }
}

#[test]
fn services_are_listed_with_their_methods_in_the_order_in_which_they_were_added() {
    let server = Server::new().add(Parrot::default().into_service().also_as("Echo")).fallback(
        h2grpc::route_guide::RouteGuide::into_service(h2grpc::route_guide::Guide::new(
            h2grpc::route_guide::Features::embedded(),
        )),
    );
    let listed: Vec<_> = server
        .services()
        .map(|(name, methods)| (name, methods.iter().map(|method| method.name).collect::<Vec<_>>()))
        .collect();
    let methods = vec!["Say", "Repeat", "Join", "Chat"];
    assert_eq!(listed, [("test.v1.Echo", methods.clone()), ("Echo", methods)]);
    let (_, methods) = server.services().next().unwrap();
    assert_eq!(methods, EchoClient::METHODS);
}

#[tokio::test]
async fn of_two_services_with_one_name_the_later_one_answers_and_the_name_is_listed_once() {
    let later = Parrot::default().into_service().intercept(|_| Err(Status::aborted("the later one")));
    let server = Server::new().add(Parrot::default().into_service()).add(later);
    assert_eq!(server.services().map(|(name, _)| name).collect::<Vec<_>>(), ["test.v1.Echo"]);
    let running = Running::start(server);
    let status = EchoClient::new(running.channel()).say(text("x")).await.unwrap_err();
    assert_eq!(status.code(), Code::ABORTED);
}

/// Bytes of the request that nobody has read do not count.
#[tokio::test]
async fn sizes_are_of_what_was_read_and_sent() {
    let observed = Observed::start();
    let mut requests = connect(observed.running.address).await;
    let request = head("/test.v1.Echo/Join").body(()).unwrap();
    let body = [frame(&text("fail")), Bytes::from_static(b"\0\0")];
    let (response, mut stream) = requests.send_request(request, false).unwrap();
    stream.send_data(body[0].clone(), false).unwrap();
    assert_eq!(read(response).await.unwrap().code(), 5);
    let ends = observed.server.until(1).await;
    assert_eq!((ends[0].received, ends[0].sent), (size(&["fail"]), 0));
}

#[tokio::test]
async fn a_byte_stream_is_wrapped_whoever_has_dialled_it_and_its_address_is_told() {
    let running = Running::start(Server::new().add(Parrot::default().into_service()));
    let address = running.address;
    let connect = move || TcpStream::connect(address);
    let target = address.to_string().parse().unwrap();
    let custom = Channel::with_connector(target, ClientLimits::default(), connect);
    for (channel, expected) in [(running.channel(), address.to_string()), (custom, format!("http://{address}"))] {
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let wrapped = channel.wrap_streams(move |address, stream| {
            telling.lock().unwrap().push(address.to_owned());
            tokio::io::BufReader::new(checked::client(stream))
        });
        assert_eq!(EchoClient::new(wrapped).say(text("x")).await.unwrap().message, text("x"));
        assert_eq!(*told.lock().unwrap(), [expected]);
    }
}

#[tokio::test]
async fn each_connection_of_a_server_is_wrapped_and_its_address_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let server = Server::new().add(Parrot::default().into_service()).wrap_streams(move |peer, stream| {
        telling.lock().unwrap().push(peer);
        tokio::io::BufReader::new(checked::server(stream))
    });
    let running = Running::start_unjudged(server); // that would take the place of its own wrapper
    let (local, asked) = (Arc::new(Mutex::new(Vec::new())), running.address);
    for _ in 0..2 {
        let dialled = Arc::clone(&local);
        let connect = move || {
            let dialled = Arc::clone(&dialled);
            async move {
                let stream = TcpStream::connect(asked).await?;
                dialled.lock().unwrap().push(stream.local_addr()?);
                Ok(stream)
            }
        };
        let channel = Channel::with_connector(asked.to_string().parse().unwrap(), ClientLimits::default(), connect);
        assert_eq!(EchoClient::new(channel).say(text("x")).await.unwrap().message, text("x"));
    }
    assert_eq!(*told.lock().unwrap(), *local.lock().unwrap());
    assert_eq!(told.lock().unwrap().len(), 2);
}
