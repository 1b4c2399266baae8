//! A client of tonic, as it comes, that makes one check of a RouteGuide server: exit code 0 when it holds. The checks have
//! the names of those in `tests/interop`.

use std::net::SocketAddr;

use clap::{Parser, ValueEnum};
use peers::proto::route_guide_client::RouteGuideClient;
use peers::proto::{Feature, Point, Rectangle, RouteNote, RouteSummary};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A client of tonic.
#[derive(Parser)]
struct Options {
    /// Where the server is
    #[arg(long, value_name = "IP:PORT")]
    address: SocketAddr,
    #[arg(value_enum)]
    check: Check,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Check {
    GetFeatureOfTheTrail,
    ListFeaturesOfARectangle,
    #[value(name = "record_route_of_10_known_points")]
    RecordRouteOf10KnownPoints,
    RouteChatOfFiveNotes,
    /// A call of each method, and one of a method that no server has
    FourCallsAndOneThatFails,
}

const TRAIL: Point = Point { latitude: 409_146_138, longitude: -746_188_906 };
const HILLS: Point = Point { latitude: 409_439_900, longitude: -746_707_200 };
const TRAIL_NAME: &str = "Berkshire Valley Management Area Trail, Jefferson, NJ, USA";

#[tokio::main]
async fn main() -> Result<()> {
    let Options { address, check } = Options::parse();
    let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
    let mut guide = Guide { client: RouteGuideClient::new(channel.clone()), channel };
    match check {
        Check::GetFeatureOfTheTrail => guide.get().await,
        Check::ListFeaturesOfARectangle => {
            let found = guide.list((400_000_000, -750_000_000), (420_000_000, -730_000_000)).await?;
            equal(found.len() >= 100 && found.iter().any(|feature| feature.name == TRAIL_NAME), true)
        }
        Check::RecordRouteOf10KnownPoints => {
            let summary = guide.record(vec![TRAIL; 10]).await?;
            equal((summary.point_count, summary.feature_count, summary.distance), (10, 10, 0))
        }
        Check::RouteChatOfFiveNotes => equal(guide.chat(&[1, 2, 3, 1, 3]).await?, ["note 1", "note 3"]),
        Check::FourCallsAndOneThatFails => {
            guide.get().await?;
            equal(guide.list((409_000_000, -747_000_000), (410_000_000, -746_000_000)).await?.len(), 2)?;
            equal(guide.record(vec![TRAIL, HILLS]).await?.feature_count, 2)?;
            equal(guide.chat(&[1, 2, 1]).await?, ["note 1"])?;
            guide.drop_feature().await
        }
    }
}

struct Guide {
    client: RouteGuideClient<Channel>,
    channel: Channel,
}

impl Guide {
    async fn get(&mut self) -> Result<()> {
        equal(self.client.get_feature(TRAIL).await?.into_inner().name.as_str(), TRAIL_NAME)
    }

    async fn list(&mut self, lo: (i32, i32), hi: (i32, i32)) -> Result<Vec<Feature>> {
        let corner = |(latitude, longitude)| Some(Point { latitude, longitude });
        let rectangle = Rectangle { lo: corner(lo), hi: corner(hi) };
        let mut answers = self.client.list_features(rectangle).await?.into_inner();
        let mut features = Vec::new();
        while let Some(feature) = answers.message().await? {
            features.push(feature);
        }
        Ok(features)
    }

    async fn record(&mut self, route: Vec<Point>) -> Result<RouteSummary> {
        Ok(self.client.record_route(tokio_stream::iter(route)).await?.into_inner())
    }

    /// Leaves notes at these longitudes; the texts of the answers.
    async fn chat(&mut self, longitudes: &[i32]) -> Result<Vec<String>> {
        let note = |(number, longitude): (usize, &i32)| RouteNote {
            location: Some(Point { latitude: 0, longitude: *longitude }),
            message: format!("note {}", number + 1),
        };
        let notes: Vec<RouteNote> = longitudes.iter().enumerate().map(note).collect();
        let mut answers = self.client.route_chat(tokio_stream::iter(notes)).await?.into_inner();
        let mut texts = Vec::new();
        while let Some(answer) = answers.message().await? {
            texts.push(answer.message);
        }
        Ok(texts)
    }

    /// No server has this method.
    async fn drop_feature(&mut self) -> Result<()> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await?;
        let path = PathAndQuery::from_static("/routeguide.RouteGuide/DropFeature");
        let codec = tonic_prost::ProstCodec::<Point, Feature>::default();
        let ended = client.unary(Request::new(TRAIL), path, codec).await;
        equal(ended.map_err(|status| status.code()).err(), Some(Code::Unimplemented))
    }
}

fn equal<A: PartialEq<B> + std::fmt::Debug, B: std::fmt::Debug>(found: A, expected: B) -> Result<()> {
    if found == expected { Ok(()) } else { Err(format!("expected {expected:?}, found {found:?}").into()) }
}
