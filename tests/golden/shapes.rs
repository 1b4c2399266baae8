//! The four shapes of a call, between this stack's client and server.

use h2grpc::route_guide::{Point, Rectangle, RouteNote};
use h2grpc::transcript::Recorded;

use crate::stage::{TRAIL, guide, ours};

pub async fn get_feature() -> Recorded {
    let (line, client, _stop) = ours(guide());
    let answer = client.get_feature(TRAIL).await.unwrap().message;
    assert!(answer.name.starts_with("Berkshire Valley"));
    let answer = client.get_feature(Point::default()).await.unwrap().message;
    assert_eq!(answer.name, "", "nothing is there");
    line.end().await
}

pub async fn list_features() -> Recorded {
    let (line, client, _stop) = ours(guide());
    let lo = Point { latitude: 413_000_000, longitude: -734_800_000 };
    let hi = Point { latitude: 418_000_000, longitude: -734_140_000 };
    let mut features = client.list_features(Rectangle { lo: Some(lo), hi: Some(hi) }).await.unwrap();
    let mut names = Vec::new();
    while let Some(feature) = features.next().await.unwrap() {
        names.push(feature.name);
    }
    assert_eq!(names, ["Bethel, CT, USA", "Danbury, CT, USA", "Kent, CT, USA"]);
    line.end().await
}

pub async fn record_route() -> Recorded {
    let (line, client, _stop) = ours(guide());
    let (mut points, summary) = client.record_route().await.unwrap();
    for latitude in [409_146_138, 409_246_138, 409_346_138] {
        points.send(Point { latitude, ..TRAIL }).await.unwrap();
    }
    points.finish().await.unwrap();
    let summary = summary.response().await.unwrap().message;
    assert_eq!((summary.point_count, summary.feature_count), (3, 1));
    line.end().await
}

pub async fn route_chat() -> Recorded {
    let (line, client, _stop) = ours(guide());
    let (mut notes, mut answers) = client.route_chat().await.unwrap();
    for message in ["First", "Second"] {
        notes.send(RouteNote { location: Some(TRAIL), message: message.into() }).await.unwrap();
    }
    assert_eq!(answers.next().await.unwrap().unwrap().message, "First");
    notes.send(RouteNote { location: None, message: "Elsewhere".into() }).await.unwrap();
    notes.finish().await.unwrap();
    assert_eq!(answers.next().await.unwrap(), None);
    line.end().await
}
