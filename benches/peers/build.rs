//! Compiles the RouteGuide definition for prost and tonic with protox: no protoc is needed.

use std::error::Error;

const PROTO: &str = "../../proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO}/route_guide.proto");
    let descriptors = protox::compile(["route_guide.proto"], [PROTO])?;
    tonic_prost_build::configure().build_transport(false).compile_fds(descriptors)?;
    Ok(())
}
