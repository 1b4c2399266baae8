//! Every answer is compared with what is due: as bytes first, which is cheap; where the bytes differ, as decoded values,
//! since a message may be encoded in more than one way.

use std::ops::Range;

use prost::Message;

use crate::data;

/// A list of messages and the bytes of their frames, one after another.
pub struct Expected<M> {
    messages: Vec<M>,
    bytes: Vec<u8>,
    /// Where each message's frame starts; one more for the end.
    starts: Vec<usize>,
}

impl<M: Message + PartialEq + Default> Expected<M> {
    pub fn new(messages: Vec<M>) -> Self {
        let (mut bytes, mut starts) = (Vec::new(), vec![0]);
        for message in &messages {
            data::frame(message, &mut bytes);
            starts.push(bytes.len());
        }
        Self { messages, bytes, starts }
    }

    /// How many messages there are.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// The frames of some of the messages.
    pub fn frames(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[self.starts[range.start]..self.starts[range.end]]
    }

    /// Starts to check an answer that should consist of these messages.
    pub fn check(&self, range: Range<usize>) -> Check {
        Check { at: self.starts[range.start], next: range.start, end: range.end, other: None }
    }

    /// Compares the next bytes of an answer. False when they are wrong.
    pub fn feed(&self, check: &mut Check, bytes: &[u8]) -> bool {
        if check.other.is_none() {
            let same = self.bytes[check.at..self.starts[check.end]].get(..bytes.len()) == Some(bytes);
            if same {
                check.at += bytes.len();
                if check.at == self.starts[check.end] {
                    check.next = check.end;
                }
                return true;
            }
            // From here on by value, beginning with the message that is under way.
            let whole = self.starts.partition_point(|start| *start <= check.at) - 1;
            check.next = whole.max(check.next);
            check.other = Some(self.bytes[self.starts[check.next]..check.at].to_vec());
        }
        self.feed_values(check, bytes)
    }

    fn feed_values(&self, check: &mut Check, bytes: &[u8]) -> bool {
        let Some(buffer) = &mut check.other else { return false };
        buffer.extend_from_slice(bytes);
        let mut rest = buffer.as_slice();
        while let Some((&[flag, a, b, c, d], body)) = rest.split_first_chunk::<5>() {
            let Some((message, after)) = body.split_at_checked(u32::from_be_bytes([a, b, c, d]) as usize) else {
                break;
            };
            let right = flag == 0
                && check.next < check.end
                && M::decode(message).is_ok_and(|message| message == self.messages[check.next]);
            if !right {
                return false;
            }
            check.next += 1;
            rest = after;
        }
        let used = buffer.len() - rest.len();
        buffer.drain(..used);
        true
    }
}

/// How far the answer to one call has been compared.
#[derive(Default)]
pub struct Check {
    at: usize,
    next: usize,
    end: usize,
    other: Option<Vec<u8>>,
}

impl Check {
    /// All that was due has come, and nothing else.
    pub fn complete(&self) -> bool {
        self.next == self.end && self.other.as_ref().is_none_or(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Point;

    fn points() -> Expected<Point> {
        Expected::new((1..5).map(|i| Point { latitude: i, longitude: -i }).collect())
    }

    fn right_at_any_cut(expected: &Expected<Point>, due: std::ops::Range<usize>, bytes: &[u8]) {
        for cut in 0..=bytes.len() {
            let mut check = expected.check(due.clone());
            assert!(expected.feed(&mut check, &bytes[..cut]) && expected.feed(&mut check, &bytes[cut..]));
            assert!(check.complete(), "cut at {cut}");
        }
    }

    #[test]
    fn the_same_bytes_are_right_at_any_cut() {
        let expected = points();
        right_at_any_cut(&expected, 1..4, expected.frames(1..4));
    }

    #[test]
    fn other_bytes_with_the_same_values_are_right_at_any_cut() {
        let expected = points();
        let (mut bytes, mut body) = (expected.frames(0..1).to_vec(), vec![0x10]);
        // The second message with its fields in the other order.
        prost::encoding::encode_varint(-2i64 as u64, &mut body);
        body.extend([0x08, 2]);
        bytes.extend([0, 0, 0, 0, body.len() as u8]);
        bytes.extend(body);
        bytes.extend(expected.frames(2..4));
        right_at_any_cut(&expected, 0..4, &bytes);
    }

    #[test]
    fn a_wrong_value_a_missing_and_a_spare_message_are_noticed() {
        let expected = points();
        let mut check = expected.check(0..2);
        assert!(!expected.feed(&mut check, expected.frames(1..3)));
        let mut check = expected.check(0..2);
        assert!(expected.feed(&mut check, expected.frames(0..1)) && !check.complete());
        let mut check = expected.check(0..2);
        assert!(!expected.feed(&mut check, expected.frames(0..3)));
    }
}
