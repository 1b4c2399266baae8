//! More connections than there is room for.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use crate::common::raw::PREFACE;
use crate::counted::Counted;
use crate::peer::Attacker;

pub async fn descriptor_exhaustion(address: SocketAddr) {
    // 64 are for all else.
    more_than_it_takes(address, 36).await;
}

pub async fn more_connections_than_allowed(address: SocketAddr) {
    more_than_it_takes(address, 30).await;
}

/// Makes 300 connections, of which the server has room for `room`, somebody else's included.
async fn more_than_it_takes(address: SocketAddr, room: usize) {
    let mut connections = Vec::new();
    for _ in 0..300 {
        let mut connection = Counted::connect(address).await;
        connection.write_all(PREFACE).await.unwrap();
        connections.push(connection);
    }
    // A server that took more would have greeted more by then.
    sleep(Duration::from_millis(500)).await;
    let greeted =
        connections.iter().filter(|connection| connection.0.try_read(&mut [0; 9]).is_ok_and(|count| count > 0));
    let greeted = greeted.count();
    assert!((1..room).contains(&greeted), "{greeted} of {} connections were greeted", connections.len());
    drop(connections);
    // Once they are gone there is room again.
    Attacker::connect(address, &[]).await.all_read().await.may_stay();
}
