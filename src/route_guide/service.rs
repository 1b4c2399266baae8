//! The service: its declaration, and its four handlers, one for each shape of a call.

use std::sync::Arc;

use tokio::time::Instant;

use super::geo::{Bounds, Route};
use super::notes::{MAX_NOTES, Notes};
use super::{Feature, Features, Point, Rectangle, RouteNote, RouteSummary};
use crate::call::{Inbound, Outbound, Request};
use crate::status::Status;

crate::service! {
    /// The RouteGuide service of the gRPC tutorials.
    pub service RouteGuide("routeguide.RouteGuide") client RouteGuideClient {
        /// The feature at a point, or an unnamed one.
        rpc GetFeature   as get_feature   (Point)            returns (Feature);
        /// The features inside a rectangle.
        rpc ListFeatures as list_features (Rectangle)        returns (stream Feature);
        /// What there is to say of a route, point by point.
        rpc RecordRoute  as record_route  (stream Point)     returns (RouteSummary);
        /// To each note the earlier notes of this call at the same point.
        ///
        /// The response head leaves with the first of them, as in other gRPC implementations, so a client must not wait
        /// for it before it sends. A server for clients that do calls `send_head()` on the call's context first.
        rpc RouteChat    as route_chat    (stream RouteNote) returns (stream RouteNote);
    }
}

/// RouteGuide over a database of features.
#[derive(Clone, Debug)]
pub struct Guide {
    features: Arc<Features>,
    max_notes: usize,
}

impl Guide {
    /// Answers from `features`.
    pub fn new(features: impl Into<Arc<Features>>) -> Self {
        Guide { features: features.into(), max_notes: MAX_NOTES }
    }

    /// Lets one RouteChat call store `bytes` of notes; [`MAX_NOTES`] is the default. It counts the memory that the notes
    /// take: 13 bytes beside each encoded note, and some 30 bytes for each point.
    pub fn max_notes(mut self, bytes: usize) -> Self {
        self.max_notes = bytes;
        self
    }
}

impl RouteGuide for Guide {
    async fn get_feature(&self, request: Request<Point>) -> Result<Feature, Status> {
        let point = request.message;
        Ok(match self.features.at(&point) {
            Some(index) => self.features.get(index),
            None => Feature { name: String::new(), location: Some(point) },
        })
    }

    async fn list_features(&self, request: Request<Rectangle>, features: &mut Outbound<Feature>) -> Result<(), Status> {
        for run in self.features.within(&Bounds::from(&request.message)) {
            // Encoded when the database was loaded. It waits when the client's flow-control window is full.
            features.send_encoded(self.features.encoded(run)).await?;
        }
        Ok(())
    }

    async fn record_route(&self, mut points: Inbound<Point>) -> Result<RouteSummary, Status> {
        let start = Instant::now();
        let (mut route, mut point_count, mut feature_count) = (Route::default(), 0_i64, 0_i64);
        let mut point = Point::default();
        while points.next_into(&mut point).await? {
            point_count += 1;
            feature_count += i64::from(self.features.contains(&point));
            route.push(&point);
        }
        Ok(RouteSummary {
            point_count: int32(point_count, "number of points")?,
            feature_count: int32(feature_count, "number of features")?,
            distance: int32(route.whole_metres(), "length in metres")?,
            elapsed_time: int32(start.elapsed().as_secs() as i64, "time in seconds")?,
        })
    }

    async fn route_chat(
        &self, mut notes: Inbound<RouteNote>, earlier_notes: &mut Outbound<RouteNote>,
    ) -> Result<(), Status> {
        let mut stored = Notes::new(self.max_notes);
        let mut charge = notes.context().charge(0)?;
        let mut note = RouteNote::default();
        while notes.next_into(&mut note).await? {
            let earlier = stored.add(&note)?;
            charge.set(stored.takes())?;
            for frame in stored.frames(earlier) {
                earlier_notes.send_encoded(frame).await?;
            }
        }
        Ok(())
    }
}

/// A count as the summary's int32: too large a one is told, not wrapped.
fn int32(value: i64, what: &str) -> Result<i32, Status> {
    i32::try_from(value).map_err(|_| Status::out_of_range(format!("the route's {what}, {value}, is beyond int32")))
}
