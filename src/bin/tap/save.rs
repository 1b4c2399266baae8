//! Connections as files, written while they last.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Event, Print, Recorded};

/// Writes each connection to a file of its own.
pub struct Saver {
    path: PathBuf,
    print: Print,
    secrets: bool,
    /// How many bytes of text may still be written.
    left: u64,
    /// How many files there are.
    files: usize,
    /// The first file, until its connection comes.
    first: Option<File>,
    open: BTreeMap<u64, Saved>,
}

struct Saved {
    path: PathBuf,
    file: BufWriter<File>,
    /// How many bytes of the connection are not in the file, once there are such.
    missed: u64,
}

/// So many files are written; connections beyond are not saved.
const FILES: usize = 10_000;

impl Saver {
    /// Makes the first file, so that a path that cannot be written is found out at the start.
    pub fn new(path: &Path, limit: u64, secrets: bool) -> Result<Self, String> {
        let first = File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(Saver {
            path: path.to_owned(),
            print: Print { times: true, offsets: true, ..Print::file() },
            secrets,
            left: limit,
            files: 0,
            first: Some(first),
            open: BTreeMap::new(),
        })
    }

    /// A connection begins.
    pub fn opened(&mut self, connection: u64, about: &str, late: bool) -> io::Result<()> {
        if self.files >= FILES || self.left == 0 {
            return Ok(());
        }
        self.files += 1;
        let path = numbered(&self.path, self.files);
        let file = match self.first.take() {
            Some(file) => file,
            None => File::create(&path).map_err(|error| named(&path, error))?,
        };
        let mut text = Recorded { late, ..Recorded::default() }.to_string();
        text += &format!("# Connection {connection}, {about}\n");
        if !self.secrets {
            text += "# Values of credentials and cookies are hidden: the letters *, 0, $ and \\ stand for theirs.\n";
        }
        let saved = Saved { path, file: BufWriter::new(file), missed: 0 };
        self.open.insert(connection, saved);
        self.write(connection, &text, 0)
    }

    /// A frame has passed.
    pub fn event(&mut self, connection: u64, event: &Event, types: &Types) -> io::Result<()> {
        if !self.open.contains_key(&connection) {
            return Ok(());
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.print.write_event(event, types, &mut text);
        self.write(connection, &text, event.frame.bytes.len() as u64)
    }

    /// Bytes are missing. What follows them cannot be read from the file, so it ends here.
    pub fn gap(&mut self, connection: u64, bytes: u64) {
        if let Some(saved) = self.open.get_mut(&connection) {
            saved.missed += bytes;
        }
    }

    /// A connection is over.
    pub fn closed(&mut self, connection: u64) -> io::Result<()> {
        let Some(Saved { path, mut file, missed }) = self.open.remove(&connection) else { return Ok(()) };
        let end = if missed > 0 { format!("missed {missed}\n") } else { String::new() };
        file.write_all(end.as_bytes()).and_then(|()| file.flush()).map_err(|error| named(&path, error))
    }

    /// Passes on to the files what was written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.open.values_mut().try_for_each(|saved| saved.file.flush().map_err(|error| named(&saved.path, error)))
    }

    /// Writes what stands for so many bytes, unless some are missing already or the limit is reached.
    fn write(&mut self, connection: u64, text: &str, bytes: u64) -> io::Result<()> {
        let Some(saved) = self.open.get_mut(&connection) else { return Ok(()) };
        if saved.missed > 0 || text.len() as u64 > self.left {
            self.left = if saved.missed > 0 { self.left } else { 0 };
            saved.missed += bytes;
            return Ok(());
        }
        self.left -= text.len() as u64;
        saved.file.write_all(text.as_bytes()).map_err(|error| named(&saved.path, error))
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

fn named(path: &Path, error: io::Error) -> io::Error {
    // Only standard output can be a pipe whose reader has seen enough.
    let kind = if error.kind() == io::ErrorKind::BrokenPipe { io::ErrorKind::Other } else { error.kind() };
    io::Error::new(kind, format!("cannot write {}: {error}", path.display()))
}
