//! What was on the wire, printed where a test fails.

use std::sync::{Arc, Mutex, PoisonError};

use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Recording, Transcript};
use tokio::io::{AsyncRead, AsyncWrite};

/// So many bytes of a connection are kept.
const KEPT: usize = 64 * 1024;

/// So many connections are recorded.
const CONNECTIONS: usize = 16;

/// The connections of a test. If it fails, their transcripts go to standard error.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<Vec<Recording>>>);

impl Wire {
    /// A client's end of a connection, recorded.
    pub fn client<IO: AsyncRead + AsyncWrite>(&self, io: IO) -> impl AsyncRead + AsyncWrite + use<IO> {
        let mut recordings = self.0.lock().unwrap();
        let limit = if recordings.len() < CONNECTIONS { KEPT } else { 0 };
        let recording = Recording::new(limit);
        if limit > 0 {
            recordings.push(recording.clone());
        }
        recording.client(io)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        // Taken, so that each is printed once however many clones there are.
        let recordings = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (index, recording) in recordings.iter().enumerate() {
            let transcript = Transcript::read(&recording.snapshot(), &types());
            eprintln!("\nOn the wire, connection {}:\n\n{transcript}", index + 1);
        }
    }
}

fn types() -> Types {
    Types::decode(h2grpc::route_guide::FILE_DESCRIPTOR_SET).unwrap_or_default()
}
