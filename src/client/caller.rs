//! The four shapes of a call, as the typed clients of `service!` make them.

use std::{future::poll_fn, sync::Arc};

use bytes::{Bytes, BytesMut};
use h2::{SendStream, client::ResponseFuture};
use http::uri::PathAndQuery;
use prost::Message;

use super::{Channel, connection::Live};
use crate::call::client::{Deadline, ResponseBody};
use crate::call::{Answer, Answers, CallOptions, Inbound, Outbound, Outlet, Response};
use crate::{codec, server::Method, status::Status};

/// Calls the methods of one service by their names. A typed client has one inside.
///
/// ```text
///                      given                 gives
/// unary                a message             Response<R>
/// server streaming     a message             Answers<R>
/// client streaming                           Outbound<Q> and an Answer<R> to await
/// bidirectional                              Outbound<Q> and Answers<R>
/// ```
///
/// The streaming shapes hand out their halves as soon as the request head is on its way, without waiting for the
/// response head: there are servers that send that only after the first message.
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

    /// The same with `options` for every call.
    pub fn with(&self, options: CallOptions) -> Self {
        Caller { options, ..self.clone() }
    }

    /// One message out, one in.
    ///
    /// # Errors
    /// The call's status, if it is not OK.
    pub async fn unary<Q: Message, R: Message + Default>(
        &self, method: &str, message: &Q,
    ) -> Result<Response<R>, Status> {
        Answer(self.server_streaming(method, message).await?).response().await
    }

    /// One message out, a stream in.
    ///
    /// # Errors
    /// Why the call could not begin. The call's own status comes from the stream.
    pub async fn server_streaming<Q: Message, R: Message + Default>(
        &self, method: &str, message: &Q,
    ) -> Result<Answers<R>, Status> {
        let mut frame = BytesMut::new();
        codec::encode(message, &mut frame)?;
        let (response, mut request, live, deadline) = self.open(method).await?;
        // It fails when the server has answered already, and then its answer counts.
        let _ = request.send_data(frame.freeze(), true);
        let body = ResponseBody::new(response, live.server, deadline, None);
        Ok(Inbound::new(body, self.channel.shared.limits.max_message))
    }

    /// A stream out, one message in.
    ///
    /// # Errors
    /// As for [`server_streaming`](Self::server_streaming).
    pub async fn client_streaming<Q: Message, R: Message + Default>(
        &self, method: &str,
    ) -> Result<(Outbound<Q>, Answer<R>), Status> {
        let (requests, answers) = self.bidirectional(method).await?;
        Ok((requests, Answer(answers)))
    }

    /// A stream out, a stream in.
    ///
    /// # Errors
    /// As for [`server_streaming`](Self::server_streaming).
    pub async fn bidirectional<Q: Message, R: Message + Default>(
        &self, method: &str,
    ) -> Result<(Outbound<Q>, Answers<R>), Status> {
        let (response, request, live, deadline) = self.open(method).await?;
        let outlet = Arc::new(Outlet::request(request));
        live.drive(Arc::clone(&outlet), deadline.as_ref().map(Deadline::again));
        let body = ResponseBody::new(response, live.server, deadline, Some(Arc::clone(&outlet)));
        Ok((Outbound::new(outlet), Inbound::new(body, self.channel.shared.limits.max_message)))
    }

    /// Begins a call, within its deadline: its request head is on its way.
    async fn open(&self, method: &str) -> Result<(ResponseFuture, SendStream<Bytes>, Live, Option<Deadline>), Status> {
        let path = match self.paths.iter().find(|(name, _)| *name == method) {
            Some((_, Ok(path))) => path,
            Some((_, Err(error))) => return Err(Status::invalid_argument(error.clone())),
            None => return Err(Status::unimplemented(format!("the service declares no method {method}"))),
        };
        let mut deadline = self.options.timeout.map(Deadline::after);
        let opening = self.channel.open(path, self.options.timeout, self.options.metadata.as_headers());
        let (response, request, live) = tokio::select! {
            biased;
            opened = opening => opened?,
            late = poll_fn(|cx| Deadline::poll(&mut deadline, cx)) => return Err(late),
        };
        Ok((response, request, live, deadline))
    }
}

/// The path of each method, or why it is none.
type Paths = Arc<[(&'static str, Result<PathAndQuery, String>)]>;

/// `/service/method` for each method. A service name that makes no path is told when it is called.
fn paths(service: &str, methods: impl Iterator<Item = &'static str>) -> Paths {
    methods
        .map(|method| {
            let path = format!("/{service}/{method}");
            let parsed = PathAndQuery::try_from(path.as_str());
            (method, parsed.map_err(|error| format!("\"{path}\" is no path of a method: {error}")))
        })
        .collect()
}
