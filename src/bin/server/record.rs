//! The bytes of the server's connections, each as a file with their meaning.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use h2grpc::connection::ByteStream;
use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::server::Server;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Print, Recording, Transcript};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{info, warn};

/// How many bytes of a connection are kept, both ways together.
const RECORDED: usize = 1024 * 1024;

/// How many connections are written.
const MOST_CONNECTIONS: usize = 1_000;

/// How long the last files may take to be written when the server has stopped.
const PATIENCE: Duration = Duration::from_secs(10);

/// Records connections and writes each when it is closed.
pub struct Recorder {
    shared: Arc<Shared>,
    /// Ready without a value once nobody writes any more.
    written: mpsc::Receiver<()>,
    writing: mpsc::Sender<()>,
}

struct Shared {
    folder: PathBuf,
    types: Types,
    /// How many connections there were.
    count: AtomicUsize,
}

impl Recorder {
    /// Makes the folder, if it is not there.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("--record {}: {error}", folder.display()));
        fs::create_dir_all(&folder).map_err(named)?;
        let types = Types::decode(FILE_DESCRIPTOR_SET).map_err(io::Error::other)?;
        let (writing, written) = mpsc::channel(1);
        Ok(Recorder { shared: Arc::new(Shared { folder, types, count: AtomicUsize::new(0) }), written, writing })
    }

    /// The same server, with its connections recorded.
    pub fn record(&self, server: Server) -> Server {
        let (shared, writing) = (Arc::clone(&self.shared), self.writing.clone());
        server.wrap_streams(move |peer, stream| -> Box<dyn ByteStream> {
            let number = shared.count.fetch_add(1, Ordering::Relaxed) + 1;
            if number > MOST_CONNECTIONS {
                if number == MOST_CONNECTIONS + 1 {
                    info!(connections = MOST_CONNECTIONS, "further connections are not recorded");
                }
                return stream;
            }
            let recording = Recording::new(RECORDED);
            let (shared, writing, recorded) = (Arc::clone(&shared), writing.clone(), recording.clone());
            tokio::spawn(async move {
                recorded.closed().await;
                let about = format!("# Connection {number}, from {peer}\n");
                let written = spawn_blocking(move || shared.write(number, &about, &recorded)).await;
                if let Err(error) = written.map_err(io::Error::other).and_then(|written| written) {
                    warn!(%error, "a connection's bytes could not be written");
                }
                drop(writing);
            });
            Box::new(recording.server(stream))
        })
    }

    /// Waits until the last file is written.
    pub async fn finish(self) {
        let Recorder { writing, mut written, .. } = self;
        drop(writing);
        if timeout(PATIENCE, written.recv()).await.is_err() {
            warn!("not all connections' bytes are written");
        }
    }
}

impl Shared {
    fn write(&self, number: usize, about: &str, recording: &Recording) -> io::Result<()> {
        let path = self.folder.join(format!("connection-{number}.txt"));
        let transcript = Transcript::read(&recording.snapshot(), &self.types).without_secrets();
        let mut text = String::new();
        let print = Print { times: true, ..Print::file() };
        transcript.write(&print, &mut text).map_err(io::Error::other)?;
        // The first line tells the format.
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        fs::write(&path, format!("{first}\n{about}{rest}")).map_err(|error| named(&path, error))
    }
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
