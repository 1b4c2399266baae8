//! The tutorial's tour: the four calls in order, told line by line. What came from the server is printed with
//! [`printable`], so that it cannot control the terminal.

use std::io::{self, Write};
use std::{cell::RefCell, error::Error, fmt};

use rand::seq::IndexedRandom;

use super::program::{Outcome, printable};
use super::{Feature, Features, Point, Rectangle, RouteGuideClient, RouteNote};
use crate::status::Status;

/// A call that failed.
#[derive(Debug)]
struct Failed {
    method: &'static str,
    status: Status,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.method, self.status)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.status)
    }
}

/// Gives a call's status the name of its method.
fn of(method: &'static str) -> impl FnOnce(Status) -> Box<dyn Error> {
    move |status| Failed { method, status }.into()
}

/// The points that the tutorial asks for: the first has a feature, the second has none.
pub const TUTORIAL_POINTS: [Point; 2] =
    [Point { latitude: 409_146_138, longitude: -746_188_906 }, Point { latitude: 0, longitude: 0 }];

/// The tutorial's rectangle: New Jersey's north, New York, and what is around them.
pub const TUTORIAL_RECTANGLE: Rectangle = Rectangle {
    lo: Some(Point { latitude: 400_000_000, longitude: -750_000_000 }),
    hi: Some(Point { latitude: 420_000_000, longitude: -730_000_000 }),
};

/// The tutorial's five notes: the fourth and fifth are at places that have a note already.
pub const TUTORIAL_NOTES: [(&str, Point); 5] = [
    ("First message", Point { latitude: 0, longitude: 0 }),
    ("Second message", Point { latitude: 0, longitude: 1 }),
    ("Third message", Point { latitude: 1, longitude: 0 }),
    ("Fourth message", Point { latitude: 0, longitude: 0 }),
    ("Fifth message", Point { latitude: 1, longitude: 0 }),
];

/// The heading of a method's part.
pub fn heading(method: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "-------------- {method} --------------")
}

/// GetFeature at each of `points`.
pub async fn get_feature(client: &RouteGuideClient, points: &[Point], out: &mut impl Write) -> Outcome {
    for point in points {
        let feature = client.get_feature(*point).await.map_err(of("GetFeature"))?.message;
        write_feature(&feature, out)?;
    }
    Ok(())
}

/// ListFeatures within `rectangle`.
pub async fn list_features(client: &RouteGuideClient, rectangle: Rectangle, out: &mut impl Write) -> Outcome {
    let (lo, hi) = (rectangle.lo.unwrap_or_default(), rectangle.hi.unwrap_or_default());
    writeln!(out, "Looking for features between {} and {}", degrees(&lo), degrees(&hi))?;
    let mut features = client.list_features(rectangle).await.map_err(of("ListFeatures"))?;
    let mut count = 0;
    while let Some(feature) = features.next().await.map_err(of("ListFeatures"))? {
        write_feature(&feature, out)?;
        count += 1;
    }
    Ok(writeln!(out, "Found {count} features")?)
}

/// RecordRoute over `count` points of `known`, drawn at random.
pub async fn record_route(client: &RouteGuideClient, known: &Features, count: usize, out: &mut impl Write) -> Outcome {
    let known: Vec<Point> = known.points().collect();
    let (mut points, summary) = client.record_route().await.map_err(of("RecordRoute"))?;
    for point in (0..count).map_while(|_| known.choose(&mut rand::rng())) {
        writeln!(out, "Visiting point {}", degrees(point))?;
        // When the server ends the call early this fails, and the answer below tells why.
        if points.send(point).await.is_err() {
            break;
        }
    }
    let _ = points.finish().await;
    let summary = summary.await.map_err(of("RecordRoute"))?.message;
    writeln!(out, "Finished trip with {} points", summary.point_count)?;
    writeln!(out, "Passed {} features", summary.feature_count)?;
    writeln!(out, "Travelled {} meters", summary.distance)?;
    Ok(writeln!(out, "It took {} seconds", summary.elapsed_time)?)
}

/// RouteChat with the tutorial's five notes: sends one, and shows what has come, as it comes.
pub async fn route_chat(client: &RouteGuideClient, out: &mut impl Write) -> Outcome {
    let (mut notes, mut answers) = client.route_chat().await.map_err(of("RouteChat"))?;
    let out = RefCell::new(out);
    let sending = async {
        for (message, point) in TUTORIAL_NOTES {
            writeln!(out.borrow_mut(), "Sending \"{message}\" at {}", degrees(&point))?;
            // When the server ends the call early this fails, and the answers below tell why.
            if notes.send(RouteNote { location: Some(point), message: message.to_owned() }).await.is_err() {
                break;
            }
        }
        let _ = notes.finish().await;
        Outcome::Ok(())
    };
    let receiving = async {
        while let Some(note) = answers.next().await.map_err(of("RouteChat"))? {
            let place = degrees(&note.location.unwrap_or_default());
            writeln!(out.borrow_mut(), "Received message \"{}\" at {place}", printable(&note.message))?;
        }
        Outcome::Ok(())
    };
    // When a line cannot be written, nobody waits for the rest of the call: it is cancelled.
    tokio::try_join!(sending, receiving).map(|((), ())| ())
}

fn write_feature(feature: &Feature, out: &mut impl Write) -> io::Result<()> {
    let place = degrees(&feature.location.unwrap_or_default());
    match feature.name.as_str() {
        "" => writeln!(out, "Found no feature at {place}"),
        name => writeln!(out, "Feature called \"{}\" at {place}", printable(name)),
    }
}

/// A point as people write it: degrees, all seven digits.
fn degrees(point: &Point) -> String {
    format!("{:.7}, {:.7}", f64::from(point.latitude) / 1e7, f64::from(point.longitude) / 1e7)
}
