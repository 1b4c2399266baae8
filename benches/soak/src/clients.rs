//! Clients of RouteGuide that use the product's own client: calls of all shapes, some cancelled, some with too little
//! time, some read slowly, over connections that may be torn. Each answer is checked.

use std::net::SocketAddr;
use std::time::Duration;

use h2grpc::call::CallOptions;
use h2grpc::client::Channel;
use h2grpc::route_guide::{Features, Point, Rectangle, RouteGuideClient, RouteNote};
use h2grpc::status::Status;
use h2grpc::wire::Code;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, interval, sleep, timeout};

use crate::Result;
use crate::tally::Tally;
use crate::torn::Torn;

/// How long a call may take that has all the time it needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much later than its deadline a call may end, on a machine that is busy.
const GRACE: Duration = Duration::from_secs(5);

/// The longest pause between two calls of a client.
const PAUSE: Duration = Duration::from_millis(40);

/// What a client does about a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    /// Lets it end.
    Whole,
    /// Drops it after so long.
    Drops(Duration),
    /// Gives it so little time that it may not end.
    Hurries(Duration),
    /// Reads its answers with pauses.
    Slow,
}

/// What became of a call that has ended by itself: its status, or what is wrong with its answer.
type Ended = std::result::Result<std::result::Result<(), Status>, String>;

/// Makes calls until `until`, over one channel after the other.
pub async fn work(server: SocketAddr, seed: u64, until: Instant, tally: Tally) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(seed);
    let features = Features::embedded();
    while Instant::now() < until {
        let is_torn = rng.random_range(0..3) == 0;
        let after = if is_torn { rng.random_range(1..60_000) } else { usize::MAX };
        let channel = Channel::new(server.to_string().parse()?).wrap_streams(move |_, stream| Torn::new(stream, after));
        let client = Client { guide: RouteGuideClient::new(channel), features: &features };
        for _ in 0..rng.random_range(1..60) {
            client.call(is_torn, &mut rng, &tally).await;
            sleep(PAUSE.mul_f64(rng.random())).await;
        }
    }
    Ok(())
}

/// Makes calls of all shapes at a steady pace until `until`, none of which may fail: over one connection, or a new one
/// after so many calls.
pub async fn work_steadily(
    server: SocketAddr, seed: u64, pace: Duration, renewed: Option<u64>, until: Instant, tally: Tally,
) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(seed);
    let (features, mut ticks) = (Features::embedded(), interval(pace));
    sleep(pace.mul_f64(rng.random())).await;
    while Instant::now() < until {
        let channel = Channel::new(server.to_string().parse()?);
        let client = Client { guide: RouteGuideClient::new(channel), features: &features };
        let guide = client.guide.with(CallOptions::new().timeout(PATIENCE));
        for _ in 0..renewed.unwrap_or(u64::MAX) {
            if ticks.tick().await >= until {
                break;
            }
            match client.make(rng.random_range(0..4), &guide, None, &mut rng).await {
                Ok(Ok(())) => tally.count("call", "OK"),
                Ok(Err(status)) => tally.fault(status.to_string()),
                Err(wrong) => tally.fault(wrong),
            }
        }
    }
    Ok(())
}

struct Client<'a> {
    guide: RouteGuideClient,
    features: &'a Features,
}

