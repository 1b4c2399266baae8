//! More connections than there are descriptors for.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::harness::Attack;
use crate::peer::Attacker;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptor_exhaustion() {
    let attack = Attack { limit: Some("ulimit -n 100"), ..Attack::USUAL };
    attack.run(more_than_it_takes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_than_allowed() {
    let attack = Attack { arguments: &["--max-connections", "30"], ..Attack::USUAL };
    attack.run(more_than_it_takes).await;
}

async fn more_than_it_takes(address: SocketAddr) {
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    drop(silent);
    // Once they are gone there is room again.
    Attacker::connect(address, &[]).await.all_read().await.may_stay();
}
