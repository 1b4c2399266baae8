//! The declaration in Rust and the one in `proto/` say the same.

use h2grpc::route_guide::{FILE_DESCRIPTOR_SET, RouteGuideClient};
use prost::Message;
use prost_types::FileDescriptorSet;

#[test]
fn service_macro_agrees_with_the_compiled_proto() {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let file = set.file.iter().find(|file| file.package() == "routeguide").unwrap();
    let [service] = &file.service[..] else { panic!("one service is expected") };
    assert_eq!(RouteGuideClient::NAME, format!("{}.{}", file.package(), service.name()));
    let declared: Vec<_> = RouteGuideClient::METHODS
        .iter()
        .map(|method| {
            let type_name = |name: &str| format!(".{}.{name}", file.package());
            (
                method.name.to_owned(),
                type_name(method.request),
                method.client_streaming,
                type_name(method.response),
                method.server_streaming,
            )
        })
        .collect();
    let compiled: Vec<_> = service
        .method
        .iter()
        .map(|method| {
            (
                method.name().to_owned(),
                method.input_type().to_owned(),
                method.client_streaming(),
                method.output_type().to_owned(),
                method.server_streaming(),
            )
        })
        .collect();
    assert_eq!(declared, compiled);
}
