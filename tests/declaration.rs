//! What `service!` makes of a declaration, whatever the names in it, and how it is held against a `.proto`.

mod common;

use std::future::pending;

use common::checked;
use h2grpc::call::{CallOptions, Inbound, Outbound, Request};
use h2grpc::client::{Caller, Channel};
use h2grpc::route_guide::{FILE_DESCRIPTOR_SET, RouteGuideClient};
use h2grpc::server::{Method, Server, listen};
use h2grpc::service::compare;
use h2grpc::status::Status;
use h2grpc::wire::code::Code;

// ---- Held against a .proto.

#[test]
fn service_macro_agrees_with_the_compiled_proto() {
    compare(RouteGuideClient::NAME, RouteGuideClient::METHODS, FILE_DESCRIPTOR_SET).unwrap();
}

/// The differences that are found when RouteGuide is declared like this.
fn drift(name: &str, change: impl FnOnce(&mut Vec<Method>)) -> Vec<String> {
    let mut methods = RouteGuideClient::METHODS.to_vec();
    change(&mut methods);
    compare(name, &methods, FILE_DESCRIPTOR_SET).unwrap_err().differences().to_vec()
}

#[test]
fn a_missing_and_an_unknown_rpc_are_told() {
    let differences = drift("routeguide.RouteGuide", |methods| methods[3].name = "RouteTalk");
    assert_eq!(
        differences,
        [
            "the rpc RouteTalk is declared, and the .proto has no such rpc",
            "the rpc RouteChat of the .proto is not declared",
        ]
    );
}

#[test]
fn a_wrong_type_is_told() {
    let differences = drift("routeguide.RouteGuide", |methods| methods[0].response = "crate::proto::Point");
    assert_eq!(
        differences,
        ["the rpc GetFeature returns (crate::proto::Point), and in the .proto (routeguide.Feature)"]
    );
}

#[test]
fn a_missing_stream_and_a_needless_one_are_told() {
    let differences = drift("routeguide.RouteGuide", |methods| {
        methods[0].client_streaming = true;
        methods[1].server_streaming = false;
    });
    assert_eq!(
        differences,
        [
            "the rpc GetFeature takes (stream Point), and in the .proto (routeguide.Point)",
            "the rpc ListFeatures returns (Feature), and in the .proto (stream routeguide.Feature)",
        ]
    );
}

#[test]
fn another_name_of_the_service_is_told() {
    let differences = drift("RouteGuide", |_| ());
    assert_eq!(differences, ["the .proto has no service of this name; it has routeguide.RouteGuide"]);
}

#[test]
fn bytes_that_are_no_descriptor_set_are_told() {
    let error = compare(RouteGuideClient::NAME, RouteGuideClient::METHODS, b"\xff\xff").unwrap_err().to_string();
    assert!(error.contains("routeguide.RouteGuide") && error.contains("no FileDescriptorSet"), "{error}");
    let error = compare(RouteGuideClient::NAME, RouteGuideClient::METHODS, b"").unwrap_err().to_string();
    assert!(error.contains("no service at all"), "{error}");
}

// ---- Names.

/// A module whose types have the names that a macro would use without thinking.
mod odd {
    macro_rules! messages {
        ($($Name:ident)*) => { $(
            #[derive(Clone, PartialEq, prost::Message)]
            pub struct $Name {
                #[prost(string, tag = "1")]
                pub text: String,
            }
        )* };
    }
    messages! { Result Option Send Sync Sized Clone Debug Status Future Ok Err Dispatch T Method Self_ }

    pub mod stream {
        #[derive(Clone, PartialEq, prost::Message)]
        pub struct Text {}
    }

    h2grpc::service! {
        /// Every method's name is taken by somebody.
        pub service Odd("odd.Odd") client OddClient {
            rpc New   as new    (Result)               returns (Option);
            rpc With  as with   (stream Send)          returns (Sync);
            rpc named as named  (Sized)                returns (stream Clone);
            rpc type  as r#type (stream Debug)         returns (stream Status);
            rpc self  as self_  (Future)               returns (Ok);
            rpc Call  as call   (Err)                  returns (Dispatch);
            rpc From  as from_  (T)                    returns (Self_);
            rpc Path  as path   (crate::odd::Method)   returns (self::stream::Text);
            rpc Unit  as unit   (())                   returns (::prost::alloc::string::String);
            rpc Many  as many   (stream self::stream::Text) returns (stream ::prost::alloc::vec::Vec<u8>);
        }
    }

    h2grpc::service! {
        pub(crate) service Empty("Empty") client EmptyClient {}
    }
}

struct Here;

