//! Shows what gRPC clients and servers say to each other: `tap --help` tells how.

fn main() {}
