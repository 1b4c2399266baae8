//! RouteGuide on tonic, as a user who cares for speed would write it: lazy streams without a task per call, a hash map
//! of the features' points, Nagle's algorithm off, the same windows as the other servers.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use futures_core::Stream;
use peers::proto::route_guide_server::{RouteGuide, RouteGuideServer};
use peers::proto::{Feature, Point, Rectangle, RouteNote, RouteSummary};
use peers::{WINDOW, data};
use tokio::net::TcpListener;
use tonic::transport::server::{Server, TcpIncoming};
use tonic::{Request, Response, Status, Streaming};

/// RouteGuide on tonic.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    addr: SocketAddr,
    /// The database: a JSON array in the format of the published tutorials.
    #[arg(long)]
    db: PathBuf,
    /// The tokio runtime; `multi` is what `#[tokio::main]` gives.
    #[arg(long, value_enum, default_value_t = Runtime::Multi)]
    runtime: Runtime,
}

#[derive(Clone, Copy, ValueEnum)]
enum Runtime {
    Current,
    Multi,
}

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let args = Args::parse();
    let mut builder = match args.runtime {
        Runtime::Current => tokio::runtime::Builder::new_current_thread(),
        Runtime::Multi => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()?.block_on(serve(args))
}

async fn serve(args: Args) -> Result<(), Error> {
    let guide = Guide(Arc::new(Database::new(data::read_json(&args.db)?)));
    let listener = TcpListener::bind(args.addr).await?;
    println!("listening on {}", listener.local_addr()?);
    Server::builder()
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .add_service(RouteGuideServer::new(guide).max_decoding_message_size(64 << 20))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}

/// Features in order, and where each point's feature is.
struct Database {
    features: Vec<Feature>,
    at: HashMap<(i32, i32), usize>,
}

impl Database {
    fn new(features: Vec<Feature>) -> Self {
        let at = features.iter().enumerate().map(|(i, f)| (key(f.location.as_ref()), i)).collect();
        Self { features, at }
    }
}

fn key(point: Option<&Point>) -> (i32, i32) {
    point.map_or((0, 0), |p| (p.latitude, p.longitude))
}

struct Guide(Arc<Database>);

#[tonic::async_trait]
impl RouteGuide for Guide {
    async fn get_feature(&self, request: Request<Point>) -> Result<Response<Feature>, Status> {
        let point = request.into_inner();
        let feature = match self.0.at.get(&(point.latitude, point.longitude)) {
            Some(&i) => self.0.features[i].clone(),
            None => Feature { name: String::new(), location: Some(point) },
        };
        Ok(Response::new(feature))
    }

    type ListFeaturesStream = Within;

    async fn list_features(&self, request: Request<Rectangle>) -> Result<Response<Within>, Status> {
        let Rectangle { lo, hi } = request.into_inner();
        let (a, b) = (key(lo.as_ref()), key(hi.as_ref()));
        Ok(Response::new(Within {
            database: self.0.clone(),
            next: 0,
            low: (a.0.min(b.0), a.1.min(b.1)),
            high: (a.0.max(b.0), a.1.max(b.1)),
        }))
    }

    async fn record_route(&self, request: Request<Streaming<Point>>) -> Result<Response<RouteSummary>, Status> {
        let start = Instant::now();
        let mut points = request.into_inner();
        let mut summary = RouteSummary::default();
        let (mut distance, mut last) = (0.0, None);
        while let Some(point) = points.message().await? {
            summary.point_count += 1;
            summary.feature_count += i32::from(self.0.at.contains_key(&(point.latitude, point.longitude)));
            distance += last.map_or(0.0, |last| data::distance(&last, &point));
            last = Some(point);
        }
        if distance > f64::from(i32::MAX) {
            return Err(Status::out_of_range("the route is longer than 2,147,483,647 metres"));
        }
        summary.distance = distance as i32;
        summary.elapsed_time = start.elapsed().as_secs() as i32;
        Ok(Response::new(summary))
    }

    type RouteChatStream = Chat;

    async fn route_chat(&self, request: Request<Streaming<RouteNote>>) -> Result<Response<Chat>, Status> {
        Ok(Response::new(Chat { notes: request.into_inner(), told: HashMap::new(), answers: VecDeque::new() }))
    }
}

/// The features inside a rectangle, found while the stream is read.
struct Within {
    database: Arc<Database>,
    next: usize,
    low: (i32, i32),
    high: (i32, i32),
}

impl Stream for Within {
    type Item = Result<Feature, Status>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (low, high) = (self.low, self.high);
        let inside = |feature: &Feature| {
            let (latitude, longitude) = key(feature.location.as_ref());
            (low.0..=high.0).contains(&latitude) && (low.1..=high.1).contains(&longitude)
        };
        let found = self.database.features[self.next..].iter().position(inside).map(|skip| self.next + skip);
        self.next = found.map_or(self.database.features.len(), |i| i + 1);
        Poll::Ready(found.map(|i| Ok(self.database.features[i].clone())))
    }
}

/// Answers each note with the earlier ones at its point.
struct Chat {
    notes: Streaming<RouteNote>,
    told: HashMap<(i32, i32), Vec<RouteNote>>,
    answers: VecDeque<RouteNote>,
}

impl Stream for Chat {
    type Item = Result<RouteNote, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(answer) = self.answers.pop_front() {
                return Poll::Ready(Some(Ok(answer)));
            }
            let Some(note) = ready!(Pin::new(&mut self.notes).poll_next(cx)?) else { return Poll::Ready(None) };
            let chat = &mut *self;
            let told = chat.told.entry(key(note.location.as_ref())).or_default();
            chat.answers.extend(told.iter().cloned());
            told.push(note);
        }
    }
}
