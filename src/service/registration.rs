//! A service as a server takes it: with more names, limits and interceptors, if it has any.

use std::{fmt, sync::Arc};

use super::Service;
use crate::call::IncomingCall;
use crate::limits::MethodLimits;
use crate::status::Status;

/// A service for [`Server::add`](crate::server::Server::add), with what the server is told about it.
///
/// ```
/// # fn register(guide: impl h2grpc::service::Service) -> h2grpc::service::Registration {
/// use h2grpc::limits::MethodLimits;
/// use h2grpc::service::Registration;
/// use h2grpc::status::Status;
///
/// Registration::from(guide)
///     .also_as("RouteGuide")
///     .limit("RecordRoute", MethodLimits::default().max_message(1024))
///     .intercept(|call| match call.context().metadata().get("authorization") {
///         Some(_) => Ok(()),
///         None => Err(Status::unauthenticated("the header authorization is missing")),
///     })
/// # }
/// ```
pub struct Registration {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) names: Vec<String>,
    pub(crate) limits: Vec<(String, MethodLimits)>,
    pub(crate) interceptors: Vec<Interceptor>,
}

/// Looks at a call before its service does.
pub(crate) type Interceptor = Arc<dyn Fn(&mut IncomingCall) -> Result<(), Status> + Send + Sync>;

impl Registration {
    /// Answers calls to the service `name` as well.
    pub fn also_as(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Has `limits` in place of the server's for `method`, such as `GetFeature`. A method that the service does not have
    /// is refused when the server starts.
    pub fn limit(mut self, method: impl Into<String>, limits: MethodLimits) -> Self {
        self.limits.push((method.into(), limits));
        self
    }

    /// Shows each call to `look` before it is answered, in the order in which interceptors are added. An error ends the
    /// call with that status. Values that `look` puts in the call's
    /// [extensions](crate::call::CallContext::extensions_mut) reach the handler.
    pub fn intercept(mut self, look: impl Fn(&mut IncomingCall) -> Result<(), Status> + Send + Sync + 'static) -> Self {
        self.interceptors.push(Arc::new(look));
        self
    }
}

impl<S: Service> From<S> for Registration {
    fn from(service: S) -> Self {
        Registration {
            names: vec![service.name().to_owned()],
            service: Arc::new(service),
            limits: Vec::new(),
            interceptors: Vec::new(),
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("names", &self.names).field("limits", &self.limits).finish_non_exhaustive()
    }
}
