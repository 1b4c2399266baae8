//! Calls of all shapes at a steady pace, and what became of each.

use std::time::Duration;

use h2grpc::route_guide::{Point, Rectangle, RouteGuideClient, RouteNote};
use h2grpc::status::Status;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Ten calls every five milliseconds are 2,000 a second.
const TICK: Duration = Duration::from_millis(5);
const CALLS_OF_A_TICK: usize = 10;

/// A call that has ended.
pub struct Ended {
    pub begun: Instant,
    pub ended: Instant,
    pub result: Result<(), Status>,
}

/// A load that is running.
pub struct Load {
    /// How many calls have begun.
    begun: watch::Receiver<usize>,
    calls: tokio::task::JoinHandle<Vec<Ended>>,
}

impl Load {
    /// Makes `count` calls, at most 2,000 a second: what a slow machine has missed is not made up for.
    pub fn start(client: RouteGuideClient, count: usize) -> Load {
        let (tell, begun) = watch::channel(0);
        let calls = tokio::spawn(async move {
            let (mut calls, mut ticks) = (JoinSet::new(), interval(TICK));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for number in 0..count {
                if number % CALLS_OF_A_TICK == 0 {
                    ticks.tick().await;
                    tell.send_replace(number);
                }
                let client = client.clone();
                calls.spawn(async move {
                    let begun = Instant::now();
                    let result = call(&client, number).await;
                    Ended { begun, ended: Instant::now(), result }
                });
            }
            calls.join_all().await
        });
        Load { begun, calls }
    }

    /// Waits until `count` calls have begun.
    pub async fn until(&mut self, count: usize) {
        self.begun.wait_for(|begun| *begun >= count).await.unwrap();
    }

    /// Waits for the end of all calls.
    pub async fn ended(self) -> Vec<Ended> {
        self.calls.await.unwrap()
    }
}

/// Fails the test if a call has failed.
pub fn assert_none_lost(ended: &[Ended]) {
    let lost: Vec<_> = ended.iter().filter_map(|call| call.result.as_ref().err()).collect();
    assert!(lost.is_empty(), "{} of {} calls lost, such as {}", lost.len(), ended.len(), lost[0]);
}

/// One call, and a look at its answer. Of 25 calls 22 are unary, and each other shape has one.
pub async fn call(client: &RouteGuideClient, number: usize) -> Result<(), Status> {
    match number % 25 {
        5 => list_features(client).await,
        10 => record_route(client).await,
        15 => route_chat(client).await,
        _ => get_feature(client, number).await,
    }
}

async fn get_feature(client: &RouteGuideClient, number: usize) -> Result<(), Status> {
    let point = Point { latitude: number as i32, longitude: -7 };
    let feature = client.get_feature(point).await?.message;
    assert_eq!(feature.location, Some(point));
    Ok(())
}

async fn list_features(client: &RouteGuideClient) -> Result<(), Status> {
    let trail = Point { latitude: 409_146_138, longitude: -746_188_906 };
    let mut features = client.list_features(Rectangle { lo: Some(trail), hi: Some(trail) }).await?;
    let mut count = 0;
    while let Some(feature) = features.next().await? {
        assert_eq!(feature.location, Some(trail));
        count += 1;
    }
    assert_eq!(count, 1);
    Ok(())
}

async fn record_route(client: &RouteGuideClient) -> Result<(), Status> {
    let (mut points, summary) = client.record_route().await?;
    for latitude in 0..5 {
        // A request that can't be sent has its reason in the response.
        let _ = points.send(Point { latitude, longitude: 0 }).await;
    }
    let _ = points.finish().await;
    assert_eq!(summary.response().await?.message.point_count, 5);
    Ok(())
}

async fn route_chat(client: &RouteGuideClient) -> Result<(), Status> {
    let (mut notes, mut answers) = client.route_chat().await?;
    for text in ["one", "two"] {
        let location = Some(Point { latitude: 1, longitude: 2 });
        let _ = notes.send(RouteNote { location, message: text.to_owned() }).await;
    }
    let _ = notes.finish().await;
    assert_eq!(answers.next().await?.map(|note| note.message).as_deref(), Some("one"));
    assert_eq!(answers.next().await?, None);
    Ok(())
}
