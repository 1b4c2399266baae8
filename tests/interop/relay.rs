//! Passes connections on and keeps their bytes: on both sides of a tap, one shows what the tap was given and what it gave.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What passed on a connection: to the server, and to the client.
pub type Passed = [Vec<u8>; 2];

pub struct Relay {
    pub address: SocketAddr,
    connections: Connections,
}

type Connections = Arc<Mutex<Vec<Connection>>>;

#[derive(Default)]
struct Connection {
    passed: Passed,
    ended: [bool; 2],
}

impl Relay {
    /// Listens on a free port for as long as this process lives, and passes on to `server`.
    pub fn to(server: SocketAddr) -> Result<Relay, String> {
        let told = |error: std::io::Error| format!("cannot relay to {server}: {error}");
        let listener = TcpListener::bind("127.0.0.1:0").map_err(told)?;
        let (address, connections) = (listener.local_addr().map_err(told)?, Connections::default());
        let kept = connections.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                let number = {
                    let mut all = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push(Connection::default());
                    all.len() - 1
                };
                for (way, from, to) in [(0, &client, &server), (1, &server, &client)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
                    let kept = kept.clone();
                    thread::spawn(move || pass(from, to, &kept, number, way));
                }
            }
        });
        Ok(Relay { address, connections })
    }

    /// What has passed, once all connections have ended. In the order of the bytes, since the order in which connections
    /// come says nothing.
    pub fn passed(&self, within: Duration) -> Result<Vec<Passed>, String> {
        let begin = Instant::now();
        loop {
            let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
            if connections.iter().all(|connection| connection.ended == [true; 2]) {
                let mut passed: Vec<Passed> = connections.iter().map(|connection| connection.passed.clone()).collect();
                passed.sort();
                return Ok(passed);
            }
            drop(connections);
            if begin.elapsed() > within {
                return Err(format!("after {within:?} connections are still open"));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Passes one way on until its end, and reads on when nobody takes the bytes any more.
fn pass(mut from: TcpStream, mut to: TcpStream, connections: &Connections, number: usize, way: usize) {
    let (mut buffer, mut taken) = ([0; 16_384], true);
    loop {
        let length = from.read(&mut buffer).unwrap_or(0);
        let mut connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = &mut connections[number];
        if length == 0 {
            connection.ended[way] = true;
            break;
        }
        connection.passed[way].extend_from_slice(&buffer[..length]);
        drop(connections);
        taken = taken && to.write_all(&buffer[..length]).is_ok();
    }
    let _ = to.shutdown(Shutdown::Write);
}
