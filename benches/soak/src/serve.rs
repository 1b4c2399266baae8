//! A RouteGuide server with the default limits, as a process of its own.

use h2grpc::route_guide::{Features, Guide, RouteGuide};
use h2grpc::server::{Server, listen};
use tokio::signal::unix::{SignalKind, signal};

use crate::Result;

/// Serves until SIGTERM. One line on standard output tells the port.
pub async fn run() -> Result<()> {
    let listener = listen("127.0.0.1:0".parse()?)?;
    let mut terminated = signal(SignalKind::terminate())?;
    println!("listening on {}", listener.local_addr()?);
    let server = Server::new().add(Guide::new(Features::embedded()).into_service()).observe(|_| ());
    let stop = async {
        terminated.recv().await;
    };
    Ok(server.serve([listener], stop).await?)
}
