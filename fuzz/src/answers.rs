//! What a server has answered on each stream, put together from its frames.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};

use crate::tape::{Event, Fields};

/// The answer on one stream, as far as it has come.
#[derive(Debug, Default)]
pub struct Answer {
    /// The header blocks, those of informational responses aside: head and trailers, or both in one.
    pub blocks: Vec<Fields>,
    /// The content of all DATA frames.
    pub body: Vec<u8>,
    /// END_STREAM came.
    pub has_ended: bool,
    /// The code of RST_STREAM, if that came; of several, the first. h2 sends more for frames that come late.
    pub reset: Option<u32>,
    /// Frames came in an order that HTTP/2 does not allow. They say nothing.
    pub is_out_of_order: bool,
}

/// The answers among `events`, by their streams.
pub fn answers(events: &[Event]) -> BTreeMap<u32, Answer> {
    let mut answers = BTreeMap::<u32, Answer>::new();
    for event in events {
        match event {
            Event::Block { stream, ends, fields } => answers.entry(*stream).or_default().add_block(*ends, fields),
            Event::Data { stream, ends, content, .. } => answers.entry(*stream).or_default().add_data(*ends, content),
            Event::Reset { stream, code } => {
                answers.entry(*stream).or_default().reset.get_or_insert(*code);
            }
            _ => {}
        }
    }
    answers
}

impl Answer {
    fn add_block(&mut self, ends: bool, fields: &Fields) {
        let is_informational = all(fields, b":status").any(|status| status.starts_with(b"1"));
        if self.is_over() {
            self.is_out_of_order = true;
            return;
        }
        self.is_out_of_order |= (self.blocks.len() == 1 && !ends) || (is_informational && ends);
        if !is_informational {
            self.blocks.push(fields.clone());
        }
        self.has_ended |= ends;
    }

    fn add_data(&mut self, ends: bool, content: &[u8]) {
        if self.is_over() || self.blocks.len() != 1 {
            self.is_out_of_order = true;
            return;
        }
        self.body.extend_from_slice(content);
        self.has_ended |= ends;
    }

    fn is_over(&self) -> bool {
        self.has_ended || self.reset.is_some()
    }

    /// The values of a field in the last block, which has the status if the stream has ended.
    pub fn last(&self, name: &'static [u8]) -> impl Iterator<Item = &Bytes> {
        self.blocks.last().into_iter().flat_map(move |fields| all(fields, name))
    }

    /// `grpc-status` where the stream has ended with a block that has it; of several, the first.
    pub fn status(&self) -> Option<u32> {
        let status = self.last(b"grpc-status").next().filter(|_| self.has_ended)?;
        let is_number = !status.is_empty() && status.iter().all(u8::is_ascii_digit);
        str::from_utf8(status).ok().filter(|_| is_number)?.parse().ok()
    }

    /// The messages of the body; none if it is not a string of whole messages that are not compressed.
    pub fn messages(&self) -> Option<Vec<Bytes>> {
        let mut rest = Bytes::copy_from_slice(&self.body);
        let mut messages = Vec::new();
        while !rest.is_empty() {
            if rest.len() < 5 || rest.get_u8() != 0 {
                return None;
            }
            let length = rest.get_u32() as usize;
            if length > rest.len() {
                return None;
            }
            messages.push(rest.split_to(length));
        }
        Some(messages)
    }
}

/// The values of the fields of this name.
pub fn all<'a>(fields: &'a Fields, name: &'static [u8]) -> impl Iterator<Item = &'a Bytes> {
    fields.iter().filter(move |(found, _)| found == name).map(|(_, value)| value)
}
