//! Connections as one page for a browser: what passes is kept, and written at the end.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use h2grpc::transcript::html::{Chapter, HtmlOptions, book};
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Event, Recorded, Transcript, grouped};

use super::options::Paged;

/// Keeps the connections that become a page.
pub struct Page {
    path: PathBuf,
    file: File,
    secrets: bool,
    /// How many bytes and frames may still be kept.
    bytes: usize,
    frames: usize,
    kept: BTreeMap<u64, Kept>,
    /// How many connections are not kept.
    more: u64,
}

struct Kept {
    about: String,
    recorded: Recorded,
}

/// So many frames are kept of all connections: a frame takes more memory than its bytes.
const FRAMES: usize = 100_000;

/// So many connections are kept.
const CONNECTIONS: usize = 1000;

impl Page {
    /// Opens the file of the page that is wanted, if one is. The page must not replace one of the `others`.
    pub fn wanted(wanted: &Paged, secrets: bool, others: &[&Path]) -> Result<Option<Self>, String> {
        let Some(path) = &wanted.html else { return Ok(None) };
        Ok(Some(Page {
            path: path.clone(),
            file: create(path, others)?,
            secrets,
            bytes: wanted.html_limit * 1024 * 1024,
            frames: FRAMES,
            kept: BTreeMap::new(),
            more: 0,
        }))
    }

    /// A connection begins.
    pub fn opened(&mut self, connection: u64, about: &str, late: bool) {
        if self.kept.len() >= CONNECTIONS || self.is_full() {
            self.more += 1;
            return;
        }
        let recorded = Recorded { late, ..Recorded::default() };
        self.kept.insert(connection, Kept { about: about.to_owned(), recorded });
    }

    /// A frame has passed.
    pub fn event(&mut self, connection: u64, event: &Event) {
        let is_full = self.is_full();
        let Some(Kept { recorded, .. }) = self.kept.get_mut(&connection) else { return };
        let bytes = &event.frame.bytes;
        if recorded.missed > 0 || is_full || bytes.len() > self.bytes {
            if recorded.missed == 0 {
                // Once something is left out, no smaller frame slips in after it.
                self.bytes = 0;
            }
            recorded.missed += bytes.len() as u64;
            return;
        }
        self.bytes -= bytes.len();
        self.frames -= 1;
        recorded.push_at(event.direction, event.at, bytes);
    }

    /// Bytes are missing. What follows them is left out.
    pub fn gap(&mut self, connection: u64, bytes: u64) {
        if let Some(kept) = self.kept.get_mut(&connection) {
            kept.recorded.missed += bytes;
        }
    }

    /// Writes the page, and says on standard error what is not in it.
    pub fn write(mut self, types: &Types) -> Result<(), String> {
        let read = |(id, kept): (u64, Kept)| {
            let title = format!("Connection {id}, {}", kept.about);
            (title, Transcript::read(&kept.recorded, types))
        };
        let transcripts: Vec<(String, Transcript)> = std::mem::take(&mut self.kept).into_iter().map(read).collect();
        let missed: u64 = transcripts.iter().map(|(_, transcript)| transcript.missed).sum();
        let chapter = |(title, transcript)| Chapter { title, story: "", rules: &[], transcript };
        let none = (String::from("No connection"), Transcript::default());
        let mut chapters: Vec<Chapter<'_>> =
            transcripts.iter().map(|(title, transcript)| chapter((title, transcript))).collect();
        if chapters.is_empty() {
            chapters.push(chapter((&none.0, &none.1)));
        }
        let options = HtmlOptions { title: "What passed".into(), secrets: self.secrets, ..HtmlOptions::default() };
        write(&mut self.file, &self.path, &book(&chapters, &options))?;
        if missed > 0 || self.more > 0 {
            let (page, missed, more) = (self.path.display(), grouped(missed), grouped(self.more));
            super::say(&format!("not in {page}: {missed} bytes of its connections, and {more} further connections"));
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.bytes == 0 || self.frames == 0
    }
}

/// Opens a file to write to, and leaves what is in it for now. It must be none of the `others`.
pub fn create(path: &Path, others: &[&Path]) -> Result<File, String> {
    let file = OpenOptions::new().create(true).write(true).truncate(false).open(path);
    let file = file.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let real = |path: &Path| path.canonicalize().ok();
    if others.iter().any(|other| real(other).is_some_and(|other| Some(other) == real(path))) {
        return Err(format!("--html {} would replace another file of this command: name a new one", path.display()));
    }
    Ok(file)
}

/// Replaces what is in the file.
pub fn write(file: &mut File, path: &Path, text: &str) -> Result<(), String> {
    let is_plain = file.metadata().is_ok_and(|data| data.is_file());
    let cleared = if is_plain { file.set_len(0) } else { Ok(()) };
    cleared
        .and_then(|()| file.write_all(text.as_bytes()))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
