//! RouteGuide, the example service of the gRPC tutorials: its messages, its database and its geometry.
//!
//! Points and rectangles come in, features and distances go out; nothing here knows of HTTP/2 or of a connection. A
//! service, a client and a benchmark alike use:
//!
//! - [`geo`]: the distance of two points, the length of a route, the bounds of a rectangle;
//! - [`features`]: the database, found by exact point or by rectangle, its answers ready as bytes; behind it `index`, the
//!   search for a rectangle, and `load`, the reader of a database file;
//! - [`service`]: the service, which answers from such a database; [`notes`] is what a RouteChat call remembers;
//! - [`tour`]: the tutorial's client.
//!
//! The messages are those of `proto/route_guide.proto`. One of them in bytes, as Protocol Buffers writes it:
//!
//! ```
//! use h2grpc::route_guide::Point;
//! use prost::Message;
//!
//! let point = Point { latitude: 409146138, longitude: -746188906 };
//! assert_eq!(
//!     point.encode_to_vec(),
//!     [
//!         0x08, 0x9a, 0xa6, 0x8c, 0xc3, 0x01, // field 1, varint: 409146138
//!         0x10, 0x96, 0x9f, 0x98, 0x9c, 0xfd, 0xff, 0xff, 0xff, 0xff, 0x01, // field 2, varint: -746188906, as 64 bits
//!     ]
//! );
//! ```

pub mod arguments;
pub mod features;
pub mod geo;
mod index;
mod load;
pub mod notes;
pub mod program;
pub mod service;
pub mod tour;

pub use features::{Features, OffGlobe};
pub use index::Runs;
pub use load::LoadError;
pub use proto::{Feature, Point, Rectangle, RouteNote, RouteSummary};
pub use service::{Guide, RouteGuide, RouteGuideClient};

/// The compiled form of `proto/route_guide.proto` (a `google.protobuf.FileDescriptorSet`), for reflection and for tests
/// that hold the service's declaration against it.
pub const FILE_DESCRIPTOR_SET: &[u8] = proto::FILE_DESCRIPTOR_SET;

/// The messages, as prost generates them from `proto/route_guide.proto`. int32 fields are plain numbers, message fields
/// are `Option`s: a missing one is a value of its own.
pub mod proto {
    #![allow(missing_docs)]
    include!(concat!(env!("OUT_DIR"), "/routeguide.rs"));
}