impl Client<'_> {
    /// Makes a call, and counts how it ends.
    async fn call(&self, is_torn: bool, rng: &mut StdRng, tally: &Tally) {
        let millis = Duration::from_millis(rng.random_range(0..30));
        let manner = match rng.random_range(0..20) {
            0..2 => Manner::Drops(millis),
            2..4 => Manner::Hurries(millis),
            4 => Manner::Slow,
            _ => Manner::Whole,
        };
        let time = if let Manner::Hurries(time) = manner { time } else { PATIENCE };
        let guide = self.guide.with(CallOptions::new().timeout(time));
        let (shape, pause) = (rng.random_range(0..4), (manner == Manner::Slow).then_some(millis));
        let late = if let Manner::Drops(time) = manner { time } else { time + GRACE };
        let begin = Instant::now();
        let ended = timeout(late, self.make(shape, &guide, pause, rng)).await;
        let method = ["GetFeature", "ListFeatures", "RecordRoute", "RouteChat"][shape];
        let what = format!("{method}{}", if is_torn { ", connection torn" } else { "" });
        let told = |text: &str| format!("{what}, {manner:?}, after {:?}: {text}", begin.elapsed());
        match ended {
            Ok(Ok(Ok(()))) => tally.count(&what, "OK"),
            Ok(Ok(Err(status))) => {
                let is_due = match status.code() {
                    Code::UNAVAILABLE => is_torn,
                    Code::DEADLINE_EXCEEDED => matches!(manner, Manner::Hurries(_)),
                    _ => false,
                };
                tally.count(&what, &status.code().to_string());
                if !is_due {
                    tally.fault(told(&status.to_string()));
                }
            }
            Ok(Err(wrong)) => tally.fault(told(&wrong)),
            Err(_) if matches!(manner, Manner::Drops(_)) => tally.count(&what, "dropped"),
            Err(_) => tally.fault(told("no status in time")),
        }
    }

    async fn make(&self, shape: usize, guide: &RouteGuideClient, pause: Option<Duration>, rng: &mut StdRng) -> Ended {
        match shape {
            0 => self.get(guide, rng).await,
            1 => self.list(guide, pause).await,
            2 => self.record(guide, pause, rng).await,
            _ => chat(guide, pause, rng).await,
        }
    }

    async fn get(&self, guide: &RouteGuideClient, rng: &mut StdRng) -> Ended {
        let index = rng.random_range(0..self.features.len());
        let point = self.features.point(index);
        match guide.get_feature(point).await {
            Ok(answer) => right(answer.message == self.features.get(index), || format!("{:?}", answer.message)),
            Err(status) => Ok(Err(status)),
        }
    }

    async fn list(&self, guide: &RouteGuideClient, pause: Option<Duration>) -> Ended {
        let everywhere = Rectangle {
            lo: Some(Point { latitude: i32::MIN, longitude: i32::MIN }),
            hi: Some(Point { latitude: i32::MAX, longitude: i32::MAX }),
        };
        let mut answers = match guide.list_features(everywhere).await {
            Ok(answers) => answers,
            Err(status) => return Ok(Err(status)),
        };
        let mut count = 0;
        loop {
            match answers.next().await {
                Ok(Some(_)) => count += 1,
                Ok(None) => return right(count == self.features.len(), || format!("{count} features")),
                Err(status) => return Ok(Err(status)),
            }
            sleep(pause.unwrap_or_default() / 10).await;
        }
    }

    async fn record(&self, guide: &RouteGuideClient, pause: Option<Duration>, rng: &mut StdRng) -> Ended {
        let (mut points, answer) = match guide.record_route().await {
            Ok(halves) => halves,
            Err(status) => return Ok(Err(status)),
        };
        let count = rng.random_range(0..300);
        let sending = async {
            for number in 0..count {
                if points.send(self.features.point(number % self.features.len())).await.is_err() {
                    return Some(points); // which would cancel the call if it was dropped
                }
                sleep(pause.unwrap_or_default() / 10).await;
            }
            let _ = points.finish().await;
            None
        };
        let (_unfinished, answer) = tokio::join!(sending, answer.response());
        match answer.map(|answer| answer.message) {
            Ok(summary) => {
                let count = count as i32;
                right(summary.point_count == count && summary.feature_count == count, || format!("{summary:?}"))
            }
            Err(status) => Ok(Err(status)),
        }
    }
}

/// Sends notes at one point and reads the earlier ones, which answer each.
async fn chat(guide: &RouteGuideClient, pause: Option<Duration>, rng: &mut StdRng) -> Ended {
    let (mut notes, mut answers) = match guide.route_chat().await {
        Ok(halves) => halves,
        Err(status) => return Ok(Err(status)),
    };
    let count = rng.random_range(0..20);
    let sending = async {
        for number in 0..count {
            let location = Some(Point { latitude: 1, longitude: 2 });
            if notes.send(RouteNote { location, message: format!("note {number}") }).await.is_err() {
                return Some(notes);
            }
            sleep(pause.unwrap_or_default()).await;
        }
        let _ = notes.finish().await;
        None
    };
    let reading = async {
        let mut read = 0;
        loop {
            match answers.next().await {
                Ok(Some(_)) => read += 1,
                Ok(None) => return Ok(read),
                Err(status) => return Err(status),
            }
        }
    };
    let (_unfinished, read) = tokio::join!(sending, reading);
    match read {
        Ok(read) => right(read == count * (count - 1) / 2, || format!("{read} answers to {count} notes")),
        Err(status) => Ok(Err(status)),
    }
}

fn right(is_right: bool, found: impl FnOnce() -> String) -> Ended {
    if is_right { Ok(Ok(())) } else { Err(format!("OK with a wrong answer: {}", found())) }
}
