//! What a header block is to its call, and where and when it went.

use std::fmt;
use std::time::Duration;

use super::super::place::Place;
use super::super::record::Direction;

/// What a header block is to its call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The frame ends no header block.
    #[default]
    None,
    /// The request's head.
    RequestHead,
    /// Trailers of a request, which gRPC does not have.
    RequestTrailers,
    /// A response with a status of 1xx; the response itself follows.
    Informational,
    /// The response's head.
    ResponseHead,
    /// The end of a response: the status of the call.
    Trailers,
    /// Head and trailers in one: the call ended without a message.
    TrailersOnly,
    /// The request that a server promises to answer.
    Promised,
    /// A block that came after its call was over: one side had reset it, or both had said that they are done.
    Late,
    /// A block of a call whose request's head came before the recording began, or in a gap of it.
    Unseen,
    /// A block on a stream that is no call.
    NoCall,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Role::None => "",
            Role::RequestHead => "request head",
            Role::RequestTrailers => "request trailers",
            Role::Informational => "informational response",
            Role::ResponseHead => "response head",
            Role::Trailers => "trailers",
            Role::TrailersOnly => "Trailers-Only",
            Role::Promised => "promised request",
            Role::Late => "of a call that is over",
            Role::Unseen => "of a call that began earlier",
            Role::NoCall => "of no call",
        })
    }
}

/// Where and when something went.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Way {
    pub(in super::super) direction: Direction,
    pub(in super::super) stream: u32,
    pub(in super::super) at: Duration,
    pub(in super::super) place: Place,
}
