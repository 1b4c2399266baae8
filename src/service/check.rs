//! What [`service!`](crate::service!) checks of a declaration while it is compiled.

use super::Method;

/// Gives back a service's full name, if it can stand in a path: `/package.Name/Method`.
#[doc(hidden)]
pub const fn full_name(name: &'static str) -> &'static str {
    assert!(!name.is_empty(), "the service's name is empty; it is that of the .proto: \"package.Name\"");
    let mut at = 0;
    while at < name.len() {
        let slash = name.as_bytes()[at] == b'/';
        assert!(!slash, "the service's name has a `/`; it is that of the .proto, without the method: \"package.Name\"");
        at += 1;
    }
    name
}

/// Whether more than one of `methods` has this name.
#[doc(hidden)]
pub const fn is_declared_again(name: &str, methods: &[Method]) -> bool {
    let (mut found, mut at) = (0, 0);
    while at < methods.len() {
        found += same(name.as_bytes(), methods[at].name.as_bytes()) as usize;
        at += 1;
    }
    found > 1
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = one.len();
    while at > 0 && one[at - 1] == other[at - 1] {
        at -= 1; // from the end, where the names of a service differ sooner
    }
    at == 0
}
