//! A whole server against a client that sends whatever the fuzzer thinks of: see `src/server/mod.rs`.
#![no_main]

use h2grpc_fuzz::server::{Script, run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: Script| run(&script));