impl odd::Odd for Here {
    async fn new(&self, request: Request<odd::Result>) -> Result<odd::Option, Status> {
        Ok(odd::Option { text: request.message.text })
    }
    async fn with(&self, mut requests: Inbound<odd::Send>) -> Result<odd::Sync, Status> {
        let mut text = String::new();
        while let Some(next) = requests.next().await? {
            text += &next.text;
        }
        Ok(odd::Sync { text })
    }
    async fn named(&self, request: Request<odd::Sized>, responses: &mut Outbound<odd::Clone>) -> Result<(), Status> {
        responses.send(odd::Clone { text: request.message.text }).await
    }
    async fn r#type(
        &self, mut requests: Inbound<odd::Debug>, responses: &mut Outbound<odd::Status>,
    ) -> Result<(), Status> {
        while let Some(next) = requests.next().await? {
            responses.send(odd::Status { text: next.text }).await?;
        }
        Ok(())
    }
    async fn self_(&self, request: Request<odd::Future>) -> Result<odd::Ok, Status> {
        Ok(odd::Ok { text: request.message.text })
    }
    async fn call(&self, request: Request<odd::Err>) -> Result<odd::Dispatch, Status> {
        Ok(odd::Dispatch { text: request.message.text })
    }
    async fn from_(&self, request: Request<odd::T>) -> Result<odd::Self_, Status> {
        Ok(odd::Self_ { text: request.message.text })
    }
    async fn path(&self, _: Request<odd::Method>) -> Result<odd::stream::Text, Status> {
        Ok(odd::stream::Text {})
    }
    async fn unit(&self, _: Request<()>) -> Result<String, Status> {
        Ok("unit".to_owned())
    }
    async fn many(
        &self, mut requests: Inbound<odd::stream::Text>, responses: &mut Outbound<Vec<u8>>,
    ) -> Result<(), Status> {
        while requests.next().await?.is_some() {
            responses.send(b"many".to_vec()).await?;
        }
        Ok(())
    }
}

impl odd::Empty for Here {}

/// A channel to a server of [`Here`].
fn serve() -> Channel {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server::new().add(odd::Odd::into_service(Here)).add(odd::Empty::into_service(Here));
    tokio::spawn(checked::serving(server).serve([listener], pending()));
    common::channel(address)
}

#[tokio::test]
async fn an_rpc_may_have_any_name() {
    let client = odd::OddClient::from(serve());
    let text = || "said".to_owned();

    assert_eq!(client.new(odd::Result { text: text() }).await.unwrap().message.text, "said");

    let (mut requests, response) = client.with().await.unwrap();
    requests.send(odd::Send { text: text() }).await.unwrap();
    requests.finish().await.unwrap();
    assert_eq!(response.await.unwrap().message.text, "said");

    let mut responses = client.named(odd::Sized { text: text() }).await.unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().text, "said");

    let (mut requests, mut responses) = client.r#type().await.unwrap();
    requests.send(odd::Debug { text: text() }).await.unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().text, "said");

    assert_eq!(client.self_(odd::Future { text: text() }).await.unwrap().message.text, "said");
    assert_eq!(client.call(odd::Err { text: text() }).await.unwrap().message.text, "said");
    assert_eq!(client.from_(odd::T { text: text() }).await.unwrap().message.text, "said");
    client.path(odd::Method::default()).await.unwrap();
    assert_eq!(client.unit(()).await.unwrap().message, "unit");

    let (mut requests, mut responses) = client.many().await.unwrap();
    requests.send(odd::stream::Text {}).await.unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap(), b"many");
}

/// An rpc that is called `with` takes the client's own function away: a `Caller` sets the options.
#[tokio::test]
async fn a_client_is_made_of_a_caller_with_options() {
    let caller = Caller::new(serve(), odd::OddClient::NAME, odd::OddClient::METHODS);
    let late = odd::OddClient::from(caller.with(CallOptions::new().timeout(std::time::Duration::ZERO)));
    assert_eq!(late.unit(()).await.unwrap_err().code(), Code::DEADLINE_EXCEEDED);
    let elsewhere = odd::OddClient::from(caller.named("odd.Elsewhere"));
    assert_eq!(elsewhere.unit(()).await.unwrap_err().code(), Code::UNIMPLEMENTED);
}

#[test]
fn the_methods_are_listed_as_they_are_declared() {
    let [new, with, .., many] = odd::OddClient::METHODS else { panic!() };
    assert_eq!((new.name, new.request, new.client_streaming), ("New", "Result", false));
    assert_eq!((with.name, with.request, with.client_streaming), ("With", "Send", true));
    assert_eq!((many.request, many.client_streaming), ("self::stream::Text", true));
    assert_eq!((many.response, many.server_streaming), ("::prost::alloc::vec::Vec<u8>", true));
    assert_eq!(odd::EmptyClient::METHODS, []);
}
