//! The listings of bytes in the documents, which are renderings of the golden files.
//!
//! A comment such as `<!-- golden: get-feature.txt, stream 1, frames 2-3, fields -->` stands before each of them and says
//! what it shows: which file; which stream; which frames of that, counted from 1; and how far the bytes are taken apart,
//! `fields` or `leaves`, or that they are `bare`.

use std::fs;
use std::path::Path;

use h2grpc::transcript::{Detail, Print, Recorded, Transcript};

use crate::files::{path, read, recorded, types, write};

const MARK: &str = "<!-- golden: ";

/// The documents that have listings, by their paths.
fn documents() -> Result<Vec<String>, String> {
    let mut documents = vec!["README.md".to_owned()];
    for (folder, ending) in [("docs", "md"), ("src", "rs")] {
        collect(folder, ending, &mut documents)?;
    }
    documents.retain(|file| read(file).is_ok_and(|text| text.contains(MARK)));
    documents.sort_unstable();
    if documents.len() < 3 { Err(format!("listings were found in {documents:?} alone")) } else { Ok(documents) }
}

fn collect(folder: &str, ending: &str, found: &mut Vec<String>) -> Result<(), String> {
    let entries = fs::read_dir(path(folder)).map_err(|error| format!("cannot read {folder}: {error}"))?;
    for entry in entries.filter_map(Result::ok) {
        let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&name, ending, found)?;
        } else if Path::new(&name).extension().is_some_and(|it| it == ending) {
            found.push(name);
        }
    }
    Ok(())
}

/// Whether each listing shows what its file has.
pub fn compare() -> Result<(), String> {
    for file in documents()? {
        let text = read(&file)?;
        let expected = rewritten(&text).map_err(|wrong| format!("{file}, {wrong}"))?;
        if let Some((at, (was, is))) = text.lines().zip(expected.lines()).enumerate().find(|(_, (was, is))| was != is) {
            return Err(format!(
                "{file}, line {}: the listing is not what the golden file has.\n  found    {was}\n  expected {is}\n\
                 UPDATE_GOLDEN=1 cargo test --test golden writes it anew",
                at + 1
            ));
        }
        if text != expected {
            return Err(format!("{file}: a listing has too many lines or too few"));
        }
    }
    Ok(())
}

/// Writes each listing anew. Returns the documents that have changed.
pub fn update() -> Result<Vec<String>, String> {
    let mut changed = Vec::new();
    for file in documents()? {
        let text = rewritten(&read(&file)?).map_err(|wrong| format!("{file}, {wrong}"))?;
        if write(&file, text)? {
            changed.push(format!("{file}: its listings"));
        }
    }
    Ok(changed)
}

/// The text with the listing after each mark as it should be.
fn rewritten(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        out += &format!("{line}\n");
        let Some((before, mark)) = line.split_once(MARK) else { continue };
        // Marks that are spoken of stand within a line.
        if !["", "//! ", "/// "].contains(&before) {
            continue;
        }
        let what = mark.strip_suffix(" -->").ok_or(format!("line {}: the comment has no end", number + 1))?;
        let listing = listing(what).map_err(|wrong| format!("line {}: {wrong}", number + 1))?;
        let fence = format!("{before}```");
        if lines.next_if(|(_, line)| line.starts_with(&fence)).is_some() {
            while lines.next().is_some_and(|(_, line)| line != fence) {}
        }
        let body: String = listing.lines().map(|line| format!("{before}{line}\n")).collect();
        out += &format!("{fence}text\n{body}{fence}\n");
    }
    Ok(out)
}

fn listing(what: &str) -> Result<String, String> {
    let mut words = what.split(", ");
    let file = words.next().unwrap_or_default();
    let mut transcript = Transcript::read(&recorded(file)?, &types());
    let (mut print, mut bare) = (Print::default(), false);
    for word in words {
        match word.split_once(' ').unwrap_or((word, "")) {
            ("stream", stream) => {
                let stream: u32 = stream.parse().map_err(|_| format!("{stream} is no stream"))?;
                transcript.events.retain(|event| event.stream() == stream && event.frame.kind().is_some());
            }
            ("frame" | "frames", frames) => {
                let (first, last) = frames.split_once('-').unwrap_or((frames, frames));
                let number = |text: &str| text.parse::<usize>().map_err(|_| format!("{text} is no number of a frame"));
                let (first, last) = (number(first)?, number(last)?);
                let count = transcript.events.len();
                let events = transcript.events.get(first.saturating_sub(1)..last);
                transcript.events = events.ok_or(format!("frames {frames} of {count}"))?.to_vec();
            }
            ("fields", "") => {}
            ("leaves", "") => print.detail = Detail::Leaves,
            ("bare", "") => bare = true,
            _ => return Err(format!("{word:?} says nothing of a listing")),
        }
    }
    if bare {
        return Ok(Recorded::from(&transcript).without_times().to_string());
    }
    let mut text = String::new();
    transcript.write(&print, &mut text).map_err(|error| error.to_string())?;
    Ok(text)
}
