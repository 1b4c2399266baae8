//! gRPC on the wire, by hand: a small gRPC stack built directly on the [`h2`] crate.
//!
//! This page is the map of the crate. It follows one call, the tutorial's `GetFeature`, through the server, with the
//! bytes that `cargo run --release` shows for it. If you want to *use* the crate, begin with [`service!`], [`server`]
//! and [`client`].
//!
//! # The modules, in reading order
//!
//! | module | what it does |
//! |---|---|
//! | [`wire`] | bytes to values and back, one production of the gRPC specification a file: [`wire::path`], [`wire::head`], [`wire::frame`], [`wire::timeout`], [`wire::percent`], [`wire::binary`], [`wire::code`] |
//! | [`status`], [`metadata`], [`limits`] | values that all modules share: how a call ended, what it says besides messages, what a peer may make us hold |
//! | [`policy`] | when a client tries a call again, and what holds for each method |
//! | [`codec`] | a message to the payload of a frame and back, with `prost` |
//! | [`call`] | one call on a pair of HTTP/2 streams: messages in, messages out, deadline, cancellation |
//! | [`mod@service`] | [`service!`], which makes a trait for the server and a typed client of a declaration |
//! | [`connection`] | what the connections of servers and clients share: the byte stream, its turns, keepalive |
//! | [`server`] | accepts connections, finds the method of each call, runs its handler, and stops gently |
//! | [`client`] | connects to a server when a call needs it, and makes calls |
//! | [`route_guide`] | the example service: its database, its geometry, its four handlers |
//! | [`transcript`] | records the bytes of a connection and explains them, as below |
//!
//! # One call
//!
//! **1. Bytes.** [`server::listen`] opens the socket. Each connection that is accepted becomes one task, in which h2
//! reads HTTP/2 from the connection's [`ByteStream`](connection::ByteStream): the client's preface, SETTINGS, and then
//! this HEADERS frame.
//!
//! <!-- golden: get-feature.txt, stream 1, frame 1, fields -->
//! ```text
//! -> HEADERS  stream 1  END_HEADERS  76 bytes                             request head
//!     00 00 4c 01 04 00 00 00 01           frame header: length 76, type 1, flags 0x04, stream 1
//!     83                                   :method: POST                   indexed 3 of the static table
//!     86                                   :scheme: http                   indexed 6 of the static table
//!     41 8b a0 e4 1d 13 9d 09 b8 d8 00 d8  :authority: localhost:50051     literal, added; name 1; Huffman
//!     7f
//!     04 98 62 c3 da 92 cd 69 a4 2a fb 4f  :path: /routeguide.RouteGuide/GetFeature
//!     6a 4b 8a d3 48 56 31 15 38 4a 34 db                                  literal, not added; name 4; Huffman
//!     61 7f
//!     40 82 49 7f 86 4d 83 35 05 b1 1f     te: trailers                    literal, added; new name; Huffman
//!     5f 8b 1d 75 d0 62 0d 26 3d 4c 4d 65  content-type: application/grpc  literal, added; name 31; Huffman
//!     64
//!     7a 89 9c 53 59 59 18 02 e1 5c 1f     user-agent: h2grpc/0.1.0        literal, added; name 58; Huffman
//! ```
//!
//! **2. Head.** [`wire::head::read_request`] checks the head, and reads from it the client's time-out, if
//! `grpc-timeout` is there ([`wire::timeout`]); [`wire::head::read_path`] reads which method is called
//! ([`wire::path`]). The other headers become the call's [`Metadata`](metadata::Metadata). A head that breaks a rule is
//! answered at once, with an HTTP status or a gRPC [`Status`](status::Status); no handler sees it.
//!
//! **3. Method.** The server looks the path up among the methods of the services that were added to it
//! ([`Server::add`](server::Server::add)), and hands the call to the [`Service`](service::Service) that has the method.
//! The code that [`service!`] has written gives the call the shape that the method declares, which here is
//! [`IncomingCall::unary`](call::IncomingCall::unary): one message in, one message out.
//!
//! **4. Message.** The DATA frame holds a Length-Prefixed-Message: a prefix of five bytes, and the payload.
//! [`wire::frame::Decoder`] takes messages out of DATA frames, however they were cut. [`codec`] decodes the payload,
//! and [`call::Inbound`] hands the message over.
//!
//! <!-- golden: get-feature.txt, stream 1, frame 2, fields -->
//! ```text
//! -> DATA     stream 1  END_STREAM  22 bytes                              message 1
//!     00 00 16 00 01 00 00 00 01           frame header: length 22, type 0, flags 0x01, stream 1
//!     00                                   compressed: no                  flag
//!     00 00 00 11                          message length: 17              routeguide.Point
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
//! **5. Handler.** `get_feature` of [`route_guide`] runs in the connection's own task, so that the call costs neither a
//! task nor a wake-up. It returns a message, or a [`Status`](status::Status) that says why there is none.
//!
//! **6. Answer.** The message goes into the call's buffer. What is in there goes to h2, within the client's
//! flow-control window, when it is enough for a large frame ([`limits::BATCH`]) or when the handler waits or ends: a
//! streaming handler, which sends through [`call::Outbound`], gets many small messages into one DATA frame like this.
//! Head, message and trailers of this call leave in one system call.
//!
//! <!-- golden: get-feature.txt, stream 1, frames 3-4, fields -->
//! ```text
//! <- HEADERS  stream 1  END_HEADERS  14 bytes                             response head
//!     00 00 0e 01 04 00 00 00 01           frame header: length 14, type 1, flags 0x04, stream 1
//!     88                                   :status: 200                    indexed 8 of the static table
//!     5f 8b 1d 75 d0 62 0d 26 3d 4c 4d 65  content-type: application/grpc  literal, added; name 31; Huffman
//!     64
//! <- DATA     stream 1  84 bytes                                          message 1
//!     00 00 54 00 00 00 00 00 01           frame header: length 84, type 0, flags 0x00, stream 1
//!     00                                   compressed: no                  flag
//!     00 00 00 4f                          message length: 79              routeguide.Feature
//!     0a 3a 42 65 72 6b 73 68 69 72 65 20  1 name: "Berkshire Valley Management Area Trail, Jefferson, NJ, USA"
//!     56 61 6c 6c 65 79 20 4d 61 6e 61 67                                  LEN string, 58 bytes
//!     65 6d 65 6e 74 20 41 72 65 61 20 54
//!     72 61 69 6c 2c 20 4a 65 66 66 65 72
//!     73 6f 6e 2c 20 4e 4a 2c 20 55 53 41
//!     12 11                                2 location: routeguide.Point    LEN message, 17 bytes
//!     08 9a a6 8c c3 01                      1 latitude: 409146138         VARINT int32
//!     10 96 9f 98 9c fd ff ff ff ff 01       2 longitude: -746188906       VARINT int32, negative: 10 bytes
//! ```
//!
//! **7. Trailers.** The call ends with its status, which [`wire::head::put_status`] writes: the code and, for an error,
//! a message ([`wire::percent`]) and details ([`wire::binary`]).
//!
//! <!-- golden: get-feature.txt, stream 1, frame 5, fields -->
//! ```text
//! <- HEADERS  stream 1  END_STREAM  END_HEADERS  12 bytes                 trailers
//!     00 00 0c 01 05 00 00 00 01           frame header: length 12, type 1, flags 0x05, stream 1
//!     40 88 9a ca c8 b2 12 34 da 8f 81 07  grpc-status: 0                  OK; literal, added; new name; Huffman
//! ```
//!
//! **8. The client** does the same in reverse. The typed client that [`service!`] has written makes the call with a
//! [`client::Caller`]: it opens a stream on its [`client::Channel`], and sends head and message. What comes back is a
//! [`call::Response`], or the `Status` that the trailers have. If the stream is reset or the connection lost, the
//! status follows from that ([`wire::code`]).
//!
//! **9. The listings** on this page are made by [`transcript`], which records a connection's bytes and reads HTTP/2 by
//! its own code.
//!
//! # Features
//!
//! With `default-features = false` you get the gRPC stack alone. The features `route-guide` and `transcript` add the
//! modules of those names. `service-config` reads a [`policy::ServiceConfig`] from JSON. `stream` makes streams of
//! `futures-core` of a call's halves ([`call::Inbound`], [`call::Requests`]). `cli` adds these four and what the programs
//! `server`, `client` and `tour` need, and `tap` what the program of that name needs besides. `lean-log` compiles log
//! lines below "info" out of release builds, those of your own program too. `cli`, `tap` and `lean-log` are on by default.
//!
#![cfg_attr(feature = "route-guide", doc = "[`route_guide`]: crate::route_guide")]
#![cfg_attr(not(feature = "route-guide"), doc = "[`route_guide`]: #features")]
#![cfg_attr(feature = "transcript", doc = "[`transcript`]: crate::transcript")]
#![cfg_attr(not(feature = "transcript"), doc = "[`transcript`]: #features")]

/// The examples in the client's guide, which are compiled as those of this documentation are.
#[cfg(all(doctest, feature = "route-guide", feature = "service-config"))]
#[doc = include_str!("../docs/client.md")]
pub struct ClientGuide;

pub mod call;
pub mod client;
pub mod codec;
pub mod connection;
pub mod limits;
pub(crate) mod memory;
pub mod metadata;
pub mod policy;
#[cfg(feature = "route-guide")]
pub mod route_guide;
pub mod server;
pub mod service;
pub mod status;
#[cfg(feature = "transcript")]
pub mod transcript;
pub mod wire;
