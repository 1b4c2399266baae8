//! Code of users that panics: it ends the call that it was run for, and neither the connection nor its other calls.

mod common;

use common::{Running, soon};
use h2grpc::call::{CallOptions, IncomingCall};
use h2grpc::client::{Caller, Channel};
use h2grpc::metadata::Metadata;
use h2grpc::route_guide::{Features, Guide, Point, RouteGuide, RouteGuideClient, RouteNote};
use h2grpc::server::Server;
use h2grpc::service::{Handling, Method, Service};
use h2grpc::status::Status;
use h2grpc::wire::Code;

const METHODS: &[Method] =
    &[Method { name: "Say", request: "Point", client_streaming: false, response: "Point", server_streaming: false }];

/// A service by hand that panics before there is a future to poll.
struct Hasty;

impl Service for Hasty {
    fn name(&self) -> &str {
        "test.Hasty"
    }

    fn methods(&self) -> &[Method] {
        METHODS
    }

    fn call(&self, _call: IncomingCall) -> Handling<'_> {
        panic!("a service that is too hasty")
    }
}

/// A server with a service that panics, and one with an interceptor that panics when it is asked to.
fn serve() -> Running {
    let guide = Guide::new(Features::embedded()).into_service().intercept(|call| {
        assert!(call.context().metadata().get("panic").is_none(), "an interceptor that was asked to panic");
        Ok(())
    });
    Running::start(Server::new().add(guide).add(Hasty))
}

/// Runs `failing` while another call of the same connection is open, and checks that it alone ends with INTERNAL.
async fn ends_its_own_call_alone(channel: &Channel, failing: impl Future<Output = Status>) {
    let (mut notes, mut answers) = RouteGuideClient::new(channel.clone()).route_chat().await.unwrap();
    let note = RouteNote { location: None, message: "before".into() };
    notes.send(&note).await.unwrap();
    assert_eq!(soon(failing).await.code(), Code::INTERNAL);
    notes.send(&note).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap().unwrap().message, "before");
}

#[tokio::test]
async fn an_interceptor_that_panics_ends_its_own_call_with_internal_and_the_connection_lives_on() {
    let running = serve();
    let channel = running.channel();
    let mut metadata = Metadata::new();
    metadata.insert("panic", "please").unwrap();
    let client = RouteGuideClient::new(channel.clone()).with(CallOptions::new().metadata(metadata));
    ends_its_own_call_alone(&channel, async { client.get_feature(Point::default()).await.unwrap_err() }).await;
}

#[tokio::test]
async fn a_service_that_panics_before_it_has_a_future_ends_its_own_call_alone_too() {
    let running = serve();
    let channel = running.channel();
    let caller = Caller::new(channel.clone(), "test.Hasty", METHODS);
    let point = Point::default();
    let call = async { caller.unary::<Point, Point>("Say", &point).await.unwrap_err() };
    ends_its_own_call_alone(&channel, call).await;
}
