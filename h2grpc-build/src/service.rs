//! The text of a service: a `h2grpc::service!` declaration, as one would write it by hand.

use std::collections::BTreeSet;

use prost_build::{Method, Service};

use crate::names::{Names, free};

/// Lines up to this long have their columns aligned.
const WIDTH: usize = 120;

/// Appends the declaration of `service`.
pub(crate) fn write(service: &Service, names: &Names, text: &mut String) {
    let own = names.service(&service.package, &service.proto_name);
    let full_name = match &service.package[..] {
        "" => service.proto_name.clone(),
        package => format!("{package}.{}", service.proto_name),
    };
    text.truncate(text.trim_end().len());
    text.push_str("\n\nh2grpc::service! {\n");
    service.comments.append_with_indent(1, text);
    text.push_str(&format!("    pub service {}(\"{full_name}\") client {} {{", own.server, own.client));
    let rpcs = rpcs(&service.methods);
    for (method, rpc) in service.methods.iter().zip(rpcs) {
        text.push('\n');
        method.comments.append_with_indent(2, text);
        text.push_str(&format!("        {rpc}"));
    }
    text.push_str(if service.methods.is_empty() { "}\n}\n" } else { "\n    }\n}\n" });
}

/// The lines of the rpcs: `rpc Scan as scan (stream Item) returns (Receipt);`.
fn rpcs(methods: &[Method]) -> Vec<String> {
    let mut taken = BTreeSet::from(["into_service".to_owned()]); // of the server's trait
    let rows: Vec<[String; 4]> = methods
        .iter()
        .map(|method| {
            [
                method.proto_name.clone(),
                free(method.name.clone(), &mut taken),
                in_parentheses(method.client_streaming, &method.input_type),
                in_parentheses(method.server_streaming, &method.output_type),
            ]
        })
        .collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let aligned = [widest(0), widest(1), widest(2)];
    let length: usize = aligned.iter().sum::<usize>() + widest(3);
    let [name, rust, request] = if length + 32 <= WIDTH { aligned } else { [0; 3] };
    rows.iter().map(|[a, b, c, d]| format!("rpc {a:name$} as {b:rust$} {c:request$} returns {d};")).collect()
}

fn in_parentheses(streaming: bool, path: &str) -> String {
    // `service!` takes the word `stream` for that of the .proto, also where it is a module's name.
    let path = if path.starts_with("stream::") { format!("self::{path}") } else { path.to_owned() };
    if streaming { format!("(stream {path})") } else { format!("({path})") }
}

/// The constant with the descriptors of the package, whose bytes are in a file beside.
pub(crate) fn descriptor_set_const(package: &str) -> String {
    format!(
        "\n/// The `.proto` files of this package and all that they import, compiled: an encoded\n\
         /// `google.protobuf.FileDescriptorSet`, for server reflection.\n\
         #[allow(dead_code)]\n\
         pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(\"{package}.bin\");\n"
    )
}
