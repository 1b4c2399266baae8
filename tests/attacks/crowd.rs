//! More connections than there is room for.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::common::raw::PREFACE;
use crate::harness::Attack;
use crate::peer::Attacker;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptor_exhaustion() {
    // 64 are for all else.
    let attack = Attack { limit: Some("ulimit -n 100"), ..Attack::USUAL };
    attack.run(|address| more_than_it_takes(address, 36)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_than_allowed() {
    let attack = Attack { arguments: &["--max-connections", "30"], ..Attack::USUAL };
    attack.run(|address| more_than_it_takes(address, 30)).await;
}

/// Makes 300 connections, of which the server has room for `room`, somebody else's included.
async fn more_than_it_takes(address: SocketAddr, room: usize) {
    let mut connections = Vec::new();
    for _ in 0..300 {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(PREFACE).await.unwrap();
        connections.push(connection);
    }
    // A server that took more would have greeted more by then.
    sleep(Duration::from_millis(500)).await;
    let greeted = connections.iter().filter(|connection| connection.try_read(&mut [0; 9]).is_ok_and(|count| count > 0));
    let greeted = greeted.count();
    assert!((1..room).contains(&greeted), "{greeted} of {} connections were greeted", connections.len());
    drop(connections);
    // Once they are gone there is room again.
    Attacker::connect(address, &[]).await.all_read().await.may_stay();
}
