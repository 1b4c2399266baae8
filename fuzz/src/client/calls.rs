//! The four calls that a client makes, and how each has ended.

use std::future::Future;
use std::time::Duration;

use h2grpc::call::{CallOptions, Responses};
use h2grpc::client::Channel;
use h2grpc::metadata::Metadata;
use h2grpc::route_guide::tour::{TUTORIAL_POINTS, TUTORIAL_RECTANGLE};
use h2grpc::route_guide::{Feature, Point, RouteGuideClient, RouteNote, RouteSummary};
use h2grpc::status::Status;
use prost::{DecodeError, Message};
use tokio::time::sleep;

/// The header that tells the calls apart on the wire.
pub const NUMBER: &str = "call-number";

/// How long a call may take.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// When its caller gives up a call, if it is one of those.
const PATIENCE: Duration = Duration::from_millis(500);

/// A call by its shape, which are four: RouteGuide has a method of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Unary,
    ServerStreaming,
    ClientStreaming,
    Bidirectional,
}

pub const SHAPES: [Shape; 4] = [Shape::Unary, Shape::ServerStreaming, Shape::ClientStreaming, Shape::Bidirectional];

impl Shape {
    /// Whether its response has exactly one message.
    pub fn has_one_response(self) -> bool {
        matches!(self, Shape::Unary | Shape::ClientStreaming)
    }

    /// The path of its method.
    pub fn path(self) -> &'static str {
        match self {
            Shape::Unary => "/routeguide.RouteGuide/GetFeature",
            Shape::ServerStreaming => "/routeguide.RouteGuide/ListFeatures",
            Shape::ClientStreaming => "/routeguide.RouteGuide/RecordRoute",
            Shape::Bidirectional => "/routeguide.RouteGuide/RouteChat",
        }
    }

    /// A message as a client that has decoded it would write it again.
    pub fn normal(self, message: &[u8]) -> Result<Vec<u8>, DecodeError> {
        Ok(match self {
            Shape::Unary | Shape::ServerStreaming => Feature::decode(message)?.encode_to_vec(),
            Shape::ClientStreaming => RouteSummary::decode(message)?.encode_to_vec(),
            Shape::Bidirectional => RouteNote::decode(message)?.encode_to_vec(),
        })
    }
}

/// What differs between the calls of one script and those of another.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub waits_for_ready: bool,
    /// How long the text of each note is: long ones fill the flow-control windows.
    pub note: usize,
    /// Callers give up the calls whose bits are set.
    pub given_up: u8,
}

/// The messages of a call that is OK, encoded again.
pub type Outcome = Result<Vec<Vec<u8>>, Status>;

/// Makes the call. None if its caller has given it up.
pub async fn make(channel: Channel, shape: Shape, manner: Manner) -> Option<Outcome> {
    let mut metadata = Metadata::new();
    metadata.insert(NUMBER, &(shape as usize).to_string()).expect("a legal name");
    let options = CallOptions::new().timeout(TIMEOUT).metadata(metadata).wait_for_ready(manner.waits_for_ready);
    let client = RouteGuideClient::new(channel).with(options);
    if manner.given_up & 1 << shape as u8 == 0 {
        return Some(of_shape(client, shape, manner).await);
    }
    tokio::select! {
        outcome = of_shape(client, shape, manner) => Some(outcome),
        () = sleep(PATIENCE) => None,
    }
}

async fn of_shape(client: RouteGuideClient, shape: Shape, manner: Manner) -> Outcome {
    match shape {
        Shape::Unary => Ok(vec![client.get_feature(TUTORIAL_POINTS[0]).await?.message.encode_to_vec()]),
        Shape::ServerStreaming => all(client.list_features(TUTORIAL_RECTANGLE).await?).await,
        Shape::ClientStreaming => {
            let (mut points, summary) = client.record_route().await?;
            let sending = async {
                for latitude in 0..50 {
                    // What is wrong with the call, its response says.
                    if points.send(&Point { latitude, longitude: -1 }).await.is_err() {
                        break;
                    }
                }
                let _ = points.finish().await;
            };
            let (summary, ()) = both(summary.response(), sending).await;
            Ok(vec![summary?.message.encode_to_vec()])
        }
        Shape::Bidirectional => {
            let (mut notes, answers) = client.route_chat().await?;
            let sending = async {
                for latitude in 0..5 {
                    let location = Some(Point { latitude, longitude: 0 });
                    if notes.send(RouteNote { location, message: "n".repeat(manner.note) }).await.is_err() {
                        break;
                    }
                }
                let _ = notes.finish().await;
            };
            both(all(answers), sending).await.0
        }
    }
}

/// Waits for a response while the request is sent. A sender learns of the end of its call too.
async fn both<T>(response: impl Future<Output = T>, sending: impl Future<Output = ()>) -> (T, ()) {
    tokio::join!(response, sending)
}

async fn all<M: Message + Default + 'static>(mut responses: Responses<M>) -> Outcome {
    let mut messages = Vec::new();
    while let Some(message) = responses.next().await? {
        messages.push(message.encode_to_vec());
    }
    Ok(messages)
}
