//! A whole client against a server that answers whatever the fuzzer thinks of: see `src/client/mod.rs`.
#![no_main]

use h2grpc_fuzz::client::{Script, run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: Script| run(&script));
