//! A service written by hand: a proxy that passes every call on as it came, message by message, and decodes none.
//! `cargo run --example proxy`.
//!
//! It is a `Service` without `service!`: one function that gets each call before it has a shape. As the server's fallback
//! it answers the calls to all services. Metadata and the deadline are passed on, and metadata and status come back.

use h2grpc::call::{CallOptions, IncomingCall, Reply};
use h2grpc::client::Channel;
use h2grpc::codec::Raw;
use h2grpc::route_guide::{Features, Guide, RouteGuide, RouteGuideClient, tour};
use h2grpc::server::{Server, listen};
use h2grpc::service::{Handling, Method, Service};
use h2grpc::status::Status;
use tokio::time::Instant;

/// Passes calls on to the server behind a channel.
pub struct Proxy(pub Channel);

impl Service for Proxy {
    fn name(&self) -> &str {
        "proxy"
    }

    fn methods(&self) -> &[Method] {
        &[]
    }

    fn call(&self, call: IncomingCall) -> Handling<'_> {
        Box::pin(self.pass_on(call))
    }
}

impl Proxy {
    async fn pass_on(&self, call: IncomingCall) -> Result<Reply, Status> {
        let context = call.context().clone();
        let mut options = CallOptions::new().metadata(context.metadata().clone());
        options.timeout = context.deadline().map(|at| at.saturating_duration_since(Instant::now()));
        let (mut onward, mut back) = self.0.bidirectional::<Raw, Raw>(context.path(), &options).await?;
        let (mut requests, mut responses) = call.bidirectional::<Raw, Raw>();

        let forth = async {
            while let Some(message) = requests.next().await? {
                if onward.send(message).await.is_err() {
                    break; // the server has answered already, and its answer says why
                }
            }
            let _ = onward.finish().await;
            Ok::<(), Status>(())
        };
        let back = async {
            let mut next = back.next().await;
            context.respond_with(back.metadata())?; // it came with the first message, or with an error
            while let Some(message) = next? {
                responses.send(message).await?;
                next = back.next().await;
            }
            context.end_with(back.trailers());
            Ok::<(), Status>(())
        };
        // The call is over when the response is, whether the request has ended or not.
        tokio::pin!(forth, back);
        tokio::select! {
            ended = &mut back => ended?,
            sent = &mut forth => {
                sent?;
                back.await?;
            }
        }
        Ok(Reply::Streamed)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (behind, front) = (listen("127.0.0.1:0".parse()?)?, listen("127.0.0.1:0".parse()?)?);
    let (server, proxy) = (behind.local_addr()?.to_string(), front.local_addr()?.to_string());
    let guide = Guide::new(Features::embedded()).into_service();
    tokio::spawn(Server::new().add(guide).serve([behind], std::future::pending()));
    let passing_on = Server::new().fallback(Proxy(Channel::new(server.parse()?)));
    tokio::spawn(passing_on.serve([front], std::future::pending()));

    println!("RouteGuide on {server}, called through {proxy}:");
    let client = RouteGuideClient::new(Channel::new(proxy.parse()?));
    let out = &mut std::io::stdout();
    tour::get_feature(&client, &tour::TUTORIAL_POINTS, out).await?;
    tour::record_route(&client, &Features::embedded(), 5, out).await?;
    tour::route_chat(&client, out).await
}
