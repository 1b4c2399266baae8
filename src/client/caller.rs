//! The four shapes of a call, as the typed clients of `service!` make them.

use std::sync::Arc;

use super::Channel;
use crate::call::{CallOptions, PendingResponse, Requests, Response, Responses};
use crate::codec::Payload;
use crate::service::Method;
use crate::status::Status;
use crate::wire::path::{Path, PathError};

/// Calls the methods of one service by their names. A typed client has one inside.
///
/// ```text
///                      given                 gives
/// unary                a message             Response<R>
/// server streaming     a message             Responses<R>
/// client streaming                           Requests<Q> and a PendingResponse<R> to await
/// bidirectional                              Requests<Q> and Responses<R>
/// ```
///
/// The streaming shapes hand out their halves as soon as the request head is on its way, without waiting for the
/// response head: there are servers that send that only after the first message.
///
/// A call that is dropped before it is ready, as `tokio::select!` does, is cancelled if it has left already.
#[derive(Clone, Debug)]
pub struct Caller {
    channel: Channel,
    paths: Paths,
    options: CallOptions,
}

impl Caller {
    /// Calls `methods` of `service` over `channel`.
    pub fn new(channel: Channel, service: &str, methods: &'static [Method]) -> Self {
        let names = methods.iter().map(|method| method.name);
        Caller { channel, paths: paths(service, names), options: CallOptions::new() }
    }

    /// The same for a server that has the service under the name `service`.
    pub fn named(&self, service: &str) -> Self {
        let names = self.paths.iter().map(|(name, _)| *name);
        Caller { paths: paths(service, names), ..self.clone() }
    }

    /// The same with `options` for every call, as well as those that it has: see [`CallOptions::merge`].
    pub fn with(&self, options: CallOptions) -> Self {
        Caller { options: self.options.merge(&options), ..self.clone() }
    }

    /// One message out, one in.
    ///
    /// # Errors
    /// The call's status, if it is not OK.
    pub async fn unary<Q: Payload, R: Payload>(&self, method: &str, message: &Q) -> Result<Response<R>, Status> {
        PendingResponse(self.server_streaming(method, message).await?).response().await
    }

    /// One message out, a stream in.
    ///
    /// # Errors
    /// Why the call could not begin. The call's own status comes from the stream.
    pub async fn server_streaming<Q: Payload, R: Payload>(
        &self, method: &str, message: &Q,
    ) -> Result<Responses<R>, Status> {
        self.channel.server_streaming(self.path(method)?, &self.options, message).await
    }

    /// A stream out, one message in.
    ///
    /// # Errors
    /// As for [`server_streaming`](Self::server_streaming).
    pub async fn client_streaming<Q: Payload, R: Payload>(
        &self, method: &str,
    ) -> Result<(Requests<Q>, PendingResponse<R>), Status> {
        let (requests, responses) = self.bidirectional(method).await?;
        Ok((requests, PendingResponse(responses)))
    }

    /// A stream out, a stream in.
    ///
    /// # Errors
    /// As for [`server_streaming`](Self::server_streaming).
    pub async fn bidirectional<Q: Payload, R: Payload>(
        &self, method: &str,
    ) -> Result<(Requests<Q>, Responses<R>), Status> {
        self.channel.bidirectional(self.path(method)?, &self.options).await
    }

    fn path(&self, method: &str) -> Result<&Path, Status> {
        match self.paths.iter().find(|(name, _)| *name == method) {
            Some((_, Ok(path))) => Ok(path),
            Some((_, Err(error))) => Err(Status::invalid_argument(error.to_string())),
            None => Err(Status::unimplemented(format!("the service declares no method {method}"))),
        }
    }
}

/// The path of each method, or why it is none.
type Paths = Arc<[(&'static str, Result<Path, PathError>)]>;

/// `/service/method` for each method. A service name that makes no path is told when it is called.
fn paths(service: &str, methods: impl Iterator<Item = &'static str>) -> Paths {
    methods.map(|method| (method, Path::new(service, method))).collect()
}
