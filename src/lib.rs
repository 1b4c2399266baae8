//! gRPC on the wire, by hand: a small gRPC stack built directly on the [`h2`] crate.
//!
//! This page is the map. It follows one call, the tutorial's `GetFeature`, through every room of the house, with the
//! bytes that `cargo run --release` shows for it. To *use* the stack, begin with [`service!`] and [`server`].
//!
//! # The rooms, in reading order
//!
//! | room | what comes in, what goes out |
//! |---|---|
//! | [`wire`] | bytes to values and back, each production of the specification in a file: [`wire::head`], [`wire::frame`], [`wire::timeout`], [`wire::percent`], [`wire::binary`], [`wire::code`] |
//! | [`status`], [`metadata`], [`limits`] | the values that all rooms share: how a call ended, what it says besides messages, what a peer may make us hold |
//! | [`codec`] | a message to the payload of a frame and back, by `prost` |
//! | [`call`] | one call on a pair of HTTP/2 streams: messages in, messages out, deadline, cancellation |
//! | [`service!`] | a declaration to a trait for the server and a typed client |
//! | [`connection`] | what the connections of both sides share: the byte stream, its turns, keepalive |
//! | [`server`] | sockets to connections to calls, and a stop that finishes what has begun |
//! | [`client`] | a channel that dials when it is needed, and calls over it |
//! | [`route_guide`] | the example: its database, its geometry, its four handlers |
//! | [`transcript`] | the bytes of a connection with their meaning, as below |
//!
//! # One call
//!
//! **1. Bytes.** [`server::listen`] has a socket, and each connection becomes one task that takes turns over a
//! [`ByteStream`](connection::ByteStream). h2 reads HTTP/2 from it: the preface, SETTINGS, and then this HEADERS frame.
//!
//! ```text
//! -> HEADERS  stream 1  END_HEADERS  76 bytes                             request head
//!     00 00 4c 01 04 00 00 00 01           frame header: length 76, type 1, flags 0x04, stream 1
//!     83                                   :method: POST
//!     86                                   :scheme: http
//!     41 8b 08 9d 5c 0b 81 70 dc 65 ..     :authority: 127.0.0.1:38307
//!     04 98 62 c3 da 92 cd 69 a4 2a ..     :path: /routeguide.RouteGuide/GetFeature
//!     40 82 49 7f 86 4d 83 35 05 b1 1f     te: trailers
//!     5f 8b 1d 75 d0 62 0d 26 3d 4c ..     content-type: application/grpc
//!     7a 89 9c 53 59 59 18 02 e1 5c 1f     user-agent: h2grpc/0.1.0
//! ```
//!
//! **2. Head.** [`wire::head::read_request`] checks it and finds the path, and the deadline where a `grpc-timeout` is
//! there ([`wire::timeout`]). The other headers become the call's [`Metadata`](metadata::Metadata). A head that breaks
//! a rule is answered here, with an HTTP status or a gRPC [`Status`](status::Status), and no handler sees it.
//!
//! **3. Route.** The [`Router`](server::Router) finds the [`Service`](server::Service) by the path's first half and its
//! [`Method`](server::Method) by the second. The dispatch that [`service!`] wrote puts the call into the method's
//! shape: here [`IncomingCall::unary`](call::IncomingCall::unary).
//!
//! **4. Message.** The DATA frame holds a Length-Prefixed-Message, five bytes and a payload. [`wire::frame::Decoder`]
//! takes it out however it was cut, [`codec`] decodes it, and [`call::Inbound`] hands it over.
//!
//! ```text
//! -> DATA     stream 1  END_STREAM  22 bytes                              message 1
//!     00 00 16 00 01 00 00 00 01           frame header: length 22, type 0, flags 0x01, stream 1
//!     00                                   flag: 0                         not compressed
//!     00 00 00 11                          length: 17                      routeguide.Point
//!     08 9a a6 8c c3 01                    1 latitude: 409146138           VARINT int32
//!     10 96 9f 98 9c fd ff ff ff ff 01     2 longitude: -746188906         VARINT int32, negative: 10 bytes
//! ```
//!
//! The same in code:
//!
//! ```
//! use bytes::Bytes;
//! use h2grpc::wire::frame::Decoder;
//!
//! let mut decoder = Decoder::new(4 << 20);
//! decoder.push(Bytes::from_static(b"\x00\x00\x00\x00\x11\x08\x9a\xa6\x8c\xc3\x01")); // the rest comes later
//! assert!(decoder.next()?.is_none());
//! decoder.push(Bytes::from_static(b"\x10\x96\x9f\x98\x9c\xfd\xff\xff\xff\xff\x01"));
//! assert_eq!(decoder.next()?.map(|frame| frame.to_bytes().len()), Some(17));
//! # Ok::<(), h2grpc::wire::frame::FrameError>(())
//! ```
//!
//! **5. Handler.** `get_feature` of [`route_guide`] is polled in the connection's own task: it costs no task and
//! no wake-up. It gives a message, or a [`Status`](status::Status) that says why not.
//!
//! **6. Answer.** [`call::Outbound`] gathers frames and hands them to h2 when there are enough ([`limits::BATCH`]) or
//! when the handler waits or ends, within the client's flow-control window. Head, message and trailers of this call
//! leave in one system call.
//!
//! ```text
//! <- HEADERS  stream 1  END_HEADERS  14 bytes                             response head
//!     00 00 0e 01 04 00 00 00 01           frame header: length 14, type 1, flags 0x04, stream 1
//!     88                                   :status: 200
//!     5f 8b 1d 75 d0 62 0d 26 3d 4c ..     content-type: application/grpc
//! <- DATA     stream 1  84 bytes                                          message 1
//!     00 00 54 00 00 00 00 00 01           frame header: length 84, type 0, flags 0x00, stream 1
//!     00                                   flag: 0                         not compressed
//!     00 00 00 4f                          length: 79                      routeguide.Feature
//!     0a 3a 42 65 72 6b 73 68 69 72 ..     1 name: "Berkshire Valley Management Area Trail, Jefferson, NJ, USA"
//!     12 11 08 9a a6 8c c3 01 10 96 ..     2 location: the point that was asked for
//! ```
//!
//! **7. Trailers.** The call ends with its status, which [`wire::head::put_status`] writes: the code, and for
//! an error its message ([`wire::percent`]) and details ([`wire::binary`]).
//!
//! ```text
//! <- HEADERS  stream 1  END_STREAM  END_HEADERS  12 bytes                 trailers
//!     00 00 0c 01 05 00 00 00 01           frame header: length 12, type 1, flags 0x05, stream 1
//!     40 88 9a ca c8 b2 12 34 da 8f 81 07  grpc-status: 0                  OK
//! ```
//!
//! **8. The other side.** The client is the mirror image: the typed client of [`service!`] has a [`client::Caller`],
//! which opens a stream on its [`client::Channel`], sends head and message, and reads head, message and trailers as a
//! [`call::Response`], or as the `Status` that the trailers, a reset stream or a lost connection ([`wire::code`]) stand
//! for.
//!
//! **9. The picture.** The listings above are [`transcript`]'s: it records a connection's bytes, and reads them by its
//! own code.
//!
//! # Features
//!
//! The stack alone is `default-features = false`. The features `route-guide` and `transcript` add the rooms of those
//! names, and `cli`, the default, both and what the binaries `server`, `client` and `tour` need.
//!
#![cfg_attr(feature = "route-guide", doc = "[`route_guide`]: crate::route_guide")]
#![cfg_attr(not(feature = "route-guide"), doc = "[`route_guide`]: #features")]
#![cfg_attr(feature = "transcript", doc = "[`transcript`]: crate::transcript")]
#![cfg_attr(not(feature = "transcript"), doc = "[`transcript`]: #features")]

pub mod call;
pub mod client;
pub mod codec;
pub mod connection;
pub mod limits;
pub mod metadata;
#[cfg(feature = "route-guide")]
pub mod route_guide;
pub mod server;
pub mod service;
pub mod status;
#[cfg(feature = "transcript")]
pub mod transcript;
pub mod wire;

// The README's program compiles: it is a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
