//! One direction of a TCP connection: segments become a stream of bytes, in whatever order and how often they come.

use std::collections::BTreeMap;
use std::time::Duration;

/// What comes next in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes, and when they passed.
    Bytes(Duration, Vec<u8>),
    /// So many bytes that were not captured.
    Missing(Duration, u64),
}

/// The bytes of one direction, counted from the first that is known.
#[derive(Debug, Default)]
pub struct Stream {
    /// The sequence number of the next byte, and how many bytes came before it.
    next: Option<(u32, u64)>,
    /// Segments that came before others which belong before them, by their places.
    early: BTreeMap<u64, Early>,
    held: usize,
}

#[derive(Debug)]
struct Early {
    at: Duration,
    bytes: Vec<u8>,
    cut: usize,
}

/// So many bytes, and so many segments, wait for those before them. Then those count as missing.
const HELD: usize = 1024 * 1024;
const EARLY: usize = 4096;

impl Stream {
    /// The connection begins: the first byte has the number after this one.
    pub fn begin(&mut self, syn: u32) {
        *self = Stream { next: Some((syn.wrapping_add(1), 0)), ..Stream::default() };
    }

    /// Takes a segment, of which `cut` bytes at its end were not captured. Returns what can be read now.
    pub fn segment(&mut self, at: Duration, number: u32, bytes: &[u8], cut: usize) -> Vec<Piece> {
        let (next, before) = *self.next.get_or_insert((number, 0));
        // Numbers wrap around: half of them are behind, half ahead.
        let offset = i64::from(number.wrapping_sub(next) as i32);
        // What is behind has been read already, from the segment's bytes and then from what was cut off.
        let behind = usize::try_from(-offset).unwrap_or(0);
        let place = before.saturating_add_signed(offset.max(0));
        let cut = cut.saturating_sub(behind.saturating_sub(bytes.len()));
        let bytes = &bytes[behind.min(bytes.len())..];
        let is_longer = self.early.get(&place).is_none_or(|early| early.bytes.len() < bytes.len());
        if (!bytes.is_empty() || cut > 0) && is_longer {
            self.held += bytes.len();
            let replaced = self.early.insert(place, Early { at, bytes: bytes.to_vec(), cut });
            self.held -= replaced.map_or(0, |early| early.bytes.len());
        }
        let mut pieces = self.ready();
        while self.held > HELD || self.early.len() > EARLY {
            pieces.extend(self.give_up());
        }
        pieces
    }

