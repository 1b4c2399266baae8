//! A server of bare h2, which answers whatever it is told to.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use tokio::net::TcpListener;

use super::checked::{Ours, at_server};

/// A server that answers every call with `answer`. What its clients send is judged: they are ours.
pub async fn server(
    answer: impl Fn(Request<RecvStream>, SendResponse<Bytes>) + Send + Sync + Clone + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let Ok(mut connection) = h2::server::handshake(at_server(stream, Ours::Client)).await else { return };
                while let Some(Ok((request, respond))) = connection.accept().await {
                    answer(request, respond);
                }
            });
        }
    });
    address
}

pub fn ok_head() -> Response<()> {
    Response::builder().header("content-type", "application/grpc").body(()).unwrap()
}

pub fn trailers(fields: &[(&'static str, &str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

/// A server that answers with these frames and trailers.
pub async fn answering(body: Vec<Bytes>, end: &'static [(&'static str, &'static str)]) -> SocketAddr {
    server(move |_, mut respond| {
        let mut stream = respond.send_response(ok_head(), false).unwrap();
        for chunk in &body {
            stream.send_data(chunk.clone(), false).unwrap();
        }
        stream.send_trailers(trailers(end)).unwrap();
    })
    .await
}
