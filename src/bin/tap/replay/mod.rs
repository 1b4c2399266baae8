//! A recorded client, sent to a server once more.

mod plan;
mod server;

use std::path::Path;
use std::time::Duration;

use h2grpc::transcript::grpc::is_secret;
use h2grpc::transcript::{Compare, Transcript};

use super::options::Names;
use super::{End, diff, names, show};
use server::Server;

/// What is sent, and to whom.
pub struct Replay<'a> {
    pub to: &'a str,
    /// The only call that is sent.
    pub stream: Option<u32>,
    pub patience: Duration,
    pub ignore: &'a [String],
}

impl Replay<'_> {
    /// Sends what the client of a saved transcript sent, and shows where the answers differ.
    pub fn run(&self, file: &Path, names: &Names) -> Result<End, String> {
        let types = names::types(names)?;
        let recorded = show::read(file)?;
        let mut before = Transcript::read(&recorded, &types);
        let name = file.display();
        if let Some(stream) = self.stream {
            if !before.calls.contains_key(&stream) {
                let known: Vec<String> = before.calls.keys().map(u32::to_string).collect();
                return Err(format!("{name} has no call on stream {stream}; its calls are on {}", known.join(", ")));
            }
            before.calls.retain(|own, _| *own == stream);
        }
        let steps = plan::plan(&before, self.stream).map_err(|why| format!("{name}: {why}"))?;
        if hides_secrets(&before) {
            super::say("credentials or cookies were hidden when this was saved: the server gets stars in their place");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let answered = runtime.block_on(async {
            let mut server = Server::connect(self.to, self.patience).await?;
            server.play(&steps, &before).await?;
            Ok::<_, String>(server.recorded)
        })?;
        before.events.retain(|event| self.stream.is_none_or(|stream| event.stream() == stream));
        let after = Transcript::read(&answered, &types);
        let compare = Compare { requests: false, ignored: self.ignore.to_vec(), ..Compare::default() };
        diff::tell(&compare.differences(&before, &after), before.calls.len())
    }
}

/// Whether values were replaced when the transcript was saved.
fn hides_secrets(transcript: &Transcript) -> bool {
    let blocks = transcript.events.iter().filter_map(|event| event.block.as_deref());
    let mut secrets = blocks.flat_map(|block| block.pairs()).filter(|(name, _)| is_secret(name));
    secrets.any(|(_, value)| !value.is_empty() && value.iter().all(|letter| b"*0$\\".contains(letter)))
}
