//! What the tests share: a server on a free port, and a client of bare h2.

#![allow(dead_code)]

pub mod attack;
mod bare;
pub mod checked;
pub mod peer;
pub mod pipes;
pub mod raw;
pub mod raw_server;
pub mod transcript;

use std::fmt::Display;
use std::net::SocketAddr;

use h2grpc::client::Channel;
use h2grpc::limits::Limits;
use h2grpc::route_guide::{Features, Guide, RouteGuide, RouteGuideClient};
use h2grpc::server::{Server, listen};
use prost::Message;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[allow(unused_imports)]
pub use bare::*;
use checked::{Ours, at_server};

/// A server that runs in this process until it is stopped or dropped.
pub struct Running {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Starts `server` on a free port of 127.0.0.1. What it sends is judged by the rules of the wire.
    pub fn start(server: Server) -> Running {
        Running::start_unjudged(checked::serving(server))
    }

    /// The same where nobody reads along.
    pub fn start_unjudged(server: Server) -> Running {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.serve([listener], async {
            let _ = stopped.await;
        }));
        Running { address, stop: Some(stop), task }
    }

    /// RouteGuide over `features`, under both of its names.
    pub fn route_guide(features: Features) -> Running {
        Running::start(route_guide(features))
    }

    /// The same for clients that are all programs of ours: what they send is judged too.
    pub fn route_guide_for_ours(features: Features) -> Running {
        Running::start_unjudged(route_guide(features).wrap_streams(|_, stream| at_server(stream, Ours::Both)))
    }

    /// A channel to it.
    pub fn channel(&self) -> Channel {
        channel(self.address)
    }

    /// A RouteGuide client to it.
    pub fn client(&self) -> RouteGuideClient {
        RouteGuideClient::new(self.channel())
    }

    /// Asks it to stop; the result comes when every connection is closed.
    pub fn stop(mut self) -> JoinHandle<std::io::Result<()>> {
        let _ = self.stop.take().unwrap().send(());
        std::mem::replace(&mut self.task, tokio::spawn(async { Ok(()) }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn route_guide(features: Features) -> Server {
    Server::new().add(Guide::new(features).into_service().also_as("RouteGuide"))
}

/// A channel to `target`. What it sends is judged by the rules of the wire.
pub fn channel(target: impl Display) -> Channel {
    checked::calling(Channel::new(target.to_string().parse().unwrap()))
}

/// Limits for tests that change one or two of them.
pub fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// The message of the services that tests declare.
#[derive(Clone, PartialEq, Message)]
pub struct Text {
    #[prost(string, tag = "1")]
    pub text: String,
}

/// The message with this text.
pub fn text(text: impl Into<String>) -> Text {
    Text { text: text.into() }
}
