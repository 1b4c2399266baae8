//! One method, as a call finds it.

use std::{fmt, sync::Arc};

use super::heavy::Weight;
use crate::call::IncomingCall;
use crate::limits::{Limits, MethodLimits};
use crate::service::{Handling, Interceptor, Service};
use crate::status::Status;

/// Where the calls of one method go.
pub(super) struct Route {
    service: Arc<dyn Service>,
    interceptors: Vec<Interceptor>,
    limits: MethodLimits,
    pub(super) weight: Weight,
}

impl Route {
    pub(super) fn new(service: Arc<dyn Service>, interceptors: Vec<Interceptor>, limits: MethodLimits) -> Self {
        Route { service, interceptors, limits, weight: Weight::default() }
    }

    /// The longest message that the method takes in, in bytes.
    pub(super) fn max_message(&self, limits: &Limits) -> usize {
        self.limits.max_message.unwrap_or(limits.max_message)
    }

    /// Shows the call to the interceptors, and has the service answer it.
    ///
    /// # Errors
    /// The status with which an interceptor ends the call.
    pub(super) fn call(&self, mut call: IncomingCall) -> Result<Handling<'_>, Status> {
        for look in &self.interceptors {
            look(&mut call)?;
        }
        Ok(self.service.call(call))
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("limits", &self.limits).finish_non_exhaustive()
    }
}
