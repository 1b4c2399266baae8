fn main() -> Result<(), h2grpc_build::Error> {
    h2grpc_build::compile(
        &["proto/shop/till.proto", "proto/shop/stock.proto", "proto/plain.proto", "proto/service_only.proto"],
        &["proto"],
    )
}
