//! Compiles the messages of `proto/route_guide.proto`, for the feature that needs them. The service's declaration is
//! written by hand, in `src/route_guide/service.rs`.

#[cfg(feature = "route-guide")]
fn main() -> Result<(), h2grpc_build::Error> {
    h2grpc_build::Builder::new().messages_only().compile(&["proto/route_guide.proto"], &["proto"])
}

#[cfg(not(feature = "route-guide"))]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
