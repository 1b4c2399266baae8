//! Names in Rust that are free: what is taken gets an underscore at its end.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase;
use prost_types::FileDescriptorSet;

/// The trait and the client of a service.
pub(crate) struct ServiceNames {
    pub(crate) server: String,
    pub(crate) client: String,
}

/// The names of all services, by their full names in the `.proto`.
pub(crate) struct Names(BTreeMap<String, ServiceNames>);

impl Names {
    /// Chooses them so that none is that of a message, an enum or another service in its package.
    pub(crate) fn of(set: &FileDescriptorSet) -> Names {
        let mut taken: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for file in &set.file {
            let taken = taken.entry(file.package()).or_default();
            taken.extend(file.message_type.iter().map(|message| message.name().to_upper_camel_case()));
            taken.extend(file.enum_type.iter().map(|kind| kind.name().to_upper_camel_case()));
        }
        let mut names = BTreeMap::new();
        for file in &set.file {
            let taken = taken.entry(file.package()).or_default();
            let full_name = |service: &str| format!("{}.{service}", file.package());
            // The traits first: a service `Till` may stand beside a service `TillClient`.
            for service in &file.service {
                let server = free(service.name().to_upper_camel_case(), taken);
                names.insert(full_name(service.name()), ServiceNames { server, client: String::new() });
            }
        }
        for file in &set.file {
            let taken = taken.entry(file.package()).or_default();
            for service in &file.service {
                let client = free(format!("{}Client", service.name().to_upper_camel_case()), taken);
                if let Some(names) = names.get_mut(&format!("{}.{}", file.package(), service.name())) {
                    names.client = client;
                }
            }
        }
        Names(names)
    }

    pub(crate) fn service(&self, package: &str, name: &str) -> &ServiceNames {
        &self.0[&format!("{package}.{name}")]
    }
}

/// `name`, with as many underscores as make it free. It is taken from now on.
pub(crate) fn free(mut name: String, taken: &mut BTreeSet<String>) -> String {
    if name == "Self" {
        name.push('_');
    }
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}
