//! tonic's client, as a user who cares for speed would write it, driven: see `peers::drive`.
//!
//! A channel for each connection, Nagle's algorithm off, windows of 1 MiB; a route is a stream that is ready at once, a
//! chat's notes come through a channel.

use std::net::SocketAddr;
use std::sync::Arc;

use peers::WINDOW;
use peers::drive::{self, Due, same};
use peers::proto::route_guide_client::RouteGuideClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    drive::run::<Client>()
}

#[derive(Clone)]
struct Client {
    guide: RouteGuideClient<Channel>,
    due: Arc<Due>,
}

fn told(status: Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

impl drive::Client for Client {
    async fn dial(addr: SocketAddr, due: Arc<Due>) -> Result<Self, String> {
        let endpoint = Endpoint::from_shared(format!("http://{addr}")).map_err(|e| e.to_string())?;
        let channel = endpoint
            .tcp_nodelay(true)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .connect()
            .await
            .map_err(|e| format!("cannot connect to {addr}: {e}"))?;
        Ok(Self { guide: RouteGuideClient::new(channel), due })
    }

    async fn unary(&mut self, point: usize) -> Result<(), String> {
        let answer = self.guide.get_feature(self.due.points[point]).await.map_err(told)?;
        same(answer.get_ref(), &self.due.feature)
    }

    async fn list(&mut self) -> Result<(), String> {
        let mut features = self.guide.list_features(self.due.rectangle).await.map_err(told)?.into_inner();
        for due in &self.due.features {
            let feature = features.message().await.map_err(told)?.ok_or("the list ended early")?;
            same(&feature, due)?;
        }
        same(&features.message().await.map_err(told)?, &None)
    }

    async fn record(&mut self) -> Result<(), String> {
        let due = self.due.clone();
        let points = (0..due.route.len()).map(move |i| due.route[i]);
        let answer = self.guide.record_route(tokio_stream::iter(points)).await.map_err(told)?;
        same(answer.get_ref(), &self.due.summary)
    }

    async fn chat(&mut self) -> Result<(), String> {
        let (notes, queue) = mpsc::channel(1);
        let mut answers = self.guide.route_chat(ReceiverStream::new(queue)).await.map_err(told)?.into_inner();
        for _ in 0..self.due.notes {
            notes.send(self.due.note.clone()).await.map_err(|_| "the chat was cut off")?;
            let answer = answers.message().await.map_err(told)?.ok_or("the chat ended early")?;
            same(&answer, &self.due.answer)?;
        }
        drop(notes);
        same(&answers.message().await.map_err(told)?, &None)
    }
}
