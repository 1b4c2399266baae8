//! RouteGuide on tonic, as a user who cares for speed would write it: lazy streams without a task per call, a hash map
//! of the features' points, Nagle's algorithm off, the same windows as the other servers. With `--style` as its
//! tutorial writes it, too: then a task per call sends the features through a channel, and every point is looked for
//! among all features.

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
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
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
    /// How the handlers are written.
    #[arg(long, value_enum, default_value_t = Style::Lazy)]
    style: Style,
    /// Leave tonic's own windows and limits as they are.
    #[arg(long)]
    plain: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Style {
    /// Streams that find the next message when they are polled, and a hash map.
    Lazy,
    /// As in tonic's RouteGuide tutorial: ListFeatures through a channel for 4 messages, RouteChat as a boxed stream,
    /// linear search.
    Tutorial,
    /// As in tonic's streaming example: both through channels for 128 messages; linear search.
    Channels,
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
    let guide = Guide { database: Arc::new(Database::new(data::read_json(&args.db)?)), style: args.style };
    let listener = TcpListener::bind(args.addr).await?;
    println!("listening on {}", listener.local_addr()?);
    let (mut server, mut service) = (Server::builder(), RouteGuideServer::new(guide));
    if !args.plain {
        server = server.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
        service = service.max_decoding_message_size(64 << 20);
    }
    server.add_service(service).serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true))).await?;
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

struct Guide {
    database: Arc<Database>,
    style: Style,
}

impl Guide {
    fn find(&self, point: &Point) -> Option<&Feature> {
        let Database { features, at } = &*self.database;
        match self.style {
            Style::Lazy => at.get(&(point.latitude, point.longitude)).map(|&i| &features[i]),
            _ => features.iter().find(|feature| feature.location.as_ref() == Some(point)),
        }
    }

    /// How many features are at a point; the tutorial looks at all of them.
    fn count(&self, point: &Point) -> i32 {
        let Database { features, at } = &*self.database;
        match self.style {
            Style::Lazy => at.contains_key(&(point.latitude, point.longitude)).into(),
            _ => features.iter().filter(|feature| feature.location.as_ref() == Some(point)).count() as i32,
        }
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A task of its own puts messages into a channel for so many, and the answer is the channel's other end.
fn through_channel<T: Send + 'static>(
    capacity: usize, mut messages: impl Stream<Item = Result<T, Status>> + Send + Unpin + 'static,
) -> Answers<T> {
    let (tell, told) = mpsc::channel(capacity);
    tokio::spawn(async move {
        while let Some(message) = messages.next().await {
            if tell.send(message).await.is_err() {
                return;
            }
        }
    });
    Box::pin(ReceiverStream::new(told))
}

#[tonic::async_trait]
impl RouteGuide for Guide {
    async fn get_feature(&self, request: Request<Point>) -> Result<Response<Feature>, Status> {
        let point = request.into_inner();
        let unknown = || Feature { name: String::new(), location: Some(point) };
        Ok(Response::new(self.find(&point).cloned().unwrap_or_else(unknown)))
    }

    type ListFeaturesStream = Either<Within, Answers<Feature>>;

    async fn list_features(&self, request: Request<Rectangle>) -> Result<Response<Self::ListFeaturesStream>, Status> {
        let Rectangle { lo, hi } = request.into_inner();
        let (a, b) = (key(lo.as_ref()), key(hi.as_ref()));
        let found = Within {
            database: self.database.clone(),
            next: 0,
            low: (a.0.min(b.0), a.1.min(b.1)),
            high: (a.0.max(b.0), a.1.max(b.1)),
        };
        Ok(Response::new(match self.style {
            Style::Lazy => Either::Lazy(found),
            Style::Tutorial => Either::Boxed(through_channel(4, found)),
            Style::Channels => Either::Boxed(through_channel(128, found)),
        }))
    }

    async fn record_route(&self, request: Request<Streaming<Point>>) -> Result<Response<RouteSummary>, Status> {
        let start = Instant::now();
        let mut points = request.into_inner();
        let mut summary = RouteSummary::default();
        let (mut distance, mut last) = (0.0, None);
        while let Some(point) = points.message().await? {
            summary.point_count += 1;
            summary.feature_count += self.count(&point);
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

    type RouteChatStream = Either<Chat, Answers<RouteNote>>;

    async fn route_chat(
        &self, request: Request<Streaming<RouteNote>>,
    ) -> Result<Response<Self::RouteChatStream>, Status> {
        let chat = Chat { notes: request.into_inner(), told: HashMap::new(), answers: VecDeque::new() };
        Ok(Response::new(match self.style {
            Style::Lazy => Either::Lazy(chat),
            Style::Tutorial => Either::Boxed(Box::pin(chat)),
            Style::Channels => Either::Boxed(through_channel(128, chat)),
        }))
    }
}

/// A stream in one of the styles.
enum Either<S, B> {
    Lazy(S),
    Boxed(B),
}

impl<S: Stream + Unpin, B: Stream<Item = S::Item> + Unpin> Stream for Either<S, B> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.get_mut() {
            Self::Lazy(stream) => Pin::new(stream).poll_next(cx),
            Self::Boxed(stream) => Pin::new(stream).poll_next(cx),
        }
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
