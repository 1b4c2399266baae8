//! Saved transcripts, explained.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use h2grpc::transcript::html::HtmlOptions;
use h2grpc::transcript::{Recorded, Transcript};

use super::explain::{Explainer, Start};
use super::options::{Names, Shown};
use super::{End, names, page};

/// The largest file that is read, in bytes: the text of some 500 MB on the wire.
const MOST: u64 = 4 << 30;

/// Explains a saved transcript, and writes it as a page if that is wanted.
pub fn run(file: &Path, html: Option<&Path>, names: &Names, shown: &Shown) -> Result<End, String> {
    let recorded = read(file)?;
    let types = names::types(names)?;
    if let Some(html) = html {
        let mut page = page::create(html, &[file])?;
        let title = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let options = HtmlOptions { title, secrets: shown.show_secrets, ..HtmlOptions::default() };
        let text = Transcript::read(&recorded, &types).to_html(&options);
        page::write(&mut page, html, &text)?;
    }
    let mut explainer = Explainer::new(types, shown, None, None);
    match explain(&mut explainer, file, &recorded) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(End::Well),
        Err(error) => Err(error.to_string()),
        Ok(()) => explainer.end(),
    }
}

fn explain(explainer: &mut Explainer, file: &Path, recorded: &Recorded) -> io::Result<()> {
    let start = if recorded.late { Start::Late } else { Start::New };
    let first = recorded.chunks.first().map_or_else(Default::default, |chunk| chunk.at);
    let last = recorded.chunks.last().map_or_else(Default::default, |chunk| chunk.at);
    explainer.opened(1, first, &format!("saved in {}", file.display()), start)?;
    for chunk in &recorded.chunks {
        explainer.bytes(1, chunk.direction, chunk.at, &chunk.bytes)?;
    }
    let how = match recorded.missed {
        0 => "ends here in the file".to_owned(),
        missed => format!("goes on: {} more bytes are not in the file", h2grpc::transcript::grouped(missed)),
    };
    explainer.closed(1, last, &how)?;
    explainer.finish("")
}

/// Reads a file, or standard input where its name is `-`.
pub fn read(file: &Path) -> Result<Recorded, String> {
    let mut bytes = Vec::new();
    let read = match file.to_str() {
        Some("-") => io::stdin().take(MOST).read_to_end(&mut bytes),
        _ => File::open(file).and_then(|file| file.take(MOST).read_to_end(&mut bytes)),
    };
    let name = file.display();
    read.map_err(|error| format!("cannot read {name}: {error}"))?;
    let captures =
        [[0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x4d, 0x3c, 0xb2, 0xa1], [0x0a, 0x0d, 0x0d, 0x0a]];
    if captures.iter().any(|magic| bytes.starts_with(magic)) {
        return Err(format!("{name} is a network capture: read it with tap read {name}"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{name} is no transcript: byte {at} is no text; expected a file of tap --save")
    })?;
    Recorded::parse(&text).map_err(|error| format!("{name}, {error}"))
}
