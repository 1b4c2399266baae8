//! The names that .proto files give to numbers, from compiled descriptors.

use std::{collections::HashMap, mem::take};

use prost::Message;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet, MethodDescriptorProto};

/// The names that .proto files give to numbers: messages, enums, and the methods' types.
#[derive(Clone, Debug, Default)]
pub struct Types {
    pub(super) messages: HashMap<String, DescriptorProto>,
    pub(super) enums: HashMap<String, EnumDescriptorProto>,
    methods: Vec<(String, MethodDescriptorProto)>,
}

impl Types {
    /// Reads an encoded `google.protobuf.FileDescriptorSet`, as protoc and protox write it.
    ///
    /// # Errors
    /// The bytes are not such a message.
    pub fn decode(descriptors: &[u8]) -> Result<Self, prost::DecodeError> {
        let mut types = Self::default();
        for file in FileDescriptorSet::decode(descriptors)?.file {
            let package = file.package().to_owned();
            let scope = if package.is_empty() { package } else { format!(".{package}") };
            let mut scopes = vec![(scope.clone(), file.message_type, file.enum_type)];
            while let Some((scope, messages, enums)) = scopes.pop() {
                types.enums.extend(enums.into_iter().map(|kind| (format!("{scope}.{}", kind.name()), kind)));
                for mut message in messages {
                    let name = format!("{scope}.{}", message.name());
                    scopes.push((name.clone(), take(&mut message.nested_type), take(&mut message.enum_type)));
                    types.messages.insert(name, message);
                }
            }
            for service in file.service {
                let name = format!("{scope}.{}", service.name());
                types.methods.extend(service.method.into_iter().map(|method| (name[1..].to_owned(), method)));
            }
        }
        Ok(types)
    }

    /// The message types of request and answer for a `:path`. A service that is served under an alias is found by the
    /// last segment of its name: `/RouteGuide/GetFeature` as `/routeguide.RouteGuide/GetFeature`.
    pub fn method(&self, path: &str) -> Option<(&str, &str)> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
        let fits = self.methods.iter().filter(|(name, it)| it.name() == method && last(name) == last(service));
        let (_, found) = fits.min_by_key(|(name, _)| name != service)?;
        Some((found.input_type().trim_start_matches('.'), found.output_type().trim_start_matches('.')))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::route_guide;
    use super::*;

    #[test]
    fn a_path_names_the_types_of_request_and_answer() {
        let types = route_guide();
        let expected = Some(("routeguide.Point", "routeguide.Feature"));
        assert_eq!(types.method("/routeguide.RouteGuide/GetFeature"), expected);
        assert_eq!(types.method("/RouteGuide/GetFeature"), expected, "by the last segment");
        for path in ["", "/", "RouteGuide/GetFeature", "/Other/GetFeature", "/RouteGuide/Other"] {
            assert_eq!(types.method(path), None, "{path}");
        }
        assert!(Types::decode(&[0xff]).is_err());
    }
    #[test]
    fn the_descriptors_name_every_method() {
        let set = FileDescriptorSet::decode(crate::route_guide::FILE_DESCRIPTOR_SET);
        let types = route_guide();
        for service in set.unwrap().file.iter().flat_map(|file| &file.service) {
            for method in &service.method {
                assert!(types.method(&format!("/{}/{}", service.name(), method.name())).is_some());
            }
        }
    }
}
