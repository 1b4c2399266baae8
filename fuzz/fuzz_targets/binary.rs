//! Any bytes survive base64, padded or not; what decodes does so each time; splitting loses nothing.
#![no_main]

use h2grpc::wire::binary::{decode, encode, encoded_len, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut value = encode(data);
    assert_eq!(value.len(), encoded_len(data.len()));
    assert_eq!(decode(value.as_bytes()).as_deref(), Ok(data));
    value.push_str(["", "", "==", "="][value.len() % 4]);
    assert_eq!(decode(value.as_bytes()).as_deref(), Ok(data));

    let commas = data.iter().filter(|byte| **byte == b',').count();
    assert_eq!(split(data).count(), commas + 1);
    for part in split(data) {
        match decode(part) {
            Ok(bytes) => assert_eq!(decode(encode(&bytes).as_bytes()), Ok(bytes)),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
