//! The bytes of the server's connections, each as a file with their meaning.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use h2grpc::connection::ByteStream;
use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::server::Server;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Print, Recording, Transcript};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::{info, warn};

/// How many bytes of a connection are kept, both ways together. To tell what they mean takes about 100 times as much
/// memory for a moment, and the text is 25 to 40 times as long.
const RECORDED: usize = 256 * 1024;

/// How many connections are recorded.
const MOST_CONNECTIONS: usize = 1_000;

/// How many bytes all files together may have when another is begun.
const MOST_TEXT: u64 = 1024 * 1024 * 1024;

/// How long the last files may take to be written when the server has stopped.
const PATIENCE: Duration = Duration::from_secs(10);

/// Records connections, and writes each when it is closed.
pub struct Recorder {
    closed: mpsc::UnboundedSender<Closed>,
    /// Ready once the last file is written.
    end: oneshot::Receiver<()>,
}

/// A connection that is over.
struct Closed {
    number: usize,
    peer: String,
    recording: Recording,
}

/// Writes the files, one after the other in a thread of its own: many connections that close at once would take too much
/// memory if all were written at the same time.
struct Writer {
    folder: PathBuf,
    types: Types,
    /// How many bytes were written.
    written: u64,
}

impl Recorder {
    /// Makes the folder, if it is not there.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder).map_err(|error| named(&folder, error))?;
        let types = Types::decode(FILE_DESCRIPTOR_SET).map_err(io::Error::other)?;
        let ((closed, connections), (ended, end)) = (mpsc::unbounded_channel(), oneshot::channel());
        let writer = Writer { folder, types, written: 0 };
        thread::Builder::new().name("record".to_owned()).spawn(move || {
            writer.run(connections);
            // The server may have ended without waiting for it.
            let _ = ended.send(());
        })?;
        Ok(Recorder { closed, end })
    }

    /// The same server, with its connections recorded.
    pub fn record(&self, server: Server) -> Server {
        let (closed, count) = (self.closed.clone(), AtomicUsize::new(0));
        server.wrap_streams(move |peer, stream| -> Box<dyn ByteStream> {
            let number = count.fetch_add(1, Ordering::Relaxed) + 1;
            if number > MOST_CONNECTIONS {
                if number == MOST_CONNECTIONS + 1 {
                    info!(connections = MOST_CONNECTIONS, "further connections are not recorded");
                }
                return stream;
            }
            let recording = Recording::new(RECORDED);
            let (closed, recorded) = (closed.clone(), recording.clone());
            tokio::spawn(async move {
                recorded.closed().await;
                // It fails only when the thread is gone.
                let _ = closed.send(Closed { number, peer: peer.to_string(), recording: recorded });
            });
            Box::new(recording.server(stream))
        })
    }

    /// Waits until the last file is written.
    pub async fn finish(self) {
        drop(self.closed);
        if timeout(PATIENCE, self.end).await.is_err() {
            warn!("not all connections' bytes are written");
        }
    }
}

impl Writer {
    fn run(mut self, mut connections: mpsc::UnboundedReceiver<Closed>) {
        while let Some(closed) = connections.blocking_recv() {
            if self.written > MOST_TEXT {
                warn!("the files of --record have more than {MOST_TEXT} bytes: further connections are not written");
                return;
            }
            if let Err(error) = self.write(&closed) {
                warn!(%error, "a connection's bytes could not be written");
            }
        }
    }

    fn write(&mut self, closed: &Closed) -> io::Result<()> {
        let Closed { number, peer, recording } = closed;
        let path = self.folder.join(format!("connection-{number}.txt"));
        let transcript = Transcript::read(&recording.snapshot(), &self.types).without_secrets();
        let mut text = String::new();
        let print = Print { times: true, ..Print::file() };
        transcript.write(&print, &mut text).map_err(io::Error::other)?;
        // The first line tells the format.
        let first = text.find('\n').map_or(text.len(), |end| end + 1);
        text.insert_str(first, &format!("# Connection {number}, from {peer}\n"));
        self.written += text.len() as u64;
        fs::write(&path, text).map_err(|error| named(&path, error))
    }
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("--record {}: {error}", path.display()))
}
