//! The product's client, driven: see `peers::drive`.

use std::net::SocketAddr;
use std::sync::Arc;

use h2grpc::client::{Channel, Target};
use h2grpc::route_guide::{Feature, Point, Rectangle, RouteGuideClient, RouteNote, RouteSummary};
use h2grpc::status::Status;
use peers::drive::{self, Due, recast, same};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    drive::run::<Client>()
}

#[derive(Clone)]
struct Client {
    guide: RouteGuideClient,
    due: Arc<Messages>,
}

/// What is due, in the product's own types.
struct Messages {
    points: Vec<Point>,
    feature: Feature,
    rectangle: Rectangle,
    features: Vec<Feature>,
    route: Vec<Point>,
    summary: RouteSummary,
    note: RouteNote,
    answer: RouteNote,
    notes: usize,
}

impl From<&Due> for Messages {
    fn from(due: &Due) -> Self {
        Self {
            points: due.points.iter().map(recast).collect(),
            feature: recast(&due.feature),
            rectangle: recast(&due.rectangle),
            features: due.features.iter().map(recast).collect(),
            route: due.route.iter().map(recast).collect(),
            summary: recast(&due.summary),
            note: recast(&due.note),
            answer: recast(&due.answer),
            notes: due.notes,
        }
    }
}

fn told(status: Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

impl drive::Client for Client {
    async fn dial(addr: SocketAddr, due: Arc<Due>) -> Result<Self, String> {
        let target: Target = addr.to_string().parse().map_err(told)?;
        let client = Self { guide: RouteGuideClient::new(Channel::new(target)), due: Arc::new((&*due).into()) };
        // The first call connects.
        client.clone().unary(0).await?;
        Ok(client)
    }

    async fn unary(&mut self, point: usize) -> Result<(), String> {
        let answer = self.guide.get_feature(self.due.points[point]).await.map_err(told)?;
        same(&answer.message, &self.due.feature)
    }

    async fn list(&mut self) -> Result<(), String> {
        let mut features = self.guide.list_features(self.due.rectangle).await.map_err(told)?;
        let mut feature = Feature::default(); // whose allocation serves for all of them
        for due in &self.due.features {
            if !features.next_into(&mut feature).await.map_err(told)? {
                return Err("the list ended early".into());
            }
            same(&feature, due)?;
        }
        same(&features.next().await.map_err(told)?, &None)
    }

    async fn record(&mut self) -> Result<(), String> {
        let (mut points, summary) = self.guide.record_route().await.map_err(told)?;
        for point in &self.due.route {
            if points.send(*point).await.is_err() {
                break; // the summary says why
            }
        }
        let _ = points.finish().await;
        same(&summary.await.map_err(told)?.message, &self.due.summary)
    }

    async fn chat(&mut self) -> Result<(), String> {
        let (mut notes, mut answers) = self.guide.route_chat().await.map_err(told)?;
        let mut answer = RouteNote::default();
        for _ in 0..self.due.notes {
            let _ = notes.send(&self.due.note).await; // the answer says why it fails
            if !answers.next_into(&mut answer).await.map_err(told)? {
                return Err("the chat ended early".into());
            }
            same(&answer, &self.due.answer)?;
        }
        let _ = notes.finish().await;
        same(&answers.next().await.map_err(told)?, &None)
    }
}
