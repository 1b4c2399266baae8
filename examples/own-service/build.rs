fn main() -> Result<(), h2grpc_build::Error> {
    h2grpc_build::compile(&["proto/till.proto"], &["proto"])
}
