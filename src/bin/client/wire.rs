//! The bytes of the client's connections, each recorded from its first byte on.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use h2grpc::client::Channel;
use h2grpc::connection::ByteStream;
use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::route_guide::program::{Outcome, columns};
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Print, Recording, Transcript};
use tokio::time::{Instant, timeout_at};

/// How many bytes of a connection are kept, both ways together. A call may have any number of them.
const RECORDED: usize = 1024 * 1024;

/// How many connections are recorded.
const MOST_CONNECTIONS: usize = 64;

/// How long connections may take to end when the calls are over. A server that takes no more bytes must not hold us up.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// What was on the wire. Clones share it.
#[derive(Clone, Default)]
pub struct Wire {
    connections: Arc<Mutex<Connections>>,
}

#[derive(Default)]
struct Connections {
    /// Where each leads, and its bytes.
    recorded: Vec<(String, Recording)>,
    /// How many followed that are not recorded.
    missed: usize,
}

impl Wire {
    /// The same channel, with its connections recorded.
    pub fn record(&self, channel: &Channel) -> Channel {
        let wire = self.clone();
        channel.wrap_streams(move |address, stream| wire.wrap(address, stream))
    }

    fn wrap(&self, address: &str, stream: Box<dyn ByteStream>) -> Box<dyn ByteStream> {
        let mut connections = self.connections();
        if connections.recorded.len() >= MOST_CONNECTIONS {
            connections.missed += 1;
            return stream;
        }
        let recording = Recording::new(RECORDED);
        connections.recorded.push((address.to_owned(), recording.clone()));
        Box::new(recording.client(stream))
    }

    /// Waits for the last bytes of the connections, of which the channel is gone, and writes each to a file.
    pub async fn save(&self, path: &Path) -> Outcome {
        let (recorded, missed) = self.complete().await;
        let types = Types::decode(FILE_DESCRIPTOR_SET)?;
        for (index, (_, recording)) in recorded.iter().enumerate() {
            let mut text = String::new();
            let transcript = Transcript::read(&recording.snapshot(), &types).without_secrets();
            transcript.write(&Print { times: true, ..Print::file() }, &mut text)?;
            let path = numbered(path, index + 1);
            fs::write(&path, text).map_err(|error| format!("--record {}: {error}", path.display()))?;
        }
        match (recorded.len(), missed) {
            (0, _) => Err("--record: no connection was made, so there is nothing to write".into()),
            (_, 0) => Ok(()),
            _ => Err(format!("--record: {missed} more connections were not recorded").into()),
        }
    }

    /// The recordings, once they are complete, and how many connections have none.
    async fn complete(&self) -> (Vec<(String, Recording)>, usize) {
        let (recorded, missed) = {
            let connections = self.connections();
            (connections.recorded.clone(), connections.missed)
        };
        let until = Instant::now() + LAST_BYTES;
        for (_, recording) in &recorded {
            let _ = timeout_at(until, recording.closed()).await;
        }
        (recorded, missed)
    }

    /// Waits for the last bytes of the connections, of which the channel is gone, and prints all. Of the messages of a
    /// call, so many are shown each way.
    pub async fn show(&self, messages: usize, out: &mut impl Write) -> Outcome {
        let (recorded, missed) = self.complete().await;
        if recorded.is_empty() {
            writeln!(out, "\nOn the wire: nothing, because no connection was made.")?;
        }
        let types = Types::decode(FILE_DESCRIPTOR_SET)?;
        let colors = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        let columns = columns().unwrap_or(Print::default().columns);
        let print = Print { messages, bytes: 96, colors, columns, secrets: false, ..Print::default() };
        for (index, (address, recording)) in recorded.iter().enumerate() {
            let mut text = format!("\nOn the wire, connection {} to {address}:\n\n", index + 1);
            Transcript::read(&recording.snapshot(), &types).write(&print, &mut text)?;
            out.write_all(text.as_bytes())?;
        }
        if missed > 0 {
            writeln!(out, "\n{missed} more connections were not recorded.")?;
        }
        Ok(())
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `call.txt`, `call-2.txt`, `call-3.txt`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map_or_else(String::new, |extension| format!(".{}", extension.to_string_lossy()));
    path.with_file_name(format!("{name}-{number}{extension}"))
}
