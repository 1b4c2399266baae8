//! Any bytes become a transcript: each byte belongs to one leaf, the text becomes the same bytes again, any cut of the
//! bytes gives the same frames, and what is held stays within its bounds.
//!
//! Input: a byte of options (1: the recording begins late; 2: small bounds), then chunks: a byte with the direction (the
//! highest bit) and the length less one, and the bytes.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Direction, Event, Keep, Print, Reader, Recorded, Transcript};
use libfuzzer_sys::fuzz_target;

static TYPES: LazyLock<Arc<Types>> = LazyLock::new(|| Arc::new(Types::decode(FILE_DESCRIPTOR_SET).expect("built in")));

fuzz_target!(|data: &[u8]| {
    let Some((&options, rest)) = data.split_first() else { return };
    let recorded = recorded(options & 1 != 0, rest);
    leaves_lie_side_by_side(&recorded);
    text_becomes_the_same_bytes(&recorded, options);
    let small = Keep { frame: 20, block: 100, message: 30, messages: 40, calls: 2 };
    let keep = if options & 2 != 0 { small } else { Keep::default() };
    any_cut_gives_the_same_frames(&recorded, keep);
});

fn recorded(late: bool, mut rest: &[u8]) -> Recorded {
    let mut recorded = Recorded { late, ..Recorded::default() };
    let mut at = Duration::ZERO;
    while let Some((&head, after)) = rest.split_first() {
        let direction = Direction::BOTH[usize::from(head >> 7)];
        let (chunk, after) = after.split_at(after.len().min(usize::from(head & 0x7f) + 1));
        recorded.push_at(direction, at, chunk);
        at += Duration::from_micros(u64::from(head & 1));
        rest = after;
    }
    recorded
}

fn leaves_lie_side_by_side(recorded: &Recorded) {
    let transcript = Transcript::read(recorded, &TYPES);
    for direction in Direction::BOTH {
        let mut bytes = Vec::new();
        for event in transcript.events.iter().filter(|event| event.direction == direction) {
            let tree = transcript.tree(event);
            assert_eq!(tree.place(direction), event.place());
            for leaf in tree.leaves() {
                assert_eq!(leaf.start, bytes.len() as u64, "no gap and no overlap");
                bytes.extend_from_slice(&leaf.bytes);
            }
        }
        assert_eq!(bytes, recorded.bytes(direction));
    }
}

fn text(recorded: &Recorded, print: &Print) -> String {
    let mut text = String::new();
    Transcript::read(recorded, &TYPES).write(print, &mut text).expect("a string takes everything");
    text
}

fn text_becomes_the_same_bytes(recorded: &Recorded, options: u8) {
    let print = Print { times: options & 4 != 0, offsets: options & 8 != 0, ..Print::file() };
    let first = text(recorded, &print);
    let parsed = Recorded::parse(&first).unwrap_or_else(|error| panic!("{error}\n{first}"));
    for direction in Direction::BOTH {
        assert_eq!(parsed.bytes(direction), recorded.bytes(direction));
    }
    assert_eq!(parsed.late, recorded.late);
    assert_eq!(text(&parsed, &print), first);
    assert_eq!(Recorded::parse(&recorded.to_string()).as_ref(), Ok(recorded));
}

/// What a reader makes of the bytes if it gets `cut` of them at a time.
fn frames(recorded: &Recorded, keep: Keep, cut: usize) -> Vec<String> {
    let new = if recorded.late { Reader::late } else { Reader::new };
    let mut reader = new(TYPES.clone(), keep);
    let mut frames = Vec::new();
    for chunk in &recorded.chunks {
        for part in chunk.bytes.chunks(cut) {
            let events = reader.push(chunk.direction, chunk.at, part);
            events.iter().for_each(|event| is_within(event, keep));
            // What is no frame comes as it was cut.
            frames.extend(events.iter().filter(|event| event.frame.kind().is_some()).map(|event| format!("{event:?}")));
            assert!(reader.calls().count() <= keep.calls);
        }
    }
    frames
}

fn is_within(event: &Event, keep: Keep) {
    if event.frame.kind().is_some() {
        assert!(event.frame.bytes.len() <= 9 + keep.frame);
    }
    assert!(event.block.as_ref().is_none_or(|block| block.bytes().len() <= keep.block));
    for message in event.pieces.iter().filter_map(|piece| piece.message.as_ref()) {
        // A message that is whole in its frame is a part of that.
        let most = if message.places.len() > 1 { keep.message } else { keep.frame };
        assert!(message.bytes.as_ref().is_none_or(|bytes| bytes.len() <= most));
    }
}

fn any_cut_gives_the_same_frames(recorded: &Recorded, keep: Keep) {
    let whole = frames(recorded, keep, usize::MAX);
    for cut in [1, 7] {
        assert_eq!(frames(recorded, keep, cut), whole);
    }
}
