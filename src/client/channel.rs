//! A channel: calls to one target, over connections that are made when calls need them.

use std::future::Future;
use std::sync::Arc;
use std::{fmt, io};

use tokio::sync::watch;

use super::balance::Balancer;
use super::hub::{Hub, Permit};
use super::settings::Settings;
use super::state::ConnectivityState;
use super::subchannel::{Dial, Route, Subchannel, Wrap};
use super::target::Target;
use crate::call::{
    Attempt, Body, Call, CallEnd, CallHead, CallOptions, ClientCall, Deadline, Ending, Inbound, Observer, Opening,
    Opens, Outlet, Requests, ResponseSource, Responses, Streaming, status_of,
};
use crate::codec::{self, Payload};
use crate::connection::ByteStream;
use crate::limits::ClientLimits;
use crate::metadata::Metadata;
use crate::policy::{Attempts, Failure, MethodConfig, ServiceConfig, Throttle};
use crate::status::Status;
use crate::wire::{frame, head, path::Path};

/// Calls to one target. Cheap to clone, and all clones share the connections.
///
/// It connects when the first call needs it, or by [`connect`](Self::connect), and again when a connection was lost and
/// calls wait. While the target can't be reached, calls fail at once with UNAVAILABLE and the reason, unless they
/// [wait](CallOptions::wait_for_ready) or their retry policy has them try again; attempts to connect follow each other as
/// gRPC's connection-backoff.md says (rule backoff.not-more-often).
///
/// A call that the server did not process, because it was leaving or refused the stream, begins again by itself. Further
/// attempts are a matter of the [`ServiceConfig`]'s retry policy.
///
/// When the last clone is dropped and the last call has ended, the connections are closed.
#[derive(Clone)]
pub struct Channel {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    hub: Arc<Hub>,
    balancer: Balancer,
    throttle: Option<Arc<Throttle>>,
    /// What is wrong with the settings, if anything is.
    refused: Option<Status>,
}

impl Channel {
    /// Calls to `target`. Nothing is dialled yet.
    pub fn new(target: Target) -> Self {
        let route = Route::Target(target.clone());
        Channel::of(Settings::new(target, route))
    }

