//! The files: written, read and compared.

use std::fs;
use std::path::{Path, PathBuf};

use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Direction, Print, Recorded, Transcript};

use crate::difference::difference;
use crate::{STORIES, Story};

/// A file of this package.
pub fn path(file: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// The text of a file of this package.
pub fn read(file: impl AsRef<Path>) -> Result<String, String> {
    fs::read_to_string(path(&file)).map_err(|error| format!("cannot read {}: {error}", file.as_ref().display()))
}

/// Writes `text` if it is not there already. Returns whether it was not.
pub fn write(file: impl AsRef<Path>, text: impl AsRef<[u8]>) -> Result<bool, String> {
    let path = path(&file);
    if fs::read(&path).is_ok_and(|found| found == text.as_ref()) {
        return Ok(false);
    }
    fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(true)
}

/// The names of the example service.
pub fn types() -> Types {
    Types::decode(FILE_DESCRIPTOR_SET).expect("the descriptors that the build has made")
}

/// The recording that a file holds.
pub fn recorded(file: &str) -> Result<Recorded, String> {
    let file = format!("tests/golden/{file}");
    Recorded::parse(&read(&file)?).map_err(|error| format!("{file}, {error}"))
}

impl Story {
    fn file(&self) -> String {
        format!("tests/golden/{}.txt", self.name)
    }

    /// The recording as a text, which begins with the comment lines of `found`.
    fn text(&self, recorded: &Recorded, found: &str) -> String {
        let mut text = String::new();
        let print = Print { times: self.times, ..Print::file() };
        Transcript::read(recorded, &types()).write(&print, &mut text).expect("a string takes everything");
        let comments: String =
            found.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        let (first, rest) = text.split_once('\n').expect("a file has a first line");
        format!("{first}\n{comments}{rest}")
    }
}

/// Whether the story is still told by the bytes of its file.
pub fn compare(story: Story) -> Result<(), String> {
    let file = story.file();
    let found = read(&file)?;
    match difference(&found, &story.text(&story.play(), &found)) {
        None => Ok(()),
        Some(words) => Err(format!(
            "{file} tells something else than what happens now.\n{words}\n\
             If that is meant: UPDATE_GOLDEN=1 cargo test --test golden"
        )),
    }
}

/// Writes the story's file anew, and says what has changed.
pub fn update(story: Story) -> Result<Vec<String>, String> {
    let file = story.file();
    let found = fs::read_to_string(path(&file)).unwrap_or_default();
    let text = story.text(&story.play(), &found);
    let words = difference(&found, &text).map(|words| format!("{file}\n{words}"));
    write(&file, text)?;
    Ok(words.into_iter().collect())
}

/// Each file has a story and a title, and is the same text after it was read; each byte belongs to one leaf.
pub fn check_all() -> Result<(), String> {
    let entries = fs::read_dir(path("tests/golden")).map_err(|error| error.to_string())?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut files: Vec<String> = names.filter(|name| name.ends_with(".txt")).collect();
    let mut expected: Vec<String> = STORIES.iter().map(|story| format!("{}.txt", story.name)).collect();
    files.sort_unstable();
    expected.sort_unstable();
    if files != expected {
        return Err(format!("tests/golden has {files:?}, but there are stories for {expected:?}"));
    }
    STORIES.iter().try_for_each(check)
}

fn check(story: &Story) -> Result<(), String> {
    let file = story.file();
    let found = read(&file)?;
    let comments = found.lines().skip(1).take_while(|line| line.starts_with('#')).count();
    if !(3..=14).contains(&comments) {
        return Err(format!("{file}: its story has {comments} lines; expected a title and two to five sentences"));
    }
    let recorded = recorded(&format!("{}.txt", story.name))?;
    if let Some(words) = difference(&found, &story.text(&recorded, &found)) {
        return Err(format!("{file} is another text after it was read:\n{words}"));
    }
    let transcript = Transcript::read(&recorded, &types());
    for direction in Direction::BOTH {
        let events = transcript.events.iter().filter(|event| event.direction == direction);
        let leaves = events.flat_map(|event| {
            let tree = transcript.tree(event);
            tree.leaves().into_iter().map(|leaf| (leaf.start, leaf.bytes.clone())).collect::<Vec<_>>()
        });
        let mut bytes = Vec::new();
        for (start, leaf) in leaves {
            if start != bytes.len() as u64 {
                return Err(format!("{file}: a leaf begins at {start}, expected at {}", bytes.len()));
            }
            bytes.extend_from_slice(&leaf);
        }
        if bytes != recorded.bytes(direction) {
            return Err(format!("{file}: the leaves {} are not the bytes", direction.arrow()));
        }
    }
    Ok(())
}
