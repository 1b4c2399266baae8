//! A connection between two programs, passed on byte by byte as it comes.

use std::io;

use h2grpc::transcript::Direction;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::copies::{Opened, Way};

/// So many bytes are taken at once. Until they are passed on no further ones are taken, so that a slow receiver slows
/// its sender down as it would without a tap.
const TAKEN: usize = 32 * 1024;

/// Which socket failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failed {
    From,
    To,
}

/// Passes on both directions until both have ended. Returns how it ended.
pub async fn pass(mut client: TcpStream, mut server: TcpStream, opened: Option<&Opened>) -> String {
    // No byte waits for others: that would be another connection than without a tap.
    let _ = client.set_nodelay(true).and(server.set_nodelay(true));
    let ends = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let way = |direction| opened.map(|opened| opened.way(direction));
        let to_server = one_way(from_client, to_server, way(Direction::ToServer));
        let to_client = one_way(from_server, to_client, way(Direction::ToClient));
        both(to_server, to_client).await
    };
    let Some((direction, failed)) = ends else { return "closed".to_owned() };
    // A reset of one side is one of the other: bytes that are on their way are lost, as they were without a tap.
    let _ = client.set_zero_linger().and(server.set_zero_linger());
    let client_failed = (direction == Direction::ToServer) == (failed == Failed::From);
    format!("reset by the {}", if client_failed { "client" } else { "server" })
}

/// Waits for both directions. A side that was reset can neither send nor take anything, which ends the other direction
/// too. A side that takes nothing more may still send.
async fn both(
    to_server: impl Future<Output = Result<(), Failed>>, to_client: impl Future<Output = Result<(), Failed>>,
) -> Option<(Direction, Failed)> {
    let (mut to_server, mut to_client) = (std::pin::pin!(to_server), std::pin::pin!(to_client));
    let (direction, end) = tokio::select! {
        end = &mut to_server => (Direction::ToServer, end),
        end = &mut to_client => (Direction::ToClient, end),
    };
    if end == Err(Failed::From) {
        return Some((direction, Failed::From));
    }
    let other = if direction == Direction::ToServer { to_client.await } else { to_server.await };
    let first = end.err().map(|failed| (direction, failed));
    first.or(other.err().map(|failed| (direction.other(), failed)))
}

async fn one_way(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut way: Option<Way>) -> Result<(), Failed> {
    let mut buffer = vec![0; TAKEN];
    loop {
        let taken = from.read(&mut buffer).await.map_err(|_| Failed::From)?;
        if taken == 0 {
            // The other direction may go on: this side has said all that it wanted.
            return shut(&mut to).await.map_err(|_| Failed::To);
        }
        // The copy comes first: so an answer is never explained before what it answers.
        if let Some(way) = &mut way {
            way.copy(&buffer[..taken]);
        }
        to.write_all(&buffer[..taken]).await.map_err(|_| Failed::To)?;
    }
}

async fn shut(to: &mut WriteHalf<'_>) -> io::Result<()> {
    match to.shutdown().await {
        // It is gone already, and there was nothing more to say.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        end => end,
    }
}
