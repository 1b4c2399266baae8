//! [`compare`]: a declaration by hand held against the `.proto` that it was copied from.

use std::{collections::BTreeMap, error, fmt};

use prost::Message;

use super::Method;

/// Compares a declaration with the service of the same name in a `google.protobuf.FileDescriptorSet`, as compilers of
/// `.proto` files write it (`protoc --include_imports --descriptor_set_out`, or the `FILE_DESCRIPTOR_SET` that
/// `h2grpc-build` keeps).
///
/// A test that calls it keeps a declaration by hand from drifting away from its `.proto`:
///
/// ```
/// # #[cfg(feature = "route-guide")] {
/// use h2grpc::route_guide::{FILE_DESCRIPTOR_SET, RouteGuideClient};
/// use h2grpc::service::compare;
///
/// compare(RouteGuideClient::NAME, RouteGuideClient::METHODS, FILE_DESCRIPTOR_SET)?;
/// # }
/// # Ok::<(), h2grpc::service::Drift>(())
/// ```
///
/// Of a message's type the last word counts: `crate::proto::Point` is taken for `routeguide.Point`, since a declaration
/// does not say which module holds which package. The order of the methods does not count.
///
/// # Errors
/// Every difference, in words.
pub fn compare(name: &str, methods: &[Method], descriptor_set: &[u8]) -> Result<(), Drift> {
    let drift = |difference| Err(Drift { service: name.to_owned(), differences: vec![difference] });
    let set = match FileDescriptorSet::decode(descriptor_set) {
        Ok(set) => set,
        Err(error) => return drift(format!("the bytes to compare with are no FileDescriptorSet: {error}")),
    };
    let mut services: BTreeMap<String, &ServiceDescriptor> = BTreeMap::new();
    for file in &set.file {
        services.extend(file.service.iter().map(|service| (file.full_name(&service.name), service)));
    }
    let Some(service) = services.get(name) else {
        let there_are: Vec<&str> = services.keys().map(String::as_str).collect();
        return drift(match there_are[..] {
            [] => "the .proto has no service at all".to_owned(),
            _ => format!("the .proto has no service of this name; it has {}", there_are.join(", ")),
        });
    };
    let differences = differences(methods, &service.method);
    if differences.is_empty() { Ok(()) } else { Err(Drift { service: name.to_owned(), differences }) }
}

/// What [`compare`] found: the ways in which a declaration is not what its `.proto` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    service: String,
    differences: Vec<String>,
}

impl Drift {
    /// The differences, each a sentence.
    pub fn differences(&self) -> &[String] {
        &self.differences
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the declaration of {} differs from its .proto: {}", self.service, self.differences.join("; "))
    }
}

impl error::Error for Drift {}

fn differences(declared: &[Method], compiled: &[MethodDescriptor]) -> Vec<String> {
    let mut differences = Vec::new();
    for method in declared {
        let name = method.name;
        let Some(is) = compiled.iter().find(|compiled| compiled.name == name) else {
            differences.push(format!("the rpc {name} is declared, and the .proto has no such rpc"));
            continue;
        };
        let halves = [
            ("takes", method.client_streaming, method.request, is.client_streaming, &is.input_type),
            ("returns", method.server_streaming, method.response, is.server_streaming, &is.output_type),
        ];
        for (verb, is_stream, rust, should_stream, proto) in halves {
            if is_stream != should_stream || !is_same_type(rust, proto) {
                let declared = parenthesized(is_stream, rust);
                let expected = parenthesized(should_stream, proto.trim_start_matches('.'));
                differences.push(format!("the rpc {name} {verb} {declared}, and in the .proto {expected}"));
            }
        }
    }
    for method in compiled {
        if !declared.iter().any(|declared| declared.name == method.name) {
            differences.push(format!("the rpc {} of the .proto is not declared", method.name));
        }
    }
    differences
}

/// As a `.proto` writes it: `(stream Point)`.
fn parenthesized(is_stream: bool, message: &str) -> String {
    format!("({}{message})", if is_stream { "stream " } else { "" })
}

/// Whether a Rust type may be the message `proto`, such as `.routeguide.Point`. Its case may be another, because
/// prost-build makes `HTTPRule` and `HTTP_RULE` both `HttpRule`.
fn is_same_type(rust: &str, proto: &str) -> bool {
    let rust = rust.rsplit("::").next().unwrap_or(rust);
    let plain = |name: &str| name.replace(['_', ' '], "").to_lowercase();
    let well_known = match proto.strip_prefix(".google.protobuf.") {
        Some("Empty") => "()",
        Some("BoolValue") => "bool",
        Some("BytesValue") => "Vec<u8>",
        Some("DoubleValue") => "f64",
        Some("FloatValue") => "f32",
        Some("Int32Value") => "i32",
        Some("Int64Value") => "i64",
        Some("StringValue") => "String",
        Some("UInt32Value") => "u32",
        Some("UInt64Value") => "u64",
        _ => proto,
    };
    rust == well_known || proto.rsplit('.').next().is_some_and(|last| plain(rust) == plain(last))
}

// The fields of google/protobuf/descriptor.proto that are compared.

#[derive(Clone, PartialEq, Message)]
struct FileDescriptorSet {
    #[prost(message, repeated, tag = "1")]
    file: Vec<FileDescriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct FileDescriptor {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "6")]
    service: Vec<ServiceDescriptor>,
}

impl FileDescriptor {
    fn full_name(&self, service: &str) -> String {
        if self.package.is_empty() { service.to_owned() } else { format!("{}.{service}", self.package) }
    }
}

#[derive(Clone, PartialEq, Message)]
struct ServiceDescriptor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    method: Vec<MethodDescriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct MethodDescriptor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    input_type: String,
    #[prost(string, tag = "3")]
    output_type: String,
    #[prost(bool, tag = "5")]
    client_streaming: bool,
    #[prost(bool, tag = "6")]
    server_streaming: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_its_last_word() {
        for (rust, proto) in [
            ("Point", ".routeguide.Point"),
            ("crate::proto::Point", ".routeguide.Point"),
            ("outer::Inner", ".a.Outer.Inner"),
            ("HttpRule", ".a.HTTP_Rule"),
            ("Self_", ".a.Self"),
            ("()", ".google.protobuf.Empty"),
            ("prost_types::Empty", ".google.protobuf.Empty"),
            ("::prost_types::Timestamp", ".google.protobuf.Timestamp"),
            ("::prost::alloc::string::String", ".google.protobuf.StringValue"),
            ("::prost::alloc::vec::Vec<u8>", ".google.protobuf.BytesValue"),
        ] {
            assert!(is_same_type(rust, proto), "{rust} {proto}");
        }
        for (rust, proto) in
            [("Point", ".routeguide.Feature"), ("()", ".a.Empty"), ("String", ".a.StringValue"), ("", ".a.B")]
        {
            assert!(!is_same_type(rust, proto), "{rust} {proto}");
        }
    }
}
