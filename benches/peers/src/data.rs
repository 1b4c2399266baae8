//! The databases, routes and notes that every run uses: made from counters alone, so that the load generator and the
//! canned server know the answers without reading the file which the real servers load.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use prost::Message;

use crate::proto::{Feature, Point, Rectangle, RouteNote, RouteSummary};

/// The mean radius of the Earth that RouteGuide reckons with, in metres.
const EARTH_RADIUS: f64 = 6_371_000.0;

/// Latitudes from 40 to 42 degrees north and longitudes from 75 to 73 degrees west, in E7 units.
const SOUTH: i32 = 400_000_000;
const WEST: i32 = -750_000_000;
const SPAN: u64 = 20_000_000;

/// `count` features at distinct points. With `name_len`, every name has exactly that many bytes; otherwise names look
/// like postal addresses of 20 to 60 bytes.
pub fn features(count: usize, name_len: Option<usize>) -> Vec<Feature> {
    (0..count as u64).map(|i| feature(i, name_len)).collect()
}

fn feature(i: u64, name_len: Option<usize>) -> Feature {
    // The step shares no factor with the span, so the first 20 million longitudes are all different.
    let longitude = WEST + ((i * 7_368_787 + 3_811_094) % SPAN) as i32;
    let latitude = SOUTH + (mix(i) % SPAN) as i32;
    let name = match name_len {
        Some(len) => (0..len).map(|k| char::from(b'a' + ((i as usize + k) % 26) as u8)).collect(),
        None => address(i),
    };
    Feature { name, location: Some(Point { latitude, longitude }) }
}

fn address(i: u64) -> String {
    const STREETS: [&str; 8] = [
        "Main Street",
        "Old Mill Road",
        "Lake Shore Drive",
        "Ridge Avenue",
        "Upper North Mountain Road",
        "Elm Court",
        "Van Houten Turnpike",
        "Bay Lane",
    ];
    const TOWNS: [&str; 8] =
        ["Dover", "Jefferson", "Milford", "Port Jervis", "Middletown", "Warwick", "New Paltz", "Sparta Township"];
    let h = mix(i ^ 0x5bd1_e995);
    let (street, town) = (STREETS[(h % 8) as usize], TOWNS[(h >> 8) as usize % 8]);
    format!("{} {street}, {town}, NY {:05}, USA", 1 + (h >> 16) % 9_999, 10_000 + (h >> 32) % 5_000)
}

