//! What the server serves: RouteGuide, and a service whose methods wait, flood and fail. Their calls are counted.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use h2grpc::call::{CallEnd, Inbound, Outbound, Request};
use h2grpc::limits::Limits;
use h2grpc::metadata::Metadata;
use h2grpc::route_guide::{Feature, Features, Guide, Point, RouteGuide};
use h2grpc::server::Server;
use h2grpc::service::Registration;
use h2grpc::status::Status;
use tokio::time::sleep;

/// How many calls a connection may have open: few, so that a few steps are enough for more.
pub const STREAMS: u32 = 8;

/// The longest message that is taken in.
pub const MESSAGE: usize = 4096;

/// How many messages, of how many bytes, `Flood` answers.
pub const FLOOD: usize = 60;
const FLOOD_MESSAGE: usize = 4000;

h2grpc::service! {
    /// Methods that do what RouteGuide's do not.
    pub service Odd("fuzz.Odd") client OddClient {
        /// Answers after two seconds.
        rpc Slow  as slow  (Point)        returns (Point);
        /// Answers more than the first flow-control window holds.
        rpc Flood as flood (Point)        returns (stream Feature);
        /// Fails with all that a status can have.
        rpc Fail  as fail  (Point)        returns (Point);
        /// Answers without reading.
        rpc Early as early (stream Point) returns (Point);
    }
}

struct Odds;

impl Odd for Odds {
    async fn slow(&self, request: Request<Point>) -> Result<Point, Status> {
        sleep(Duration::from_secs(2)).await;
        Ok(request.message)
    }

    async fn flood(&self, _: Request<Point>, features: &mut Outbound<Feature>) -> Result<(), Status> {
        for _ in 0..FLOOD {
            features.send(&Feature { name: "x".repeat(FLOOD_MESSAGE), location: None }).await?;
        }
        Ok(())
    }

    async fn fail(&self, request: Request<Point>) -> Result<Point, Status> {
        let mut metadata = Metadata::new();
        metadata.insert("seen", "yes")?;
        request.context.respond_with(&metadata)?;
        request.context.end_with(&metadata);
        Err(Status::aborted("no \u{fc}ber \n%").with_details(vec![7; 100]))
    }

    async fn early(&self, _: Inbound<Point>) -> Result<Point, Status> {
        Ok(Point::default())
    }
}

/// How many calls the server's services were given, how many of those are open, and how many ends were reported.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<[AtomicUsize; 3]>);

impl Counts {
    pub fn begun(&self) -> usize {
        self.0[0].load(Relaxed)
    }

    pub fn open(&self) -> usize {
        self.0[1].load(Relaxed)
    }

    pub fn ended(&self) -> usize {
        self.0[2].load(Relaxed)
    }

    fn add(&self, at: usize) {
        self.0[at].fetch_add(1, Relaxed);
    }
}

/// A handler that runs: it is among the extensions of its call.
struct Running(Counts);

impl Running {
    fn new(counts: &Counts) -> Self {
        counts.add(0);
        counts.add(1);
        Running(counts.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0[1].fetch_sub(1, Relaxed);
    }
}

/// A server whose calls `counts` counts.
pub fn server(counts: &Counts) -> Server {
    static FEATURES: LazyLock<Arc<Features>> = LazyLock::new(|| Arc::new(Features::embedded()));
    let guide = Guide::new(Arc::clone(&FEATURES)).into_service();
    let ends = counts.clone();
    let observe = move |_: &CallEnd<'_>| ends.add(2);
    let limits = Limits::default().max_concurrent_streams(STREAMS).max_message(MESSAGE);
    let counted = |service: Registration| {
        let counts = counts.clone();
        service.intercept(move |call| {
            call.context_mut().extensions_mut().insert(Arc::new(Running::new(&counts)));
            Ok(())
        })
    };
    let services = Server::new().add(counted(guide)).add(counted(Odds.into_service()));
    services.limits(limits).observe(observe)
}
