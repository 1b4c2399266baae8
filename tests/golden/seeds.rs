//! The seeds of the fuzz target `transcript`: the golden recordings in the form that the target reads.

use std::fs;

use h2grpc::transcript::{Direction, Recorded};

use crate::STORIES;
use crate::files::{path, recorded, write};

const FOLDER: &str = "fuzz/seeds/transcript";

/// What `fuzz/fuzz_targets/transcript.rs` reads: a byte of options, and chunks. A chunk has a byte of its direction (the
/// highest bit) and its length less one, and its bytes.
fn seed(recorded: &Recorded) -> Vec<u8> {
    let mut seed = vec![u8::from(recorded.late)];
    for chunk in &recorded.chunks {
        let direction = if chunk.direction == Direction::ToClient { 0x80 } else { 0 };
        for part in chunk.bytes.chunks(128) {
            seed.push(direction | (part.len() - 1) as u8);
            seed.extend_from_slice(part);
        }
    }
    seed
}

fn seeds() -> Result<Vec<(String, Vec<u8>)>, String> {
    let seed = |name: &str| Ok((format!("{FOLDER}/{name}"), seed(&recorded(&format!("{name}.txt"))?)));
    STORIES.iter().map(|story| seed(story.name)).collect()
}

/// Whether the seeds are those of the golden files.
pub fn compare() -> Result<(), String> {
    let remedy = "UPDATE_GOLDEN=1 cargo test --test golden writes them anew";
    for (file, seed) in seeds()? {
        if fs::read(path(&file)).ok() != Some(seed) {
            return Err(format!("{file} is not made of its golden file; {remedy}"));
        }
    }
    Ok(())
}

/// Writes all seeds anew. Returns those that have changed.
pub fn update() -> Result<Vec<String>, String> {
    fs::create_dir_all(path(FOLDER)).map_err(|error| format!("cannot create {FOLDER}: {error}"))?;
    let mut changed = Vec::new();
    for (file, seed) in seeds()? {
        if write(&file, seed)? {
            changed.push(file);
        }
    }
    Ok(changed)
}