/// The finaliser of SplitMix64: a counter in, well-mixed bits out.
fn mix(i: u64) -> u64 {
    let mut z = i.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A rectangle around every feature.
pub fn everywhere() -> Rectangle {
    let corner = |latitude, longitude| Some(Point { latitude, longitude });
    Rectangle { lo: corner(SOUTH, WEST), hi: corner(SOUTH + SPAN as i32, WEST + SPAN as i32) }
}

/// A square in the middle that holds about `hits` of `count` features.
pub fn square(hits: usize, count: usize) -> Rectangle {
    let half = (SPAN as f64 / 2.0 * (hits as f64 / count.max(1) as f64).min(1.0).sqrt()) as i32;
    let middle = SPAN as i32 / 2;
    let corner = |by: i32| Some(Point { latitude: SOUTH + middle + by, longitude: WEST + middle + by });
    Rectangle { lo: corner(-half), hi: corner(half) }
}

/// Whether a feature is inside a rectangle whose corners are in order.
pub fn inside(feature: &Feature, rectangle: &Rectangle) -> bool {
    let corner = |point: &Option<Point>| point.map_or((0, 0), |p| (p.latitude, p.longitude));
    let (lo, hi, at) = (corner(&rectangle.lo), corner(&rectangle.hi), corner(&feature.location));
    (lo.0..=hi.0).contains(&at.0) && (lo.1..=hi.1).contains(&at.1)
}

/// A route of `count` points: a hundred around each feature in turn, every second one exactly on it.
pub fn route(features: &[Feature], count: usize) -> Vec<Point> {
    let place = |i: usize| features[(i / 100) % features.len()].location.unwrap_or_default();
    let near = |i: usize, salt: u64| (mix(i as u64 ^ salt) % 100_000) as i32 + 1;
    (0..count)
        .map(|i| match (i % 2, place(i)) {
            (0, place) => place,
            (_, place) => Point { latitude: place.latitude + near(i, 1), longitude: place.longitude + near(i, 2) },
        })
        .collect()
}

/// What RecordRoute answers for `route`, but for the time it takes.
pub fn summary(features: &[Feature], route: &[Point]) -> RouteSummary {
    let known: std::collections::HashSet<(i32, i32)> =
        features.iter().filter_map(|f| f.location).map(|p| (p.latitude, p.longitude)).collect();
    RouteSummary {
        point_count: route.len() as i32,
        feature_count: route.iter().filter(|p| known.contains(&(p.latitude, p.longitude))).count() as i32,
        distance: route.windows(2).map(|p| distance(&p[0], &p[1])).sum::<f64>() as i32,
        elapsed_time: 0,
    }
}

/// The summary that the canned server gives to every route.
pub fn canned_summary() -> RouteSummary {
    RouteSummary { point_count: 10_000, feature_count: 5_000, distance: 12_345_678, elapsed_time: 0 }
}

/// The length of the great circle between two points in metres, by the haversine formula.
pub fn distance(from: &Point, to: &Point) -> f64 {
    let radians = |e7: i32| (f64::from(e7) * 1e-7).to_radians();
    let (lat1, lat2) = (radians(from.latitude), radians(to.latitude));
    let half_lat = (lat2 - lat1) / 2.0;
    let half_lon = (radians(to.longitude) - radians(from.longitude)) / 2.0;
    let a = half_lat.sin().powi(2) + lat1.cos() * lat2.cos() * half_lon.sin().powi(2);
    2.0 * EARTH_RADIUS * a.sqrt().atan2((1.0 - a).sqrt())
}

/// The `i`th note of a chat, each at a point of its own. `word` tells the first note at a point from the second;
/// `len` is the message's length in bytes.
pub fn note(i: usize, word: &str, len: usize) -> RouteNote {
    let mut message = format!("{word} {i} ");
    while message.len() < len {
        message.push('.');
    }
    message.truncate(len);
    let location = Point { latitude: SOUTH + i as i32, longitude: WEST + (i as i32) * 3 };
    RouteNote { location: Some(location), message }
}

/// A Length-Prefixed-Message: one flag byte (0, not compressed), the length in 4 bytes, the message.
pub fn frame(message: &impl Message, out: &mut Vec<u8>) {
    out.push(0);
    out.extend_from_slice(&(message.encoded_len() as u32).to_be_bytes());
    message.encode(out).unwrap_or_else(|e| panic!("a Vec grows: {e}"));
}

/// `message` alone in its frame.
pub fn framed(message: &impl Message) -> Vec<u8> {
    let mut out = Vec::with_capacity(5 + message.encoded_len());
    frame(message, &mut out);
    out
}

/// Writes the database in the format of the published tutorials.
pub fn write_json(path: &Path, count: usize, name_len: Option<usize>) -> io::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for i in 0..count as u64 {
        let Feature { name, location } = feature(i, name_len);
        let Point { latitude, longitude } = location.unwrap_or_default();
        let open = if i == 0 { "[" } else { "," };
        write!(
            file,
            "{open}\n{{\"location\": {{\"latitude\": {latitude}, \"longitude\": {longitude}}}, \"name\": \"{name}\"}}"
        )?;
    }
    file.write_all(if count == 0 { b"[]\n" } else { b"\n]\n" })?;
    file.flush()
}

/// Reads what [`write_json`] wrote.
pub fn read_json(path: &Path) -> io::Result<Vec<Feature>> {
    #[derive(serde::Deserialize)]
    struct Place {
        latitude: i32,
        longitude: i32,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        location: Place,
        name: String,
    }
    let entries: Vec<Entry> = serde_json::from_slice(&std::fs::read(path)?)?;
    let feature = |e: Entry| Feature {
        name: e.name,
        location: Some(Point { latitude: e.location.latitude, longitude: e.location.longitude }),
    };
    Ok(entries.into_iter().map(feature).collect())
}