    /// Calls to `target` over byte streams that `connect` makes: a pipe in memory, a recorder around TCP. The target
    /// gives the `:authority`.
    pub fn with_connector<F, Fut, IO>(target: Target, limits: ClientLimits, connect: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<IO>> + Send + 'static,
        IO: ByteStream,
    {
        let dial: Dial = Arc::new(move || {
            let connecting = connect();
            Box::pin(async move { Ok(Box::new(connecting.await?) as Box<dyn ByteStream>) })
        });
        Channel::of(Settings { limits, ..Settings::new(target, Route::Custom(dial)) })
    }

    /// The same target over connections of its own, each on the byte stream that `wrap` makes of the dialled one: a
    /// recorder or a throttle around it. `wrap` is told the address too. It must not block.
    ///
    /// ```
    /// # #[cfg(feature = "transcript")]
    /// # fn main() -> Result<(), h2grpc::status::Status> {
    /// use h2grpc::client::Channel;
    /// use h2grpc::transcript::Recording;
    ///
    /// let recording = Recording::new(1 << 20);
    /// let recorder = recording.clone();
    /// let channel = Channel::new("localhost:50051".parse()?).wrap_streams(move |_, stream| recorder.client(stream));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "transcript"))]
    /// # fn main() {}
    /// ```
    pub fn wrap_streams<F, IO>(&self, wrap: F) -> Self
    where
        F: Fn(&str, Box<dyn ByteStream>) -> IO + Send + Sync + 'static,
        IO: ByteStream,
    {
        let wrap: Wrap = Arc::new(move |address, stream| Box::new(wrap(address, stream)));
        Channel::of(Settings { wrap: Some(wrap), ..self.shared.settings.clone() })
    }

    /// The same target with other limits, over connections of its own. With limits that cannot be
    /// ([`ClientLimits::check`]) each call is INVALID_ARGUMENT.
    pub fn limits(&self, limits: ClientLimits) -> Self {
        Channel::of(Settings { limits, ..self.shared.settings.clone() })
    }

    /// The same target over connections of its own, and `observe` is told of the end of each call, however it ends,
    /// exactly once. It is called where the call's response is read or dropped, so it must not block.
    pub fn observe(&self, observe: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) -> Self {
        Channel::of(Settings { observer: Some(Observer::new(observe)), ..self.shared.settings.clone() })
    }

    /// The same target over connections of its own, with settings for each method: time-outs, limits, retries, and how
    /// calls are divided among the target's addresses.
    pub fn service_config(&self, config: ServiceConfig) -> Self {
        Channel::of(Settings { config: Arc::new(config), ..self.shared.settings.clone() })
    }

    fn of(settings: Settings) -> Self {
        let hub = Hub::new();
        let balance = settings.config.load_balancing.unwrap_or_default();
        let subchannel = Subchannel {
            hub: Arc::clone(&hub),
            member: 0,
            server: settings.target.to_string().into(),
            route: settings.route.clone(),
            wrap: settings.wrap.clone(),
            limits: settings.limits.clone(),
        };
        let throttle = settings.config.retry_throttling.map(|throttling| Arc::new(Throttle::new(&throttling)));
        let balancer = Balancer { balance, subchannel };
        let refused = check(&settings).err();
        Channel { shared: Arc::new(Shared { settings, hub, balancer, throttle, refused }) }
    }

    /// Connects now, and waits until the target has been reached.
    ///
    /// # Errors
    /// UNAVAILABLE, when it can't be reached: the attempts go on.
    pub async fn connect(&self) -> Result<(), Status> {
        self.shared.admit(false, &mut None, None).await.map(drop)
    }

    /// What the channel is doing.
    pub fn state(&self) -> ConnectivityState {
        *self.watch().borrow()
    }

    /// Tells what the channel is doing, whenever that changes.
    pub fn watch(&self) -> watch::Receiver<ConnectivityState> {
        self.shared.hub.watch()
    }

    /// Calls a method whose request is one message: typed clients do it by a [`Caller`](super::Caller).
    ///
    /// # Errors
    /// Why the call could not begin. The call's own status comes from the stream.
    pub async fn server_streaming<Q: Payload, R: Payload>(
        &self, path: &Path, options: &CallOptions, message: &Q,
    ) -> Result<Responses<R>, Status> {
        let method = self.method(path);
        let mut call = self.call(path, options, method)?;
        let mut ending = self.ending(path);
        let begun = self.begin_with_message(&mut call, method, message).await;
        let attempt = begun.inspect_err(|status| ending.close(status))?;
        if let Body::One(frame) = &call.request {
            ending.call.sent = frame.len() as u64;
        }
        Ok(self.responses(method, ResponseSource::of_message(call, attempt, ending)))
    }

    /// Calls a method whose request is a stream: typed clients do it by a [`Caller`](super::Caller).
    ///
    /// # Errors
    /// As for [`server_streaming`](Self::server_streaming).
    pub async fn bidirectional<Q: Payload, R: Payload>(
        &self, path: &Path, options: &CallOptions,
    ) -> Result<(Requests<Q>, Responses<R>), Status> {
        let method = self.method(path);
        let mut call = self.call(path, options, method)?;
        let mut ending = self.ending(path);
        let attempt = self.shared.open_stream(&mut call).await.inspect_err(|status| ending.close(status))?;
        let head = CallHead::new(path.clone(), Metadata::new(), call.deadline, None);
        let outlet = Outlet::request(head, self.shared.settings.limits.retry_buffer);
        call.request = Body::Stream(Arc::clone(&outlet));
        ending.call.request = Some(Arc::clone(&outlet));
        let deadline = call.deadline;
        let awaited = Streaming::begin(call, &outlet, attempt);
        let responses = self.responses(method, ResponseSource::of_stream(awaited, deadline, ending));
        Ok((Requests::new(outlet), responses))
    }

    /// What the service config says of a method.
    fn method(&self, path: &Path) -> Option<&MethodConfig> {
        self.shared.settings.config.for_method(path).map(|method| &**method)
    }

    fn call(&self, path: &Path, options: &CallOptions, method: Option<&MethodConfig>) -> Result<Call, Status> {
        if let Some(policy) = &options.retry {
            policy.check()?;
        }
        let settled = options.settle(method);
        Ok(Call {
            channel: Arc::clone(&self.shared) as Arc<dyn Opens>,
            path: path.clone(),
            metadata: options.metadata.clone(),
            deadline: settled.timeout.map(Deadline::after),
            wait_for_ready: settled.wait_for_ready,
            retry: settled.retry.cloned(),
            throttle: self.shared.throttle.clone(),
            request: Body::None,
            attempts: Attempts::default(),
            place: None,
        })
    }

    fn ending(&self, path: &Path) -> Ending<ClientCall> {
        let call = ClientCall { path: path.clone(), request: None, sent: 0, received: 0 };
        Ending::new(call, self.shared.settings.observer.as_ref())
    }

    /// Waits for a permit before it encodes `message`: a call that waits costs no second copy of it.
    async fn begin_with_message<Q: Payload>(
        &self, call: &mut Call, method: Option<&MethodConfig>, message: &Q,
    ) -> Result<Attempt, Status> {
        let permit = self.shared.permit(call).await?;
        let frame = codec::to_frame(message)?;
        check_length(frame.len() - frame::PREFIX_LEN, method.and_then(|method| method.max_request_message_bytes))?;
        call.request = Body::One(frame);
        match self.shared.start(permit, call)? {
            Some(attempt) => Ok(attempt),
            None => self.shared.open_stream(call).await,
        }
    }

    fn responses<R: Payload>(&self, method: Option<&MethodConfig>, source: ResponseSource) -> Responses<R> {
        let most = self.shared.settings.limits.max_message;
        let of_method = method.and_then(|method| method.max_response_message_bytes);
        Inbound::new(source, of_method.map_or(most, |bytes| bytes.min(most)))
    }
}

impl Shared {
    async fn admit(
        &self, waits_for_ready: bool, place: &mut Option<u64>, deadline: Option<Deadline>,
    ) -> Result<Permit<'_>, Status> {
        match &self.refused {
            Some(why) => Err(why.clone()),
            None => self.hub.admit(waits_for_ready, place, deadline, || self.balancer.clone()).await,
        }
    }

