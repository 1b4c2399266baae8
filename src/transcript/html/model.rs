//! A page's data: transcripts as JSON that is small enough for 10,000 frames.

use std::sync::Arc;

use serde::Serialize;

use super::super::Transcript;
use super::super::event::Event;
use super::super::hpack::Entry;
use super::super::meaning::Meaning as _;
use super::super::story;
use super::super::text::printable;
use super::super::verdict::{Checker, Verdict};
use super::options::HtmlOptions;
use super::secrets::Secrets;
use super::steps::{self, Stall, Step};
use super::table::{Table, short};
use super::tree::{Frames, Node, Shown, Spot, Trees};

/// Everything that a page shows.
#[derive(Debug, Serialize)]
pub(super) struct Model<'a> {
    pub(super) title: &'a str,
    pub(super) table: Table,
    pub(super) chapters: Vec<ChapterModel>,
}

/// One connection.
#[derive(Debug, Serialize)]
pub(super) struct ChapterModel {
    title: String,
    /// What a reader should know first, in paragraphs.
    story: Vec<String>,
    /// The rules that it is about, by number.
    rules: Vec<usize>,
    /// Whether the recording begins within the connection.
    late: bool,
    /// Whether it tells times.
    timed: bool,
    /// How many bytes passed after the recording had stopped.
    missed: u64,
    /// How many frames are not shown, because the page has its limit.
    left_out: usize,
    calls: Vec<CallModel>,
    frames: Vec<FrameModel>,
    steps: Vec<Step>,
    stalls: Vec<Stall>,
    /// The entries of the dynamic tables, by direction.
    entries: [Vec<EntryModel>; 2],
}

#[derive(Debug, Serialize)]
struct CallModel {
    stream: u32,
    path: String,
    status: Option<String>,
}

/// A frame; the names are short because there may be 10,000.
#[derive(Debug, Serialize)]
struct FrameModel {
    /// 0 to the server, 1 to the client.
    d: usize,
    /// When it passed, in microseconds.
    t: u64,
    /// How many bytes of its direction stand before it.
    o: u64,
    /// Its type, title, flags, few words and prose, as numbers of strings.
    n: [usize; 5],
    s: u32,
    /// Its bytes, in base64.
    b: String,
    /// How many bytes it has, if not all are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<usize>,
    /// Which bytes are hidden.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    h: Vec<[u64; 2]>,
    /// Its spans.
    r: Node,
    /// What may still be sent: of which direction, on the connection, on the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    w: Option<(usize, i64, Option<i64>)>,
    /// The entries that it added to the dynamic table of its direction, and those that it drove out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    a: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    e: Vec<u64>,
    /// The rules that it breaks, by number, each with who breaks it and how.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    v: Vec<(usize, usize)>,
    /// 1 where something in it breaks a rule.
    #[serde(skip_serializing_if = "is_zero")]
    bad: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u8) -> bool {
    *number == 0
}

/// An entry of the dynamic table.
#[derive(Debug, Serialize)]
struct EntryModel {
    number: u64,
    name: usize,
    value: usize,
    size: usize,
    /// The bytes that added it.
    by: Option<Spot>,
}

impl ChapterModel {
    /// The same with a title, a story, and the rules that it is about.
    pub(super) fn told(self, title: &str, story: Vec<String>, rules: Vec<usize>) -> Self {
        ChapterModel { title: title.to_owned(), story, rules, ..self }
    }
}

/// Makes the data of one transcript; texts go to `table`.
pub(super) fn chapter(transcript: &Transcript, options: &HtmlOptions, table: &mut Table) -> ChapterModel {
    let secrets = Secrets::of(transcript, options.secrets);
    let places = Frames::of(&transcript.events);
    let mut entries = [Vec::new(), Vec::new()];
    let mut frames = Vec::new();
    let mut checker = Checker::new(transcript.late);
    for event in &transcript.events {
        if table.size > options.size {
            break;
        }
        for entry in event.block.iter().flat_map(|block| &block.added) {
            let value = if secrets.hides(entry.name.as_deref()) { "(hidden)".into() } else { printable(&entry.value) };
            let name = entry.name.as_ref().map_or_else(|| "unknown".into(), |name| printable(name));
            entries[event.direction.index()].push(EntryModel {
                number: entry.number,
                name: table.string(&short(&name)),
                value: table.string(&short(&value)),
                size: entry.size(),
                by: places.spot(entry.added_by),
            });
            table.size += 60;
        }
        let mut trees = Trees { table, secrets: &secrets, frames: &places, most: options.frame };
        frames.push(frame(transcript, event, &checker.check(event), &mut trees));
    }
    let between = steps::of(transcript, frames.len());
    let calls = transcript.calls.values().map(|call| CallModel {
        stream: call.stream,
        path: if call.path.is_empty() { "an unknown method".into() } else { short(&printable(call.path.as_bytes())) },
        status: call.status.as_ref().map(|status| short(&printable(status.as_bytes()))),
    });
    ChapterModel {
        title: String::new(),
        story: Vec::new(),
        rules: Vec::new(),
        late: transcript.late,
        timed: transcript.events.iter().any(|event| !event.at.is_zero()),
        missed: transcript.missed,
        left_out: transcript.events.len() - frames.len(),
        calls: calls.collect(),
        frames,
        steps: between.steps,
        stalls: between.stalls,
        entries,
    }
}

fn frame(transcript: &Transcript, event: &Event, verdicts: &[Verdict], trees: &mut Trees<'_>) -> FrameModel {
    let tree = transcript.tree(event);
    let told = story::of(event, &tree);
    let (root, Shown { bytes, hidden, of }) = trees.frame(event.direction, &tree);
    let mut bad = !verdicts.is_empty();
    tree.walk(&mut |span, _| bad |= span.what.is_broken());
    let table = &mut *trees.table;
    table.size += 120;
    let block = event.block.as_deref();
    let numbers = |entries: &[Arc<Entry>]| entries.iter().map(|entry| entry.number).collect();
    FrameModel {
        d: event.direction.index(),
        t: event.at.as_micros() as u64,
        o: event.start,
        n: [
            table.string(event.frame.name()),
            table.string(&event.title()),
            table.string(&event.frame.flag_names()),
            table.string(&told.brief),
            table.string(&told.prose),
        ],
        s: event.stream(),
        b: bytes,
        x: of,
        h: hidden,
        r: root,
        w: event.windows.map(|windows| (windows.of.index(), windows.connection, windows.stream)),
        a: block.map_or_else(Vec::new, |block| numbers(&block.added)),
        e: block.map_or_else(Vec::new, |block| numbers(&block.evicted)),
        v: verdicts.iter().map(|verdict| (table.rule(verdict.rule), table.string(&short(&verdict.text)))).collect(),
        bad: bad.into(),
    }
}
