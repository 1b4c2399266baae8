//! Any bytes decode to some text, and any text survives the wire, whole or cut.
#![no_main]

use h2grpc::wire::percent::{decode, encode, encode_within};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = decode(data);
    let encoded = encode(&text);
    assert!(encoded.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "a legal header value");
    assert_eq!(encoded.trim(), encoded);
    assert_eq!(decode(encoded.as_bytes()), text);

    let room = usize::from(data.first().copied().unwrap_or(0));
    let cut = encode_within(&text, room);
    assert!(cut.len() <= room);
    assert_eq!(cut.trim_end(), cut);
    assert!(text.starts_with(&*decode(cut.as_bytes())));
});