    /// The other side has everything before this number: what was not captured will not come.
    pub fn acknowledged(&mut self, number: u32) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while let (Some((next, before)), Some((place, early))) = (self.next, self.early.first_key_value()) {
            let acknowledged = before.saturating_add_signed(i64::from(number.wrapping_sub(next) as i32));
            if acknowledged < place + early.bytes.len() as u64 {
                break;
            }
            pieces.extend(self.give_up());
        }
        pieces
    }

    /// There is no more: everything that waits, with what is missing in between.
    pub fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while !self.early.is_empty() {
            pieces.extend(self.give_up());
        }
        pieces
    }

    /// What lies before the first segment that waits counts as missing.
    fn give_up(&mut self) -> Vec<Piece> {
        let (Some((place, early)), Some((next, before))) = (self.early.first_key_value(), self.next) else {
            return Vec::new();
        };
        let missing = place.saturating_sub(before);
        let mut pieces = Vec::from_iter((missing > 0).then_some(Piece::Missing(early.at, missing)));
        self.next = Some((next.wrapping_add(missing as u32), before + missing));
        pieces.extend(self.ready());
        pieces
    }

    /// Takes what follows without a gap.
    fn ready(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while let Some((next, before)) = self.next {
            let Some(first) = self.early.first_entry().filter(|first| *first.key() <= before) else { break };
            let (place, Early { at, bytes, cut }) = first.remove_entry();
            self.held -= bytes.len();
            let known = (before - place).min(bytes.len() as u64) as usize;
            let fresh = &bytes[known..];
            let end = place + (bytes.len() + cut) as u64;
            if end <= before {
                continue;
            }
            pieces.extend((!fresh.is_empty()).then(|| Piece::Bytes(at, fresh.to_vec())));
            pieces.extend((cut > 0).then_some(Piece::Missing(at, cut as u64)));
            self.next = Some((next.wrapping_add((end - before) as u32), end));
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Duration = Duration::ZERO;

    /// Bytes as they are, and `<3>` for three that are missing.
    fn text(pieces: &[Piece]) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Bytes(_, bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Piece::Missing(_, missing) => format!("<{missing}>"),
        };
        pieces.iter().map(piece).collect()
    }

    fn begun() -> Stream {
        let mut stream = Stream::default();
        stream.begin(u32::MAX - 2);
        stream
    }

    /// The number of the byte at a place: it wraps around after the second one.
    fn number(place: usize) -> u32 {
        (u32::MAX - 1).wrapping_add(place as u32)
    }

    #[test]
    fn segments_out_of_order_and_sent_again_are_one_stream() {
        let mut stream = begun();
        let mut pieces = Vec::new();
        for (place, bytes) in [(0, "ab"), (4, "ef"), (4, "efg"), (2, "cd"), (0, "abcd"), (5, "fgh"), (3, "de")] {
            pieces.extend(stream.segment(NOW, number(place), bytes.as_bytes(), 0));
        }
        assert_eq!(text(&pieces), "abcdefgh");
        assert_eq!((stream.held, stream.early.len()), (0, 0));
    }

    #[test]
    fn what_was_not_captured_is_missing_once_the_other_side_has_it() {
        let mut stream = begun();
        assert_eq!(text(&stream.segment(NOW, number(0), b"ab", 0)), "ab");
        assert_eq!(text(&stream.segment(NOW, number(5), b"fg", 0)), "");
        assert_eq!(text(&stream.acknowledged(number(2))), "");
        assert_eq!(text(&stream.acknowledged(number(7))), "<3>fg");
        assert_eq!(text(&stream.segment(NOW, number(2), b"cde", 0)), "", "it comes too late");
        assert_eq!(text(&stream.segment(NOW, number(9), b"j", 0)), "");
        assert_eq!(text(&stream.finish()), "<2>j");
    }

    #[test]
    fn what_was_cut_off_is_missing() {
        let mut stream = begun();
        assert_eq!(text(&stream.segment(NOW, number(0), b"ab", 3)), "ab<3>");
        assert_eq!(text(&stream.segment(NOW, number(5), b"f", 0)), "f");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut stream = begun();
        let mut pieces = Vec::new();
        for segment in 0..3000 {
            pieces.extend(stream.segment(NOW, number(1 + segment * 1000), &[b'x'; 1000], 0));
            assert!(stream.held <= HELD);
        }
        assert!(pieces.contains(&Piece::Missing(NOW, 1)));
    }

    proptest! {
        #[test]
        fn however_segments_come_the_stream_is_the_same(
            mut segments in prop::collection::vec((0usize..60, 1usize..20), 0..40), seed: u64,
        ) {
            let whole: Vec<u8> = (0..80).collect();
            segments.extend((0..80).step_by(7).map(|from| (from, 7)));
            let length = segments.len() as u64;
            segments.sort_by_key(|(from, count)| (seed ^ (*from as u64 * 31 + *count as u64)) % length);
            let mut stream = begun();
            let mut read = Vec::new();
            for (from, count) in segments {
                let bytes = &whole[from..(from + count).min(80)];
                for piece in stream.segment(NOW, number(from), bytes, 0) {
                    let Piece::Bytes(_, bytes) = piece else { panic!("nothing is missing") };
                    read.extend(bytes);
                }
            }
            prop_assert_eq!(read, whole);
        }
    }
}
