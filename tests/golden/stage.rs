//! Who plays in a story: this stack's client and server, and peers that are told each frame.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use h2grpc::call::{Inbound, Outbound, Request};
use h2grpc::client::Channel;
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::{
    Feature, Features, Guide, Point, Rectangle, RouteGuide, RouteGuideClient, RouteNote, RouteSummary,
};
use h2grpc::server::Server;
use h2grpc::status::Status;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::common::raw::{ACK, Frame, PREFACE, Raw, SETTINGS, settings_of};
use crate::common::raw_server::RawServer;
use crate::turns::{Line, quiet};

pub const GET_FEATURE: &str = "/routeguide.RouteGuide/GetFeature";
pub const LIST_FEATURES: &str = "/routeguide.RouteGuide/ListFeatures";
pub const RECORD_ROUTE: &str = "/routeguide.RouteGuide/RecordRoute";

/// The point of the tutorial's first call.
pub const TRAIL: Point = Point { latitude: 409_146_138, longitude: -746_188_906 };

/// The server of the example.
pub fn guide() -> Server {
    Server::new().add(Guide::new(Features::embedded()).into_service())
}

/// A RouteGuide that answers as it is told.
pub struct Told {
    /// How long it waits before its answer, or before each of its answers.
    pub wait: Duration,
    /// With how many features it answers.
    pub features: usize,
    /// How its calls end.
    pub end: Result<(), Status>,
}

impl Told {
    pub fn server(self) -> Server {
        Server::new().add(self.into_service())
    }

    async fn end(&self) -> Result<(), Status> {
        sleep(self.wait).await;
        self.end.clone()
    }
}

/// The feature that peers answer with.
pub fn feature() -> Feature {
    Feature { name: "A place".into(), location: Some(Point { latitude: 1, longitude: -1 }) }
}

impl RouteGuide for Told {
    async fn get_feature(&self, _: Request<Point>) -> Result<Feature, Status> {
        self.end().await.map(|()| feature())
    }

    async fn list_features(&self, _: Request<Rectangle>, features: &mut Outbound<Feature>) -> Result<(), Status> {
        for _ in 0..self.features {
            sleep(self.wait).await;
            features.send(feature()).await?;
        }
        self.end.clone()
    }

    async fn record_route(&self, _: Inbound<Point>) -> Result<RouteSummary, Status> {
        self.end().await.map(|()| RouteSummary::default())
    }

    async fn route_chat(&self, _: Inbound<RouteNote>, _: &mut Outbound<RouteNote>) -> Result<(), Status> {
        self.end().await
    }
}

/// Has `server` serve one connection. It stops when the sender says so.
pub fn serve(server: Server, io: DuplexStream) -> watch::Sender<bool> {
    let (stop, stopped) = watch::channel(false);
    // How the connection ends is what its bytes tell.
    tokio::spawn(async move { server.serve_connection(io, None, stopped).await.ok() });
    stop
}

/// This stack's client on one connection; a second one cannot be made.
pub fn client(io: DuplexStream, limits: ClientLimits) -> Channel {
    let io = Mutex::new(Some(io));
    let target = "localhost:50051".parse().unwrap();
    Channel::with_connector(target, limits, move || {
        let io = io.lock().unwrap().take();
        async move { io.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionRefused)) }
    })
}

/// This stack on both ends.
pub fn ours(server: Server) -> (Line, RouteGuideClient, watch::Sender<bool>) {
    let (line, near, far) = Line::new();
    let stop = serve(server, far);
    (line, RouteGuideClient::new(client(near, ClientLimits::default())), stop)
}

/// This stack's client, and a server that is told each frame.
pub async fn server_by_hand(
    limits: ClientLimits, settings: &[(u16, u32)],
) -> (Line, RouteGuideClient, RawServer<DuplexStream>) {
    let (line, near, far) = Line::new();
    let channel = client(near, limits);
    let dial = channel.clone();
    tokio::spawn(async move { dial.connect().await.ok() });
    let server = RawServer::accept(far, settings).await.unwrap();
    (line, RouteGuideClient::new(channel), server)
}

/// A client that is told each frame.
pub struct Hand {
    pub line: Line,
    pub raw: Raw<DuplexStream>,
    pub stop: watch::Sender<bool>,
}

impl Hand {
    /// It connects to `server`, and acknowledges its SETTINGS.
    pub async fn begin(server: Server, settings: &[(u16, u32)]) -> Hand {
        let (line, mut near, far) = Line::new();
        let stop = serve(server, far);
        near.write_all(PREFACE).await.unwrap();
        let mut raw = Raw { stream: near };
        raw.send(SETTINGS, 0, 0, &settings_of(settings)).await;
        quiet().await;
        raw.send(SETTINGS, ACK, 0, b"").await;
        quiet().await;
        Hand { line, raw, stop }
    }

    /// The next frame of this type, however long it takes.
    pub async fn until(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.raw.next_whenever().await.expect("the connection is open");
            if frame.kind == kind {
                return frame;
            }
        }
    }

    pub async fn end(self) -> h2grpc::transcript::Recorded {
        self.line.end().await
    }
}