    /// Waits for a permit. That no server can be reached is a failed attempt, which the call's retry policy is for.
    async fn permit(&self, call: &mut Call) -> Result<Permit<'_>, Status> {
        loop {
            match self.admit(call.wait_for_ready, &mut call.place, call.deadline).await {
                Ok(permit) => return Ok(permit),
                Err(status) => match call.pause(Failure::from(&status)) {
                    Some(pause) => call.rest(pause).await?,
                    None => return Err(status),
                },
            }
        }
    }

    /// Waits for a permit and opens a stream. A connection that is lost between the two is no failure of the call.
    async fn open_stream(&self, call: &mut Call) -> Result<Attempt, Status> {
        loop {
            let permit = self.permit(call).await?;
            if let Some(attempt) = self.start(permit, call)? {
                return Ok(attempt);
            }
        }
    }

    /// Opens a stream, and sends the request's head and its message. `None` if the connection takes no more calls.
    fn start(&self, permit: Permit<'_>, call: &mut Call) -> Result<Option<Attempt>, Status> {
        let Some(connection) = permit.connection() else { return Ok(None) };
        let target = &self.settings.target;
        // What dialling and waiting took is over: the server has what is left.
        let timeout = call.deadline.map(|deadline| deadline.left());
        let mut request =
            head::request(&target.scheme, &target.authority, &call.path, timeout, Some(call.metadata.as_headers()));
        if call.attempts.previous() > 0 {
            request.headers_mut().insert(head::GRPC_PREVIOUS_RPC_ATTEMPTS, call.attempts.previous().into());
        }
        match connection.open(request) {
            Ok(mut attempt) => {
                permit.used();
                if let Body::One(frame) = &call.request {
                    // It fails when the server has answered already, and then its answer counts.
                    let _ = attempt.request.send_data(frame.clone().into(), true);
                }
                Ok(Some(attempt))
            }
            Err(error) if error.is_io() || error.is_go_away() => {
                connection.leaves(error.to_string());
                self.hub.change(|pool| pool.lost(connection.id));
                Ok(None)
            }
            Err(error) => Err(status_of(error, &format!("a call was begun to {}", self.settings.target))),
        }
    }
}

/// Checks what a user has set.
fn check(settings: &Settings) -> Result<(), Status> {
    settings.limits.check().map_err(|error| Status::invalid_argument(error.to_string()))?;
    Ok(settings.config.check()?)
}

/// Refuses a request that is longer than its method allows.
fn check_length(length: usize, most: Option<usize>) -> Result<(), Status> {
    match most {
        Some(most) if length > most => Err(Status::resource_exhausted(format!(
            "the request's message has {length} bytes, which is over the limit of {most} bytes that the service config \
             sets (max_request_message_bytes)"
        ))),
        _ => Ok(()),
    }
}

impl Opens for Shared {
    fn open<'a>(&'a self, call: &'a mut Call) -> Opening<'a> {
        Box::pin(self.open_stream(call))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.hub.shut();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Channel").field(&self.settings.target).finish()
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}
