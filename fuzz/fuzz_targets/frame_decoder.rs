//! Any cut of the same bytes gives the same messages and the same end, and memory stays within what arrived.
//!
//! Input: how many cuts there are, one byte each for the length of a chunk (0 to 255), then the stream.
#![no_main]

use bytes::Bytes;
use h2grpc::wire::frame::{Decoder, FrameError};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 300;

type Outcome = (Vec<(bool, Vec<u8>)>, Result<(), FrameError>);

/// What the decoder makes of the chunks. `ahead` pushes that many before it reads, and if it is odd, the decoder is
/// detached after each message.
fn decode<'a>(chunks: impl Iterator<Item = &'a [u8]>, ahead: usize) -> Outcome {
    let mut decoder = Decoder::new(LIMIT);
    let (mut messages, mut arrived, mut delivered) = (vec![], 0, 0);
    let mut chunks = chunks.peekable();
    let mut pushed = 0;
    while let Some(chunk) = chunks.next() {
        decoder.push(Bytes::copy_from_slice(chunk));
        arrived += chunk.len();
        pushed += 1;
        assert_eq!(decoder.buffered(), arrived - delivered);
        if pushed % (ahead + 1) != 0 && chunks.peek().is_some() {
            continue;
        }
        loop {
            match decoder.next() {
                Ok(Some(frame)) => {
                    assert!(frame.payload.len() <= LIMIT);
                    assert_eq!(frame.to_bytes(), frame.payload);
                    delivered += 5 + frame.payload.len();
                    messages.push((frame.compressed, frame.payload.to_vec()));
                    assert_eq!(messages.last().map(|message| &message.1[..]), Some(decoder.last()));
                    if ahead % 2 == 1 {
                        decoder.detach();
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next().err().as_ref(), Some(&error), "an error stays");
                    assert_eq!(decoder.finish().err().as_ref(), Some(&error), "an error stays");
                    assert_eq!(decoder.buffered(), 0);
                    return (messages, Err(error));
                }
            }
        }
        assert_eq!(decoder.buffered(), arrived - delivered);
    }
    (messages, decoder.finish())
}

fuzz_target!(|data: &[u8]| {
    let Some((&count, rest)) = data.split_first() else { return };
    let (cuts, stream) = rest.split_at(rest.len().min(usize::from(count)));

    let whole = decode([stream].into_iter(), 0);
    let mut left = stream;
    let mut chunks = vec![];
    for &size in cuts {
        let (chunk, after) = left.split_at(left.len().min(usize::from(size)));
        chunks.push(chunk);
        left = after;
    }
    chunks.push(left);
    for ahead in 0..3 {
        assert_eq!(decode(chunks.iter().copied(), ahead), whole);
    }
    assert_eq!(decode(stream.chunks(1), 0), whole);

    // What was decoded encodes to the bytes it came from.
    let mut encoded = bytes::BytesMut::new();
    for (compressed, payload) in &whole.0 {
        h2grpc::wire::frame::put(&mut encoded, *compressed, payload).expect("shorter than LIMIT");
    }
    assert!(stream.starts_with(&encoded));
});
