//! A `grpc-timeout` is refused, or its meaning survives being written again.
#![no_main]

use h2grpc::wire::timeout::{format, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match parse(data) {
        Ok(timeout) => {
            assert!((2..=9).contains(&data.len()));
            assert_eq!(parse(format(timeout).as_bytes()), Ok(timeout));
        }
        Err(error) => assert!(error.to_string().len() < 500, "an error text is bounded"),
    }
    if let Some((secs, rest)) = data.split_first_chunk()
        && let Some((nanos, _)) = rest.split_first_chunk()
    {
        let nanos = u32::from_be_bytes(*nanos) % 1_000_000_000;
        let timeout = std::time::Duration::new(u64::from_be_bytes(*secs), nanos);
        let written = format(timeout);
        let read = parse(written.as_bytes()).expect("our own value");
        assert!(read >= timeout || written == "99999999H", "never shortened");
    }
});
